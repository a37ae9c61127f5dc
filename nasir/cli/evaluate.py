"""``nasir evaluate``: methods and architectures by the published protocols."""

from __future__ import annotations

import csv
import sys
from argparse import ArgumentParser, Namespace, RawDescriptionHelpFormatter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nasir.cli.command import Command
from nasir.cli.displays import show_work
from nasir.core.errors import RunFolderError
from nasir.runs.foreign_folders import refuse_links_out

if TYPE_CHECKING:
    from nasir.apps.evaluate.entries import Result

EXAMPLES = """
  method=tv,nlm               classical methods (nasir list methods); method.weight=0.1 sets one's
  architecture=NAME           a reference architecture (nasir describe space=nasdip), an
                              architecture.json or a run's folder; several with commas. With the
                              folder of nasir train, its trained weights are judged
  images=FOLDER               the pictures, all of them and whole; short for task.images
  task=sr task.scale=4        the task and its protocol: task.channel, task.border, task.seed,
                              task.quantise (true unless it is set here)
  evaluator.iterations=500    how architectures are fitted
  evaluator.tile=64           of trained weights: in patches; evaluator.ensemble=true: the mean over
                              8 flips and rotations
  seed=1 threads=2            of the fits
"""

MEAN = "mean"


class EvaluateCommand(Command):
    """Judge methods and architectures on the same pictures: a table per picture, and the mean."""

    def configure(self, parser: ArgumentParser) -> None:
        parser.add_argument("words", nargs="*", metavar="WORD", help="a setting; see below")
        shape = parser.add_mutually_exclusive_group()
        shape.add_argument("--json", action="store_true", help="print as JSON")
        shape.add_argument("--csv", action="store_true", help="print as CSV")
        parser.add_argument("-o", "--output", metavar="FOLDER", help="save the restored pictures")
        parser.add_argument(
            "--overwrite", action="store_true", help="write over what FOLDER has already"
        )
        parser.epilog = EXAMPLES
        parser.formatter_class = RawDescriptionHelpFormatter

    def run(self, arguments: Namespace) -> int:
        from nasir.apps.evaluate.evaluate import plan

        planned = plan(arguments.words, {})
        folder = Path(arguments.output).expanduser() if arguments.output else None
        if folder is not None:
            _check_output(folder, arguments.overwrite)
        results: list[Result] = []
        try:
            for entry in planned.entries:
                with show_work(entry.name):
                    results.append(entry.evaluate())
                if folder is not None:
                    _save(folder, results[-1])
        except KeyboardInterrupt:
            _print(results, planned.settings, arguments)
            raise
        _print(results, planned.settings, arguments)
        return 1 if any(result.error for result in results) else 0


def _print(results: Sequence[Result], settings: Mapping[str, Any], arguments: Namespace) -> None:
    from nasir.cli.tables import print_json

    if arguments.json:
        print_json({**settings, "results": [result.mapping for result in results]})
    elif arguments.csv:
        _print_csv(results)
    elif results:
        _print_tables(results)


def _print_tables(results: Sequence[Result]) -> None:
    """Each picture's figures, then the means side by side where there are several."""
    from nasir.apps.formatting import heading
    from nasir.cli.tables import table

    names = _metrics(results)
    rows = [
        [title, picture, *_cells(names, figures)]
        for result in results
        for title, picture, figures in _lines(result)
    ]
    header = ["", "picture", *map(heading, names)]
    print(table(header, rows, right=range(2, len(header))))
    means = [(result.name, result.metrics) for result in results if result.error is None]
    if len(means) > 1:
        rows = [[name, *_cells(names, mean)] for name, mean in means]
        print()
        print(table([MEAN, *map(heading, names)], rows, right=range(1, len(names) + 1)))
    for result in results:
        if result.error is not None:
            print(f"\n{result.name} failed: {result.error}")


def _cells(names: Sequence[str], figures: Mapping[str, float]) -> list[str]:
    from nasir.apps.formatting import figure

    cells = {name: figure(name, value) for name, value in figures.items()}
    if "seconds" in figures:
        cells["seconds"] = f"{figures['seconds']:.2f}"
    return [cells.get(name, "") for name in names]


def _lines(result: Result) -> Iterator[tuple[str, str, Mapping[str, float]]]:
    """Rows of a table: a title that is not repeated, a picture's name, its figures."""
    if result.error is not None:
        yield result.name, "failed", {}
        return
    named = [*result.by_picture.items(), (MEAN, result.metrics)]
    for number, (picture, figures) in enumerate(named):
        yield result.name if number == 0 else "", picture, figures


def _print_csv(results: Sequence[Result]) -> None:
    names = _metrics(results)
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(["name", "kind", "picture", *names])
    for result in results:
        for _, picture, figures in _lines(result):
            figures_of = [figures.get(name, "") for name in names]
            writer.writerow([result.name, result.kind, picture, *figures_of])


def _metrics(results: Sequence[Result]) -> list[str]:
    """The metrics of single pictures, PSNR and SSIM first and the seconds last."""
    from nasir.apps.formatting import metric_names

    rows = [figures for result in results for figures in result.by_picture.values()]
    names = metric_names(rows or [result.metrics for result in results])
    return [*(name for name in names if name != "seconds"), "seconds"]


def _check_output(folder: Path, overwrite: bool) -> None:
    """Refuse a folder that has something in it, unless it may be written over."""
    try:
        if folder.exists() and not folder.is_dir():
            raise RunFolderError(f"{folder} is no folder: choose another with -o FOLDER")
        if not overwrite and folder.exists() and any(folder.iterdir()):
            raise RunFolderError(
                f"{folder} is not empty: choose another with -o FOLDER, or add --overwrite"
            )
        refuse_links_out(folder)
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RunFolderError(f"cannot write to {folder}: {error.strerror}") from None


def _save(folder: Path, result: Result) -> None:
    """Write ``FOLDER/RESULT/PICTURE.png`` with 8 bits."""
    from nasir.runs.run import file_name

    place = folder / file_name(result.name)
    try:
        place.mkdir(exist_ok=True)
        for name, picture in result.restored.items():
            _image(picture).save(place / f"{file_name(name)}.png")
    except OSError as error:
        raise RunFolderError(f"cannot write to {place}: {error.strerror}") from None


def _image(picture: Any) -> Any:
    """An 8-bit picture of an array ``(H, W, C)`` in [0, 1], rounded as it was judged."""
    import numpy as np
    from PIL import Image

    values = np.rint(np.clip(picture, 0, 1) * 255).astype(np.uint8)
    return Image.fromarray(values[..., 0] if values.shape[-1] == 1 else values)
