"""Which units of a network are active for which inputs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

RECTIFIERS = (
    *(
        "relu",
        "leaky_relu",
        "rrelu_with_noise",
        "_prelu_kernel",
        "elu",
        "celu",
        "hardtanh",
        "threshold",
    ),
    *("gelu", "silu", "mish", "softplus", "hardswish"),
)
"""Torch's names of activations that pass positive values and suppress negative ones.

Torch runs ReLU6 as hardtanh and SELU as elu.
"""


class ActivationKernel(TorchDispatchMode):
    """While active, counts for each pair of inputs the rectified units that agree.

    `agreements` ``(N, N)`` counts the units that are active for both inputs or for neither; a unit
    is active where the input of its activation is positive. Modules, functions and in-place
    operations are all counted.
    """

    def __init__(self, inputs: int) -> None:
        super().__init__()
        self.agreements = torch.zeros(inputs, inputs, dtype=torch.float64)

    def __torch_dispatch__(
        self,
        func: Callable[..., Any],
        types: Sequence[type],
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        name = func.overloadpacket.__name__.rstrip("_")  # type: ignore[attr-defined]
        if name in RECTIFIERS and args[0].shape[:1] == self.agreements.shape[:1]:
            self.agreements += in_common(args[0] > 0)
        return func(*args, **(kwargs or {}))


def in_common(codes: Tensor) -> Tensor:
    """From codes ``(N, ...)`` of booleans to the number of equal ones of each pair, ``(N, N)``.

    N_A minus the Hamming distance of two codes of N_A units (Mellor et al. 2021).
    """
    signs = codes.flatten(1).float() * 2 - 1
    counts = (signs @ signs.T).double()
    return ((counts + signs.shape[1]) / 2).cpu()
