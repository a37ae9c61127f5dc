"""``nasir train``: the final training of one architecture."""

from __future__ import annotations

import shlex
import sys
from argparse import ArgumentParser, Namespace, RawDescriptionHelpFormatter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from nasir.cli.command import Command

if TYPE_CHECKING:
    from nasir.apps.train.training import Training

EXAMPLES = """
WORD is key=value, a settings file NAME.toml, or a recipe; later ones win. The folder of a
training as the only word continues it, after any kind of end and to the same bits.
  architecture=NAME           a reference architecture (nasir describe space=NAME), an
                              architecture.json, or a run's folder
  images=FOLDER test_images=FOLDER  short for task.images and task.test_images
  task=denoise task.sigma=30  what the network does; whole pictures unless task.size is set
  evaluator.iterations=20000 evaluator.ema=0.999 ...   (nasir describe evaluator=train)
  validation=0.02             share of the training pictures for validation
  seed=1 threads=2
"""


class TrainCommand(Command):
    """Train one architecture, show it live, and evaluate it on the test pictures."""

    def configure(self, parser: ArgumentParser) -> None:
        parser.add_argument("words", nargs="*", metavar="WORD", help="a setting; see below")
        parser.add_argument(
            "-o", "--output", metavar="FOLDER", help="default: trained/TIME-SPACE-TASK"
        )
        parser.add_argument(
            "--accept-changes",
            action="store_true",
            help="go on from other pictures or versions than it began with; recorded",
        )
        parser.add_argument("--json", action="store_true", help="print the result alone, as JSON")
        parser.add_argument("--quiet", action="store_true", help="print the result alone")
        parser.epilog = EXAMPLES
        parser.formatter_class = RawDescriptionHelpFormatter

    def run(self, arguments: Namespace) -> int:
        from nasir.apps.progress.displays import show_training
        from nasir.apps.train.train import train
        from nasir.cli.tables import print_json

        quiet = arguments.quiet or arguments.json

        def started(training: Training) -> None:
            if not quiet:
                folder = shlex.quote(str(training.folder))
                print(f"to continue after any kind of end: nasir train {folder}", file=sys.stderr)

        with show_training(quiet):
            training = train(
                *arguments.words,
                output=arguments.output,
                started=started,
                accept_changes=arguments.accept_changes,
            )
        if arguments.json:
            print_json(training.mapping)
        else:
            print_training(training)
        return 0


def print_training(training: Training) -> None:
    """Print the figures of the test pictures, and what to do next."""
    from nasir.apps.formatting import figure, heading, metric_names
    from nasir.cli.tables import table

    result = training.result or {"metrics": {}, "by_picture": {}}
    metrics, by_picture = result["metrics"], result["by_picture"]
    names = metric_names(by_picture.values())

    def row(title: str, figures: Mapping[str, float], prefix: str = "") -> Sequence[str]:
        values = {name: figures.get(prefix + name) for name in names}
        return [title, *("" if v is None else figure(n, v) for n, v in values.items())]

    if names:
        lines = [row(picture, figures) for picture, figures in by_picture.items()]
        lines += [row("mean", metrics), row("degraded, mean", metrics, "degraded_")]
        header = ["test pictures", *map(heading, names)]
        print(table(header, lines, right=range(1, len(header))), end="\n\n")
    folder = shlex.quote(str(training.folder))
    pairs = [
        ("parameters", figure("parameters", metrics.get("parameters", 0))),
        ("trained", folder),
        ("next", f"nasir restore IMAGE architecture={folder}"),
        ("", f"nasir export {folder} -o model.onnx"),
    ]
    print(table((), pairs, fold=1))
