"""Registries: names of components, which are imported only when they are used."""

from __future__ import annotations

import re
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import redirect_stdout
from threading import RLock
from typing import Any

import attrs

from nasir.core.errors import NameTakenError, PluginError, SettingsError, unknown_name
from nasir.core.import_strings import import_string, load, loaded

NAME = re.compile(r"\w[\w.-]*")
"""A name that may be registered."""

USES = ("search", "evaluate", "train", "restore", "score")
"""The uses of components; each has default components."""

IMPORT_STRING = re.compile(r"[\w.]+:[\w.<>]+")

KINDS = (
    "space",
    "strategy",
    "task",
    "degradation",
    "evaluator",
    "executor",
    "operation",
    "proxy",
    "method",
    "network",
    "recipe",
    "run_setting",
    "command",
)
"""The kinds of what can be registered."""


@attrs.frozen
class Entry:
    """A registered name: the object or its import string ``module:object``, and who owns it.

    `default_for` lists the uses (:data:`USES`) of which the component is the default; of an
    evaluator also ``bench`` and ``supernet`` (the paths of a trained one), of a strategy ``join``,
    of an executor ``one_worker`` or ``many_workers``. `owner` is empty for what is not registered.
    """

    name: str
    target: Any
    summary: str
    owner: str
    default_for: Sequence[str] = ()

    @property
    def origin(self) -> str:
        """The name with the plugin that registered it, for messages."""
        return f"{self.name!r} of plugin {self.owner!r}" if self.owner else repr(self.name)

    def load(self) -> Any:
        """The object itself, imported if necessary."""
        if not isinstance(self.target, str):
            return self.target
        try:
            with redirect_stdout(sys.stderr):  # stdout is for the result of a command
                return load(self.target)
        except (Exception, SystemExit) as error:
            reason = f"which cannot be imported: {type(error).__name__}: {error}{_place(error)}"
            if not self.owner:
                raise SettingsError(
                    f"{self.name!r} is an import string, {reason}; install its module here, or "
                    "continue in the program that defines it"
                ) from error
            raise PluginError(
                f"plugin {self.owner!r} registers {self.name!r} as {self.target!r}, {reason}; "
                f"mend the plugin or disable it with -p no:{self.owner}"
            ) from error


def _place(error: BaseException) -> str:
    """The file and line that raised at an import; empty if nothing was found to import."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [one for one in frames if one.filename not in (__file__, load.__code__.co_filename)]
    files = [one for one in own if "importlib" not in one.filename]
    return f" ({files[-1].filename}, line {files[-1].lineno})" if files else ""


class Registry(Mapping[str, Entry]):
    """The entries of one kind. A name is given once."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self._entries: dict[str, Entry] = {}

    def register(self, entry: Entry) -> None:
        """Add an entry; a name taken twice is refused with both owners."""
        if not isinstance(entry.name, str):
            raise PluginError(f"a {self.kind} is registered by a name, not by {entry.name!r}")
        if not NAME.fullmatch(entry.name):  # it becomes part of words and of folders' names
            raise PluginError(
                f"{self.kind} {entry.name!r} of plugin {entry.owner!r} is no name: begin with a "
                "letter or digit, followed by these, - _ or ."
            )
        taken = self._entries.get(entry.name)
        if taken is not None:
            raise NameTakenError(
                f"{self.kind} {entry.name!r} of plugin {entry.owner!r} is taken by plugin "
                f"{taken.owner!r}: rename one, or disable one with -p no:{entry.owner}"
            )
        self._entries[entry.name] = entry

    def forget(self, owner: str) -> None:
        """Remove all entries of a plugin."""
        self._entries = {n: entry for n, entry in self._entries.items() if entry.owner != owner}

    def load(self, name: str) -> Any:
        """The object called `name`; refuses an unknown name with the nearest right one."""
        return self.entry(name).load()

    def entry(self, name: str) -> Entry:
        """The entry called `name`, or that of an import string ``module:Class``.

        Refuses an unknown name with the nearest right one.
        """
        if isinstance(name, str) and IMPORT_STRING.fullmatch(name):
            return Entry(name, name, "", "")
        if not isinstance(name, str) or name not in self._entries:
            raise unknown_name(self.kind, str(name), self._entries)
        return self._entries[name]

    def name_of(self, component: type) -> str:
        """The name of a class in settings: the one that it is registered by, or an import string.

        The import string is that of the class itself.
        """
        for name, entry in self._entries.items():
            target = entry.target
            if component is (loaded(target) if isinstance(target, str) else target):
                return name
        return import_string(component)

    def default(self, use: str) -> str | None:
        """The default component of a use; None if there is none."""
        fitting = (name for name, entry in self._entries.items() if use in entry.default_for)
        return next(fitting, None)

    def __getitem__(self, name: str) -> Entry:
        return self._entries[name]

    def __iter__(self) -> Iterator[str]:
        return iter(sorted(self._entries))

    def __len__(self) -> int:
        return len(self._entries)


class Registries(Mapping[str, Registry]):
    """One registry a kind, filled by `source` at the first use."""

    def __init__(self) -> None:
        self._registries = {kind: Registry(kind) for kind in KINDS}
        self._source: Callable[[Registries], None] | None = None
        self._filling = RLock()  # other threads wait; what fills looks up what is there already

    def fill_from(self, source: Callable[[Registries], None]) -> None:
        """Let `source` fill the registries at their first use."""
        self._source = source

    def __getitem__(self, kind: str) -> Registry:
        with self._filling:
            if self._source is not None:
                source, self._source = self._source, None
                try:
                    source(self)
                except BaseException:
                    self._source = source
                    raise
        return self._registries[kind]

    def __iter__(self) -> Iterator[str]:
        return iter(self._registries)

    def __len__(self) -> int:
        return len(self._registries)


registries = Registries()
"""The registries of this process."""
