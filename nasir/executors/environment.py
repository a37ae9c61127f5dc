"""What worker processes on another machine need of the process that holds the run."""

from __future__ import annotations

import logging
import os
import pickle
import platform
import sys
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path

import attrs

from nasir.core.registry import Entry, Registries, registries
from nasir.executors.plugin_files import plugin_files

VARIABLES = ("OMP_NUM_THREADS", "OMP_WAIT_POLICY", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
"""Environment variables that numerical libraries read, and that clusters set."""

SAME_VERSION = ("nasir", "numpy", "torch")
"""Distributions of which another version may compute other scores."""

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

    def set_up(self, folder: Path) -> None:
        """Write the files to `folder` and use this environment in this process from now on."""
        for name, value in self.variables.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
        for name, content in self.files.items():
            path = folder / "modules" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        sys.path.insert(0, str(folder / "modules"))
        registries.fill_from(self._register)

    def _register(self, into: Registries) -> None:
        for component in self.components:
            try:
                kind, entry = pickle.loads(component)
            except Exception as error:  # of a plugin that lacks here, and may not be needed
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
