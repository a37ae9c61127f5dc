"""The deep image prior: an untrained network fitted to each picture alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import attrs
from attrs import validators as must

from nasir.core.component import setting
from nasir.core.errors import SettingsError
from nasir.core.evaluator import Problem
from nasir.core.task import Sample, Task
from nasir.fitting.fit import Fit, FitRequest, PreparedFit
from nasir.fitting.method import FittingMethod
from nasir.training.device import ALWAYS, AUTO, NEVER, WHEN, usable

if TYPE_CHECKING:
    from torch import nn

    from nasir.fitting.descent import DescentSettings
    from nasir.fitting.stopping import StoppingRule

AUTOMATIC = ("wmv", "emv", "heldout", "plateau")
"""The ways to stop each fit by itself."""

ORACLE = "oracle"
"""Stops at the best of all steps by the ground truth, as the marked rows of the papers' tables."""

PLATEAU_PATIENCE = 100
"""It does not depend on the limit, so that a fit that is continued has the bits of a longer one."""


@attrs.define
class DeepImagePrior(FittingMethod):
    """Fits the network to the degraded picture and scores what it restores by PSNR.

    The network maps a fixed uniform input, perturbed anew at each step, to the picture; its
    outputs are averaged over the steps. The fit sees the degraded picture only. On the search
    split the ground truth gives the reward and, with ``stop = "search"``, the step at which all
    pictures together are restored best (NAS-DIP section 3.1, t*), which the test split then uses.
    The score is the mean PSNR in dB; where there is no ground truth, minus the mean loss.

    With ``reward = "heldout"`` a share of the observed pixels is kept out of each fit of a
    search, and the PSNR on them takes the ground truth's place, in the score and in the stop.

    A fit of fidelity f is the full fit, left after the share f of its steps. A longer fit with the
    same seed continues where it was left, from the state among the checkpoints of a run, and comes
    to the same bits as without that.
    """

    iterations: int = setting(100, "steps of a full fit, >= 1", must.ge(1))
    lr: float = setting(0.01, "learning rate of Adam, > 0", must.gt(0))
    input_scale: float = setting(0.1, "the fixed input is uniform in [0, this]", must.gt(0))
    input_noise: float = setting(
        1 / 30, "standard deviation of what perturbs the input each step, >= 0", must.ge(0)
    )
    averaging: float = setting(
        0.9, "weight of the past in the average of outputs, in [0, 1)", [must.ge(0), must.lt(1)]
    )
    total_variation: float = setting(
        0.0,
        "weight in the loss of the picture's total variation, the mean absolute difference of "
        "neighbouring pixels, >= 0 (DIP-TV, Liu et al. 2019)",
        must.ge(0),
    )
    weight_decay: float = setting(
        0.0,
        "weight of the L2 penalty on all weights, of which Adam adds this times the weight to the "
        "gradient, >= 0",
        must.ge(0),
    )
    rollback: float = setting(
        5.0, "dB of PSNR against the degraded picture that make a collapse; 0: never", must.ge(0)
    )
    check_every: int = setting(50, "steps between looks for a collapse, >= 1", must.ge(1))
    stop: str = setting(
        "search",
        "when to stop: where the search pictures are best; at the fixed iterations; or each "
        "picture by itself, by windowed (wmv) or exponential (emv) variance, by heldout pixels, on "
        "a plateau of the fit (for pictures without noise), or by an oracle that needs the "
        "ground truth after each step",
        must.in_(("search", "fixed", *AUTOMATIC, ORACLE)),
    )
    window: int | None = setting(
        None,
        "outputs in the variance of wmv, >= 2; none: 100, or a tenth of fewer than 1000 iterations",
        must.optional(must.ge(2)),
    )
    forgetting: float = setting(
        0.1, "weight of the newest output in emv, in (0, 1)", [must.gt(0), must.lt(1)]
    )
    burn_in: int | None = setting(
        None,
        "first steps at which emv never stops, >= 0; none: 100, or a tenth of fewer than 1000 "
        "iterations",
        must.optional(must.ge(0)),
    )
    patience: int | None = setting(
        None,
        "steps without a new minimum after which wmv, emv and heldout stop, >= 1; none: 1000, or a "
        "third of fewer than 3000 iterations; plateau: 100",
        must.optional(must.ge(1)),
    )
    rise: float = setting(
        0.5, "dB that the fit gains within `patience` steps where plateau goes on, > 0", must.gt(0)
    )
    precision: str = setting(
        "float32",
        "of the network's passes: float32, or bfloat16, which takes less time and memory on a GPU "
        "where pictures are large",
        must.in_(("float32", "bfloat16")),
    )
    capture: str = setting(
        "auto",
        "whether steps on a GPU are captured as a CUDA graph: always, never, or auto: where they "
        "can be",
        must.in_(WHEN),
    )
    together: str = setting(
        "auto",
        "whether all pictures of a trial are fitted at once: always, never, or auto: on a GPU",
        must.in_(WHEN),
    )

    @classmethod
    def settings_for(cls, use: str) -> Mapping[str, Any]:
        """Restore a picture well in minutes.

        A small network fitted for few steps takes up little noise; perturbing its input as much as
        NAS-DIP does, for thousands of steps, would only slow it down.
        """
        if use != "restore":
            return {}
        return {"iterations": 400, "averaging": 0.95, "input_noise": 0.003, "stop": "wmv"}

    def check(self, problem: Problem) -> None:
        super().check(problem)
        if self.capture == ALWAYS and usable(self.device) == "cpu":
            raise SettingsError(
                "evaluator.capture=always wants a GPU, and the fits are on a CPU: take auto"
            )

    def fit(self, network: nn.Module, sample: Sample, task: Task, request: FitRequest) -> Fit:
        import torch

        from nasir.fitting.descent import Descent, descend

        x = (torch.rand(request.input_shape) * self.input_scale).to(request.device)
        rule = self.stopping_rule(task, request.unseen, sample, request.truth)
        descent = Descent(
            self.descent,
            network,
            x,
            task,
            sample,
            rule,
            capture=self.capture != NEVER,
            must_capture=self.capture == ALWAYS,
        )
        marks = [] if rule else request.marks(self.iterations)
        return descend(descent, self.iterations, marks, request)

    @property
    def fits_together(self) -> bool:
        on_gpu = self.together == AUTO and usable(self.device) != "cpu"
        return self.together == ALWAYS or on_gpu

    def fit_together(self, fits: Sequence[PreparedFit], task: Task) -> list[Fit]:
        from nasir.fitting.together import Together, descend_together, inputs

        rules = [
            self.stopping_rule(task, one.request.unseen, one.seen, one.request.truth)
            for one in fits
        ]
        xs, generators = inputs(fits, self.input_scale)
        group = Together(
            self.descent,
            [one.network for one in fits],
            xs,
            task,
            [one.seen for one in fits],
            rules,
            generators,
            capture=self.capture != NEVER,
            must_capture=self.capture == ALWAYS,
        )
        requests = [one.request for one in fits]
        marks = [] if rules[0] is not None else requests[0].marks(self.iterations)
        return descend_together(group, self.iterations, marks, requests)

    @property
    def descent(self) -> DescentSettings:
        from nasir.fitting.descent import DescentSettings

        return DescentSettings(
            self.lr,
            self.input_scale,
            self.input_noise,
            self.averaging,
            self.rollback,
            self.check_every,
            self.total_variation,
            self.precision,
            self.weight_decay,
        )

    @property
    def stops_by_held_out_pixels(self) -> bool:
        return self.stop == "heldout"

    @property
    def stops_by_truth(self) -> bool:
        return self.stop == ORACLE

    def stopping_rule(
        self,
        task: Task,
        unseen: Sample | None = None,
        seen: Sample | None = None,
        truth: Sample | None = None,
    ) -> StoppingRule | None:
        """The rule that ends a fit by itself; None where the number of steps is fixed."""
        from nasir.fitting import stopping

        if self.stop == ORACLE:
            assert truth is not None, "there is no ground truth"
            return stopping.Oracle(task, truth)
        if self.stop == "plateau":
            assert seen is not None, "nothing is fitted to"
            return stopping.Plateau(
                lambda x: task.loss(x, seen), self.rise, self.patience or PLATEAU_PATIENCE
            )
        patience = self.patience or max(1, min(1000, self.iterations // 3))
        if self.stop == "wmv":
            window = self.window or max(2, min(100, self.iterations // 10))
            return stopping.WindowedVariance(window, patience)
        if self.stop == "emv":
            burn_in = min(100, self.iterations // 10) if self.burn_in is None else self.burn_in
            return stopping.MovingVariance(self.forgetting, patience, burn_in)
        if self.stop == "heldout":
            assert unseen is not None, "no pixels are held out"
            return stopping.HeldOut(lambda x: task.loss(x, unseen), patience)
        return None
