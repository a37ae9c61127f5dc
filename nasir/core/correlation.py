"""How well what is known of untrained networks predicts how they restore."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from statistics import fmean
from typing import Any

import attrs

from nasir.core import configure
from nasir.core.architecture import Architecture
from nasir.core.cost import COST
from nasir.core.errors import NasirError, SettingsError
from nasir.core.experiment import experiment
from nasir.core.progress import report
from nasir.core.registry import registries
from nasir.core.run import Run
from nasir.core.seeds import derived_seed
from nasir.core.strategy import FULL, Proposal, Trial

TARGET = "psnr"

FEWEST = 3
"""Architectures that a correlation needs."""

Metrics = Mapping[str, float]


@attrs.frozen
class Correlation:
    """Kendall's tau-b between a predictor's value and the final PSNR, over architectures.

    `picture` is the one that both were taken on, None for the mean over all. `tau` is in
    [-1, 1]; a predictor of which less is better is a good one near -1. `p_value` is that of the
    two-sided test of tau = 0. Both are None where `trouble` tells why there is no tau.
    """

    predictor: str
    picture: str | None
    architectures: int
    tau: float | None = None
    p_value: float | None = None
    trouble: str | None = None


def correlations(
    run: Run, proxies: Sequence[str] = (), initialisations: int = 1
) -> list[Correlation]:
    """Correlate what the trials of `run` know beforehand, or `proxies` computed now, with PSNR.

    Parameters and multiply-adds are always among them, where the trials know them or `proxies`
    are computed. Trials are joined by architecture. Raises
    :class:`~nasir.core.errors.NasirError` for a run with nothing to correlate, or too little.
    """
    full = _full(run.trials)
    if len(full) < FEWEST:
        raise NasirError(
            f"{run.folder} has {len(full)} architectures with a final PSNR: a correlation needs "
            f"{FEWEST}; go on with nasir resume {run.folder} --trials N"
        )
    known = _known(run.trials)
    wanted = [*(name for name in proxies or registries["proxy"] if name not in COST), *COST]
    computed: Mapping[str, Metrics] = {}
    if proxies:
        # The cost of the fits' own networks, if known: more channels may go into them.
        fits_know = [name for name in COST if all(name in known[one.id] for one in full)]
        names = [name for name in dict.fromkeys(wanted) if name not in fits_know]
        architectures = [one.architecture for one in full]
        computed = _computed(run, architectures, names, initialisations)
    predictors = {one.id: {**known[one.id], **computed.get(one.id, {})} for one in full}
    found = list(_correlated(full, predictors, dict.fromkeys(wanted)))
    if not found:
        raise NasirError(
            f"{run.folder} has no proxies' values to correlate: compute some with --proxies "
            f"{','.join(registries['proxy'])}"
        )
    return found


@attrs.frozen
class _Fitted:
    """An architecture with the PSNR of its full fits, in the mean and by picture."""

    architecture: Architecture
    psnr: Metrics

    @property
    def id(self) -> str:
        return self.architecture.id


def _full(trials: Iterable[Trial]) -> list[_Fitted]:
    """The architectures that were fitted with the greatest fidelity, repeats in the mean."""
    fitted = [t for t in trials if t.state == "complete" and t.proposal.stage == FULL]
    fitted = [t for t in fitted if math.isfinite(t.metrics.get(TARGET, math.nan))]
    most = max((t.proposal.fidelity for t in fitted), default=1.0)
    by_id: dict[str, list[Trial]] = {}
    for trial in fitted:
        if trial.proposal.fidelity == most:
            by_id.setdefault(trial.architecture.id, []).append(trial)
    return [_Fitted(same[0].architecture, _psnr(same)) for same in by_id.values()]


def _psnr(trials: Sequence[Trial]) -> dict[str, float]:
    """PSNR by picture, with "" for the mean."""
    names = [n for n in trials[0].metrics if n == TARGET or n.startswith(f"{TARGET}:")]
    return {
        name.removeprefix(TARGET).removeprefix(":"): fmean(t.metrics[name] for t in trials)
        for name in names
        if all(math.isfinite(t.metrics.get(name, math.nan)) for t in trials)
    }


def _known(trials: Iterable[Trial]) -> dict[str, dict[str, float]]:
    """Each architecture's metrics from all of its complete trials, of full ones in doubt."""
    known: dict[str, dict[str, float]] = {}
    for trial in sorted(trials, key=lambda trial: trial.proposal.stage == FULL):
        if trial.state == "complete":
            known.setdefault(trial.architecture.id, {}).update(trial.metrics)
    return known


def _computed(
    run: Run, architectures: Sequence[Architecture], proxies: Sequence[str], initialisations: int
) -> dict[str, Metrics]:
    """The proxies of each architecture on the pictures that the run's trials were judged on."""
    if initialisations < 1:
        raise SettingsError(f"--initialisations {initialisations}: take 1 or more")
    if not proxies:
        return {}
    problem = experiment(run.whole_settings).problem
    evaluator = configure.make(
        "evaluator",
        {"name": "proxy", "proxies": list(proxies), "initialisations": initialisations},
    )
    problem = attrs.evolve(problem, evaluators={FULL: evaluator})
    problem.check()
    seed = derived_seed(problem.seed, "correlate")
    values: dict[str, Metrics] = {}
    for number, architecture in enumerate(architectures, start=1):
        values[architecture.id] = evaluator.evaluate(Proposal(architecture), problem, seed).metrics
        report(number, len(architectures))
    return values


def _correlated(
    full: Sequence[_Fitted], predictors: Mapping[str, Metrics], names: Iterable[str]
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
                yield correlation(name, picture or None, finite)


def _value(metrics: Metrics, name: str, picture: str) -> float:
    """What a predictor says of a picture, or of all where it says nothing of single ones."""
    return metrics.get(f"{name}:{picture}", metrics.get(name, math.nan))


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
