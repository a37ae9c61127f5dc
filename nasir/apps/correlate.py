"""``nasir.correlate``: how well untrained networks' figures predict their PSNR."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import attrs

from nasir.apps.fitted import Fitted, fitted, psnr_of
from nasir.apps.progress.displays import shown_in_notebook
from nasir.core.architecture import Architecture
from nasir.core.cost import COST
from nasir.core.errors import NasirError, SettingsError
from nasir.core.evaluator import Evaluation
from nasir.core.progress import report
from nasir.core.registry import registries
from nasir.core.seeds import derived_seed
from nasir.core.trial import FULL, Proposal, Trial
from nasir.runs.run import Run
from nasir.runs.table import ENDING, PSNR, Figures, Table, included, load_table
from nasir.settings.building import make
from nasir.settings.experiment import experiment

AGAIN = "second_fit"
"""The PSNR with another seed as a predictor."""

FEWEST = 3
"""Architectures that a correlation needs."""


@attrs.frozen
class Correlation:
    """Kendall's tau-b between a predictor's value and the final PSNR, over architectures.

    `picture` is the one that both were taken on, None for the mean over all. `tau` is in
    [-1, 1]; a predictor of which less is better is a good one near -1. `p_value` is that of the
    two-sided test of tau = 0. Both are None if there is no tau, and `trouble` says why.
    """

    predictor: str
    picture: str | None
    architectures: int
    tau: float | None = None
    p_value: float | None = None
    trouble: str | None = None


@shown_in_notebook("architectures")
def correlate(
    *sources: str | Path,
    proxies: str | Sequence[str] = (),
    initialisations: int = 1,
    clean: bool = False,
    best_step: bool = False,
) -> dict[str, list[Correlation]]:
    """Correlate what is known before a fit with the PSNR of fits, in runs and tables, by name.

    A source is a run's folder, a table's file, or the name of the table that comes with nasir.
    `proxies` are computed now, with so many `initialisations`; none: those of the trials count.
    With `clean` they are computed against the ground truth, too, as ``NAME:clean``. With
    `best_step` all is correlated with the share of the steps at which PSNR is best, instead of the
    final PSNR (ISNAS-DIP, section 5): the runs' fits must have curves.
    """
    names = proxies.split(",") if isinstance(proxies, str) else proxies
    for name in names:
        registries["proxy"].entry(name)
    found: dict[str, list[Correlation]] = {}
    for source in dict.fromkeys(map(str, sources)):
        found |= correlations_in(source, names, initialisations, clean, best_step)
    return found


def correlations_in(
    name: str,
    proxies: Sequence[str] = (),
    initialisations: int = 1,
    clean: bool = False,
    best_step: bool = False,
) -> dict[str, list[Correlation]]:
    """The correlations in a run's folder, or in each task of a table, by name."""
    if name.endswith(ENDING) or (included(name).is_file() and not Path(name).exists()):
        if best_step:
            raise SettingsError(
                f"{name} is a table: best_step=True is for runs, whose fits have curves"
            )
        if proxies:
            raise SettingsError(
                f"{name} is a table, with its proxies' values: leave proxies=NAMES out"
            )
        found = table_correlations(load_table(name))
        return {f"{name} {task}": correlations for task, correlations in found.items()}
    run = Run(name)
    return {str(run.folder): correlations(run, proxies, initialisations, clean, best_step)}


def correlations(
    run: Run,
    proxies: Sequence[str] = (),
    initialisations: int = 1,
    clean: bool = False,
    best_step: bool = False,
) -> list[Correlation]:
    """Correlate what the trials of `run` know beforehand, or `proxies` computed now, with PSNR.

    Parameters and multiply-adds are always among them, where the trials know them or `proxies`
    are computed. Trials are joined by architecture. Raises
    :class:`~nasir.core.errors.NasirError` for a run with nothing to correlate, or too little.
    """
    full = fitted(run.trials, best_step)
    if len(full) < FEWEST:
        raise NasirError(
            f"{run.folder} has {len(full)} architectures with a final PSNR: a correlation needs "
            f"{FEWEST}; continue it with nasir resume {run.folder} --trials N"
        )
    known = _known(run.trials)
    wanted = [*(name for name in proxies or registries["proxy"] if name not in COST), *COST]
    computed: Mapping[str, Figures] = {}
    if clean and not proxies:
        raise SettingsError("clean=True is of proxies that are computed now: add proxies=NAMES")
    if proxies:
        # The cost of the fits' own networks, if known: more channels may go into them.
        fits_know = [name for name in COST if all(name in known[one.id].metrics for one in full)]
        names = [name for name in dict.fromkeys(wanted) if name not in fits_know]
        architectures = [one.architecture for one in full]
        computed = computed_proxies(run, architectures, names, initialisations)
        if clean:
            compared = [name for name in names if name not in COST]
            others = computed_proxies(run, architectures, compared, initialisations, "clean")
            computed = {id: _merged([of, _marked(others[id])]) for id, of in computed.items()}
            wanted += [f"{name}:clean" for name in compared]
    predictors = {one.id: _merged([known[one.id], computed.get(one.id, Figures())]) for one in full}
    found = list(_correlated(full, predictors, dict.fromkeys(wanted)))
    if not found:
        raise NasirError(
            f"{run.folder} has no proxies' values to correlate: compute some with proxies="
            f"{','.join(registries['proxy'])}"
        )
    return found


