"""Losses: weighted sums of named terms."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING

import attrs

from nasir.core.errors import SettingsError, unknown_name

if TYPE_CHECKING:
    from torch import Tensor

Loss = Callable[["Tensor", "Tensor"], "Tensor"]
"""From output and clean pictures ``(N, C, H, W)`` to a scalar."""

NAMES = ("mse", "l1", "log_ssim")
LEAST_SSIM = 1e-4
"""Lower bound of SSIM, which keeps its logarithm finite."""


def terms(text: str) -> tuple[tuple[float, str], ...]:
    """The weights and names in a sum such as ``mse+0.6*log_ssim``; the default weight is 1.

    Raises :class:`~nasir.core.errors.SettingsError` for an unknown name, a weight that is not a
    number above 0, or a name that occurs twice.
    """
    pairs = [_term(term) for term in text.split("+")]
    names = [name for _, name in pairs]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise SettingsError(f"loss {text!r} has {twice} twice: add the weights up")
    return tuple(pairs)


def is_loss(component: object, field: attrs.Attribute[str], text: str) -> None:
    """A validator: a sum as in :func:`terms`."""
    terms(text)


def loss(text: str, mean_terms: bool = False) -> Loss:
    """The loss of a sum as in :func:`terms`.

    `mse` and `l1` are means over pixels and channels (HiNAS, equation 7, has the sum of squares).
    `log_ssim` is log10(1 / SSIM), 0 for equal pictures (HiNAS, equation 8). With `mean_terms` the
    sum is divided by the number of terms.
    """
    import torch.nn.functional as F

    functions: dict[str, Loss] = {"mse": F.mse_loss, "l1": F.l1_loss, "log_ssim": log_ssim}
    weighted = [(weight, functions[name]) for weight, name in terms(text)]
    share = 1 / len(weighted) if mean_terms else 1.0

    def total(output: Tensor, clean: Tensor) -> Tensor:
        (weight, first), *others = weighted
        value = share * weight * first(output, clean)
        for weight, function in others:
            value = value + share * weight * function(output, clean)
        return value

    return total


def log_ssim(output: Tensor, clean: Tensor) -> Tensor:
    """log10(1 / SSIM), with SSIM over the whole batch (HiNAS, equation 8)."""
    from nasir.core.metrics import ssim

    return -ssim(output, clean).clamp_min(LEAST_SSIM).log10()


def _term(term: str) -> tuple[float, str]:
    weight, star, name = (part.strip() for part in term.rpartition("*"))
    if name not in NAMES:
        raise unknown_name("loss", name, NAMES)
    if not star:
        return 1.0, name
    try:
        value = float(weight)
    except ValueError:
        value = math.nan
    if not 0 < value < math.inf:
        raise SettingsError(
            f"the weight of {name} in a loss must be a number above 0, got {weight!r}"
        )
    return value, name
