"""A proposal and what came of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import attrs

from nasir.core.architecture import Architecture
from nasir.core.errors import NasirError

FULL = "full"
"""The stage at which an architecture is judged in earnest."""

FOUND = "found"
"""The name of the found architecture where it is judged beside references."""

Curve = tuple[tuple[float, float], ...]
"""A learning curve: pairs of the share of the full effort, in (0, 1], and the PSNR in dB there."""


@attrs.frozen
class Proposal:
    """What to evaluate: an architecture, the evaluator (by stage) and the share of its effort.

    `seed` is that of an earlier trial which this one goes on from; None: one of its own.
    """

    architecture: Architecture
    stage: str = FULL
    fidelity: float = 1.0
    seed: int | None = attrs.field(default=None, eq=False)


@attrs.frozen
class Trial:
    """A proposal and what came of it.

    `score` is None unless the state is ``complete``; `error` is why a trial failed, its first
    line in plain words. `metrics`, `by_picture`, `curve` and `stop` are those of the
    :class:`~nasir.core.evaluator.Evaluation`. `started` is in seconds since the epoch. `pictures`
    are the restored pictures ``(H, W, C)`` by name, where the strategy looks at those of the
    stage (see :attr:`Strategy.looks_at`); they are there when the strategy gets the trial, and
    are not kept.
    """

    number: int
    proposal: Proposal
    seed: int
    state: Literal["running", "complete", "failed"] = "running"
    score: float | None = None
    metrics: Mapping[str, float] = attrs.field(factory=dict)
    by_picture: Mapping[str, Mapping[str, float]] = attrs.field(factory=dict)
    curve: Mapping[str, Curve] = attrs.field(factory=dict)
    stop: float | None = None
    started: float | None = None
    seconds: float | None = None
    worker: str | None = None
    error: str | None = None
    pictures: Mapping[str, Any] = attrs.field(factory=dict, eq=False, repr=False)

    @property
    def architecture(self) -> Architecture:
        return self.proposal.architecture

    @property
    def reason(self) -> str:
        """The first line of `error`."""
        return (self.error or "").partition("\n")[0]


def best_of(trials: Sequence[Trial]) -> Trial:
    """The complete full-stage trial with the greatest fidelity and then score, the first of equals.

    Where none is of the full stage, the one with the best score of any. Raises
    :class:`~nasir.core.errors.NasirError` where none is complete.
    """
    complete = [t for t in trials if t.state == "complete"]
    if not complete:
        failed = next((t for t in trials if t.state == "failed"), None)
        reason = f"; the first failure: {failed.reason}" if failed else ""
        raise NasirError(f"no trial is complete{reason}")
    full = [t for t in complete if t.proposal.stage == FULL]
    if full:
        return max(full, key=lambda t: (t.proposal.fidelity, t.score, -t.number))
    return max(complete, key=lambda t: (t.score, -t.number))


def best_first(trials: Sequence[Trial]) -> list[Trial]:
    """Trials as they are ranked by default: complete, full-stage, of the greatest fidelity, score.

    The failed ones come last, equals in the order they have.
    """

    def rank(trial: Trial) -> tuple[bool, bool, float, float]:
        proposal, value = trial.proposal, trial.score if trial.score is not None else 0.0
        return trial.state == "complete", proposal.stage == FULL, proposal.fidelity, value

    return sorted(trials, key=rank, reverse=True)
