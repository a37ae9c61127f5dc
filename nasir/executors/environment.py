"""What worker processes on another machine need of the process that holds the run."""

from __future__ import annotations

import logging
import os
import pickle
import platform
import sys
from collections.abc import Mapping, Sequence
from functools import partial
from importlib import metadata
from pathlib import Path

import attrs

from nasir.core.registry import Entry, Registries, registries
from nasir.executors.plugin_files import plugin_files

VARIABLES = ("OMP_NUM_THREADS", "OMP_WAIT_POLICY", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
"""Environment variables that numerical libraries read, and that clusters set."""

SAME_VERSION = ("nasir", "numpy", "torch")
"""Distributions of which another version may compute other scores."""

MODULES, ENVIRONMENT = "modules", "environment.pickle"

log = logging.getLogger("nasir")


@attrs.frozen
class WorkerEnvironment:
    """All registered components, with the files of those that are not nasir's own.

    A worker has these components, whatever is installed or disabled on its machine.
    """

    versions: Mapping[str, str]
    components: tuple[bytes, ...]
    files: Mapping[str, bytes]
    variables: Mapping[str, str | None]

    @classmethod
    def of_this_process(cls) -> WorkerEnvironment:
        """The environment of evaluations here; classes that cannot be imported go by value."""
        import cloudpickle

        entries = [
            (kind, entry)
            for kind, registry in registries.items()
            if kind != "command"
            for entry in registry.values()
        ]
        return cls(
            versions(),
            tuple(map(cloudpickle.dumps, entries)),
            plugin_files({_top_level_module(entry) for _, entry in entries}),
            {name: os.environ.get(name) for name in VARIABLES},
        )

    def refusal(self) -> str | None:
        """Why scores computed here might differ, in one line; None if they do not."""
        for name, here in versions().items():
            if here != self.versions[name]:
                return (
                    f"{platform.node()} has {name} {here}, the run {self.versions[name]}: "
                    "install the same"
                )
        return None

    def write(self, folder: Path) -> None:
        """Write the environment to a folder, for :func:`set_up`."""
        for name, content in self.files.items():
            path = folder / MODULES / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        (folder / ENVIRONMENT).write_bytes(pickle.dumps((self.variables, self.components)))


def set_up(folder: Path) -> None:
    """Use the environment in `folder` in this process from now on."""
    variables, components = pickle.loads((folder / ENVIRONMENT).read_bytes())
    for name, value in variables.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value
    sys.path.insert(0, str(folder / MODULES))
    registries.fill_from(partial(_register, components))


def _register(components: Sequence[bytes], into: Registries) -> None:
    for component in components:
        try:
            kind, entry = pickle.loads(component)
        except Exception as error:  # of a plugin that needs what is missing here
            log.warning("a component is left out here: %s: %s", type(error).__name__, error)
            continue
        into[kind].register(entry)


def versions() -> dict[str, str]:
    """What must agree for two processes to compute the same scores."""
    python = ".".join(platform.python_version_tuple()[:2])
    return {"Python": python} | {
        name: metadata.version(name).partition("+")[0] for name in SAME_VERSION
    }


def _top_level_module(entry: Entry) -> str:
    target = entry.target
    module = target if isinstance(target, str) else getattr(target, "__module__", "__main__")
    return module.partition(":")[0].partition(".")[0]
