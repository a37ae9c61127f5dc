"""Forward operators as they were drawn for one picture."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence

from torch import Tensor, nn


class Operator(nn.Module):
    """A linear or other differentiable map A from a clean picture to what is observed of it.

    ``(N, C, H, W) -> (N, C, h, w)``; a module, so that its tensors move with it to a device.
    `mask` is 1 where the result is observed and 0 elsewhere, ``(1, 1, h, w)``; None: everywhere.
    """

    mask: Tensor | None = None

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


class Identity(Operator):
    """A x = x."""

    def forward(self, x: Tensor) -> Tensor:
        return x

    def adjoint(self, y: Tensor) -> Tensor:
        return y


class Chain(Operator):
    """Operators one after the other; those with a mask come last and keep the size."""

    def __init__(self, operators: Sequence[Operator]) -> None:
        super().__init__()
        self.operators = nn.ModuleList(operators)

    @property
    def mask(self) -> Tensor | None:  # type: ignore[override]
        """1 where all that have a mask have a 1."""
        both: Tensor | None = None
        for mask in (operator.mask for operator in self._each()):
            if mask is not None:
                both = mask if both is None else both * mask
        return both

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

    def _each(self) -> list[Operator]:
        return [operator for operator in self.operators if isinstance(operator, Operator)]
