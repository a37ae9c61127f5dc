"""``nasir.search`` and ``nasir.resume``.

What only a run needs is imported when it starts, so that a misspelt word is refused at once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nasir.core.errors import SettingsError
from nasir.engine.borrowed import borrowed
from nasir.plugins.manager import plugins
from nasir.settings.components import Choice
from nasir.settings.experiment import Experiment, experiment
from nasir.settings.overrides import Override, merge
from nasir.settings.reader import given, read_overrides, sweep
from nasir.settings.run_settings import run_settings_class

if TYPE_CHECKING:
    from nasir.core.evaluator import Evaluator, Problem
    from nasir.core.executor import ExecutorFactory
    from nasir.core.search_space import SearchSpace
    from nasir.core.strategy import Strategy
    from nasir.core.task import Task
    from nasir.runs.run import Run

Notify = Callable[..., None]


def search(
    *words: str,
    space: Choice[SearchSpace] | None = None,
    strategy: Choice[Strategy] | None = None,
    task: Choice[Task] | None = None,
    evaluator: Choice[Evaluator] | None = None,
    executor: Choice[ExecutorFactory] | None = None,
    seed: int | None = None,
    trials: int | None = None,
    seconds: float | None = None,
    workers: int | None = None,
    threads: int | None = None,
    objective: str | Sequence[str] | None = None,
    limit: str | Sequence[str] | None = None,
    references: str | Sequence[str] | None = None,
    history: str | Path | Sequence[str | Path] | None = None,
    prior: str | None = None,
    prior_share: float | None = None,
    attempts: int | None = None,
    retry_errors: bool | None = None,
    time_limit: float | None = None,
    memory_limit: int | None = None,
    stop_after: int | None = None,
    folder: str | Path | None = None,
    name: str | None = None,
    **more: Any,
) -> Run:
    """Search for an architecture and return the run: finished, interrupted (Ctrl-C), or stopped.

    A component is a name, a mapping such as ``{"name": "nasdip", "depth": 4}``, or an instance of
    its class, which may be defined in a notebook. `words` are those of the command line:
    ``"space.depth=4"``, a TOML file, a recipe's name; the other arguments come after them (see
    ``nasir describe run``; None: as usual). `more` are settings with dots in their names, and
    those that plugins add. Raises :class:`~nasir.core.errors.NasirError` for anything that cannot
    be searched as it is given.
    """
    planned = plan(words, given(locals()))
    if len(planned) != 1:
        raise SettingsError(f"these settings make {len(planned)} runs: take nasir.sweep")
    with _shown(planned[0].trials, planned[0].problem) as notify:
        return start(planned[0], notify)


def resume(
    folder: str | Path,
    trials: int | None = None,
    seconds: float | None = None,
    images: Sequence[str] = (),
    accept_changes: bool = False,
) -> Run:
    """Continue a run after any kind of end; `trials` and `seconds` give it new limits.

    A run is refused whose pictures, weights, versions or options are not those that it began with;
    with `accept_changes` it goes on, and the changes are recorded. `images` is where its pictures
    are now, if they were moved.
    """
    from nasir.runs.run import Run

    run = Run(folder)
    with _shown(trials or run.planned_trials) as notify:
        go_on(run, notify, trials, seconds, images, accept_changes)
    return run


def plan(words: Sequence[str], settings: Mapping[str, Any]) -> list[Experiment]:
    """The runs that words and settings make: one, or more where a setting has several values."""
    return planned(combinations(words, settings))


def combinations(words: Sequence[str], settings: Mapping[str, Any]) -> list[list[Override]]:
    """The overrides of each run that words and settings make."""
    verb = run_settings_class()
    return sweep(verb, read_overrides(verb, words, settings))


def planned(runs: Sequence[Sequence[Override]]) -> list[Experiment]:
    """The runs of the overrides of each."""
    made = [experiment(merge(run, {})) for run in runs]
    for one in made:
        one.check_budget()
    return made


def start(planned: Experiment, notify: Notify | None = None) -> Run:
    """Search what was planned; `notify` is called with the hooks besides the plugins."""
    from nasir.apps.search import lifecycle

    with borrowed("search"):
        return lifecycle.start(planned, _everybody(notify))


def go_on(
    run: Run,
    notify: Notify | None = None,
    trials: int | None = None,
    seconds: float | None = None,
    images: Sequence[str] = (),
    accept_changes: bool = False,
) -> str:
    """Resume a run; `notify` is called with the hooks besides the plugins.

    Returns the state in which the run was left.
    """
    from nasir.apps.search import lifecycle

    with borrowed("search"):
        return lifecycle.resume(run, _everybody(notify), trials, seconds, images, accept_changes)


def _shown(trials: int, problem: Problem | None = None) -> AbstractContextManager[Notify | None]:
    """In a notebook, the search is shown; elsewhere its progress is reported to who listens."""
    from nasir.apps.progress.displays import show_search
    from nasir.apps.progress.notebook import in_notebook

    if not in_notebook():
        return nullcontext()
    remarks = problem.task.remarks(problem.searched) if problem is not None else ()
    return show_search(trials, False, remarks)


def _everybody(notify: Notify | None) -> Notify:
    def call(hook: str, **arguments: Any) -> None:
        if notify is not None:
            notify(hook, **arguments)
        plugins().notify(hook, **arguments)

    return call
