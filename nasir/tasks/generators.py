"""The two networks of an unpaired translation."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor, nn

from nasir.core.search_space import Signature


class Generators(nn.Module):
    """`generators` has one network a direction, ``AtoB`` and ``BtoA``, of the same architecture.

    As a module it translates in `direction`: ``(N, 3, H, W) -> (N, 3, H, W)``, in [0, 1].
    """

    def __init__(
        self, build: Callable[[Signature], nn.Module], signature: Signature, direction: str
    ) -> None:
        super().__init__()
        self.direction = direction
        self.generators = nn.ModuleDict({"AtoB": build(signature), "BtoA": build(signature)})

    def forward(self, x: Tensor) -> Tensor:
        translated: Tensor = self.generators[self.direction](x)
        return translated
