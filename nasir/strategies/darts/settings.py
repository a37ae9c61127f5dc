"""The settings of a search by gradient."""

from __future__ import annotations

import attrs
from attrs import validators as must

from nasir.core.component import setting
from nasir.core.errors import SettingsError
from nasir.strategies.supernet_search import SupernetSearch
from nasir.training.device import ALWAYS, NEVER, WHEN


@attrs.define(slots=False)  # slots that are still empty could not be sent to other processes
class DartsSettings(SupernetSearch):
    """What the epochs of a search by gradient depend on."""

    data: str = setting(
        "auto",
        "what is divided: the training pictures (patches), the pixels of each picture of the "
        "search (pixels), or what the evaluator fits to (auto)",
        must.in_(("auto", "patches", "pixels")),
    )
    architecture_share: float = setting(
        0.5,
        "patches: share of the pictures not validated on that serve architecture steps, in [0, 1); "
        "0: none, architecture steps are on the validation pictures (CLEARER)",
        [must.ge(0), must.lt(1)],
    )
    held_out: float = setting(
        0.2,
        "pixels: share of the observed ones that the weights are not fitted to, half for the "
        "architecture and half for validation, in (0, 1)",
        [must.gt(0), must.lt(1)],
    )
    warmup: int = setting(
        4, "epochs before the first architecture step, >= 0 (HiNAS, IR-NAS: 20)", must.ge(0)
    )
    keep_from: int = setting(
        0,
        "epochs before the first that may be the best, >= 0 (HiNAS: 60); at least the warm-up",
        must.ge(0),
    )
    criterion: str = setting(
        "psnr",
        "what makes an epoch the best on validation: psnr, ssim, or psnr+ssim: SSIM + PSNR / 100",
        must.in_(("psnr", "ssim", "psnr+ssim")),
    )
    order: int = setting(
        1,
        "1: the weights are constant; 2: one weight step is anticipated (DARTS, equation 7)",
        must.in_((1, 2)),
    )
    lr: float | None = setting(
        None,
        "learning rate of the weights, > 0; none: 0.025 at the start on patches (SGD), that of the "
        "evaluator dip on pixels (Adam)",
        must.optional(must.gt(0)),
    )
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
        1, "operations use one of this many channels, >= 1 (PC-DARTS: 4)", must.ge(1)
    )
    max_skips: int | None = setting(
        None,
        "stop when a cell would have this many skip connections, >= 1 (DARTS+: 2); none: never",
        must.optional(must.ge(1)),
    )
    selection: str = setting(
        "weights",
        "choose options by their weights, or by what the supernet loses without each "
        "(perturbation, DARTS-PT)",
        must.in_(("weights", "perturbation")),
    )
    tuning: int = setting(
        5, "weight steps after each choice by perturbation, >= 0 (DARTS-PT: 5 epochs)", must.ge(0)
    )

    capture: str = setting(
        "auto",
        "whether steps on a GPU are captured as CUDA graphs, the architecture's only where `order` "
        "is 1: always, never, or auto: where they can be",
        must.in_(WHEN),
    )

    def __attrs_post_init__(self) -> None:
        if self.warmup >= self.epochs:
            raise SettingsError(
                f"strategy.warmup={self.warmup} of strategy.epochs={self.epochs} leaves no epoch "
                "for the architecture: take fewer, such as "
                f"strategy.warmup={self.epochs // 5}"
            )

    def captures(self, device: str) -> bool:
        """Whether steps on `device` are captured as CUDA graphs.

        Raises :class:`~nasir.core.errors.SettingsError` where they always are to be, and cannot.
        """
        reason = None
        if not device.startswith("cuda"):
            reason = f"steps on the device {device} cannot be captured as CUDA graphs"
        elif self.paths == "one":
            reason = "steps of strategy.paths=one, whose options change, cannot be captured"
        if reason is not None and self.capture == ALWAYS:
            raise SettingsError(f"strategy.capture=always: {reason}; take strategy.capture=auto")
        return reason is None and self.capture != NEVER

    @property
    def first_kept(self) -> int:
        """Epochs before the first that may be the best."""
        return min(max(self.keep_from, self.warmup), self.epochs - 1)
