"""The result of one search in memory, and the folder of such results."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

import attrs

from nasir.apps.bench.effort import Effort, FullEvaluation, is_full
from nasir.apps.bench.simulation import simulation
from nasir.apps.formatting import score_axis
from nasir.core.errors import RunFolderError
from nasir.runs.foreign_folders import refuse_links_out
from nasir.runs.validation import is_number
from nasir.settings.experiment import experiment
from nasir.settings.overrides import Settings

DESCRIPTION = "bench.json"
RESULTS = "results.jsonl"

TRIALS_AN_EVALUATION = 100
"""Most trials of a search for each full evaluation of its budget."""


@attrs.frozen
class SearchResult:
    """A search with one seed: its full evaluations and its cost.

    `failure` is the reason of its first failed trial, `measure` what its scores are, as at an axis.
    """

    entry: int
    seed: int
    evaluations: float
    scored: int
    failed: int
    failure: str | None
    found: tuple[FullEvaluation, ...]
    measure: str = "score"


def run_search(entry: int, settings: Settings, seed: int, full: int) -> SearchResult:
    """Search in memory, by a run's `settings`, until `full` full evaluations are spent."""
    planned = experiment({**settings, "seed": seed})
    effort, evaluated = Effort(), []
    full_trials = []
    failure: str | None = None
    trials = simulation(planned.problem, planned.strategy, full * TRIALS_AN_EVALUATION)
    for trial in trials:
        effort.add(trial)
        if trial.state == "failed":
            failure = failure or trial.reason
        if effort.evaluations > full + 1e-9:
            break
        if is_full(trial) and trial.score is not None:
            full_trials.append(trial)
            evaluated.append(FullEvaluation(effort.evaluations, trial.architecture.id, trial.score))
        if effort.evaluations > full - 1e-9:
            break
    spent = min(effort.evaluations, full)
    return SearchResult(
        *(entry, seed, spent, effort.scored, effort.failed, failure, tuple(evaluated)),
        score_axis(full_trials),
    )


class ResultsFolder:
    """A folder of results, a line each; a search with a result there is not repeated."""

    def __init__(self, folder: str | Path, description: Mapping[str, Any]) -> None:
        """Make the folder, or open one with results of the same `description`."""
        self.folder = Path(folder).expanduser()
        refuse_links_out(self.folder)
        try:
            self._describe(json.dumps(description, indent=1, sort_keys=True))
            self.results = self._read()
        except OSError as error:
            raise RunFolderError(f"cannot use the folder {self.folder}: {error.strerror}") from None

    def add(self, result: SearchResult) -> None:
        """Write a result."""
        line = json.dumps(attrs.asdict(result) | {"found": list(map(attrs.astuple, result.found))})
        try:
            with (self.folder / RESULTS).open("a", encoding="utf-8") as file:
                file.write(line + "\n")
        except OSError as error:
            raise RunFolderError(f"cannot write in {self.folder}: {error.strerror}") from None
        self.results.append(result)

    def _describe(self, description: str) -> None:
        file = self.folder / DESCRIPTION
        if file.exists():
            if file.read_bytes() != description.encode():
                raise RunFolderError(
                    f"{self.folder} holds the results of another bench: give the words that it "
                    f"was made with (they are in {DESCRIPTION}), or another folder"
                )
            return
        if self.folder.is_dir() and any(self.folder.iterdir()):
            raise RunFolderError(
                f"{self.folder} is not empty and not the folder of a bench: choose another"
            )
        self.folder.mkdir(parents=True, exist_ok=True)
        file.write_bytes(description.encode())

    def _read(self) -> list[SearchResult]:
        """The results; an unfinished last line, of a killed process, is removed."""
        file = self.folder / RESULTS
        if not file.exists():
            return []
        content = file.read_bytes()
        whole = content[: content.rfind(b"\n") + 1]
        if len(whole) < len(content):
            file.write_bytes(whole)
        try:
            return [_result(json.loads(line)) for line in whole.splitlines()]
        except (ValueError, TypeError, KeyError, RecursionError):
            raise RunFolderError(f"{file} is damaged: choose another folder") from None


def known_ranking(results: Sequence[SearchResult]) -> list[tuple[float, str]]:
    """The architectures that any search evaluated, by their mean score, the best first."""
    scores: dict[str, list[float]] = {}
    for one in chain.from_iterable(result.found for result in results):
        scores.setdefault(one.architecture, []).append(one.score)
    means = [(sum(values) / len(values), name) for name, values in scores.items()]
    return sorted(means, key=lambda pair: (-pair[0], pair[1]))


def _result(content: Mapping[str, Any]) -> SearchResult:
    result = SearchResult(
        **{**content, "found": tuple(FullEvaluation(*one) for one in content["found"])}
    )
    counts = (result.entry, result.seed, result.scored, result.failed)
    figures = [
        result.evaluations,
        *(f for one in result.found for f in (one.evaluations, one.score)),
    ]
    if not all(type(count) is int for count in counts) or not all(map(is_number, figures)):
        raise ValueError("a figure is no number")
    texts = (result.measure, *(one.architecture for one in result.found))
    if not all(isinstance(text, str) for text in texts):
        raise ValueError("a name is no text")
    return result