def table_correlations(table: Table) -> dict[str, list[Correlation]]:
    """Correlate what a table knows before a fit with the PSNR of its first fits, by task.

    A second fit of the same architectures is among the predictors, for it bounds them all.
    """
    found = {}
    for task, records in table.tasks.items():
        full, predictors = [], {}
        for row, architecture in enumerate(table.architectures):
            first, *others = records.fits_of(row)
            if PSNR in first.metrics:
                full.append(Fitted(architecture, psnr_of([first])))
            again = [_renamed(psnr_of(others[:1]))] if others else []
            predictors[architecture.id] = _merged([first, records.known_of(row), *again])
        names = [*(n for n in records.known_names if n not in COST), *COST, AGAIN]
        found[task] = list(_correlated(full, predictors, names))
    return found


def _renamed(psnr: Mapping[str | None, float]) -> Figures:
    """The PSNR of a second fit under a predictor's name."""
    by_picture = {p: {AGAIN: value} for p, value in psnr.items() if p is not None}
    return Figures({AGAIN: psnr[None]} if None in psnr else {}, by_picture)


def _known(trials: Iterable[Trial]) -> dict[str, Figures]:
    """Each architecture's figures from all of its complete trials, of full ones in doubt."""
    known: dict[str, list[Trial]] = {}
    for trial in sorted(trials, key=lambda trial: trial.proposal.stage == FULL):
        if trial.state == "complete":
            known.setdefault(trial.architecture.id, []).append(trial)
    return {id: _merged(of) for id, of in known.items()}


def _merged(several: Iterable[Trial | Figures | Evaluation]) -> Figures:
    """The figures of all together; the later ones count."""
    merged = Figures()
    for one in several:
        merged.metrics.update(one.metrics)
        for picture, metrics in one.by_picture.items():
            merged.by_picture.setdefault(picture, {}).update(metrics)
    return merged


def _marked(figures: Figures) -> Figures:
    """The figures with the names of those against the ground truth."""

    def named(values: Mapping[str, float]) -> dict[str, float]:
        return {f"{name}:clean": value for name, value in values.items()}

    pictures = {picture: named(values) for picture, values in figures.by_picture.items()}
    return Figures(named(figures.metrics), pictures)


def computed_proxies(
    run: Run,
    architectures: Sequence[Architecture],
    proxies: Sequence[str],
    initialisations: int,
    against: str = "degraded",
) -> dict[str, Figures]:
    """The proxies of each architecture on the pictures of the run's trials."""
    if initialisations < 1:
        raise SettingsError(f"initialisations={initialisations}: take 1 or more")
    if not proxies:
        return {}
    problem = experiment(run.whole_settings).problem
    if against == "clean" and any(one.clean is None for one in problem.task.samples("search")):
        raise SettingsError(f"clean=True needs the ground truth, and {run.folder} has none")
    evaluator = make(
        "evaluator",
        {
            "name": registries["evaluator"].default("score"),
            "proxies": list(proxies),
            "initialisations": initialisations,
            **({"against": against} if against != "degraded" else {}),
        },
    )
    problem = attrs.evolve(problem, evaluators={FULL: evaluator})
    problem.check()
    seed = derived_seed(problem.seed, "correlate")
    values: dict[str, Figures] = {}
    for number, architecture in enumerate(architectures, start=1):
        evaluation = evaluator.evaluate(Proposal(architecture), problem, seed)
        values[architecture.id] = _merged([evaluation])
        report(number, len(architectures))
    return values


def _correlated(
    full: Sequence[Fitted], predictors: Mapping[str, Figures], names: Iterable[str]
) -> Iterable[Correlation]:
    pictures = list(dict.fromkeys(picture for one in full for picture in one.psnr))
    for name in names:
        for picture in pictures:
            pairs = [
                (_value(predictors[one.id], name, picture), one.psnr[picture])
                for one in full
                if picture in one.psnr
            ]
            finite = [pair for pair in pairs if math.isfinite(pair[0])]
            if finite:
                yield correlation(name, picture, finite)


def _value(figures: Figures, name: str, picture: str | None) -> float:
    """A predictor's value for a picture, or over all where it has none for single ones."""
    over_all = figures.metrics.get(name, math.nan)
    return over_all if picture is None else figures.by_picture.get(picture, {}).get(name, over_all)


def correlation(
    predictor: str, picture: str | None, pairs: Sequence[tuple[float, float]]
) -> Correlation:
    """Kendall's tau-b of pairs of a predictor's value and a PSNR, one pair an architecture."""
    from scipy.stats import kendalltau

    values, psnr = zip(*pairs, strict=True)
    without: dict[str, Any] = {"predictor": predictor, "picture": picture}
    without["architectures"] = len(pairs)
    if len(pairs) < FEWEST:
        return Correlation(**without, trouble=f"fewer than {FEWEST} architectures")
    if len(set(values)) == 1:
        return Correlation(**without, trouble="the same for all architectures")
    if len(set(psnr)) == 1:
        return Correlation(**without, trouble="all architectures have the same PSNR")
    result = kendalltau(values, psnr, variant="b")
    return Correlation(**without, tau=float(result.statistic), p_value=float(result.pvalue))
