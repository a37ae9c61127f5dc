"""``nasir plugins``: list plugins, disable and enable them."""

from __future__ import annotations

import os
from argparse import ArgumentParser, Namespace
from collections import defaultdict
from collections.abc import Mapping
from typing import TYPE_CHECKING

import attrs

from nasir.cli.command import Command
from nasir.core.errors import PluginError, SettingsError, unknown_name

if TYPE_CHECKING:
    from nasir.plugins.manager import PluginRecord

OWN = "nasir-commands"
"""The plugin of this command."""

FEW = 5
"""More names are only counted."""


class PluginsCommand(Command):
    """List every plugin with its state, or disable and enable some permanently."""

    def configure(self, parser: ArgumentParser) -> None:
        parser.add_argument("action", metavar="ACTION", nargs="?", help="disable or enable")
        parser.add_argument("names", metavar="NAME", nargs="*", help="plugins to disable or enable")
        parser.add_argument("--json", action="store_true", help="print the list as JSON")
        parser.add_argument(
            "--check", action="store_true", help="import all that is registered, and say what fails"
        )

    def run(self, arguments: Namespace) -> int:
        if arguments.action is not None:
            _switch(arguments.action, arguments.names)
            return 0
        records = _records()
        if arguments.check:
            records = _checked(records)
        from nasir.cli.tables import print_json

        if arguments.json:
            print_json([attrs.asdict(record) for record in records.values()])
        else:
            _print(list(records.values()))
        return int(arguments.check and any(one.status == "failed" for one in records.values()))


def _records() -> dict[str, PluginRecord]:
    from nasir.core.registry import registries
    from nasir.plugins.manager import plugins

    registries["command"]  # the first use of a registry loads all plugins
    return plugins().records


def _checked(records: Mapping[str, PluginRecord]) -> dict[str, PluginRecord]:
    """The plugins after all that they register was imported; the first failure is the reason."""
    from nasir.core.registry import registries

    checked = dict(records)
    for entry in (entry for registry in registries.values() for entry in registry.values()):
        try:
            entry.load()
        except PluginError as error:
            if checked[entry.owner].status == "ok":
                checked[entry.owner] = attrs.evolve(
                    checked[entry.owner], status="failed", reason=str(error)
                )
    return checked


def _switch(action: str, names: list[str]) -> None:
    from nasir.plugins.switches import disabled_plugins, set_disabled, switches_file

    if action not in ("disable", "enable"):
        raise unknown_name("action", action, ("disable", "enable"))
    if not names:
        raise SettingsError(f"{action} which plugin? write: nasir plugins {action} NAME")
    # a disabled plugin that was uninstalled since can be enabled
    known = {*_records(), *disabled_plugins()}
    for name in names:
        if name not in known:
            raise unknown_name("plugin", name, known)
        if (action, name) == ("disable", OWN):
            raise SettingsError(
                f"{name} brings this command: disable it for one call with -p no:{name}"
            )
    for name in names:
        set_disabled(name, action == "disable")
        other = "enable" if action == "disable" else "disable"
        print(f"{action}d {name} in {switches_file()}; undo: nasir plugins {other} {name}")


def _print(records: list[PluginRecord]) -> None:
    from nasir.cli.tables import table

    rows = [
        [record.name, record.distribution, record.version, record.status, _details(record)]
        for record in records
    ]
    header = ["plugin", "distribution", "version", "status", "registers"]
    print(table(header, rows, fold=4))


def _details(record: PluginRecord) -> str:
    """What a plugin registers in short, or why it registers nothing."""
    from nasir.plugins.switches import ENVIRONMENT

    if record.status == "failed":
        return record.reason
    if record.status == "disabled":
        once = record.name in os.environ.get(ENVIRONMENT, "").split(",")
        return (
            f"by -p or {ENVIRONMENT}"
            if once
            else f"enable with: nasir plugins enable {record.name}"
        )
    kinds = defaultdict(list)
    for registered in record.registers:
        kind, _, name = registered.partition(" ")
        kinds[kind].append(name)
    return "; ".join(_short(kind, names) for kind, names in kinds.items())


def _short(kind: str, names: list[str]) -> str:
    from nasir.apps.verbs import PLURALS

    return f"{len(names)} {PLURALS[kind]}" if len(names) > FEW else f"{kind} {', '.join(names)}"
