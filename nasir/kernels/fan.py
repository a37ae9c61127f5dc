"""Weighted sums of operations on all edges that leave one state of a cell."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from nasir.kernels.normalised_sum import normalised_sum
from nasir.kernels.stacks import FullStack, SeparableStack

EdgeOutputs = tuple[tuple[int, ...], Tensor]
"""Edges of a fan, and their outputs one after another, ``(N, P c, H, W)``."""


class Fan(nn.Module):
    """``sum_o weights[e, o] * options[o][e](x)`` for every edge e that leaves the state `x`.

    `options` has the operations of every edge by name. :class:`torch.nn.Identity` is a skip, and
    an empty sequence is `none`, whose output is zero. Operations on `width` channels that are
    chains of known layers are computed for all edges at once (:mod:`~nasir.kernels.stacks`).
    """

    def __init__(self, options: Mapping[str, Sequence[nn.Module]], width: int) -> None:
        super().__init__()
        self.options, self.width = tuple(options), width
        self.skips = {name for name, each in options.items() if _are_identities(each)}
        self.operations: Any = nn.ModuleDict(
            {
                name: _stacked(each)
                for name, each in options.items()
                if each and name not in self.skips
            }
        )

    def forward(
        self, x: Tensor, weights: Tensor, active: Sequence[Sequence[bool]]
    ) -> list[EdgeOutputs]:
        """The outputs of the edges for `x`, ``(N, c, H, W)``; an edge may occur several times.

        `weights` are ``(edges, options)``, exactly zero where not `active`. Such options are not
        computed.
        """
        groups: dict[tuple[int, ...], list[str]] = {}
        outputs: list[EdgeOutputs] = []
        skipped: dict[tuple[int, ...], Tensor] = {}
        for column, name in enumerate(self.options):
            edges = tuple(edge for edge, row in enumerate(active) if row[column])
            if not edges:
                continue
            if name in self.skips:
                skipped[edges] = self._skip(x, _column(weights, column, edges))
            elif name not in self.operations:
                continue
            elif isinstance(self.operations[name], nn.ModuleList):
                for edge in edges:
                    y = weights[edge, column] * self.operations[name][edge](x)
                    outputs.append(((edge,), y))
            else:
                groups.setdefault(edges, []).append(name)
        activated: dict[float, Tensor] = {}
        for edges, names in groups.items():
            stacks = [self.operations[name] for name in names]
            for stack in stacks:
                if stack.negative_slope not in activated:
                    activated[stack.negative_slope] = F.leaky_relu(x, stack.negative_slope)
            total = normalised_sum(
                [stack(activated[stack.negative_slope], edges) for stack in stacks],
                [stack.norm for stack in stacks],
                [_column(weights, self.options.index(name), edges) for name in names],
                [edges] * len(stacks),
                skipped.pop(edges, None),
            )
            outputs.append((edges, total))
        return outputs + [(edges, y.permute(0, 3, 1, 2)) for edges, y in skipped.items()]

    def _skip(self, x: Tensor, weights: Tensor) -> Tensor:
        """The state times each of the weights, ``(N, H, W, P c)``."""
        unit = torch.eye(self.width, dtype=x.dtype, device=x.device)
        kernel = torch.kron(weights[:, None], unit)
        return F.linear(x.permute(0, 2, 3, 1), kernel)


def _are_identities(operations: Sequence[nn.Module]) -> bool:
    return bool(operations) and all(type(module) is nn.Identity for module in operations)


def _stacked(operations: Sequence[nn.Module]) -> nn.Module:
    """The operations as one module where they are chains of known layers, else as they are."""
    for kind in (FullStack, SeparableStack):
        if all(kind.holds(operation) for operation in operations):
            return kind(operations)
    return nn.ModuleList(operations)


def _column(weights: Tensor, column: int, edges: Sequence[int]) -> Tensor:
    return weights[:, column] if len(edges) == len(weights) else weights[list(edges), column]
