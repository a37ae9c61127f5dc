"""Look up what an architecture came to, in a tabular benchmark."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING, ClassVar

import attrs
from attrs import validators as must

from nasir.core.component import setting
from nasir.core.errors import EvaluationError, SettingsError, unknown_name
from nasir.core.evaluator import Evaluation, Evaluator, Problem
from nasir.core.registry import registries
from nasir.core.trial import Proposal
from nasir.runs.table import CARRIED, ENDING, load_table

if TYPE_CHECKING:
    from nasir.runs.table import Records

DRAWS = 50
"""Architectures of which at least one must be in the table."""

CURVE = "psnr@"


def _whole_path(given: str) -> str:
    """A file's path that holds in any working directory; the name of a carried table as it is."""
    return str(Path(given).expanduser().resolve()) if given.endswith(ENDING) else given


@attrs.define
class _Lookup(Evaluator):
    """What evaluators that look up have in common."""

    restores: ClassVar[bool] = False

    table: str = setting(
        CARRIED,
        "a table that comes with nasir, or a file made by nasir tabulate",
        None,
        _whole_path,
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
                f"recipe {CARRIED} does"
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
        records, row = self.records(problem), self.row(proposal)
        told = [dict(zip(records.names, map(float, r[row]), strict=True)) for r in records.repeats]
        there = [one for one in told if math.isfinite(one.get("psnr", math.nan))]
        if not there:
            raise EvaluationError(f"table {self.table} has no PSNR of {proposal.architecture}")
        if self.repeat == "first":
            there = there[:1]
        elif self.repeat == "draw":
            there = [there[seed % len(there)]]
        metrics = [self._metrics(one, proposal.fidelity) for one in there]
        names = [name for name in metrics[0] if all(name in one for one in metrics)]
        figures = {name: fmean(one[name] for one in metrics) for name in names}
        return Evaluation(figures["psnr"], figures)

    def check(self, problem: Problem) -> None:
        _Lookup.check(self, problem)
        names = self.records(problem).names
        there = dict.fromkeys(n.partition(":")[2] for n in names if n.startswith(CURVE))
        for picture in self.pictures:
            if picture not in there:
                raise unknown_name(f"picture of table {self.table}:", picture, there)

    def metric_names(self, problem: Problem) -> Collection[str]:
        return [name for name in self.records(problem).names if not name.startswith(CURVE)]

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

    def _metrics(self, told: dict[str, float], fidelity: float) -> dict[str, float]:
        """The metrics of one fit at a share of its steps."""
        finite = {name: value for name, value in told.items() if math.isfinite(value)}
        metrics = {name: value for name, value in finite.items() if not name.startswith(CURVE)}
        if "fit_seconds" in metrics:
            metrics["fit_seconds"] *= fidelity
        if fidelity == 1 and not self.pictures:
            return metrics
        curve = _curve(finite)
        if not curve:
            raise EvaluationError(
                f"table {self.table} has no learning curves: only fidelity 1 of all pictures"
            )
        point = max((p for p in curve if p <= fidelity + 1e-9), default=min(curve))
        pictures = self.pictures or tuple(curve[point])
        kept = ("parameters", "multiply_adds", "fit_seconds")
        psnr = {f"psnr:{picture}": curve[point][picture] for picture in pictures}
        cost = {name: metrics[name] for name in kept if name in metrics}
        return {"psnr": fmean(psnr.values()), **psnr, **cost}


@attrs.define
class TableProxies(_Lookup):
    """Gives the proxies' values that a table has."""

    proxies: tuple[str, ...] = ()

    def evaluate(self, proposal: Proposal, problem: Problem, seed: int) -> Evaluation:
        records, row = self.records(problem), self.row(proposal)
        known = dict(zip(records.known_names, map(float, records.known[row]), strict=True))
        metrics = {name: known[name] for name in self.proxies}
        first = self.proxies[0]
        if not all(map(math.isfinite, metrics.values())):
            raise EvaluationError(f"table {self.table} lacks a proxy of {proposal.architecture}")
        sign = 1 if registries["proxy"].load(first).larger_is_better else -1
        return Evaluation(sign * metrics[first], metrics)

    def check(self, problem: Problem) -> None:
        _Lookup.check(self, problem)
        known = self.records(problem).known_names
        for name in self.proxies:
            if name not in known:
                there = ", ".join(n for n in known if ":" not in n)
                raise SettingsError(f"table {self.table} has no proxy {name}: it has {there}")


def _curve(told: dict[str, float]) -> dict[float, dict[str, float]]:
    """PSNR by share of the fit and picture."""
    curve: dict[float, dict[str, float]] = {}
    for name, value in told.items():
        if name.startswith(CURVE):
            share, _, picture = name.removeprefix(CURVE).partition(":")
            curve.setdefault(float(share), {})[picture] = value
    return curve
