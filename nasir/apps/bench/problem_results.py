"""The results of a bench: the standings on each problem, and over all problems."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import attrs

from nasir.apps.bench.entries import BenchEntry, ranking_of
from nasir.apps.bench.results import SearchResult, known_ranking
from nasir.apps.bench.standings import (
    Ranking,
    Standing,
    compare_strategies,
    curve,
    evaluations_to_reach,
    standing_of,
)
from nasir.core.errors import RunFolderError

if TYPE_CHECKING:
    from nasir.apps.compare.curves import Curve
    from nasir.apps.compare.significance import Comparison


@attrs.frozen(eq=False, repr=False)
class ProblemResult:
    """The strategies on one problem.

    `ranking` has every architecture (`whole`) or, if the evaluator has no ranking, those that any
    search evaluated, by mean score. `spent` are the evaluations to reach the best 1 %, by strategy
    and seed.
    """

    problem: str
    ranking: Ranking
    whole: bool
    results: Sequence[Sequence[SearchResult]]
    standings: Sequence[Standing]
    spent: Sequence[Sequence[float]]
    comparison: Comparison | None
    full: int

    def __repr__(self) -> str:
        names = ", ".join(one.strategy for one in self.standings)
        seeds = self.standings[0].seeds if self.standings else 0
        of = f"{self.problem}: " if self.problem else ""
        return f"ProblemResult({of}{names}; {seeds} seeds, {self.full} evaluations each)"

    @property
    def measure(self) -> str:
        """What the scores of all searches are, as at an axis: ``PSNR (dB)``."""
        measures = {one.measure for results in self.results for one in results if one.found}
        return measures.pop() if len(measures) == 1 else "score"

    def curves(self) -> dict[str, Curve]:
        """The best-so-far curve of each strategy that found anything."""
        return {
            one.strategy: curve(results, self.ranking, self.full)
            for one, results in zip(self.standings, self.results, strict=True)
            if any(result.found for result in results)
        }


def problem_results(
    entries: Sequence[BenchEntry], results: Sequence[SearchResult], full: int
) -> list[ProblemResult]:
    """The result on each problem; `results` have every entry with the same seeds."""
    found = []
    for problem in dict.fromkeys(entry.problem for entry in entries):
        numbers = [n for n, entry in enumerate(entries) if entry.problem == problem]
        of = [[result for result in results if result.entry == n] for n in numbers]
        ranking = ranking_of(entries[numbers[0]])
        whole = ranking is not None
        if ranking is None:
            ranking = known_ranking([result for one in of for result in one])
        standings = [
            standing_of(problem, entries[n].strategy, one, ranking)
            for n, one in zip(numbers, of, strict=True)
        ]
        spent = [[evaluations_to_reach(result, ranking) for result in one] for one in of]
        comparison = compare_strategies([spent], full)
        standings = _with_ranks(standings, comparison)
        found.append(ProblemResult(problem, ranking, whole, of, standings, spent, comparison, full))
    return found


def overall(found: Sequence[ProblemResult]) -> Comparison | None:
    """The comparison over all problems; None for a single problem."""
    return (
        compare_strategies([one.spent for one in found], found[0].full) if len(found) > 1 else None
    )


def write_curves(file: Path, found: Sequence[ProblemResult]) -> None:
    """Write the mean best-so-far curves and their bands as CSV."""
    try:
        with file.open("w", encoding="utf-8", newline="") as stream:
            writer = csv.writer(stream)
            writer.writerow(["problem", "strategy", "evaluations", "mean", "low", "high", "runs"])
            for one in found:
                for strategy, curve in one.curves().items():
                    columns = (curve.evaluations, curve.mean, curve.low, curve.high)
                    for row in zip(*(column.tolist() for column in columns), strict=True):
                        if row[1] == row[1]:  # NaN before every search has found something
                            writer.writerow([one.problem, strategy, *row, curve.runs])
    except OSError as error:
        raise RunFolderError(f"cannot write {file}: {error.strerror}") from None


def _with_ranks(standings: Sequence[Standing], comparison: Comparison | None) -> list[Standing]:
    if comparison is None:
        return list(standings)
    columns = zip(standings, comparison.ranks, comparison.p_values, strict=True)
    return [attrs.evolve(one, rank=rank, p_value=p_value) for one, rank, p_value in columns]
