"""A convolution of scaled features, with the scales moved into its weights."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor


def conv2d_of_scaled(
    features: Sequence[Tensor], scales: Sequence[Tensor], weights: Sequence[Tensor]
) -> Tensor:
    """``sum_i conv2d(scales[i] * features[i], weights[i])`` of odd kernels, at equal size.

    Features are ``(N, C_i, H, W)``, scales scalars and weights ``(O, C_i, k, k)``. Scaling the
    weights takes no pass over the features.
    """
    kernels = [scale.to(w.device) * w for scale, w in zip(scales, weights, strict=True)]
    side = kernels[0].shape[-1]
    return F.conv2d(torch.cat(list(features), 1), torch.cat(kernels, 1), padding=side // 2)
