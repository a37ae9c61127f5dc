"""What a bench came to: the standings on each problem, and over all of them."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import attrs

from nasir.apps.bench.entrants import Entrant, ranking_of
from nasir.apps.bench.results import Result, known_ranking
from nasir.apps.bench.standings import (
    Ranking,
    Standing,
    compared,
    curve,
    evaluations_to_reach,
    standing,
)
from nasir.core.errors import RunFolderError

if TYPE_CHECKING:
    from nasir.apps.compare.curves import Curve
    from nasir.apps.compare.significance import Comparison


@attrs.frozen(eq=False)
class Outcome:
    """The strategies on one problem.

    `ranking` has every architecture, or, where the evaluator has none, those that any of the
    searches judged, by their mean score; `whole` tells which. `spent` are the evaluations to
    reach, by strategy and seed.
    """

    problem: str
    ranking: Ranking
    whole: bool
    results: Sequence[Sequence[Result]]
    standings: Sequence[Standing]
    spent: Sequence[Sequence[float]]
    comparison: Comparison | None
    full: int

    def curves(self) -> dict[str, Curve]:
        """The best-so-far curve of each strategy that found anything."""
        return {
            one.strategy: curve(results, self.ranking, self.full)
            for one, results in zip(self.standings, self.results, strict=True)
            if any(result.found for result in results)
        }


def outcomes(entrants: Sequence[Entrant], results: Sequence[Result], full: int) -> list[Outcome]:
    """The outcome of each problem; `results` hold every entrant with the same seeds."""
    found = []
    for problem in dict.fromkeys(entrant.problem for entrant in entrants):
        numbers = [n for n, entrant in enumerate(entrants) if entrant.problem == problem]
        of = [[result for result in results if result.entrant == n] for n in numbers]
        ranking = ranking_of(entrants[numbers[0]])
        whole = ranking is not None
        if ranking is None:
            ranking = known_ranking([result for one in of for result in one])
        standings = [
            standing(problem, entrants[n].strategy, one, ranking)
            for n, one in zip(numbers, of, strict=True)
        ]
        spent = [[evaluations_to_reach(result, ranking) for result in one] for one in of]
        comparison = compared([spent], full)
        standings = _with_ranks(standings, comparison)
        found.append(Outcome(problem, ranking, whole, of, standings, spent, comparison, full))
    return found


def overall(found: Sequence[Outcome]) -> Comparison | None:
    """The comparison over all problems; None where there is but one."""
    return compared([one.spent for one in found], found[0].full) if len(found) > 1 else None


def write_curves(file: Path, found: Sequence[Outcome]) -> None:
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
