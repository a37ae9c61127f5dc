"""Joining what fills a hole to the pixels around it, without a seam."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from scipy.ndimage import distance_transform_edt
from scipy.sparse import csr_matrix
from scipy.sparse.linalg import cg
from torch import Tensor

from nasir.core.errors import SettingsError
from nasir.core.task import Sample

TOLERANCE = 1e-5
"""Relative residual of the membrane: far below what 8 bits show."""

HALF = 0.5
"""A coarse pixel is known where so much of it is."""

NEIGHBOURS = ((0, 1), (1, 0), (0, -1), (-1, 0))

Part = tuple[slice, slice]
Fill = Callable[[Tensor, Tensor], Tensor]
Surroundings = Callable[[Tensor], "Part | None"]
Array = np.ndarray[Any, np.dtype[Any]]


def joined(output: Tensor, degraded: Tensor, mask: Tensor) -> Tensor:
    """`degraded` where the mask is 1, exactly, and `output` in the hole, joined without a seam.

    The hole has `output` plus the membrane of ``degraded - output``: its colours are those of its
    edge and its gradients those of `output`, in the mean (Perez, Gangnet and Blake 2003, "Poisson
    image editing", equation 5). A mask m between 0 and 1 blends: m `degraded` + (1 - m) hole.
    All are ``(1, C, H, W)``, the mask ``(1, 1, H, W)``.
    """
    known = mask >= 1
    if known.all():
        return degraded
    if not known.any():
        return torch.lerp(output, degraded, mask)
    error = (degraded - output)[0].permute(1, 2, 0).double().cpu().numpy()
    correction = membrane(error, ~known[0, 0].cpu().numpy())
    hole = output + torch.from_numpy(correction).permute(2, 0, 1)[None].to(output)
    return torch.where(known, degraded, torch.lerp(hole.clamp(0, 1), degraded, mask))


def fill_around(sample: Sample, method: str, surroundings: Surroundings, fill: Fill) -> Tensor:
    """``sample.degraded`` with its missing pixels filled in by a `method`: ``(1, C, H, W)``.

    `fill` is given the part of the picture that `surroundings` names of the hole ``(H, W)``, and
    which pixels of it are known ``(1, 1, h, w)``. What is between known and missing is blended.
    Raises :class:`~nasir.core.errors.SettingsError` where the sample has no mask.
    """
    if sample.mask is None:
        raise SettingsError(
            f"method={method} fills in missing pixels, and {sample.name} has none: take "
            "task=inpaint, or another method (nasir list methods)"
        )
    degraded, mask = sample.degraded.cpu(), sample.mask.cpu()
    part = surroundings((mask < 1)[0, 0])
    if part is None:
        return degraded
    filled = degraded.clone()
    with torch.inference_mode():
        filled[(..., *part)] = fill(degraded[(..., *part)], (mask >= 1)[(..., *part)])
    return torch.lerp(filled, degraded, mask)


def around(hole: Tensor, margin: int, as_long: bool = True) -> Part | None:
    """The rows and columns of a hole ``(H, W)`` with at least `margin` pixels on each side.

    With as many as the hole is long if `as_long`, and as far as the picture goes; None: there is no
    hole.
    """
    lines = [hole.any(dim).nonzero().flatten() for dim in (1, 0)]
    if not len(lines[0]):
        return None
    ends = [(int(line[0]), int(line[-1]) + 1) for line in lines]
    if as_long:
        margin = max(margin, *(stop - start for start, stop in ends))
    rows, columns = (
        slice(max(0, start - margin), min(length, stop + margin))
        for (start, stop), length in zip(ends, hole.shape, strict=True)
    )
    return rows, columns


def membrane(values: Array, hole: Array) -> Array:
    """`values` ``(H, W, C)`` with the hole ``(H, W)`` filled harmonically.

    In the hole each value is the mean of its neighbours inside the picture: the discrete Laplace
    equation with the values around the hole as its boundary. Some pixel must be outside the hole.
    """
    height, width = hole.shape
    places = np.argwhere(hole)
    count = len(places)
    number = np.full(hole.shape, -1)
    number[hole] = np.arange(count)
    degree, around = np.zeros(count), np.zeros((count, values.shape[-1]))
    pairs = []
    for step in NEIGHBOURS:
        rows, columns = (places + step).T
        here = np.flatnonzero((rows >= 0) & (rows < height) & (columns >= 0) & (columns < width))
        rows, columns = rows[here], columns[here]
        degree[here] += 1
        inside = hole[rows, columns]
        pairs.append((here[inside], number[rows[inside], columns[inside]]))
        around[here[~inside]] += values[rows[~inside], columns[~inside]]
    own = np.arange(count)
    entries = np.concatenate([degree, *(-np.ones(len(here)) for here, _ in pairs)])
    rows = np.concatenate([own, *(here for here, _ in pairs)])
    columns = np.concatenate([own, *(there for _, there in pairs)])
    laplacian = csr_matrix((entries, (rows, columns)), (count, count))
    filled = values.astype(float)
    for channel in range(values.shape[-1]):
        filled[hole, channel] = cg(laplacian, around[:, channel], rtol=TOLERANCE)[0]
    return filled


def radius(known: Tensor) -> float:
    """The distance of the innermost missing pixel from a known one ``(1, 1, H, W)``, in pixels."""
    return float(distance_transform_edt(~known[0, 0].numpy()).max())


def halved(picture: Tensor, known: Tensor) -> tuple[Tensor, Tensor]:
    """Half the resolution: means of known pixels, known where half of a coarse pixel is."""
    height, width = known.shape[-2:]
    border = 0, width % 2, 0, height % 2
    weight = F.avg_pool2d(F.pad(known.to(picture.dtype), border), 2)
    total = F.avg_pool2d(F.pad(picture * known, border), 2)
    return total / weight.clamp(min=1e-6), weight >= HALF
