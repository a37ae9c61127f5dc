"""``nasir tabulate``: a tabular benchmark, made of runs."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import TYPE_CHECKING

from nasir.cli.command import Command
from nasir.runs.table import ENDING

if TYPE_CHECKING:
    pass


class TabulateCommand(Command):
    """Write the results of all trials of runs as a table for evaluator=table.

    Runs of one task are repeats with other seeds; runs with evaluator=proxy give the proxies.
    """

    def configure(self, parser: ArgumentParser) -> None:
        parser.add_argument("folders", metavar="RUN", nargs="+", help="a run's folder")
        parser.add_argument(
            "-o", "--output", metavar="FILE", required=True, help=f"the table, NAME{ENDING}"
        )
        parser.add_argument("--force", action="store_true", help="overwrite what exists")
        parser.add_argument("--json", action="store_true", help="print as JSON")

    def run(self, arguments: Namespace) -> int:
        from nasir.apps.tabulate import summary_of, tabulate
        from nasir.cli.tables import print_json, table

        path = Path(arguments.output).expanduser()
        made = tabulate(*arguments.folders, output=path, force=arguments.force)
        content = summary_of(made, path)
        if arguments.json:
            print_json(content)
        else:
            rows = [
                [name, str(of["architectures"]), *map(str, of["repeats"][1:]), str(of["metrics"])]
                for name, of in content["tasks"].items()
            ]
            seconds = max((len(of["repeats"]) for of in content["tasks"].values()), default=1) - 1
            again = [f"again {turn + 1}" for turn in range(seconds)]
            header = ["task", "architectures", *again, "metrics"]
            padded = [[*row[:-1], *[""] * (len(header) - len(row)), row[-1]] for row in rows]
            print(table(header, padded, right=range(1, len(header))))
            print(f"\nwritten  {path} ({content['bytes'] / 2**20:.2f} MiB)")
        return 0
