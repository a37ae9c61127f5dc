"""``nasir list``: all registered names."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from nasir.apps.listing import registered
from nasir.apps.verbs import PLURALS
from nasir.cli.command import Command
from nasir.core.errors import unknown_name
from nasir.core.registry import registries

RECIPE = "recipe"
"""The kind that is listed only when it is asked for: there are a hundred."""

Row = dict[str, str]


class ListCommand(Command):
    """List registered names, each with its plugin and a summary."""

    def configure(self, parser: ArgumentParser) -> None:
        parser.add_argument("kind", metavar="KIND", nargs="?", help=", ".join(PLURALS.values()))
        parser.add_argument("--json", action="store_true", help="print as JSON")
        parser.epilog = "Explain one: nasir describe KIND=NAME"

    def run(self, arguments: Namespace) -> int:
        kinds = [_kind(arguments.kind)] if arguments.kind else list(PLURALS)
        if not arguments.kind and not arguments.json:
            kinds.remove(RECIPE)
        listed = {kind: registered(kind) for kind in kinds}
        from nasir.cli.tables import print_json

        if arguments.json:
            print_json(listed)
        else:
            _print({kind: rows for kind, rows in listed.items() if rows or arguments.kind})
        if not (arguments.kind or arguments.json):
            print(f"\n{len(registries[RECIPE])} recipes: nasir list {PLURALS[RECIPE]}")
        return 0


def _kind(given: str) -> str:
    singular = {plural: kind for kind, plural in PLURALS.items()}
    kind = singular.get(given, given)
    if kind not in PLURALS:
        raise unknown_name("kind", given, PLURALS)
    return kind


def _print(listed: dict[str, list[Row]]) -> None:
    from nasir.cli.tables import table

    cells: list[list[str]] = []
    headings = []
    for kind, rows in listed.items():
        if cells:
            cells.append(["", "", ""])
        headings.append((len(cells), 0))
        cells.append([PLURALS[kind], "", ""])
        cells += [[f"  {row['name']}", row["owner"], row["summary"]] for row in rows]
        cells += [] if rows else [["  none", "", ""]]
    print(table((), cells, fold=2, bold=headings))
