"""Look up what an architecture came to, in a tabular benchmark."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING, ClassVar

import attrs
from attrs import validators as must

from nasir.core.component import setting
from nasir.core.cost import COST
from nasir.core.errors import EvaluationError, SettingsError, unknown_name
from nasir.core.evaluator import Evaluation, Evaluator, Problem
from nasir.core.registry import registries
from nasir.core.trial import Proposal
from nasir.runs.table import ENDING, INCLUDED, PSNR, Figures, load_table, table_file

if TYPE_CHECKING:
    from nasir.runs.table import Records

DRAWS = 50
"""Architectures of which at least one must be in the table."""

COSTS = (*COST, "fit_seconds")
"""Metrics that are there at any share of a fit."""


def _whole_path(given: str) -> str:
    """An absolute path of a file; the name of an included table is unchanged."""
    return str(Path(given).expanduser().resolve()) if given.endswith(ENDING) else given


@attrs.define
class _Lookup(Evaluator):
    """What evaluators that look up have in common."""

    restores: ClassVar[bool] = False

    table: str = setting(
        INCLUDED,
        "a table that comes with nasir, or a file made by nasir tabulate",
        None,
        _whole_path,
        files=lambda given: [table_file(given)],
    )

    def check(self, problem: Problem) -> None:
        import numpy as np

        table = load_table(self.table)
        self.records(problem)
        space = problem.domain.space
        if table.space["name"] != space:
            raise SettingsError(
                f"table {self.table} is of space {table.space['name']}, not {space}: take its "
                "recipe, or another evaluator"
            )
        rng = np.random.default_rng(0)
        drawn = [problem.domain.sample(rng) for _ in range(DRAWS)]
        if not any(architecture.id in table.rows for architecture in drawn):
            raise SettingsError(
                f"none of {DRAWS} architectures drawn from this space is in table {self.table}, "
                f"which has {len(table.rows)}: take the table's settings of the space, as the "
                f"recipe {INCLUDED} does"
            )

    def records(self, problem: Problem) -> Records:
        """What the table has for the problem's task."""
        tasks = load_table(self.table).tasks
        name = registries["task"].name_of(type(problem.task))
        if name not in tasks:
            raise SettingsError(
                f"table {self.table} has no task {name}: take task={' or task='.join(tasks)}"
            )
        return tasks[name]

    def row(self, proposal: Proposal) -> int:
        """The row of the proposed architecture."""
        rows = load_table(self.table).rows
        if proposal.architecture.id not in rows:
            raise EvaluationError(
                f"table {self.table} lacks {proposal.architecture}: it has {len(rows)} others"
            )
        return rows[proposal.architecture.id]


@attrs.define
class TableEvaluator(_Lookup):
    """Gives the PSNR that an architecture came to, at any share of its fit.

    A fidelity below 1 is looked up on the learning curve, at the last point that is not beyond
    it. Nothing is fitted, so that a search takes seconds; with ``repeat = "draw"`` the noise of
    fits is in it.
    """

    pictures: tuple[str, ...] = setting(
        (), "pictures of the table over which the mean is taken; none: all"
    )
    repeat: str = setting(
        "first",
        "of an architecture that was fitted with several seeds: the first, the mean of all, or one "
        "drawn by the trial's seed",
        must.in_(("first", "mean", "draw")),
    )

    def evaluate(self, proposal: Proposal, problem: Problem, seed: int) -> Evaluation:
        fits = [f for f in self.records(problem).fits_of(self.row(proposal)) if PSNR in f.metrics]
        if not fits:
            raise EvaluationError(f"table {self.table} has no PSNR of {proposal.architecture}")
        if self.repeat == "first":
            fits = fits[:1]
        elif self.repeat == "draw":
            fits = [fits[seed % len(fits)]]
        left = [self._left(fit, proposal.fidelity) for fit in fits]
        metrics = _mean_of_fits([fit.metrics for fit in left])
        by_picture = {
            picture: _mean_of_fits([fit.by_picture.get(picture, {}) for fit in left])
            for picture in left[0].by_picture
        }
        return Evaluation(metrics[PSNR], metrics, by_picture)

    def check(self, problem: Problem) -> None:
        _Lookup.check(self, problem)
        there = self.records(problem).pictures
        for picture in self.pictures:
            if picture not in there:
                raise unknown_name(f"picture of table {self.table}:", picture, there)

    def metric_names(self, problem: Problem) -> Collection[str]:
        return self.records(problem).metric_names

    def scoring(self, proxies: Sequence[str], initialisations: int, side: int) -> Evaluator:
        """The proxies' values in the table; they were taken with one initialisation."""
        return TableProxies(self.table, tuple(proxies))

    def ranking(self, problem: Problem) -> list[tuple[float, str]]:
        """The mean PSNR over all repeats and the id of each architecture, best first."""
        mean = attrs.evolve(self, repeat="mean")
        scored = []
        for architecture in load_table(self.table).architectures:
            try:
                score = mean.evaluate(Proposal(architecture), problem, 0).score
            except EvaluationError:
                continue
            scored.append((score, architecture.id))
        return sorted(scored, reverse=True)

    def _left(self, fit: Figures, fidelity: float) -> Figures:
        """The figures of a fit that is left after a share of its steps, in (0, 1]."""
        metrics = fit.metrics
        if "fit_seconds" in metrics:
            metrics["fit_seconds"] *= fidelity
        if fidelity == 1 and not self.pictures:
            return Figures(metrics, fit.by_picture)
        curves = {picture: dict(curve) for picture, curve in fit.curve.items()}
        shares = {share for curve in curves.values() for share in curve}
        if not shares:
            raise EvaluationError(
                f"table {self.table} has no learning curves: only fidelity 1 of all pictures"
            )
        share = max((s for s in shares if s <= fidelity + 1e-9), default=min(shares))
        pictures = self.pictures or tuple(p for p, curve in curves.items() if share in curve)
        psnr = {picture: curves[picture][share] for picture in pictures}
        costs = {name: metrics[name] for name in COSTS if name in metrics}
        by_picture = {picture: {PSNR: value} for picture, value in psnr.items()}
        return Figures({PSNR: fmean(psnr.values()), **costs}, by_picture)


@attrs.define
class TableProxies(_Lookup):
    """Gives the proxies' values that a table has."""

    proxies: tuple[str, ...] = ()

    def evaluate(self, proposal: Proposal, problem: Problem, seed: int) -> Evaluation:
        known = self.records(problem).known_of(self.row(proposal)).metrics
        if not set(self.proxies) <= known.keys():
            raise EvaluationError(f"table {self.table} lacks a proxy of {proposal.architecture}")
        metrics = {name: known[name] for name in self.proxies}
        first = self.proxies[0]
        sign = 1 if registries["proxy"].load(first).larger_is_better else -1
        return Evaluation(sign * metrics[first], metrics)

    def check(self, problem: Problem) -> None:
        _Lookup.check(self, problem)
        known = self.records(problem).known_names
        for name in self.proxies:
            if name not in known:
                raise SettingsError(
                    f"table {self.table} has no proxy {name}: it has {', '.join(known)}"
                )


def _mean_of_fits(rows: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """The mean of each metric that all of several fits have."""
    names = [name for name in rows[0] if all(name in row for row in rows)]
    return {name: fmean(row[name] for row in rows) for name in names}
