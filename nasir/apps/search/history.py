"""What a search knows before its first trial: the trials of earlier runs, and of elsewhere.

A run keeps a copy of them, so that it continues alike whatever became of the others.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import attrs

from nasir.core.architecture import Architecture
from nasir.core.errors import NasirError, RunFolderError, SettingsError
from nasir.core.objectives import objectives, values_of
from nasir.core.strategy import Strategy
from nasir.core.trial import FULL, Proposal, Trial
from nasir.runs.run import Run
from nasir.runs.validation import is_finite
from nasir.settings.experiment import Experiment

FILE = "history.jsonl"
"""The trials of others, in the folder of the run that learns from them."""

LINE = '{"architecture": {"space": ..., "choices": {...}}, "score": 27.1, "metrics": {...}}'
"""A line of a file of trials; the metrics may be left out."""


def read(planned: Experiment) -> bytes:
    """The content of :data:`FILE` for a new run: the trials of all places of ``history=``.

    Refuses a strategy that learns nothing from them, a place without a trial of the space that is
    searched, and trials that lack an objective.
    """
    if type(planned.strategy).inherit is Strategy.inherit:
        raise SettingsError(
            f"strategy={planned.names['strategy']} learns nothing from the trials of others: leave "
            "history= out, or take a strategy that does, such as evolution or bananas"
        )
    lines = []
    for place in planned.settings.history or ():
        found = [trial for trial in _trials(Path(place), planned) if _is_possible(trial, planned)]
        if not found:
            raise SettingsError(
                f"history={place} has no trial with an architecture of the space that is searched"
            )
        lines += [_line(_scored(trial, place, planned)) for trial in found]
    return "".join(lines).encode()


def of(run: Run, planned: Experiment) -> list[Trial]:
    """The trials that a run began with; their numbers are below 0."""
    if not planned.settings.history:
        return []
    trials = list(_from_lines(run.place / FILE))
    return [attrs.evolve(one, number=n - len(trials)) for n, one in enumerate(trials)]


def _trials(place: Path, planned: Experiment) -> Iterator[Trial]:
    if not place.is_dir():
        return _from_lines(place)
    run = Run(place)
    theirs, ours = objectives(run.settings.get("objective", ())), planned.problem.objectives
    if theirs and not ours:
        names = ",".join(map(str, theirs))
        raise SettingsError(
            f"history={place} was a search for {names}: say objective={names}, or leave it out"
        )
    trials = [t for t in run.trials if t.state == "complete"]
    return (t for t in trials if t.proposal.stage == FULL and t.proposal.fidelity == 1)


def _is_possible(trial: Trial, planned: Experiment) -> bool:
    """Whether the architecture may be proposed in this search."""
    problem, architecture = planned.problem, trial.architecture
    return architecture in problem.space.domain and problem.refusal(architecture) is None


def _scored(trial: Trial, place: str, planned: Experiment) -> Trial:
    """The trial with the score that it would have in this search."""
    values = values_of(trial, planned.problem.objectives)
    if values is None:
        names = ",".join(map(str, planned.problem.objectives))
        raise SettingsError(f"history={place}: {trial.architecture.id} has no {names}")
    return attrs.evolve(trial, score=values[0])


def _line(trial: Trial) -> str:
    content = {
        "architecture": trial.architecture.mapping,
        "score": trial.score,
        "metrics": dict(trial.metrics),
    }
    return json.dumps(content) + "\n"


def _from_lines(file: Path) -> Iterator[Trial]:
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise RunFolderError(f"cannot read the trials in {file}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise SettingsError(f"{file} is no file of trials: a line of one is {LINE}") from None
    for number, line in enumerate(lines, 1):
        if line.strip():
            yield _from_line(line, f"{file}, line {number}")


def _from_line(line: str, where: str) -> Trial:
    content = _parsed(line, where)
    score, metrics = content.get("score"), content.get("metrics", {})
    figures: list[Any] = [score, *metrics.values()] if isinstance(metrics, dict) else [None]
    if not all(map(is_finite, figures)):
        raise SettingsError(f"{where}: score and metrics must be finite numbers; a line is {LINE}")
    try:
        architecture = Architecture.from_mapping(content.get("architecture"))
    except NasirError as error:
        raise SettingsError(f"{where}: {error}") from None
    return Trial(-1, Proposal(architecture), 0, "complete", score, metrics)


def _parsed(line: str, where: str) -> dict[str, Any]:
    try:
        content = json.loads(line)
    except (ValueError, RecursionError):
        content = None
    if not isinstance(content, dict):
        raise SettingsError(f"{where} is no trial: a line is {LINE}")
    return content
