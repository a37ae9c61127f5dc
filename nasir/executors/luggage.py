"""What evaluations on another machine need of this process."""

from __future__ import annotations

import logging
import os
import pickle
import platform
import shutil
import sys
from collections.abc import Iterator, Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

import attrs

from nasir.core.registry import Entry, Registries, registries
from nasir.executors.elsewhere import keep_checkpoints
from nasir.executors.sources import sources

VARIABLES = ("OMP_NUM_THREADS", "OMP_WAIT_POLICY", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
"""What numerical libraries look at, and clusters set as they please."""

MUST_AGREE = ("nasir", "numpy", "torch")
"""Distributions of which another version might come to other scores."""

MODULES, ENTRIES = "modules", "entries.pickle"

log = logging.getLogger("nasir")


@attrs.frozen
class Luggage:
    """All registered components, with the files of those that are not nasir's own.

    Elsewhere there is then what is here, whatever is installed there or switched off.
    """

    versions: Mapping[str, str]
    entries: tuple[bytes, ...]
    files: Mapping[str, bytes]
    variables: Mapping[str, str | None]

    def refusal(self) -> str | None:
        """Why evaluations here would not be those of the process that packed it, in words."""
        for name, here in versions().items():
            there = self.versions[name]
            if here != there:
                return f"{platform.node()} has {name} {here}, the run {there}: install the same"
        return None

    def lay_out(self, folder: Path) -> Unpacked:
        """Write it to a folder of its own."""
        for name, content in self.files.items():
            path = folder / MODULES / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        (folder / ENTRIES).write_bytes(pickle.dumps(self.entries))
        return Unpacked(folder, self.variables)


@attrs.frozen
class Unpacked:
    """Luggage in a folder, for the processes that evaluate."""

    folder: Path
    variables: Mapping[str, str | None]

    @property
    def checkpoints(self) -> Path:
        """Where evaluations keep what they go on from, if the run's folder is not seen."""
        return self.folder / "checkpoints"

    def unpack(self) -> None:
        """Have the modules imported from there, and the same components registered."""
        for name, value in self.variables.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
        sys.path.insert(0, str(self.folder / MODULES))
        registries.fill_from(self._fill)
        keep_checkpoints(self.checkpoints)

    def discard(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)

    def _fill(self, into: Registries) -> None:
        for entry in pickle.loads((self.folder / ENTRIES).read_bytes()):
            try:
                kind, registered = pickle.loads(entry)
            except Exception as error:  # of a plugin that is not there, and may not be asked for
                log.warning("a component is left out here: %s: %s", type(error).__name__, error)
                continue
            into[kind].register(registered)


def packed() -> Luggage:
    """The luggage of evaluations of this process.

    Classes of the program itself, such as a notebook's, are packed as they are.
    """
    import cloudpickle

    registered = list(_registered())
    modules = {_module(entry).partition(".")[0] for _, entry in registered}
    return Luggage(
        versions(),
        tuple(map(cloudpickle.dumps, registered)),
        sources(modules),
        {name: os.environ.get(name) for name in VARIABLES},
    )


def versions() -> dict[str, str]:
    """What must agree for two processes to come to the same scores."""
    python = ".".join(platform.python_version_tuple()[:2])
    return {"Python": python} | {
        name: metadata.version(name).partition("+")[0] for name in MUST_AGREE
    }


def _registered() -> Iterator[tuple[str, Entry]]:
    """All components by kind, by import string where they can be imported."""
    for kind, registry in registries.items():
        if kind == "command":
            continue
        for entry in registry.values():
            yield kind, attrs.evolve(entry, target=_by_name(entry.target))


def _by_name(target: Any) -> Any:
    module, name = getattr(target, "__module__", None), getattr(target, "__qualname__", None)
    if module in (None, "__main__") or getattr(sys.modules.get(module), name or "", None) != target:
        return target
    return f"{module}:{name}"


def _module(entry: Entry) -> str:
    if isinstance(entry.target, str):
        return entry.target.partition(":")[0]
    return str(getattr(entry.target, "__module__", "__main__"))
