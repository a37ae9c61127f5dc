"""Whether an exported network restores as the network does, and for which sizes."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from nasir.apps.export.program import Run
from nasir.core.errors import ArchitectureError

MULTIPLES = (1, 2, 4, 8, 16, 32, 64)
"""What heights and widths may have to be multiples of."""


def difference(network: nn.Module, exported: Run, x: Tensor) -> float:
    """The largest difference between what the two make of pictures `x`; inf for other shapes."""
    with torch.no_grad():
        ours, theirs = network(x), exported(x)
    if ours.shape != theirs.shape:
        return math.inf
    worst = (ours.double() - theirs.double()).abs().max().item()
    return math.inf if math.isnan(worst) else worst


def agreed(network: nn.Module, exported: Run, x: Tensor, tolerance: float) -> tuple[float, int]:
    """The largest difference, and what heights and widths have to be multiples of; 0: those of `x`.

    Looked at are `x` and, for each multiple in turn, pictures of two other sizes, until one is
    found that the exported network takes and agrees for. Raises
    :class:`~nasir.core.errors.ArchitectureError` where it differs by more than `tolerance` for `x`.
    """
    worst = difference(network, exported, x)
    if worst > tolerance:
        raise ArchitectureError(
            f"the exported network differs by {worst:.3g} from the trained one, more than "
            f"{tolerance:g}: nothing is written; tolerance=VALUE sets what is allowed"
        )
    for multiple in MULTIPLES:
        found = [_of_another_size(network, exported, x, multiple, n) for n in (1, 3)]
        if max(found) <= tolerance:
            return max(worst, *found), multiple
    return worst, 0


def _of_another_size(
    network: nn.Module, exported: Run, x: Tensor, multiple: int, more: int
) -> float:
    """The difference for one picture that is larger than `x`; inf where it is not taken."""
    height, width = x.shape[-2:]
    size = (1, x.shape[1], height + more * multiple, width + (more + 1) * multiple)
    pictures = torch.rand(size, generator=torch.Generator().manual_seed(more))
    try:
        return difference(network, exported, pictures)
    except Exception:  # a graph for other sizes fails in its own ways
        return math.inf
