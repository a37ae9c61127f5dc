"""The cell that holds all operations on all edges."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from nasir.search_spaces.cells.genotype import NONE, SKIP
from nasir.search_spaces.cells.mixture import mixture
from nasir.search_spaces.cells.stacks import FullStack, SeparableStack

Maker = Callable[[int], nn.Module]
"""From a number of channels to an operation that keeps it."""

Contribution = tuple[tuple[int, ...], Tensor]
"""Edges of a fan, and their outputs one after another, ``(N, P c, H, W)``."""


class Fan(nn.Module):
    """All operations on the edges that leave one state, of `width` channels, for `edges` nodes.

    `options` are the names of a row of weights: those of `makers`, ``skip`` and ``none``. Each
    operation is computed for all edges at once where it is a chain of known layers.
    """

    def __init__(
        self, options: Sequence[str], makers: Mapping[str, Maker], edges: int, width: int
    ) -> None:
        super().__init__()
        self.options, self.width = tuple(options), width
        self.operations: Any = nn.ModuleDict()
        for name in options:
            if name in makers:
                made = [makers[name](width) for _ in range(edges)]
                self.operations[name] = _together(made)

    def forward(
        self, x: Tensor, weights: Tensor, active: Sequence[Sequence[bool]]
    ) -> list[Contribution]:
        """Outputs of the edges for the state `x`, ``(N, c, H, W)``.

        `weights` are ``(edges, options)``; where an edge's option is not `active`, it is exactly
        zero and no work is done for it.
        """
        groups: dict[tuple[int, ...], list[str]] = {}
        contributions: list[Contribution] = []
        bases: dict[tuple[int, ...], Tensor] = {}
        activated: dict[float, Tensor] = {}
        for column, name in enumerate(self.options):
            parts = tuple(edge for edge, row in enumerate(active) if row[column])
            if not parts or name == NONE:
                continue
            if name == SKIP:
                bases[parts] = self._skip(x, _of(weights, column, parts))
            elif isinstance(self.operations[name], nn.ModuleList):
                for part in parts:
                    y = weights[part, column] * self.operations[name][part](x)
                    contributions.append(((part,), y))
            else:
                groups.setdefault(parts, []).append(name)
        for parts, names in groups.items():
            stacks = [self.operations[name] for name in names]
            for stack in stacks:
                if stack.negative_slope not in activated:
                    activated[stack.negative_slope] = F.leaky_relu(x, stack.negative_slope)
            features = [stack(activated[stack.negative_slope], parts) for stack in stacks]
            given = [_of(weights, self.options.index(name), parts) for name in names]
            norms = [stack.norm for stack in stacks]
            total = mixture(features, norms, given, [parts] * len(stacks), bases.pop(parts, None))
            contributions.append((parts, total))
        return contributions + [(parts, y.permute(0, 3, 1, 2)) for parts, y in bases.items()]

    def _skip(self, x: Tensor, weights: Tensor) -> Tensor:
        """The state times each of the weights, ``(N, H, W, P c)``."""
        unit = torch.eye(self.width, dtype=x.dtype, device=x.device)
        kernel = torch.kron(weights[:, None], unit)
        return F.linear(x.permute(0, 2, 3, 1), kernel)


class SuperCell(nn.Module):
    """A cell in which each node adds up all operations of all earlier states.

    With `partial` k, operations see the first 1/k of the channels; the others go by, are added up
    and shuffled in (PC-DARTS, section 3.1).
    """

    def __init__(
        self,
        options: Sequence[str],
        makers: Mapping[str, Maker],
        nodes: int,
        width: int,
        partial: int = 1,
    ) -> None:
        super().__init__()
        self.nodes, self.partial, self.seen = nodes, partial, width // partial
        self.fans = nn.ModuleList(
            Fan(options, makers, nodes - max(0, state - 1), self.seen) for state in range(nodes + 1)
        )

    def forward(
        self, two_back: Tensor, back: Tensor, weights: Tensor, active: Sequence[Sequence[bool]]
    ) -> Tensor:
        """From two ``(N, c, H, W)`` to ``(N, nodes c, H, W)``, the nodes' outputs.

        `weights` are ``(edges, options)``, edges node by node, exactly zero where not `active`.
        """
        states = [two_back, back]
        sums: list[Tensor | None] = [None] * self.nodes
        for state, fan in enumerate(self.fans):
            first = max(0, state - 1)
            rows = [edge_row(node, state) for node in range(first, self.nodes)]
            x = states[state]
            contributions = fan(self._mixed(x), weights[rows], [active[row] for row in rows])
            for edges, total in contributions:
                for edge, part in zip(edges, total.split(self.seen, 1), strict=True):
                    before = sums[first + edge]
                    sums[first + edge] = part if before is None else before + part
            if state:
                states.append(self._node(sums[first], states))
        return torch.cat(states[2:], 1)

    def _mixed(self, x: Tensor) -> Tensor:
        """The channels that operations see."""
        if self.partial == 1:
            return x
        return x[:, : self.seen].contiguous(memory_format=torch.channels_last)

    def _node(self, total: Tensor | None, states: Sequence[Tensor]) -> Tensor:
        """A node's output from the sum of its edges and the channels that go by."""
        if total is None:
            total = torch.zeros_like(states[0][:, : self.seen])
        if self.partial == 1:
            return total
        beside = torch.stack([state[:, self.seen :] for state in states]).sum(0)
        shuffled = F.channel_shuffle(torch.cat([total, beside], 1), self.partial)
        return shuffled.contiguous(memory_format=torch.channels_last)


def edge_row(node: int, state: int) -> int:
    """The row of an edge: edges are ordered by node, and by state within."""
    return node * (node + 3) // 2 + state


def _together(operations: Sequence[Any]) -> nn.Module:
    for kind in (FullStack, SeparableStack):
        if all(kind.holds(operation) for operation in operations):
            return kind(operations)
    return nn.ModuleList(operations)


def _of(weights: Tensor, column: int, parts: Sequence[int]) -> Tensor:
    return weights[:, column] if len(parts) == len(weights) else weights[list(parts), column]
