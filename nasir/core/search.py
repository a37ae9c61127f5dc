"""Runs from beginning to end: started, resumed, interrupted."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from nasir.core.engine import Engine, Limits
from nasir.core.errors import NasirError, RunFolderError
from nasir.core.experiment import Experiment, check_name, experiment
from nasir.core.finals import Finals
from nasir.core.run import Run, create, write_result, writing
from nasir.core.store import RunStore

Notify = Callable[..., None]


def start(planned: Experiment, environment: Mapping[str, Any], notify: Notify) -> Run:
    """Make a run's folder and search; returns the run, finished or interrupted."""
    planned.problem.check()
    settings = planned.settings
    if settings.name is not None:
        check_name(settings.name)
    run = create(_new_folder(planned), planned.tree, environment)
    _conduct(run, planned, Limits(settings.trials, settings.seconds), notify)
    return run


def resume(
    run: Run, notify: Notify, trials: int | None = None, seconds: float | None = None
) -> Run:
    """Go on with a run after any kind of end, to its own limits or to new ones."""
    planned = experiment(run.settings)
    planned.problem.check()
    settings = planned.settings
    limits = Limits(trials or settings.trials, settings.seconds if seconds is None else seconds)
    _conduct(run, planned, limits, notify)
    return run


def _conduct(run: Run, planned: Experiment, limits: Limits, notify: Notify) -> None:
    with writing(run) as store:
        try:
            _search_and_judge(run, store, planned, limits, notify)
        except KeyboardInterrupt:
            with store.transaction():
                store.save_progress(state="interrupted")
    notify("run_finished", run=run)


def _search_and_judge(
    run: Run, store: RunStore, planned: Experiment, limits: Limits, notify: Notify
) -> None:
    settings, problem, strategy = planned.settings, planned.problem, planned.strategy
    with store.transaction():
        store.save_progress(state="running")
    notify("run_started", run=run)
    executor = planned.executor.start(settings.workers)
    try:
        engine = Engine(
            run,
            store,
            problem,
            strategy,
            executor,
            limits,
            settings.workers,
            settings.threads,
            notify,
        )
        try:
            engine.search()
        finally:
            _write_best_so_far(run, store, planned)
        found = strategy.recommend(store.trials())
        with store.transaction():
            store.save_progress(recommended=found.number)
        finals = Finals(run, store, problem, executor, settings.threads, notify)
        finals.judge(found, settings.references or ())
    except BaseException:
        executor.shutdown(wait=False, cancel_futures=True)
        raise
    executor.shutdown()
    with store.transaction():
        store.save_progress(state="finished")


def _write_best_so_far(run: Run, store: RunStore, planned: Experiment) -> None:
    """Leave the best architecture in ``best/`` however the search ends."""
    try:
        best = planned.strategy.recommend(store.trials())
    except NasirError:
        return
    write_result(run.folder / "best", best.architecture, run.settings, {})


def _new_folder(planned: Experiment) -> Path:
    parent = Path(planned.settings.folder).expanduser()
    if planned.settings.name is not None:
        folder = parent / planned.settings.name
        if folder.exists():
            raise RunFolderError(
                f"{folder} exists: choose another name=, or go on with it: nasir resume {folder}"
            )
        return folder
    names = planned.names
    stem = f"{time.strftime('%Y%m%d-%H%M%S')}-{names['space']}-{names['strategy']}-{names['task']}"
    folder, copy = parent / stem, 2
    while folder.exists():
        folder, copy = parent / f"{stem}-{copy}", copy + 1
    return folder
