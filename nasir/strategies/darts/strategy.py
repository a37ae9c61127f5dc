"""The strategy: epochs of a supernet, one after another, and the architecture of the best."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import attrs
from attrs import validators as must

from nasir.core.architecture import Architecture
from nasir.core.component import setting
from nasir.core.errors import SettingsError
from nasir.core.evaluator import Evaluator, Problem
from nasir.core.seeds import derived_seed
from nasir.core.strategy import Strategy
from nasir.core.trial import Proposal, Trial, best_of
from nasir.training.losses import terms

EPOCH = "supernet"
"""The stage at which a supernet is trained for one more epoch."""

SELECTION = "selection"
"""The stage at which the trained supernet's options are chosen by perturbation."""


def _is_loss(strategy: Darts, field: attrs.Attribute[str], text: str) -> None:
    terms(text)


@attrs.define(slots=False)  # slots that are still empty could not be sent to other processes
class Darts(Strategy):
    """Trains a supernet and its architecture parameters in turn, and derives an architecture.

    Each trial is one epoch: `steps` times an architecture step on one part of the training
    pictures and a weight step on another, then the supernet's figures on a third (DARTS,
    algorithm 1; HiNAS section 3.3). The architecture of a trial is what the supernet derives
    after it, and that of the best epoch from `keep_from` on is recommended (HiNAS section 3.3).
    The loss of architecture steps has CLEARER's penalties (equation 2).

    A deep image prior has no training pictures: there the pictures of the search are fitted, each
    by a supernet of its own with the same architecture parameters, and the observed pixels of each
    are divided instead. `batch`, `patch`, `loss`, `validation`, `tile` and `crop` are then of no
    use, and weights are descended on as the evaluator ``dip`` does.
    """

    data: str = setting(
        "auto",
        "what is divided: training pictures (patches), the pixels of each picture of the search "
        "(pixels), or as suits the evaluator",
        must.in_(("auto", "patches", "pixels")),
    )
    held_out: float = setting(
        0.2,
        "pixels: the share of the observed ones that weights are not fitted to; half of it is for "
        "the architecture, half for validation, in (0, 1)",
        [must.gt(0), must.lt(1)],
    )
    epochs: int = setting(20, "epochs, >= 1 (HiNAS, IR-NAS: 100)", must.ge(1))
    steps: int = setting(10, "weight steps an epoch, >= 1", must.ge(1))
    warmup: int = setting(
        4, "epochs before the first architecture step, >= 0 (HiNAS, IR-NAS: 20)", must.ge(0)
    )
    keep_from: int = setting(
        0, "epochs before the best is kept, >= 0 (HiNAS: 60); never one of the warm-up", must.ge(0)
    )
    batch: int = setting(2, "patches a step, >= 1 (HiNAS: 8, CLEARER: 32)", must.ge(1))
    patch: int = setting(32, "side of a degraded patch in pixels, >= 1 (papers: 64)", must.ge(1))
    loss: str = setting("mse", "sum of mse, l1 and log_ssim, such as mse+0.6*log_ssim", _is_loss)
    criterion: str = setting(
        "psnr",
        "what makes an epoch the best on validation: psnr, ssim, or psnr+ssim: SSIM + PSNR / 100",
        must.in_(("psnr", "ssim", "psnr+ssim")),
    )
    order: int = setting(
        1,
        "1: weights are held; 2: a weight step is looked ahead (DARTS, equation 7)",
        must.in_((1, 2)),
    )
    lr: float | None = setting(
        None,
        "learning rate of the weights, > 0; none: 0.025 at the start on patches (SGD), that of the "
        "evaluator dip on pixels (Adam)",
        must.optional(must.gt(0)),
    )
    lr_end: float = setting(0.001, "and at the end, by cosine; patches alone, >= 0", must.ge(0))
    momentum: float = setting(0.9, "of the weights' SGD, in [0, 1)", [must.ge(0), must.lt(1)])
    decay: float = setting(3e-4, "weight decay, >= 0", must.ge(0))
    clip: float = setting(5.0, "largest norm of the weights' gradient; 0: no limit", must.ge(0))
    arch_lr: float | None = setting(
        None,
        "learning rate of the architecture (Adam), > 0; none: 0.001 on patches, 0.03 on pixels",
        must.optional(must.gt(0)),
    )
    arch_decay: float = setting(1e-3, "weight decay of the architecture, >= 0", must.ge(0))
    arch_beta: float = setting(
        0.9, "first moment's memory in the architecture's Adam, in [0, 1)", [must.ge(0), must.lt(1)]
    )
    entropy: float = setting(
        0.0, "lambda 1: weight of the entropy penalty (CLEARER, equation 4), >= 0", must.ge(0)
    )
    complexity: float = setting(
        0.0, "lambda 2: weight of the complexity penalty (CLEARER, equation 5), >= 0", must.ge(0)
    )
    paths: str = setting(
        "all",
        "what a step mixes: all options, or one of each row drawn by Gumbel softmax (GDAS)",
        must.in_(("all", "one")),
    )
    temperature: float = setting(10.0, "of `paths = one` at the start, > 0 (GDAS)", must.gt(0))
    temperature_end: float = setting(0.1, "and at the end, linearly, > 0", must.gt(0))
    partial: int = setting(
        1, "operations see one in so many channels, >= 1 (PC-DARTS: 4)", must.ge(1)
    )
    max_skips: int | None = setting(
        None,
        "stop when a cell would have so many skip connections, >= 1 (DARTS+: 2); none: never",
        must.optional(must.ge(1)),
    )
    selection: str = setting(
        "weights",
        "choose by the architecture's weights, or by what the supernet loses without an option "
        "(perturbation, DARTS-PT)",
        must.in_(("weights", "perturbation")),
    )
    tuning: int = setting(
        5, "weight steps after each choice by perturbation, >= 0 (DARTS-PT: 5 epochs)", must.ge(0)
    )
    validation: float = setting(
        0.02, "share of the training pictures to validate on, in (0, 1)", [must.gt(0), must.lt(1)]
    )
    tile: int = setting(
        64, "validation pictures are restored in patches of so many pixels; 0: whole", must.ge(0)
    )
    crop: int = setting(
        0, "side of the middle of validation pictures that is looked at; 0: all", must.ge(0)
    )
    device: str = setting("auto", "cpu, cuda, or auto: a GPU where there is one")
    _first: Architecture = attrs.field(init=False, eq=False, repr=False)
    _last: Architecture = attrs.field(init=False, eq=False, repr=False)
    _asked: int = attrs.field(init=False, default=0)
    _told: int = attrs.field(init=False, default=0)
    _over: bool = attrs.field(init=False, default=False)

    def __attrs_post_init__(self) -> None:
        if self.warmup >= self.epochs:
            raise SettingsError(
                f"strategy.warmup={self.warmup} of strategy.epochs={self.epochs} leaves no epoch "
                "for the architecture: take fewer, such as "
                f"strategy.warmup={self.epochs // 5}"
            )

    @property
    def first_kept(self) -> int:
        """Epochs before the first that may be the best."""
        return min(max(self.keep_from, self.warmup), self.epochs - 1)

    @property
    def usual_trials(self) -> int:
        return self.epochs + (self.selection == "perturbation")

    def stages(self, full: Evaluator) -> Mapping[str, Evaluator]:
        from nasir.strategies.darts.stages import Epoch, Selection

        settings = attrs.evolve(self)
        return {EPOCH: Epoch(settings), SELECTION: Selection(settings)}

    def bind(self, problem: Problem) -> None:
        import numpy as np

        rng = np.random.default_rng(derived_seed(problem.seed, "darts"))
        self._first = self._last = problem.domain.sample(rng)

    def ask(self) -> Proposal | None:
        """The next epoch, once the one before is told; then the selection, if there is one."""
        if self._over or self._asked > self._told:
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
        """Go on from an epoch; a failed one ends the search, since it would fail again."""
        self._told += 1
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
            "told": self._told,
            "over": self._over,
            "last": self._last.mapping,
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self._asked, self._told, self._over = state["asked"], state["told"], state["over"]
        self._last = Architecture.from_mapping(state["last"])

    def _epoch(self, trial: Trial) -> int:
        return round(trial.proposal.fidelity * self.epochs)

    def _collapsed(self, trial: Trial) -> bool:
        """Whether the architecture has too many skip connections (DARTS+)."""
        return self.max_skips is not None and trial.metrics.get("skips", 0) >= self.max_skips
