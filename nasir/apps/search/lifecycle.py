"""Runs from beginning to end: started, resumed, interrupted, given up."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import attrs
import tomli_w

from nasir.apps.search import history
from nasir.apps.search.final_evaluation import FinalEvaluation
from nasir.core.errors import NasirError, PictureError, RunFolderError, SettingsError
from nasir.core.failures import TooManyFailuresError
from nasir.core.strategy import Strategy
from nasir.core.trial import Trial
from nasir.engine.loop import Budget, Engine
from nasir.engine.returned import checked_recommendation
from nasir.plugins.manager import plugins
from nasir.runs.environment import environment
from nasir.runs.folder import SETTINGS, create_timed
from nasir.runs.inputs import FOLDER, compare, differences, recorded
from nasir.runs.moving import moved
from nasir.runs.result import write_result
from nasir.runs.run import PLANNED, Beginning, Run, create, writing
from nasir.runs.store import RunStore
from nasir.settings.experiment import Experiment, check_name, experiment
from nasir.settings.overrides import Settings
from nasir.training.checkpoint import drop_states

Notify = Callable[..., None]

log = logging.getLogger("nasir")


def start(planned: Experiment, notify: Notify) -> Run:
    """Make a run's folder and search; returns the run: finished, interrupted, or given up.

    Where the executor cannot start, such as on a cluster that does not answer, nothing is left.
    """
    planned.check()
    executor = planned.start()
    try:
        run = created(planned)
    except BaseException:
        executor.shutdown(wait=False, cancel_futures=True)
        raise
    with writing(run) as store:
        _conduct(run, store, planned, executor, {}, notify)
    notify("run_finished", run=run)
    return run


def resume(
    run: Run,
    notify: Notify,
    trials: int | None = None,
    seconds: float | None = None,
    images: Sequence[str] = (),
    accept_changes: bool = False,
) -> str:
    """Continue a run after any kind of end, to its last budget or to new ones.

    Its inputs (pictures, versions, options) must be those that it began with, unless the changes
    are accepted. `images` is where its pictures are now, if they were moved. Returns the state in
    which the run was left: a moment later another process may have gone on with it.
    """
    if trials is not None and trials < 1:
        raise SettingsError(f"trials={trials}: a run has 1 or more")
    if seconds is not None and not seconds >= 0:
        raise SettingsError(f"seconds={seconds}: a limit is 0 or more")
    before = run.whole_settings
    settings = moved(before, run, images)
    planned = _planned_again(run, settings)
    try:
        planned.check()
        now = environment_of(planned, run.folder)
    except PictureError as error:
        raise PictureError(f"{error}; if its pictures were moved, give images=NEW") from None
    given = {"trials": trials, "time_budget": seconds}
    limits = {key: value for key, value in given.items() if value is not None}
    begun = run.state != PLANNED
    with writing(run) as store:
        if accept_changes and differences(recorded(run), now):
            with store.transaction():  # on other pictures, all are evaluated again
                store.drop_final_evaluations()
        compare(run, now, accept_changes, begun)
        if settings != before:
            run.write(SETTINGS, tomli_w.dumps(settings).encode())
        state = _conduct(run, store, planned, planned.start(), limits, notify)
    notify("run_finished", run=run)
    return state


def _planned_again(run: Run, settings: Settings) -> Experiment:
    """The experiment of a run; the plugins that it used and that are gone are named."""
    try:
        return experiment(settings)
    except NasirError as error:
        before = recorded(run).get("plugins")
        known = before if isinstance(before, dict) else {}
        gone = [
            f"{name} ({of['distribution']} {of['version']})"
            for name, of in known.items()
            if name not in plugins().versions
        ]
        if not gone:
            raise
        names = ", ".join(gone[:3])
        raise RunFolderError(
            f"{run.folder} was begun with the plugin {names:.200}, which is not here: install or "
            f"enable it ({error})"
        ) from None


def _conduct(
    run: Run,
    store: RunStore,
    planned: Experiment,
    executor: Executor,
    limits: Mapping[str, Any],
    notify: Notify,
) -> str:
    """Search to the `limits` that are given anew, or to the last ones; the state at the end."""
    with store.transaction():
        store.save_progress(state="running", **limits)
    last = store.progress()
    budget = Budget(
        last.get("trials", planned.trials), last.get("time_budget", planned.settings.seconds)
    )
    try:
        _search_and_evaluate(run, store, planned, executor, budget, notify)
    except KeyboardInterrupt:
        with store.transaction():
            store.save_progress(state="interrupted")
        return "interrupted"
    except TooManyFailuresError as error:
        with store.transaction():
            store.save_progress(state="stopped", reason=str(error))
        log.warning("%s; correct that and continue with: nasir resume %s", error, run.folder)
        return "stopped"
    return "finished"


def _search_and_evaluate(
    run: Run,
    store: RunStore,
    planned: Experiment,
    executor: Executor,
    budget: Budget,
    notify: Notify,
) -> None:
    settings, strategy, policy = planned.settings, planned.strategy, planned.policy
    problem = attrs.evolve(planned.problem, checkpoints=run.checkpoints)
    try:
        notify("run_started", run=run)
        engine = Engine(
            store,
            problem,
            strategy,
            executor,
            budget,
            settings.workers,
            settings.threads,
            partial(notify, run=run),
            policy,
            history.of(run, planned),
        )
        try:
            engine.search()
        finally:
            write_best_so_far(run, store, planned)
        found = _recommended(strategy, store)
        if found is not None:
            with store.transaction():
                store.save_progress(recommended=found.number)
            final = FinalEvaluation(run, store, problem, executor, settings.threads, notify, policy)
            final.evaluate(found, settings.references or ())
    except BaseException:
        executor.shutdown(wait=False, cancel_futures=True)
        raise
    executor.shutdown()
    with store.transaction():  # only the process that owns the run changes its files
        with suppress(OSError):
            drop_states(run.checkpoints)
        store.save_progress(state="finished")


def write_best_so_far(run: Run, store: RunStore, planned: Experiment) -> None:
    """Leave the best architecture in ``best/`` however the search ends."""
    best = _recommended(planned.strategy, store)
    if best is not None:
        with store.transaction():  # only the process that owns the run writes its files
            store.save_progress(recommended=best.number)
            write_result(run.folder / "best", best.architecture, run.settings)


def _recommended(strategy: Strategy, store: RunStore) -> Trial | None:
    """The trial that the strategy recommends, None where no trial came to anything."""
    try:
        trial = strategy.recommend(store.trials())
    except NasirError:
        return None
    return checked_recommendation(trial, strategy)


def created(planned: Experiment) -> Run:
    """The folder of a new run: called as was asked, or by time and what is searched."""
    settings = planned.settings
    parent = parent_of(settings.folder)
    if settings.name is not None:
        check_name(settings.name)
        try:
            return _made(parent / settings.name, planned)
        except FileExistsError as error:
            raise RunFolderError(
                f"{error} exists: choose another name=, or continue it: nasir resume {error}"
            ) from None
    return create_timed(parent, what_is_searched(planned), lambda path: _made(path, planned))


def parent_of(folder: str) -> Path:
    """The folder in which runs are made."""
    try:
        return Path(folder).expanduser()
    except RuntimeError as error:
        raise RunFolderError(f"folder={folder}: {error}") from None


def what_is_searched(planned: Experiment) -> str:
    """Space, strategy, task and seed, for the name of a folder."""
    what = "-".join(_short(planned.names[kind]) for kind in ("space", "strategy", "task"))
    seed = planned.settings.seed
    return f"{what}-seed{seed}" if seed else what


def _made(folder: Path, planned: Experiment) -> Run:
    return create(folder, *beginning(planned, folder))


def beginning(planned: Experiment, folder: Path) -> Beginning:
    """What a run begins with in `folder`."""
    files = {history.FILE: history.read(planned)} if planned.settings.history else {}
    return planned.resolved, environment_of(planned, folder), files


def environment_of(planned: Experiment, folder: Path) -> dict[str, Any]:
    """What the results depend on besides the settings, and where they are."""
    made = environment(planned.resolved, plugins().versions, planned.components)
    return made | {FOLDER: str(folder.resolve())}


def _short(name: str) -> str:
    """A component's name in that of a folder: of an import string, the class alone."""
    return re.split(r"[:.]", name)[-1] if ":" in name else name
