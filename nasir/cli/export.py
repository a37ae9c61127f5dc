"""``nasir export``: a trained network, or a run's trials, for other programs."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from typing import TYPE_CHECKING

from nasir.cli.command import Command

if TYPE_CHECKING:
    from nasir.apps.export.export import Exported


class ExportCommand(Command):
    """Write a trained network as one file, checked against the network itself.

    The trials of a run are written as a study of Optuna: nasir export RUN -o study.db
    """

    def configure(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "folder", metavar="FOLDER", help="the folder of nasir train, or a run's"
        )
        parser.add_argument(
            "-o",
            "--output",
            metavar="FILE",
            required=True,
            help="model.onnx, model.pt2, or model.safetensors for nasir restore network=FILE; "
            "study.db of a run",
        )
        parser.add_argument(
            "--tolerance",
            type=float,
            help="how far outputs may differ, nominally in [0, 1]; default 1e-4, with --half 2e-3",
        )
        parser.add_argument(
            "--licence",
            default="",
            metavar="TEXT",
            help="of the weights, and what they were trained on; needed for .safetensors",
        )
        parser.add_argument(
            "--made", default="", metavar="TEXT", help="how the weights were got, for .safetensors"
        )
        parser.add_argument(
            "--half", action="store_true", help="store weights as float16, for .safetensors"
        )
        parser.add_argument("--force", action="store_true", help="overwrite what exists")
        parser.add_argument("--json", action="store_true", help="print as JSON")

    def run(self, arguments: Namespace) -> int:
        from nasir.apps.export.export import export
        from nasir.apps.export.optuna_study import STUDY, export_study
        from nasir.cli.tables import print_json, table

        if arguments.output.endswith(STUDY):
            trials = export_study(arguments.folder, arguments.output)
            if arguments.json:
                print_json({"file": arguments.output, "trials": trials})
            else:
                print(f"written  {arguments.output} ({trials} trials)")
                print(f"next     optuna-dashboard sqlite:///{arguments.output}")
            return 0
        done = export(
            arguments.folder,
            arguments.output,
            force=arguments.force,
            tolerance=arguments.tolerance,
            licence=arguments.licence,
            made=arguments.made,
            half=arguments.half,
        )
        if arguments.json:
            print_json(done.mapping)
        else:
            print(table((), rows(done), fold=1))
        return 0


def rows(done: Exported) -> list[tuple[str, str]]:
    """An export in words."""
    sizes = {0: f"{done.side} x {done.side} pixels only", 1: "any height and width"}
    fallback = f"heights and widths that are multiples of {done.multiple}"
    channels = f"{done.channels} channel{'s' if done.channels > 1 else ''}"
    return [
        ("written", str(done.file)),
        ("takes", f"{channels}, {sizes.get(done.multiple, fallback)}"),
        ("difference", f"{done.difference:.2g} at most"),
    ]
