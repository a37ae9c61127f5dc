"""How near a restored picture comes to the given one when it is degraded again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

    from nasir.core.task import Sample

    Array = np.ndarray[Any, np.dtype[np.float32]]


def inconsistency(picture: Array, sample: Sample) -> float:
    """The mean of (A(x) - y)^2 for the picture x ``(H, W, C)``, where y was observed.

    The truth has the variance of the noise of y. That x has as little does not mean that it is the
    truth; that it has much more means that it is not.
    """
    import torch

    x = torch.from_numpy(picture).permute(2, 0, 1)[None]
    with torch.inference_mode():
        squares = (sample.forward_operator(x) - sample.degraded) ** 2
    if sample.mask is not None:
        return float((squares * sample.mask).sum() / sample.mask.expand_as(squares).sum())
    return float(squares.mean())
