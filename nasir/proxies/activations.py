"""Which units of a network are on."""

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
"""Activations that let positive values through and hold negative ones back, as torch runs them.

ReLU6 is run as hardtanh, SELU as elu.
"""


class ActivationKernel(TorchDispatchMode):
    """Meanwhile adds up, over all rectified units, which inputs of a minibatch agree.

    `agreements` ``(N, N)`` counts the units that are on for both inputs or off for both; a unit
    is on where what goes into its activation is positive. Modules, functions and what is done in
    place are seen alike.
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
    """``(N, ...)`` yes or no, to how many each pair has in common, ``(N, N)`` in float64.

    N_A minus the Hamming distance of two codes of N_A units (Mellor et al. 2021).
    """
    signs = codes.flatten(1).float() * 2 - 1
    counts = (signs @ signs.T).double()
    return ((counts + signs.shape[1]) / 2).cpu()
