"""The tables of ``nasir bench``."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from nasir.cli.tables import print_json, table

if TYPE_CHECKING:
    from nasir.apps.bench.problem_results import ProblemResult
    from nasir.apps.bench.standings import Standing
    from nasir.apps.compare.significance import Comparison

NOTE = (
    "evaluations: full evaluations until one of the best 1 % of the architectures is found;",
    "median (quartiles) over the seeds",
)

RANKED = (
    "rank: the mean over all seeds, by evaluations; searches that found none share the last",
    "p-value: against the best rank (Wilcoxon signed-rank, two-sided, Holm-corrected)",
)

HEADER = ("strategy", "evaluations", "reached", "best", "regret", "scored", "rank", "p-value")


def print_results(found: Sequence[ProblemResult]) -> None:
    """Print a table for each problem, one over all problems, and what the columns mean."""
    from nasir.apps.bench.problem_results import overall

    for one in found:
        if one.problem:
            print(one.problem)
        print(table(HEADER, map(_cells, one.standings), right=range(1, len(HEADER))))
        for line in (*_about(one), *_failures(one)):
            print(line)
        print()
    everywhere = overall(found)
    if everywhere is not None:
        _print_overall(found[0], everywhere)
    for line in (*NOTE, *(RANKED if found[0].comparison else ())):
        print(line)


def print_results_json(found: Sequence[ProblemResult]) -> None:
    """Print the same as JSON."""
    from nasir.apps.bench.problem_results import overall

    content: dict[str, Any] = {
        "full": found[0].full,
        "problems": [
            {
                "problem": one.problem,
                "architectures": len(one.ranking),
                "whole_table": one.whole,
                "best": one.ranking[0][0] if one.ranking else None,
                "friedman_p_value": one.comparison.friedman if one.comparison else None,
                "strategies": [standing.mapping for standing in one.standings],
            }
            for one in found
        ],
    }
    everywhere = overall(found)
    if everywhere is not None:
        names = [one.strategy for one in found[0].standings]
        columns = zip(names, everywhere.ranks, everywhere.p_values, strict=True)
        content["overall"] = [
            {"strategy": name, "rank": rank, "p_value": p_value} for name, rank, p_value in columns
        ]
    print_json(content)


def p_value(value: float | None) -> str:
    """A p-value in few digits; none for the best itself."""
    if value is None:
        return ""
    return "< 0.001" if value < 0.001 else f"{value:.3f}"


def _cells(one: Standing) -> list[str]:
    low, median, high = map(_evaluations, one.evaluations)
    best = "none" if one.best is None else f"{one.best:.3f}"
    return [
        one.strategy,
        f"{median} ({low}..{high})",
        f"{one.reached:.0%}",
        best if one.deviation is None else f"{best} +- {one.deviation:.3f}",
        "" if one.regret is None else f"{one.regret:.3f}",
        f"{one.scored:.0f}",
        "" if one.rank is None else f"{one.rank:.2f}",
        p_value(one.p_value),
    ]


def _evaluations(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0") if math.isfinite(value) else "never"


def _about(one: ProblemResult) -> Iterator[str]:
    seeds = one.standings[0].seeds
    what = "of the table" if one.whole else "evaluated by any of these searches"
    best = f", the best {one.ranking[0][0]:.3f}" if one.ranking else ""
    yield (
        f"{seeds} seed{'s' * (seeds > 1)}, {one.full} evaluations each; {len(one.ranking)} "
        f"architectures {what}{best}"
    )
    if one.comparison is not None and one.comparison.friedman is not None:
        value = p_value(one.comparison.friedman)
        yield f"all equal: p {value if value.startswith('<') else f'= {value}'} (Friedman)"


def _failures(one: ProblemResult) -> Iterator[str]:
    """A line for each strategy that had failed trials."""
    for standing, results in zip(one.standings, one.results, strict=True):
        failed = sum(result.failed for result in results)
        if failed:
            first = next(result.failure for result in results if result.failure)
            yield f"{standing.strategy}: {failed} failed trials, the first: {first}"


def _print_overall(first: ProblemResult, everywhere: Comparison) -> None:
    print(f"all problems, {everywhere.blocks} searches of each")
    columns = zip(first.standings, everywhere.ranks, everywhere.p_values, strict=True)
    rows = [[one.strategy, f"{rank:.2f}", p_value(value)] for one, rank, value in columns]
    print(table(["strategy", "rank", "p-value"], rows, right=(1, 2)), end="\n\n")
