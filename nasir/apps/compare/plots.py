"""Curves and fronts as pictures; matplotlib is imported when one is drawn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import attrs

from nasir.apps.compare.curves import Curve
from nasir.apps.formatting import axis
from nasir.core.errors import NasirError, RunFolderError

FORMATS = (".png", ".svg", ".pdf")

HEIGHT, WIDTH = 4.0, 5.5
"""Inches of a panel."""

LINE = 0.2
"""Inches of a line's name below it."""

FEW = 8
"""Lines with their names inside the panel, and bands that can be distinguished."""

COLOURS = 10
LINES = ("-", "--", ":")
"""Kinds of lines, the next where the colours come again."""


class NoMatplotlibError(NasirError):
    """matplotlib is not installed."""


class Panel(Protocol):
    """One diagram of a figure."""

    @property
    def lines(self) -> int:
        """How many lines it has that have names."""

    def draw(self, axes: Any) -> None:
        """Draw into matplotlib's `axes`."""


@attrs.frozen(eq=False)
class Curves:
    """Best-so-far curves by name, with their bands; `limit` is the best there is, if known.

    Bands are left out where there are too many to distinguish.
    """

    title: str
    curves: Mapping[str, Curve]
    of: str
    limit: float | None = None

    @property
    def lines(self) -> int:
        return len(self.curves)

    def draw(self, axes: Any) -> None:
        banded = self.lines <= FEW
        for number, (name, curve) in enumerate(self.curves.items()):
            style = {"drawstyle": "steps-post", "linestyle": LINES[number // COLOURS % len(LINES)]}
            (line,) = axes.plot(curve.evaluations, curve.mean, label=name, **style)
            if curve.runs > 1 and banded:
                axes.fill_between(
                    curve.evaluations,
                    curve.low,
                    curve.high,
                    step="post",
                    alpha=0.2,
                    color=line.get_color(),
                    linewidth=0,
                )
        if self.limit is not None:
            axes.axhline(self.limit, color="grey", linestyle=":", linewidth=1)
        axes.set(title=self.title, xlabel="full evaluations", ylabel=self.of)
        axes.xaxis.get_major_locator().set_params(integer=True)
        _add_legend(axes, self.lines)


@attrs.frozen(eq=False)
class Fronts:
    """Pareto fronts by name: points of two objectives, each by its own value, without its sign."""

    title: str
    objectives: tuple[str, str]
    fronts: Mapping[str, Sequence[Sequence[float]]]

    @property
    def lines(self) -> int:
        return len(self.fronts)

    def draw(self, axes: Any) -> None:
        for name, points in self.fronts.items():
            across, up = [p[0] for p in points], [p[1] for p in points]
            axes.plot(across, up, label=name, marker="o", markersize=4, linewidth=1)
        axes.set(title=self.title, xlabel=axis(self.objectives[0]), ylabel=axis(self.objectives[1]))
        _add_legend(axes, self.lines)


def _add_legend(axes: Any, lines: int) -> None:
    """Add the legend: below the panel if it would hide the lines."""
    below = {"loc": "upper center", "bbox_to_anchor": (0.5, -0.16), "frameon": False}
    axes.legend(fontsize="small", **(below if lines > FEW else {}))


def check(file: Path) -> None:
    """Refuse what could not be drawn in the end: an unknown format, or without matplotlib."""
    if file.suffix.lower() not in FORMATS:
        raise NasirError(f"cannot draw {file}: name a file that ends in {', '.join(FORMATS)}")
    if not file.absolute().parent.is_dir():
        raise RunFolderError(f"cannot draw {file}: there is no folder {file.parent}")
    try:
        import matplotlib  # noqa: F401
    except ImportError:
        raise NoMatplotlibError("drawing needs matplotlib: pip install nasir[plots]") from None


def draw(file: Path, panels: Sequence[Panel]) -> None:
    """Draw `panels` side by side into `file`."""
    check(file)
    from matplotlib.figure import Figure

    lines = max(panel.lines for panel in panels)
    height = HEIGHT + (LINE * lines if lines > FEW else 0)
    figure = Figure(figsize=(WIDTH * len(panels), height), layout="constrained")
    for axes, panel in zip(figure.subplots(1, len(panels), squeeze=False)[0], panels, strict=True):
        panel.draw(axes)
    try:
        figure.savefig(file, dpi=150)
    except OSError as error:
        raise RunFolderError(f"cannot draw {file}: {error.strerror}") from None
