"""``nasir.sweep``: several runs that belong together, searched one by one or N at a time."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs

from nasir.core.errors import NasirError, RunFolderError, SettingsError
from nasir.settings.experiment import Experiment, check_name
from nasir.settings.overrides import Alternatives

if TYPE_CHECKING:
    from nasir.apps.search.parallel import TakeReport
    from nasir.runs.run import Run
    from nasir.runs.sweep import Sweep

Notify = Callable[..., None]
ShowRun = Callable[["Run"], AbstractContextManager[Notify | None]]
"""Shows one run of a sweep: what it yields is called with the hooks."""


@attrs.frozen
class Continuation:
    """With what a run goes on; see :func:`nasir.resume`."""

    trials: int | None = None
    seconds: float | None = None
    images: Sequence[str] = ()
    accept_changes: bool = False

    def wants(self, run: Run) -> bool:
        """Whether there is anything left to do in a run."""
        return run.state != "finished" or self.trials is not None or self.seconds is not None


def sweep(*words: str, parallel: int = 1, **settings: Any) -> Sweep:
    """Search with each combination of the settings that have several values.

    `words` and `settings` are those of :func:`nasir.search`, with lists for several values; `name`
    is the name of the sweep's folder, in which each run has its own. `parallel` runs are done at a
    time, each in a process of its own with its share of the threads. After Ctrl-C or any other end,
    :func:`nasir.resume_sweep` goes on with all of them. Raises
    :class:`~nasir.core.errors.NasirError` for anything that cannot be searched.
    """
    from nasir.apps.search.sharing import shared_plan

    several = {
        key: Alternatives(tuple(value)) if isinstance(value, list) else value
        for key, value in settings.items()
    }
    made = create(shared_plan(words, several, parallel))
    with removed_unless_begun(made):
        conduct(made.runs, parallel)
    return made


def resume_sweep(
    folder: str | Path,
    parallel: int = 1,
    trials: int | None = None,
    seconds: float | None = None,
    images: Sequence[str] = (),
    accept_changes: bool = False,
) -> Sweep:
    """Continue a sweep: the runs that were begun and those that were not.

    Finished runs are left alone, unless `trials` or `seconds` give new limits, which each run has.
    The other arguments are those of :func:`nasir.resume`.
    """
    from nasir.runs.sweep import Sweep

    found = Sweep(folder)
    conduct(found.runs, parallel, Continuation(trials, seconds, images, accept_changes))
    return found


def create(plans: Sequence[Experiment]) -> Sweep:
    """Make the folder of a sweep with all its runs; refuses what cannot be searched."""
    from nasir.apps.search import lifecycle
    from nasir.runs.folder import create_timed
    from nasir.runs.sweep import create_sweep

    folders = {one.settings.folder for one in plans}
    names = {one.settings.name for one in plans}
    if len(folders) > 1 or len(names) > 1:
        raise SettingsError("a sweep has one folder= and one name=, in which its runs are")
    (folder,), (name,) = folders, names
    if name is not None:
        check_name(name)
    plans = [attrs.evolve(one, settings=attrs.evolve(one.settings, name=None)) for one in plans]
    for one in plans:
        one.check()
    digits = len(str(len(plans)))
    members = {
        f"{number:0{digits}}-{lifecycle.what_is_searched(one)}": one
        for number, one in enumerate(plans, 1)
    }

    def make(path: Path) -> Sweep:
        named = {name: lifecycle.beginning(one, path / name) for name, one in members.items()}
        return create_sweep(path, named)

    parent = lifecycle.parent_of(folder)
    if name is None:
        return create_timed(parent, f"sweep-of-{len(plans)}", make)
    try:
        return make(parent / name)
    except FileExistsError as error:
        raise RunFolderError(
            f"{error} exists: choose another name=, or continue it: nasir resume {error}"
        ) from None


@contextmanager
def removed_unless_begun(made: Sweep) -> Iterator[None]:
    """Remove a new sweep that is refused before its first trial, as where no cluster answers."""
    try:
        yield
    except NasirError:
        if not any(run.trials for run in made.runs):
            shutil.rmtree(made.folder, ignore_errors=True)
        raise


def conduct(
    runs: Sequence[Run],
    parallel: int = 1,
    how: Continuation | None = None,
    show_run: ShowRun | None = None,
    report: TakeReport = lambda number, message: None,
) -> bool:
    """Search the `runs` of a sweep that are not finished; returns whether it was interrupted.

    An interruption ends all of it. One at a time, each is shown with `show_run`; `parallel` at a
    time, `report` is called.
    """
    from nasir.apps.search import search as api
    from nasir.apps.search.parallel import in_parallel
    from nasir.apps.search.sharing import check_parallel

    check_parallel(parallel)
    how = how or Continuation()
    left = {number: run for number, run in enumerate(runs) if how.wants(run)}
    if parallel > 1 and len(left) > 1:
        return in_parallel(left, how, parallel, report)
    for run in left.values():
        if not how.wants(run):  # another process has finished it meanwhile
            continue
        with show_run(run) if show_run else nullcontext() as notify:
            state = api.go_on(run, notify, *attrs.astuple(how, recurse=False))
        if state == "interrupted":
            return True
    return False
