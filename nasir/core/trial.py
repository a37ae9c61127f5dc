"""Proposals and trials."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import attrs

from nasir.core.architecture import Architecture
from nasir.core.errors import NasirError
from nasir.core.html_view import HtmlView

FULL = "full"
"""The stage at which architectures are evaluated in full."""

FOUND = "found"
"""The name of the found architecture beside references."""

Curve = tuple[tuple[float, float], ...]
"""A learning curve: pairs of the share of the full effort, in (0, 1], and the PSNR in dB there."""


@attrs.frozen
class Proposal:
    """What to evaluate: an architecture, the evaluator (by stage) and the share of its effort.

    `seed` is that of an earlier trial that this one continues; None: a new one.
    """

    architecture: Architecture
    stage: str = FULL
    fidelity: float = 1.0
    seed: int | None = attrs.field(default=None, eq=False)


@attrs.frozen(repr=False)
class Trial(HtmlView):
    """A proposal and its result.

    `score` is None unless the state is ``complete``; `error` is why a trial failed, its first
    line in plain words. `metrics`, `by_picture`, `curve` and `stop` are those of the
    :class:`~nasir.core.evaluator.Evaluation`. `started` is in seconds since the epoch. `pictures`
    are the restored pictures ``(H, W, C)`` by name, if the strategy wants those of the stage (see
    :attr:`Strategy.looks_at`); they are dropped after the strategy has got the trial.
    """

    html_view = "nasir.apps.report.notebook:trial_view"

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

    def __repr__(self) -> str:
        result = f"score {self.score:.6g}" if self.score is not None else self.reason
        end = [result] if result else []
        return f"Trial({', '.join([str(self.number), self.state, *end, self.architecture.id])})"

    @property
    def architecture(self) -> Architecture:
        return self.proposal.architecture

    @property
    def reason(self) -> str:
        """The first line of `error`."""
        return (self.error or "").partition("\n")[0]


def best_of(trials: Sequence[Trial]) -> Trial:
    """The complete full-stage trial with the greatest fidelity and then score, the first of equals.

    If none is of the full stage, the one with the best score of any. Raises
    :class:`~nasir.core.errors.NasirError` if none is complete.
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
    """Trials in their default order: complete, full-stage, greatest fidelity, greatest score.

    Failed ones come last; equal ones keep their order.
    """

    def rank(trial: Trial) -> tuple[bool, bool, float, float]:
        proposal, value = trial.proposal, trial.score if trial.score is not None else 0.0
        return trial.state == "complete", proposal.stage == FULL, proposal.fidelity, value

    return sorted(trials, key=rank, reverse=True)
