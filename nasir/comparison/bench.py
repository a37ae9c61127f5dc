"""Which strategy finds the best architectures soonest, over many seeds."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import attrs

from nasir import api
from nasir.comparison.entrants import Entrant, entrants, results
from nasir.comparison.outcome import Outcome, outcomes
from nasir.comparison.results import Result, ResultsFolder
from nasir.core import configure
from nasir.core.errors import SettingsError
from nasir.core.progress import report
from nasir.core.recipes import given_words

RECIPE = "dipbench"

DEFAULTS = {"seeds": 50, "full": 200}

FOREIGN = {
    "seed": "write seeds=N, for the seeds from 0 on",
    "trials": "write full=N, the full evaluations that a search may spend",
    "seconds": "write full=N, the full evaluations that a search may spend",
    "executor": "write workers=N",
    "folder": "name an output folder (-o FOLDER)",
    "name": "name an output folder (-o FOLDER)",
}
"""Settings of a run that have another name here."""


@attrs.frozen(eq=False)
class Bench:
    """What takes part, with how many seeds and full evaluations each, on how many workers."""

    entrants: Sequence[Entrant]
    seeds: int
    full: int
    workers: int

    def outcomes(self, output: str | Path | None = None) -> list[Outcome]:
        """What every search came to, by problem; progress is told by ``report``.

        A folder `output` keeps each search's result, and has those that need no search any more.
        """
        folder = None
        if output is not None:
            settings = [[one.problem, one.strategy, one.settings] for one in self.entrants]
            folder = ResultsFolder(output, {"full": self.full, "entrants": settings})
        return outcomes(self.entrants, self._results(folder), self.full)

    def _results(self, folder: ResultsFolder | None) -> list[Result]:
        jobs = [(n, seed) for seed in range(self.seeds) for n in range(len(self.entrants))]
        kept = {(one.entrant, one.seed): one for one in (folder.results if folder else ())}
        done = {job: kept[job] for job in jobs if job in kept}
        left = [job for job in jobs if job not in done]
        workers = min(self.workers, len(left))
        if left:
            executor = configure.make("executor", "inline" if workers == 1 else "process")
            pool = executor.start(workers)
            try:
                for result in results(self.entrants, left, self.full, pool, workers):
                    done[result.entrant, result.seed] = result
                    if folder is not None:
                        folder.add(result)
                    report(len(done), len(jobs))
            finally:
                pool.shutdown(wait=False, cancel_futures=True)
        return [done[job] for job in jobs]


def bench(*words: str, output: str | Path | None = None, **settings: Any) -> list[Outcome]:
    """Search with several strategies and many seeds: ``bench("strategy=random,rl", seeds=20)``.

    Words and settings as for a search, where lists sweep; also ``seeds`` (searches of each),
    ``full`` (full evaluations that a search may spend) and ``workers`` (which change no result).
    Without ``space`` and ``evaluator`` the table that comes with nasir is searched. The folder
    `output` keeps results and is gone on with. Returns an outcome for each problem; raises
    :class:`~nasir.core.errors.NasirError` for what cannot be searched as it is given.
    """
    return plan(words, settings).outcomes(output)


def plan(words: Sequence[str], settings: Mapping[str, Any] | None = None) -> Bench:
    """What words and settings ask for; wrong ones are refused before any search."""
    own, texts, others = _parted(words, dict(settings or {}))
    given = {word.path[0] for word in given_words(texts, others)}
    if "strategy" not in given:
        raise SettingsError("bench wants strategies to compare: strategy=random,evolution")
    if "space" not in given and "evaluator" not in given:
        texts = [RECIPE, *texts]
    elif "evaluator" not in given:
        texts = ["evaluator=table", *texts]
    taking_part = entrants(api.sweep(texts, others), api.plan(texts, others))
    for one in taking_part:
        one.planned.problem.check()
    return Bench(taking_part, **own)


def _parted(
    words: Sequence[str], settings: dict[str, Any]
) -> tuple[dict[str, int], list[str], dict[str, Any]]:
    """bench's own words, and the others as words and settings."""
    own = {**DEFAULTS, "workers": _cores()}
    others = []
    for word in words:
        key, equals, value = word.partition("=")
        if equals and key in FOREIGN:
            raise SettingsError(f"bench has no {key}=: {FOREIGN[key]}")
        if equals and key in own:
            own[key] = _count(key, value)
        else:
            others.append(word)
    for key in FOREIGN.keys() & settings.keys():
        raise SettingsError(f"bench has no {key}=: {FOREIGN[key]}")
    for key in own.keys() & settings.keys():
        own[key] = _count(key, str(settings.pop(key)))
    return own, others, settings


def _count(key: str, value: str) -> int:
    if not re.fullmatch(r"[1-9]\d{0,5}", value):
        raise SettingsError(f"{key}={value}: {key} wants a whole number from 1, such as {key}=20")
    return int(value)


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
