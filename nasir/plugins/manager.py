"""Loads plugins; a broken one is reported and the others work."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Callable, Iterable, Sequence
from contextlib import redirect_stdout, suppress
from functools import lru_cache, partial
from importlib import import_module
from importlib.machinery import PathFinder
from typing import TYPE_CHECKING, Any, Literal

import attrs
import pluggy

from nasir.core.errors import NasirError, PluginError, unknown_name
from nasir.core.import_strings import load
from nasir.core.registry import Entry, Registries
from nasir.plugins import hookspecs
from nasir.plugins.switches import disabled_plugins

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

ENTRY_POINTS = "nasir"

METADATA = (".dist-info", ".egg-info", "egg-info")
"""Ends of the names of folders that describe a distribution."""

STRICT = "NASIR_STRICT_PLUGINS"
"""The environment variable with which what plugins raise ends a command."""

BUILTIN = (
    "nasdip",
    "cells",
    "clearer",
    "unet",
    "strategies",
    "tasks",
    "degradations",
    "evaluators",
    "executors",
    "proxies",
    "methods",
    "networks",
    "recipes",
    "commands",
    "tensorboard",
    "mlflow",
    "wandb",
)
"""The plugins that come with nasir: modules of :mod:`nasir.plugins.builtin`."""

HOOK_KINDS = {
    "register_search_spaces": "space",
    "register_strategies": "strategy",
    "register_tasks": "task",
    "register_degradations": "degradation",
    "register_evaluators": "evaluator",
    "register_executors": "executor",
    "register_operations": "operation",
    "register_proxies": "proxy",
    "register_methods": "method",
    "register_networks": "network",
    "register_recipes": "recipe",
    "register_run_settings": "run_setting",
    "register_commands": "command",
}

CHECKS = {
    "network": "nasir.networks.network:check_network",
    "recipe": "nasir.settings.recipes:check_recipe",
    "run_setting": "nasir.settings.run_settings:check_run_setting",
}
"""What checks a target when a stranger's plugin registers it, by kind; others when they are used.

