"""A network that holds every architecture of a space."""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence

import attrs
import torch
from torch import Tensor, nn

from nasir.core.architecture import Architecture

Relaxation = Callable[[Tensor], Tensor]
"""From logits ``(rows, options)`` to the options' weights in each row, which add up to 1."""

INITIAL_LOGITS = 1e-3
"""The usual standard deviation of architecture parameters at the start (DARTS)."""


@attrs.frozen
class Inputs:
    """Rows of one table of logits that compete: `keep` of them stay in an architecture.

    A row goes when the option `none` of it is taken.
    """

    table: str
    rows: tuple[int, ...]
    keep: int
    none: int


def softmax(logits: Tensor) -> Tensor:
    """The usual relaxation (DARTS, equation 2)."""
    return torch.softmax(logits, dim=-1)


class Supernet(nn.Module):
    """All options of every decision, mixed by architecture parameters or one path at a time.

    The architecture parameters are tables of logits ``(..., options)``. :meth:`weights_of` turns
    them into weights of the options by `relaxation`, which a strategy may replace. A closed option
    has weight zero. Batch normalisations are instances of :class:`torch.nn.BatchNorm2d`, so that
    their statistics can be computed again.
    """

    def __init__(self) -> None:
        super().__init__()
        self.relaxation: Relaxation = softmax
        self.closed: dict[str, Tensor] = {}

    @abstractmethod
    def forward(self, x: Tensor, architecture: Architecture | None = None) -> Tensor:
        """Mix all options by their weights, or run the path of `architecture`.

        `x` is ``(N, C, H, W)``; both ways use the same weights. With a relaxation that leaves one
        option of each row, the mixture is the path of that architecture.
        """

    @abstractmethod
    def logits(self) -> Mapping[str, nn.Parameter]:
        """The architecture parameters: tables ``(..., options)`` by name."""

    @abstractmethod
    def derive(self) -> Architecture:
        """The discrete architecture that the architecture parameters favour."""

    def architecture_parameters(self) -> Iterable[nn.Parameter]:
        """The parameters that say how options are mixed."""
        return self.logits().values()

    def weight_parameters(self) -> Iterable[nn.Parameter]:
        """All other parameters."""
        ours = {id(parameter) for parameter in self.architecture_parameters()}
        return [parameter for parameter in self.parameters() if id(parameter) not in ours]

    def weights_of(self, table: str) -> Tensor:
        """The weights of the options of each row of a table, of its shape."""
        logits: Tensor = self.logits()[table]
        if table in self.closed:
            # kept there, since a CUDA graph copies nothing from elsewhere
            self.closed[table] = self.closed[table].to(logits.device)
            logits = logits.masked_fill(self.closed[table], -math.inf)
        flat = logits.reshape(-1, logits.shape[-1])
        return self.relaxation(flat).reshape(logits.shape)

    def close(self, closed: Mapping[str, Tensor]) -> None:
        """Close options: tables of booleans by name, True where an option has no weight."""
        self.closed = dict(closed)

    def competing(self) -> Sequence[Inputs]:
        """The rows of which only some stay in an architecture; none by default."""
        return ()

    def skips(self, architecture: Architecture) -> int:
        """How many skip connections the cell of `architecture` with the most of them has."""
        return 0

    def entropy(self) -> Tensor:
        """How undecided the architecture parameters are (CLEARER, equation 4), a scalar >= 0.

        -1/N sum of a log a + (1 - a) log(1 - a) over the N weights a of all options, in nats. A
        weight of 0 or 1 adds nothing, to the gradient too: it is of an option that is closed.
        """
        a = torch.cat([self.weights_of(table).flatten() for table in self.logits()])
        between = (a > 0) & (a < 1)
        a = torch.where(between, a, 0.5)
        terms = torch.xlogy(a, a) + torch.xlogy(1 - a, 1 - a)
        return -torch.where(between, terms, 0.0).mean()

    def complexity(self) -> Tensor:
        """The expected size of what the weights favour (CLEARER, equation 5), at most 1.

        A size is a number of parameters, relative to the largest; zero if options have no size.
        """
        return next(iter(self.architecture_parameters())).new_zeros(())

    def penalty(self, entropy: float, complexity: float) -> Tensor:
        """What is added to the loss for the architecture parameters (CLEARER, equation 2)."""
        total = next(iter(self.architecture_parameters())).new_zeros(())
        if entropy:
            total = total + entropy * self.entropy()
        if complexity:
            total = total + complexity * self.complexity()
        return total
