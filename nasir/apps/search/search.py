"""nasir from Python: the same words and settings as on the command line.

What only a run needs is imported when it starts: a misspelt word is told at once.
"""

from __future__ import annotations

import multiprocessing
import os
import platform
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nasir.core.architecture import Architecture
from nasir.core.errors import NasirError, SettingsError
from nasir.core.search_space import SearchSpace, Signature
from nasir.plugins.manager import plugins
from nasir.runs.architecture_file import check_member, read_architecture
from nasir.settings.building import make
from nasir.settings.experiment import Experiment, experiment, is_list
from nasir.settings.overrides import Override, Settings, expand, merge
from nasir.settings.recipes import read_overrides
from nasir.settings.strategy_expressions import without_absent

if TYPE_CHECKING:
    from torch import nn

    from nasir.runs.run import Run

Notify = Callable[..., None]


def search(*words: str, **settings: Any) -> Run:
    """Search for an architecture and return the run: finished, interrupted (Ctrl-C), or stopped.

    `words` are those of the command line: ``"space.depth=4"``, a TOML file, a recipe's name.
    `settings` come after them: ``space="nasdip"``, ``trials=50``, or with fields
    ``space={"name": "nasdip", "depth": 4}``. Raises :class:`~nasir.core.errors.NasirError` for
    anything that cannot be searched as it is given.
    """
    planned = plan(words, settings)
    if len(planned) != 1:
        raise SettingsError(f"these words make {len(planned)} runs: call search once for each")
    return start(planned[0])


def resume(folder: str | Path, trials: int | None = None, seconds: float | None = None) -> Run:
    """Go on with a run after any kind of end; `trials` and `seconds` give it new limits."""
    from nasir.runs.run import Run

    return go_on(Run(folder), trials=trials, seconds=seconds)


def build(
    architecture: Architecture | Mapping[str, Any] | str | Path,
    space: str | Mapping[str, Any] | SearchSpace = "nasdip",
    in_channels: int = 32,
    out_channels: int = 3,
    scale: int = 1,
) -> nn.Module:
    """The network of an architecture: ``(N, in_channels, H, W) -> (N, out_channels, sH, sW)``.

    `architecture` is one, or the name of a reference architecture, or an ``architecture.json``
    (whose space and settings then hold). The weights are fresh, from torch's global generator.
    """
    if isinstance(architecture, str | Path) and Path(architecture).suffix == ".json":
        architecture, space = read_architecture(architecture)
    maker = space if isinstance(space, SearchSpace) else make("space", space)
    if isinstance(architecture, str):
        architecture = maker.named(architecture)
    elif isinstance(architecture, Mapping):
        architecture = maker.domain.architecture(architecture)
    elif not isinstance(architecture, Architecture):
        raise SettingsError(f"{architecture} is no architecture.json")
    check_member(architecture, maker)
    return maker.build(architecture, Signature(in_channels, out_channels, scale))


def plan(words: Sequence[str], settings: Mapping[str, Any]) -> list[Experiment]:
    """The runs that words and settings make: one, or more where a word sweeps."""
    return planned(sweep(read_overrides(words, settings)))


def planned(runs: Sequence[Sequence[Override]]) -> list[Experiment]:
    """The same of the words of each run."""
    made = [experiment(merge(run, {})) for run in runs]
    if len(made) > 1 and any(one.settings.name is not None for one in made):
        raise SettingsError("several runs cannot have one name: leave name= out of a sweep")
    return made


def sweep(words: Sequence[Override]) -> list[list[Override]]:
    """The words of each run that all of `words` make."""
    return without_absent(expand(words, is_list))


def start(planned: Experiment, notify: Notify | None = None) -> Run:
    """Search what was planned; `notify` hears the hooks besides the plugins."""
    from nasir.apps.search import lifecycle as searching

    if getattr(multiprocessing.current_process(), "_inheriting", False):
        raise NasirError(
            "this script searches again in each of its worker processes: put the search under "
            'if __name__ == "__main__":'
        )
    return searching.start(planned, environment(planned.resolved), _everybody(notify))


def go_on(
    run: Run, notify: Notify | None = None, trials: int | None = None, seconds: float | None = None
) -> Run:
    """Resume a run; `notify` hears the hooks besides the plugins."""
    from nasir.apps.search import lifecycle as searching

    return searching.resume(run, _everybody(notify), trials, seconds)


def _everybody(notify: Notify | None) -> Notify:
    def call(hook: str, **arguments: Any) -> None:
        if notify is not None:
            notify(hook, **arguments)
        plugins().notify(hook, **arguments)

    return call


def environment(settings: Settings) -> dict[str, Any]:
    """What is needed to repeat a run besides its settings."""
    packages = ("nasir", "torch", "numpy", "scikit-image", "attrs", "cattrs", "pluggy", "pillow")
    return {
        "versions": {"python": sys.version.split()[0], **{p: _version(p) for p in packages}},
        "plugins": {
            record.name: {"distribution": record.distribution, "version": record.version}
            for record in plugins().records.values()
            if record.status == "ok"
        },
        "git": _git_commit(),
        "host": platform.node(),
        "platform": platform.platform(),
        "cores": os.cpu_count(),
        "seeds": {
            "run": settings["seed"],
            "task": settings["task"].get("seed"),
        },
    }


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _git_commit() -> str | None:
    """The commit of the working directory, where it is in a repository."""
    try:
        done = subprocess.run(
            ["git", "describe", "--always", "--dirty"], capture_output=True, text=True, timeout=5
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() or None