They are import strings: imported for every command, they would take half of its time to start.
"""

OURS = "nasir"
"""The distribution of the plugins that come with nasir."""

log = logging.getLogger("nasir")


@attrs.define
class PluginRecord:
    """A plugin and the result of loading it."""

    name: str
    distribution: str
    version: str
    status: Literal["ok", "disabled", "failed"] = "ok"
    reason: str = ""
    registers: list[str] = attrs.field(factory=list)


class Plugins:
    """The plugins of this process."""

    def __init__(self, disabled: Iterable[str] = (), strict: bool = False) -> None:
        self.records: dict[str, PluginRecord] = {}
        self._disabled = frozenset(disabled)
        self._strict = strict
        self._pm = pluggy.PluginManager("nasir")
        self._pm.add_hookspecs(hookspecs)

    def fill(self, registries: Registries, own: str) -> None:
        """Load all plugins, the built-in ones (of version `own`) first; on error, none."""
        try:
            for name in BUILTIN:
                record = PluginRecord(f"nasir-{name}", OURS, own)
                self._load(
                    record, partial(import_module, f"nasir.plugins.builtin.{name}"), registries
                )
            for point in _entry_points():
                self._load(_record(point), point.load, registries)
        except BaseException:
            for name, plugin in self._pm.list_name_plugin():
                self._withdraw(self.records[name], plugin, registries)
            self.records.clear()
            raise

    @property
    def versions(self) -> dict[str, dict[str, str]]:
        """The distribution and version of each plugin that is loaded."""
        return {
            record.name: {"distribution": record.distribution, "version": record.version}
            for record in self.records.values()
            if record.status == "ok"
        }

    def add(self, name: str, plugin: object, registries: Registries) -> None:
        """Load a plugin that is an object already, under the name `name`."""
        self._load(PluginRecord(name, "", ""), lambda: plugin, registries)

    def notify(self, hook: str, **arguments: Any) -> None:
        """Call a hook of all plugins; one that raises is reported and not called again."""
        having = [one.plugin for one in getattr(self._pm.hook, hook).get_hookimpls()]
        for name, plugin in self._pm.list_name_plugin():
            if plugin not in having:
                continue
            try:
                self._call(hook, plugin, **arguments)
            except (Exception, SystemExit) as error:
                self._pm.unregister(plugin)
                self._failed(self.records[name], f"{hook} raised {_reason(error)}", error)

    def _load(
        self, record: PluginRecord, imported: Callable[[], object], registries: Registries
    ) -> None:
        first, disabled = self.records.get(record.name), record.name in self._disabled
        if first is not None:
            record = attrs.evolve(record, name=f"{record.name} ({record.distribution})")
        self.records[record.name] = record
        if disabled:
            record.status = "disabled"
            return
        if first is not None:
            self._failed(record, f"the name is taken by {first.distribution or first.name}", None)
            return
        try:
            with redirect_stdout(sys.stderr):
                plugin = imported()
        except (Exception, SystemExit) as error:
            self._failed(record, f"cannot be imported: {_reason(error)}", error)
            return
        try:
            self._pm.register(plugin, record.name)
            self._check_hook_names(plugin)
            implemented = {caller.name for caller in self._pm.get_hookcallers(plugin) or ()}
            for hook in filter(implemented.__contains__, HOOK_KINDS):
                self._fill_one(record, plugin, hook, HOOK_KINDS[hook], registries)
        except (Exception, SystemExit) as error:
            self._withdraw(record, plugin, registries)
            self._failed(record, _reason(error), error)

    def _fill_one(
        self, record: PluginRecord, plugin: object, hook: str, kind: str, registries: Registries
    ) -> None:
        def register(
            name: str, target: Any, summary: str = "", default_for: Sequence[str] = ()
        ) -> None:
            if kind in CHECKS and record.distribution != OURS:
                load(CHECKS[kind])(name, target)
            entry = Entry(name, target, summary, record.name, tuple(default_for))
            registries[kind].register(entry)
            record.registers.append(f"{kind} {name}")

        argument = "cli" if kind == "command" else "register"
        self._call(hook, plugin, **{argument: register})

    def _withdraw(self, record: PluginRecord, plugin: object, registries: Registries) -> None:
        if self._pm.is_registered(plugin):
            self._pm.unregister(plugin)
        for registry in registries.values():
            registry.forget(record.name)
        record.registers.clear()

    def _check_hook_names(self, plugin: object) -> None:
        """Report a misspelt hook, which would otherwise never be called."""
        known = {name for name in dir(hookspecs) if hasattr(getattr(hookspecs, name), "nasir_spec")}
        for caller in self._pm.get_hookcallers(plugin) or ():
            optional = all(i.optionalhook for i in caller.get_hookimpls() if i.plugin is plugin)
            if not caller.has_spec() and not optional:
                raise unknown_name("hook", caller.name, known)

    def _call(self, hook: str, plugin: object, **arguments: Any) -> None:
        others = [other for other in self._pm.get_plugins() if other is not plugin]
        with redirect_stdout(sys.stderr):  # stdout is for the result of a command
            self._pm.subset_hook_caller(hook, others)(**arguments)

    def _failed(self, record: PluginRecord, reason: str, error: BaseException | None) -> None:
        record.status, record.reason = "failed", reason
        message = f"plugin {record.name!r} of {record.distribution or 'this program'}: {reason}"
        if self._strict:
            raise PluginError(
                f"{message}; correct it, or disable it with -p no:{record.name}"
            ) from error
        log.warning("%s; it is left out (see: nasir plugins)", message)


@lru_cache(maxsize=1)
def plugins() -> Plugins:
    """The plugins of this process."""
    return Plugins(disabled_plugins(), is_strict())


def is_strict() -> bool:
    """Whether what plugins raise ends a command, with a traceback."""
    return os.environ.get(STRICT, "") not in ("", "0")


def _entry_points() -> list[EntryPoint]:
    """What installed distributions register, by name."""
    if not _may_be_registered():
        return []
    from importlib.metadata import entry_points

    return sorted(entry_points(group=ENTRY_POINTS), key=lambda point: point.name)


def _may_be_registered() -> bool:
    """Whether installed distributions may name plugins: importlib.metadata is slow to import."""
    finders = [finder for finder in sys.meta_path if finder is not PathFinder]
    if any(hasattr(finder, "find_distributions") for finder in finders):
        return True
    return any(map(_may_name_plugins, sys.path))


def _may_name_plugins(place: str) -> bool:
    """Whether a place on the import path has a distribution with plugins, or is no folder."""
    try:
        about = [name for name in os.listdir(place or None) if name.lower().endswith(METADATA)]
    except FileNotFoundError:
        return False
    except OSError:  # such as a zip file
        return True
    for name in about:
        with suppress(OSError), open(os.path.join(place, name, "entry_points.txt"), "rb") as file:
            if b"[nasir]" in file.read():
                return True
    return False


def _record(point: EntryPoint) -> PluginRecord:
    distribution = point.dist
    return PluginRecord(
        point.name,
        distribution.name if distribution else "",
        distribution.version if distribution else "",
    )


def _reason(error: BaseException) -> str:
    text = " ".join(str(error).split())
    return text if isinstance(error, NasirError) else f"{type(error).__name__}: {text}"
