"""Forward operators as they were drawn for one picture."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from functools import reduce

import torch
from torch import Tensor, nn


class Operator(nn.Module):
    """A linear or other differentiable map A from a clean picture to what is observed of it.

    ``(N, C, H, W) -> (N, C, h, w)``; a module, so that its tensors move with it to a device.
    `mask` is 1 where the result is observed and 0 elsewhere, ``(1, 1, h, w)``; None: everywhere.
    """

    mask: Tensor | None

    def __init__(self, mask: Tensor | None = None) -> None:
        super().__init__()
        self.register_buffer("mask", mask)

    @abstractmethod
    def forward(self, x: Tensor) -> Tensor:
        """A x."""

    def adjoint(self, y: Tensor) -> Tensor:
        """A' y of a linear A, with <A x, y> = <x, A' y>: ``(N, C, h, w) -> (N, C, H, W)``.

        Raises :class:`NotImplementedError` where A has none.
        """
        raise NotImplementedError(f"{type(self).__name__} has no adjoint")

    @property
    def has_adjoint(self) -> bool:
        """Whether :meth:`adjoint` is there."""
        return type(self).adjoint is not Operator.adjoint

    def unmasked(self) -> Operator:
        """The operator that agrees with this one where `mask` is 1, and is simpler elsewhere.

        A fit compares its output with the observed pixels alone; it is itself by default.
        """
        return self

    def blanked(self, y: Tensor) -> Tensor:
        """`y`, which was observed in some other way, with the pixels of A y that are always 0."""
        return y


class Identity(Operator):
    """A x = x."""

    def forward(self, x: Tensor) -> Tensor:
        return x

    def adjoint(self, y: Tensor) -> Tensor:
        return y


class Chain(Operator):
    """Operators one after the other; those with a mask come last and keep the size."""

    def __init__(self, operators: Sequence[Operator]) -> None:
        masks = [operator.mask for operator in operators if operator.mask is not None]
        super().__init__(reduce(torch.mul, masks) if masks else None)
        self.operators = nn.ModuleList(operators)

    def forward(self, x: Tensor) -> Tensor:
        for operator in self._each():
            x = operator(x)
        return x

    def adjoint(self, y: Tensor) -> Tensor:
        for operator in reversed(self._each()):
            y = operator.adjoint(y)
        return y

    @property
    def has_adjoint(self) -> bool:
        return all(operator.has_adjoint for operator in self._each())

    def unmasked(self) -> Operator:
        return Chain([operator.unmasked() for operator in self._each()])

    def blanked(self, y: Tensor) -> Tensor:
        return self._each()[-1].blanked(y)

    def _each(self) -> list[Operator]:
        return [operator for operator in self.operators if isinstance(operator, Operator)]
