"""Search by gradient: epochs of a supernet, and the architecture of the best."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import attrs

from nasir.core.architecture import Architecture
from nasir.core.evaluator import Evaluator, Problem
from nasir.core.seeds import derived_seed
from nasir.core.trial import Proposal, Trial, best_of
from nasir.strategies.darts.settings import DartsSettings

EPOCH = "supernet"
"""The stage at which a supernet is trained for one more epoch."""

SELECTION = "selection"
"""The stage at which the trained supernet's options are chosen by perturbation."""


@attrs.define(slots=False)
class Darts(DartsSettings):
    """Trains a supernet and its architecture parameters in turn, and derives an architecture.

    Each trial is one epoch: `steps` times an architecture step on one part of the training
    pictures and a weight step on another, then the supernet's figures on a third (DARTS,
    algorithm 1; HiNAS section 3.3). The architecture of a trial is what the supernet derives
    after it, and that of the best epoch from `keep_from` on is recommended (HiNAS section 3.3).
    The loss of architecture steps has CLEARER's penalties (equation 2).

    A deep image prior has no training pictures. Each picture of the search is then fitted by a
    supernet of its own, all with the same architecture parameters, and its observed pixels are
    divided. `batch`, `patch`, `loss`, `validation`, `tile` and `crop` have no effect there; the
    weights take the steps of the fitting method.
    """

    _first: Architecture = attrs.field(init=False, eq=False, repr=False)
    _last: Architecture = attrs.field(init=False, eq=False, repr=False)
    _asked: int = attrs.field(init=False, default=0)
    _finished: int = attrs.field(init=False, default=0)
    _over: bool = attrs.field(init=False, default=False)

    @property
    def usual_trials(self) -> int:
        return self.epochs + (self.selection == "perturbation")

    def fewest_trials(self, problem: Problem) -> int:
        """The first epoch that may be the best, or all epochs and the selection."""
        return self.usual_trials if self.selection == "perturbation" else self.first_kept + 1

    def seconds_before_full(self, problem: Problem) -> float | None:
        """Those of all epochs, from two steps and a validation; the selection is not in them."""
        from nasir.strategies.darts.stages import seconds_of_epochs

        return seconds_of_epochs(attrs.evolve(self), problem)

    def stages(self, full: Evaluator) -> Mapping[str, Evaluator]:
        from nasir.strategies.darts.stages import Epoch, Selection

        settings = attrs.evolve(self)
        return {EPOCH: Epoch(settings), SELECTION: Selection(settings)}

    def bind(self, problem: Problem) -> None:
        import numpy as np

        rng = np.random.default_rng(derived_seed(problem.seed, "darts"))
        self._first = self._last = problem.domain.sample(rng)

    def ask(self) -> Proposal | None:
        """The next epoch, once the one before has ended; then the selection, if there is one."""
        if self._over or self._asked > self._finished:
            return None
        if self._asked < self.epochs:
            proposal = Proposal(self._last, EPOCH, (self._asked + 1) / self.epochs)
        elif self._asked < self.usual_trials:
            proposal = Proposal(self._last, SELECTION)
        else:
            return None
        self._asked += 1
        return proposal

    def tell(self, trial: Trial) -> None:
        """Continue after an epoch; a failed one ends the search, since it would fail again."""
        self._finished += 1
        self._last = trial.architecture
        self._over = trial.state == "failed" or self._collapsed(trial)

    def recommend(self, trials: Sequence[Trial]) -> Trial:
        """What was selected by perturbation, or the best epoch from `keep_from` on."""
        complete = [t for t in trials if t.state == "complete"]
        selected = [t for t in complete if t.proposal.stage == SELECTION]
        if selected:
            return selected[-1]
        epochs = [t for t in complete if t.proposal.stage == EPOCH and not self._collapsed(t)]
        late = [t for t in epochs if self._epoch(t) > self.first_kept]
        if not epochs:
            return best_of(trials)
        return max(late or epochs[-1:], key=lambda t: (t.score or -math.inf, -t.number))

    def state_dict(self) -> dict[str, Any]:
        return {
            "asked": self._asked,
            "finished": self._finished,
            "over": self._over,
            "last": self._last.mapping,
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self._asked, self._finished, self._over = state["asked"], state["finished"], state["over"]
        self._last = Architecture.from_mapping(state["last"])

    def _epoch(self, trial: Trial) -> int:
        return round(trial.proposal.fidelity * self.epochs)

    def _collapsed(self, trial: Trial) -> bool:
        """Whether the architecture has too many skip connections (DARTS+)."""
        return self.max_skips is not None and trial.metrics.get("skips", 0) >= self.max_skips
