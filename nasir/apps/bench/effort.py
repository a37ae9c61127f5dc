"""The cost of searches, in full evaluations."""

from __future__ import annotations

from collections.abc import Iterable

import attrs

from nasir.core.trial import FULL, Trial


@attrs.define
class Effort:
    """Counts the cost of the trials of one search.

    A full-stage trial costs its fidelity, less that of an earlier trial of the same architecture
    and seed, because a promoted fit continues. Proposals that were refused for a limit cost
    nothing, and neither do other stages, whose trials are counted in `scored`.
    """

    evaluations: float = 0.0
    scored: int = 0
    failed: int = 0
    _done: dict[tuple[str, int], float] = attrs.field(init=False, factory=dict)

    def add(self, trial: Trial) -> None:
        """Count a finished trial."""
        self.failed += trial.state == "failed"
        if trial.seconds is None:  # never begun
            return
        if trial.proposal.stage != FULL:
            self.scored += 1
            return
        fit = (trial.architecture.id, trial.seed)
        before = self._done.get(fit, 0.0)
        self._done[fit] = max(before, trial.proposal.fidelity)
        self.evaluations += self._done[fit] - before


@attrs.frozen
class FullEvaluation:
    """An architecture evaluated in full, and the evaluations that were spent until then."""

    evaluations: float
    architecture: str
    score: float


def full_evaluations(trials: Iterable[Trial]) -> list[FullEvaluation]:
    """The full evaluations of a search (full stage, fidelity 1), in the order of the trials."""
    effort, evaluated = Effort(), []
    for trial in trials:
        if trial.state == "running":
            continue
        effort.add(trial)
        if is_full(trial) and trial.score is not None:
            evaluated.append(FullEvaluation(effort.evaluations, trial.architecture.id, trial.score))
    return evaluated


def spent(trials: Iterable[Trial]) -> float:
    """The full evaluations that a search spent in all."""
    effort = Effort()
    for trial in trials:
        effort.add(trial)
    return effort.evaluations


def is_full(trial: Trial) -> bool:
    """Whether the trial is a full evaluation: of the full stage, with fidelity 1."""
    return trial.proposal.stage == FULL and trial.proposal.fidelity >= 1
