"""Which strategy finds the best architectures soonest, over many seeds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Executor, Future, wait
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs
from attrs import validators as must

from nasir.apps.bench.entries import BenchEntry, bench_entries
from nasir.apps.progress.displays import shown_in_notebook
from nasir.apps.search import search as api
from nasir.core.component import setting, settings_of
from nasir.core.errors import SettingsError
from nasir.core.progress import report
from nasir.core.registry import registries
from nasir.settings.building import make
from nasir.settings.components import Choice, executor_name
from nasir.settings.machine import usable_cores
from nasir.settings.overrides import Override
from nasir.settings.reader import VerbSettings, given, only, read_overrides, sweep
from nasir.settings.recipes import overrides_in
from nasir.settings.run_settings import run_settings_class

if TYPE_CHECKING:
    from nasir.apps.bench.problem_results import ProblemResult
    from nasir.apps.bench.results import ResultsFolder, SearchResult
    from nasir.core.evaluator import Evaluator
    from nasir.core.search_space import SearchSpace
    from nasir.core.strategy import Strategy
    from nasir.core.task import Task

RECIPE = "dipbench"

COUNT = [must.ge(1), must.lt(10**6)]

FOREIGN = {
    "seed": "write seeds=N, for the seeds from 0 on",
    "trials": "write full=N, the full evaluations that a search may spend",
    "seconds": "write full=N, the full evaluations that a search may spend",
    "executor": "write workers=N",
    "folder": "name an output folder (output=FOLDER)",
    "name": "name an output folder (output=FOLDER)",
}
"""Settings of a run that a bench does not take, with what to write instead."""

Job = tuple[int, int]
"""The number of an entry and a seed."""


@attrs.frozen
class BenchSettings(VerbSettings):
    """The settings of ``nasir bench`` besides those of its searches."""

    seeds: int = setting(50, "searches of each strategy, with the seeds from 0 on, >= 1", COUNT)
    full: int = setting(200, "full evaluations that a search may spend, >= 1", COUNT)
    workers: int = setting(
        0, "searches at a time, which changes no result; 0: one a core", must.ge(0)
    )


@attrs.frozen(eq=False)
class Bench:
    """The entries, with the number of seeds, of full evaluations each, and of workers."""

    entries: Sequence[BenchEntry]
    seeds: int
    full: int
    workers: int

    def run(self, output: str | Path | None = None) -> list[ProblemResult]:
        """Run all searches; returns the result on each problem. ``report`` has the progress.

        A folder `output` keeps the results; searches with a result there are not repeated.
        """
        from nasir.apps.bench.problem_results import problem_results
        from nasir.apps.bench.results import ResultsFolder

        folder = None
        if output is not None:
            settings = [[one.problem, one.strategy, one.settings] for one in self.entries]
            folder = ResultsFolder(output, {"full": self.full, "entries": settings})
        return problem_results(self.entries, self._results(folder), self.full)

    def _results(self, folder: ResultsFolder | None) -> list[SearchResult]:
        jobs = [(n, seed) for seed in range(self.seeds) for n in range(len(self.entries))]
        kept = {(one.entry, one.seed): one for one in (folder.results if folder else ())}
        done = {job: kept[job] for job in jobs if job in kept}
        left = [job for job in jobs if job not in done]
        workers = min(self.workers, len(left))
        if left:
            executor = make("executor", executor_name(workers))
            executor.check()
            executor.check_workers(workers)
            pool = executor.start(workers)
            try:
                for result in _results(self.entries, left, self.full, pool, workers):
                    done[result.entry, result.seed] = result
                    if folder is not None:
                        folder.add(result)
                    report(len(done), len(jobs))
            finally:
                pool.shutdown(wait=False, cancel_futures=True)
        return [done[job] for job in jobs]


@shown_in_notebook("searches")
def bench(
    *words: str,
    strategy: Choice[Strategy] | Sequence[Choice[Strategy]] | None = None,
    seeds: int | None = None,
    full: int | None = None,
    workers: int | None = None,
    output: str | Path | None = None,
    space: Choice[SearchSpace] | None = None,
    task: Choice[Task] | Sequence[Choice[Task]] | None = None,
    evaluator: Choice[Evaluator] | None = None,
    objective: str | Sequence[str] | None = None,
    limit: str | Sequence[str] | None = None,
    **more: Any,
) -> list[ProblemResult]:
    """Compare strategies over many seeds: ``bench(strategy=["random", "rl"], seeds=20)``.

    Components, `words` and `more` are as for a search, where lists make a search for each value;
    ``nasir describe bench`` explains the others. Without `space` and `evaluator` the table that
    comes with nasir is searched. The folder `output` keeps results, and is continued. Returns the
    result on each problem; raises :class:`~nasir.core.errors.NasirError` for what cannot be
    searched as it is given.
    """
    return plan(words, given(locals(), without=("output",))).run(output)


def plan(words: Sequence[str], settings: Mapping[str, Any] | None = None) -> Bench:
    """What words and settings ask for; wrong ones are refused before any search."""
    overrides = read_overrides(run_settings_class(), words, settings or {})
    own, of_searches = _parted(overrides)
    keys = {one.path[0] for one in of_searches}
    if "strategy" not in keys:
        raise SettingsError("bench needs strategies to compare: strategy=random,evolution")
    if "evaluator" not in keys:
        table = Override(("evaluator",), registries["evaluator"].default("bench"))
        of_searches = [*([table] if "space" in keys else overrides_in(RECIPE)), *of_searches]
    runs = sweep(run_settings_class(), of_searches)
    entries = bench_entries(runs, api.planned(runs))
    workers = own.workers or usable_cores()
    for one in entries:
        one.planned.problem.check()
        one.check_classes(workers)
    return Bench(entries, own.seeds, own.full, workers)


def _parted(overrides: Sequence[Override]) -> tuple[BenchSettings, list[Override]]:
    """The settings of the bench itself, and the overrides for its searches."""
    for one in overrides:
        if one.path[0] in FOREIGN:
            raise SettingsError(f"bench has no {one.path[0]}=: {FOREIGN[one.path[0]]}")
    names = {field.name for field in settings_of(BenchSettings)}
    own = [one for one in overrides if one.path[0] in names]
    asked = only(BenchSettings, own)
    return asked.own, [one for one in overrides if one.path[0] not in names]


def _results(
    entries: Sequence[BenchEntry],
    jobs: Sequence[Job],
    full: int,
    executor: Executor,
    workers: int,
) -> Iterator[SearchResult]:
    """The results of `jobs` as they end, so many at a time as there are workers."""
    from nasir.apps.bench.results import run_search

    waiting = iter(jobs)
    flying: set[Future[SearchResult]] = set()
    while True:
        for entry, seed in waiting:
            settings = entries[entry].settings
            flying.add(executor.submit(run_search, entry, settings, seed, full))
            if len(flying) >= workers:
                break
        if not flying:
            return
        done, flying = wait(flying, return_when=FIRST_COMPLETED)
        for future in done:
            yield future.result()
