"""Curves and fronts as pictures; matplotlib is imported when one is drawn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import attrs

from nasir.comparison.curves import Curve
from nasir.core.errors import NasirError, RunFolderError

FORMATS = (".png", ".svg", ".pdf")

HEIGHT, WIDTH = 4.0, 5.5
"""Inches of a panel."""


class NoMatplotlibError(NasirError):
    """matplotlib is not installed."""


class Panel(Protocol):
    """One diagram of a figure."""

    def draw(self, axes: Any) -> None:
        """Draw into matplotlib's `axes`."""


@attrs.frozen(eq=False)
class Curves:
    """Best-so-far curves by name, with their bands; `limit` is the best there is, if known."""

    title: str
    curves: Mapping[str, Curve]
    of: str = "best so far"
    limit: float | None = None

    def draw(self, axes: Any) -> None:
        for name, curve in self.curves.items():
            (line,) = axes.plot(curve.evaluations, curve.mean, label=name, drawstyle="steps-post")
            if curve.runs > 1:
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
        axes.legend(fontsize="small")


@attrs.frozen(eq=False)
class Fronts:
    """Pareto fronts by name: points of two objectives, each by its own value, without its sign."""

    title: str
    objectives: tuple[str, str]
    fronts: Mapping[str, Sequence[Sequence[float]]]

    def draw(self, axes: Any) -> None:
        for name, points in self.fronts.items():
            across, up = [p[0] for p in points], [p[1] for p in points]
            axes.plot(across, up, label=name, marker="o", markersize=4, linewidth=1)
        axes.set(title=self.title, xlabel=self.objectives[0], ylabel=self.objectives[1])
        axes.legend(fontsize="small")


def check(file: Path) -> None:
    """Refuse what could not be drawn in the end: an unknown format, or without matplotlib."""
    if file.suffix.lower() not in FORMATS:
        raise NasirError(f"cannot draw {file}: name a file that ends in {', '.join(FORMATS)}")
    if not file.absolute().parent.is_dir():
        raise RunFolderError(f"cannot draw {file}: there is no folder {file.parent}")
    try:
        import matplotlib  # noqa: F401
    except ImportError:
        raise NoMatplotlibError("drawing wants matplotlib: pip install nasir[plots]") from None


def draw(file: Path, panels: Sequence[Panel]) -> None:
    """Draw `panels` side by side into `file`."""
    check(file)
    from matplotlib.figure import Figure

    figure = Figure(figsize=(WIDTH * len(panels), HEIGHT), layout="constrained")
    for axes, panel in zip(figure.subplots(1, len(panels), squeeze=False)[0], panels, strict=True):
        panel.draw(axes)
    try:
        figure.savefig(file, dpi=150)
    except OSError as error:
        raise RunFolderError(f"cannot draw {file}: {error.strerror}") from None
