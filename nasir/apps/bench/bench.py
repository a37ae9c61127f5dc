"""Which strategy finds the best architectures soonest, over many seeds."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Executor, Future, wait
from pathlib import Path
from typing import Any

import attrs

from nasir.apps.bench.entrants import Entrant, entrants
from nasir.apps.bench.outcome import Outcome, outcomes
from nasir.apps.bench.results import Result, ResultsFolder, searched
from nasir.apps.search import search as api
from nasir.core.errors import SettingsError
from nasir.core.progress import report
from nasir.settings.building import make
from nasir.settings.experiment import usable_cores
from nasir.settings.recipes import read_overrides, read_text

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

Job = tuple[int, int]
"""An entrant's number and a seed."""


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
            executor = make("executor", "inline" if workers == 1 else "process")
            pool = executor.start(workers)
            try:
                for result in _results(self.entrants, left, self.full, pool, workers):
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
    own = {**DEFAULTS, "workers": usable_cores()}
    texts = [text for text in words if not ("=" in text and _takes(own, *text.split("=", 1)))]
    others = {key: v for key, v in (settings or {}).items() if not _takes(own, key, str(v))}
    given = read_overrides(texts, others)
    keys = {word.path[0] for word in given}
    if "strategy" not in keys:
        raise SettingsError("bench wants strategies to compare: strategy=random,evolution")
    if "evaluator" not in keys:
        given = [*read_text("evaluator=table" if "space" in keys else RECIPE), *given]
    runs = api.sweep(given)
    taking_part = entrants(runs, api.planned(runs))
    for one in taking_part:
        one.planned.problem.check()
    return Bench(taking_part, **own)


def _takes(own: dict[str, int], key: str, value: str) -> bool:
    """Whether a setting is a bench's `own`, which then has it; refuses what is only a run's."""
    if key in FOREIGN:
        raise SettingsError(f"bench has no {key}=: {FOREIGN[key]}")
    if key not in own:
        return False
    if not re.fullmatch(r"[1-9]\d{0,5}", value):
        raise SettingsError(f"{key}={value}: {key} wants a whole number from 1, such as {key}=20")
    own[key] = int(value)
    return True


def _results(
    entrants: Sequence[Entrant],
    jobs: Sequence[Job],
    full: int,
    executor: Executor,
    workers: int,
) -> Iterator[Result]:
    """Search for each of `jobs`, as many at a time as there are workers, as they come to an end."""
    waiting = iter(jobs)
    flying: set[Future[Result]] = set()
    while True:
        for entrant, seed in waiting:
            settings = entrants[entrant].settings
            flying.add(executor.submit(searched, entrant, settings, seed, full))
            if len(flying) >= workers:
                break
        if not flying:
            return
        done, flying = wait(flying, return_when=FIRST_COMPLETED)
        for future in done:
            yield future.result()
