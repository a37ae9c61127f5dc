"""Results of an evaluation as CSV and as pictures in a folder."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from nasir.apps.formatting import metric_names
from nasir.core.errors import RunFolderError
from nasir.runs.foreign_folders import refuse_links_out

if TYPE_CHECKING:
    from nasir.apps.evaluate.entries import Result

MEAN = "mean"


def metric_columns(results: Sequence[Result]) -> list[str]:
    """The metrics of single pictures, PSNR and SSIM first and the seconds last."""
    rows = [figures for result in results for figures in result.by_picture.values()]
    names = metric_names(rows or [result.metrics for result in results])
    return [*(name for name in names if name != "seconds"), "seconds"]


def rows_of(result: Result) -> Iterator[tuple[str, Mapping[str, float]]]:
    """Each picture's name with its metrics, and the mean; one row without metrics if it failed."""
    if result.error is not None:
        yield "failed", {}
        return
    yield from result.by_picture.items()
    yield MEAN, result.metrics


def write_csv(results: Sequence[Result], stream: TextIO) -> None:
    """Write a row for each picture of each result, and for the mean."""
    names = metric_columns(results)
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(["name", "kind", "picture", *names])
    for result in results:
        for picture, figures in rows_of(result):
            values = [figures.get(name, "") for name in names]
            writer.writerow([result.name, result.kind, picture, *values])


def check_output(folder: Path, overwrite: bool) -> None:
    """Make a folder for pictures; refuse one that is not empty, unless it may be overwritten."""
    try:
        if folder.exists() and not folder.is_dir():
            raise RunFolderError(f"{folder} is no folder: choose another with output=FOLDER")
        if not overwrite and folder.exists() and any(folder.iterdir()):
            raise RunFolderError(
                f"{folder} is not empty: choose another with output=FOLDER, or add overwrite=True"
            )
        refuse_links_out(folder)
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RunFolderError(f"cannot write to {folder}: {error.strerror}") from None


def save(folder: Path, result: Result) -> None:
    """Write ``FOLDER/RESULT/PICTURE.png`` with 8 bits."""
    from nasir.runs.result import file_name

    place = folder / file_name(result.name)
    try:
        place.mkdir(exist_ok=True)
        for name, picture in result.restored.items():
            _image(picture).save(place / f"{file_name(name)}.png")
    except OSError as error:
        raise RunFolderError(f"cannot write to {place}: {error.strerror}") from None


def _image(picture: Any) -> Any:
    """An 8-bit picture of an array ``(H, W, C)`` in [0, 1], rounded as for the metrics."""
    import numpy as np
    from PIL import Image

    values = np.rint(np.clip(picture, 0, 1) * 255).astype(np.uint8)
    return Image.fromarray(values[..., 0] if values.shape[-1] == 1 else values)
