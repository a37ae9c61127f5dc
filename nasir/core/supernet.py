"""A network that holds every architecture of a space."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable

from torch import Tensor, nn

from nasir.core.architecture import Architecture


class Supernet(nn.Module):
    """All options of every decision, mixed by architecture parameters or walked one path a time."""

    @abstractmethod
    def forward(self, x: Tensor, architecture: Architecture | None = None) -> Tensor:
        """Mix all options under the architecture parameters, or run the path of `architecture`.

        `x` is ``(N, C, H, W)``; both ways use the same weights.
        """

    @abstractmethod
    def architecture_parameters(self) -> Iterable[nn.Parameter]:
        """The parameters that say how options are mixed."""

    @abstractmethod
    def weight_parameters(self) -> Iterable[nn.Parameter]:
        """All other parameters."""

    @abstractmethod
    def derive(self) -> Architecture:
        """The discrete architecture that the architecture parameters favour."""

    def penalty(self) -> Tensor:
        """What is added to the loss for the architecture parameters; zero by default."""
        return next(iter(self.weight_parameters())).new_zeros(())
