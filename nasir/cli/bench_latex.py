"""The tables of ``nasir bench`` for LaTeX, with the package booktabs."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from nasir.cli.bench_tables import p_value

if TYPE_CHECKING:
    from nasir.apps.bench.problem_results import ProblemResult
    from nasir.apps.bench.standings import Standing

ESCAPED = {"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"}
ESCAPED |= {character: f"\\{character}" for character in "&%$#_{}"}
"""What LaTeX reads for each of its own characters."""

HEAD = ("Strategy", "Evaluations", r"Reached [\%]", "Best", "Regret", "Rank", "$p$")


def latex(found: Sequence[ProblemResult]) -> str:
    """A ``table`` for each problem; the least rank and the greatest mean are bold."""
    return "\n\n".join("\n".join(_table(one)) for one in found)


def _table(one: ProblemResult) -> Iterator[str]:
    standings = one.standings
    ranks = [standing.rank for standing in standings if standing.rank is not None]
    bests = [standing.best for standing in standings if standing.best is not None]
    yield r"\begin{table}"
    yield r"\centering"
    yield rf"\caption{{{_caption(one)}}}"
    yield r"\begin{tabular}{lrrrrrr}"
    yield r"\toprule"
    yield _row(HEAD)
    yield r"\midrule"
    for standing in standings:
        yield _row(_cells(standing, max(bests, default=None), min(ranks, default=None)))
    yield r"\bottomrule"
    yield r"\end{tabular}"
    yield r"\end{table}"


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
    mean = "--" if one.best is None else _bold(f"{one.best:.3f}", one.best == best)
    spread = "" if one.deviation is None else rf" $\pm$ {one.deviation:.3f}"
    p = p_value(one.p_value)
    return [
        escaped(one.strategy),
        f"{median} ({low}--{high})",
        f"{100 * one.reached:.0f}",
        mean + spread,
        "--" if one.regret is None else f"{one.regret:.3f}",
        "--" if one.rank is None else _bold(f"{one.rank:.2f}", one.rank == rank),
        f"${p}$" if p.startswith("<") else p,
    ]


def _evaluations(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0") if math.isfinite(value) else r"$\infty$"


def _bold(figure: str, wanted: bool) -> str:
    return rf"\textbf{{{figure}}}" if wanted else figure


def _row(cells: Sequence[str]) -> str:
    return " & ".join(cells) + r" \\"


def escaped(text: str) -> str:
    """`text` as LaTeX prints it."""
    return "".join(ESCAPED.get(character, character) for character in text)
