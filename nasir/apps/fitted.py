"""What the fits of a run reached, by architecture."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from statistics import fmean

import attrs

from nasir.core.architecture import Architecture
from nasir.core.errors import NasirError
from nasir.core.trial import FULL, Trial
from nasir.runs.table import PSNR, Figures


@attrs.frozen
class Fitted:
    """An architecture with a figure of its full fits by picture, under None over all pictures.

    The figure, `psnr`, is the final PSNR, or where asked for the share of the steps with the best.
    """

    architecture: Architecture
    psnr: Mapping[str | None, float]

    @property
    def id(self) -> str:
        return self.architecture.id


def fitted(trials: Iterable[Trial], best_step: bool = False) -> list[Fitted]:
    """The architectures that were fitted with the greatest fidelity, repeats in the mean."""
    full = [t for t in trials if t.state == "complete" and t.proposal.stage == FULL]
    full = [t for t in full if math.isfinite(t.metrics.get(PSNR, math.nan))]
    most = max((t.proposal.fidelity for t in full), default=1.0)
    by_id: dict[str, list[Trial]] = {}
    for trial in full:
        if trial.proposal.fidelity == most:
            by_id.setdefault(trial.architecture.id, []).append(trial)
    of = _best_steps if best_step else psnr_of
    if best_step:
        by_id = {id: same for id, same in by_id.items() if any(fit.curve for fit in same)}
        if not by_id:
            raise NasirError(
                "the fits have no curves to find the best step on: run with evaluator.curve=20"
            )
    return [Fitted(same[0].architecture, of(same)) for same in by_id.values()]


def _best_steps(fits: Sequence[Trial]) -> dict[str | None, float]:
    """The mean share of the steps at which the PSNR of a picture is best, by its curves."""
    shares: dict[str, list[float]] = {}
    for fit in fits:
        for picture, curve in fit.curve.items():
            shares.setdefault(picture, []).append(max(curve, key=lambda point: point[1])[0])
    means = {picture: fmean(of) for picture, of in shares.items()}
    found: dict[str | None, float] = {None: fmean(means.values())}
    return found | (dict(means) if len(means) > 1 else {})


def psnr_of(fits: Sequence[Trial | Figures]) -> dict[str | None, float]:
    """The mean PSNR of fits by picture where there are several, under None over all pictures."""
    values = [_final_psnr(fit) for fit in fits]
    names = list(values[0]) if len(values[0]) > 2 else [None]
    return {
        name: fmean(of[name] for of in values)
        for name in names
        if all(math.isfinite(of.get(name, math.nan)) for of in values)
    }


def _final_psnr(fit: Trial | Figures) -> dict[str | None, float]:
    """The PSNR of a whole fit by picture, which may be the end of its learning curve."""
    ends = {picture: curve[-1] for picture, curve in fit.curve.items() if curve}
    final: dict[str | None, float] = {None: fit.metrics.get(PSNR, math.nan)}
    final |= {picture: psnr for picture, (share, psnr) in ends.items() if share == 1}
    return final | {picture: of[PSNR] for picture, of in fit.by_picture.items() if PSNR in of}
