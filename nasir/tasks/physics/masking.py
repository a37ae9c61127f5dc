"""The operator of missing pixels."""

from __future__ import annotations

from torch import Tensor

from nasir.core.operator import Identity, Operator


class Masking(Operator):
    """A x = m x with a mask m of 0 and 1, ``(1, 1, H, W)``."""

    mask: Tensor

    def __init__(self, mask: Tensor) -> None:
        super().__init__(mask)

    def forward(self, x: Tensor) -> Tensor:
        return x * self.mask

    def adjoint(self, y: Tensor) -> Tensor:
        return y * self.mask

    def unmasked(self) -> Operator:
        return Identity()

    def blanked(self, y: Tensor) -> Tensor:
        return y * self.mask
