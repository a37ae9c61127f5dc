"""The operator of missing pixels."""

from __future__ import annotations

from torch import Tensor

from nasir.core.operator import Identity, Operator


class Masking(Operator):
    """A x = x where the mask m is greater than 0, and 0 elsewhere; m is ``(1, 1, H, W)``.

    A mask of 0 and 1 makes it m x. Between them, m is how far a pixel is known.
    """

    mask: Tensor

    def __init__(self, mask: Tensor) -> None:
        super().__init__(mask)

    def forward(self, x: Tensor) -> Tensor:
        return x * self.there

    def adjoint(self, y: Tensor) -> Tensor:
        return y * self.there

    def unmasked(self) -> Operator:
        return Identity()

    def blanked(self, y: Tensor) -> Tensor:
        return y * self.there

    @property
    def there(self) -> Tensor:
        """1 where anything is known of a pixel, and 0 elsewhere."""
        return (self.mask > 0).to(self.mask)
