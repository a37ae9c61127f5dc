"""``nasir.compare``: runs side by side."""

from __future__ import annotations

from pathlib import Path

from nasir.apps.compare.comparison import Comparison
from nasir.core.errors import SettingsError
from nasir.runs.run import Run
from nasir.runs.sweep import runs_of


def compare(
    *runs: Run | str | Path, html: str | Path | None = None, plot: str | Path | None = None
) -> Comparison:
    """Compare runs, or all of a sweep: where settings differ, and what was found, over all seeds.

    `html` is a file for a page with tables, curves and fronts, `plot` a file for a picture of
    them. Raises :class:`~nasir.core.errors.NasirError` for what is no run, for runs of different
    objectives, and for files that cannot be written.
    """
    if not runs:
        raise SettingsError("compare wants the folders of runs")
    opened = runs_of(runs)
    if not opened:
        raise SettingsError("no run of that sweep has begun: continue it with nasir resume")
    comparison = Comparison(opened)
    if html is not None:
        from nasir.apps.report.comparison_page import write_comparison

        write_comparison(comparison, Path(html).expanduser())
    if plot is not None:
        comparison.draw(Path(plot).expanduser())
    return comparison
