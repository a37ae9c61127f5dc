"""The papers' figures as diagrams, drawn with matplotlib."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import attrs

from nasir.apps.formatting import axis

COLOURS, DASHES = ("black", "red", "green"), ("-", "--", ":")
BINS = 30


@attrs.frozen(eq=False)
class Overlap:
    """How many of the best architectures two pictures share (ISNAS-DIP, figure 1)."""

    title: str
    names: Sequence[str]
    shared: Sequence[Sequence[int]]
    lines: int = 1

    def draw(self, axes: Any) -> None:
        axes.imshow(self.shared, cmap="Blues", vmin=0)
        most = max(map(max, self.shared))
        for y, row in enumerate(self.shared):
            for x, count in enumerate(row):
                dark = count > most / 2
                axes.text(x, y, count, ha="center", va="center", color="white" if dark else "black")
        axes.set_xticks(range(len(self.names)), self.names, rotation=90)
        axes.set_yticks(range(len(self.names)), self.names)
        axes.set(title=self.title)


@attrs.frozen(eq=False)
class Histogram:
    """The PSNR of all architectures, with some marked by name (ISNAS-DIP, figure 4)."""

    title: str
    psnr: Sequence[float]
    marked: Mapping[str, float]

    @property
    def lines(self) -> int:
        return len(self.marked)

    def draw(self, axes: Any) -> None:
        axes.hist(self.psnr, bins=BINS)
        styles = zip(self.marked.items(), COLOURS, DASHES, strict=False)  # lines may coincide
        for (name, psnr), colour, dashes in styles:
            axes.axvline(psnr, color=colour, linestyle=dashes, label=f"{name}: {psnr:.2f} dB")
        axes.yaxis.get_major_locator().set_params(integer=True)
        axes.set(title=self.title, xlabel="PSNR (dB)", ylabel="architectures")
        axes.legend(fontsize="small")


@attrs.frozen(eq=False)
class Speed:
    """A metric against seconds a picture; a point's area is its parameters (HiNAS, figure 14)."""

    metric: str
    points: Mapping[str, tuple[float, float, float]]
    lines: int = 1

    def draw(self, axes: Any) -> None:
        for name, (seconds, value, parameters) in self.points.items():
            axes.scatter(seconds, value, s=parameters / 2e3 + 10, alpha=0.6)
            axes.annotate(name, (seconds, value), textcoords="offset points", xytext=(6, 4))
        axes.set(xlabel="time for a picture (s)", ylabel=axis(self.metric))
