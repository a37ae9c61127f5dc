"""The tables of ``nasir bench`` for LaTeX, with the package booktabs."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from nasir.cli.bench_tables import p_value
from nasir.cli.latex import escaped, in_bold, latex_table

if TYPE_CHECKING:
    from nasir.apps.bench.problem_results import ProblemResult
    from nasir.apps.bench.standings import Standing

HEAD = ("Strategy", "Evaluations", r"Reached [\%]", "Best", "Regret", "Rank", "$p$")


def latex(found: Sequence[ProblemResult]) -> str:
    """A ``table`` for each problem; the least rank and the greatest mean are bold."""
    return "\n\n".join(map(_table, found))


def _table(one: ProblemResult) -> str:
    standings = one.standings
    ranks = [standing.rank for standing in standings if standing.rank is not None]
    bests = [standing.best for standing in standings if standing.best is not None]
    best, rank = max(bests, default=None), min(ranks, default=None)
    rows = [_cells(standing, best, rank) for standing in standings]
    return latex_table(_caption(one), HEAD, rows)


def _caption(one: ProblemResult) -> str:
    seeds = one.standings[0].seeds
    problem = f"{escaped(one.problem)}: " if one.problem else ""
    return (
        f"{problem}{seeds} searches of each strategy, {one.full} full evaluations each. "
        r"Evaluations until one of the best 1\,\% is found: median (quartiles). "
        "$p$: against the least rank (Wilcoxon, Holm)."
    )


def _cells(one: Standing, best: float | None, rank: float | None) -> list[str]:
    low, median, high = map(_evaluations, one.evaluations)
    mean = "--" if one.best is None else in_bold(f"{one.best:.3f}", one.best == best)
    spread = "" if one.deviation is None else rf" $\pm$ {one.deviation:.3f}"
    p = p_value(one.p_value)
    return [
        escaped(one.strategy),
        f"{median} ({low}--{high})",
        f"{100 * one.reached:.0f}",
        mean + spread,
        "--" if one.regret is None else f"{one.regret:.3f}",
        "--" if one.rank is None else in_bold(f"{one.rank:.2f}", one.rank == rank),
        f"${p}$" if p.startswith("<") else p,
    ]


def _evaluations(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0") if math.isfinite(value) else r"$\infty$"
