"""How loss and validation went, as a CSV file that grows while a training goes on."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from nasir.core.errors import RunFolderError

HEADER = ("step", "loss", "validation_psnr")

Row = tuple[int, float, float | None]


class Curve:
    """Rows of step, loss and validation PSNR in dB, the latter where it was measured.

    What a killed training wrote of steps that it does again is written anew.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.rows = _read(path)
        self._begun = False

    def add(self, step: int, loss: float, psnr: float | None) -> None:
        """Add a row at the end of the file."""
        while self.rows and self.rows[-1][0] >= step:
            self.rows.pop()
        self.rows.append((step, loss, psnr))
        self._write(self.rows[-1:] if self._begun else self.rows)
        self._begun = True

    def _write(self, rows: Sequence[Row]) -> None:
        try:
            with self.path.open("a" if self._begun else "w", newline="") as stream:
                writer = csv.writer(stream, lineterminator="\n")
                if not self._begun:
                    writer.writerow(HEADER)
                writer.writerows((s, loss, "" if p is None else p) for s, loss, p in rows)
        except OSError as error:
            raise RunFolderError(f"cannot write {self.path}: {error.strerror}") from None


def _read(path: Path) -> list[Row]:
    """The whole rows of a file; the last line may be cut off, or there may be none."""
    rows: list[Row] = []
    with suppress(OSError, ValueError):
        for line in path.read_text(encoding="utf-8").splitlines(keepends=True)[1:]:
            if not line.endswith("\n"):
                break
            step, loss, psnr = line.rstrip("\n").split(",")
            rows.append((int(step), float(loss), float(psnr) if psnr else None))
    return rows
