"""The cell that holds all operations on all edges."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from nasir.kernels.choice import MEMORY_FORMAT
from nasir.kernels.fan import Fan
from nasir.kernels.graphs import constant
from nasir.kernels.layout import joined

Maker = Callable[[int], nn.Module] | None
"""From a number of channels to an operation that keeps it; None for the option `none`."""


class SuperCell(nn.Module):
    """A node is the sum of all operations on all earlier states, each with its weight.

    s_i = sum over j < i and o of weight[i, j, o] o(s_j) (HiNAS, equations 2 and 3): what leaves one
    state is computed together, by a :class:`~nasir.kernels.fan.Fan`. With `partial` k, operations
    see the first 1/k of the channels; the others are added up and shuffled in (PC-DARTS, section
    3.1). `options` are ordered as the columns of the weights.
    """

    def __init__(
        self, options: Mapping[str, Maker], nodes: int, width: int, partial: int = 1
    ) -> None:
        super().__init__()
        self.nodes, self.partial, self.seen = nodes, partial, width // partial
        self.fans: Any = nn.ModuleList(
            Fan(
                {
                    name: [make(self.seen) for _ in range(first_node(state), nodes)] if make else ()
                    for name, make in options.items()
                },
                self.seen,
            )
            for state in range(nodes + 1)
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
            first = first_node(state)
            rows = [edge_row(node, state) for node in range(first, self.nodes)]
            outputs = fan(
                self._seen(states[state]),
                weights[constant(rows, weights)],
                [active[row] for row in rows],
            )
            for edges, total in outputs:
                for edge, part in zip(edges, total.split(self.seen, 1), strict=True):
                    before = sums[first + edge]
                    sums[first + edge] = part if before is None else before + part
            if state:
                states.append(self._node(sums[first], states))
        return joined(states[2:])

    def _seen(self, x: Tensor) -> Tensor:
        """The channels that operations see."""
        if self.partial == 1:
            return x
        return x[:, : self.seen].contiguous(memory_format=MEMORY_FORMAT)

    def _node(self, total: Tensor | None, states: Sequence[Tensor]) -> Tensor:
        """A node's output: the sum of its edges, and that of the channels that none has seen."""
        if total is None:
            total = torch.zeros_like(states[0][:, : self.seen])
        if self.partial == 1:
            return total
        unseen = torch.stack([state[:, self.seen :] for state in states]).sum(0)
        shuffled = F.channel_shuffle(torch.cat([total, unseen], 1), self.partial)
        return shuffled.contiguous(memory_format=MEMORY_FORMAT)


def first_node(state: int) -> int:
    """The first node that an edge leads to from `state`; states 0 and 1 are the cell's inputs."""
    return max(0, state - 1)


def edge_row(node: int, state: int) -> int:
    """The row of an edge: edges are ordered by node, and by state within."""
    return node * (node + 3) // 2 + state
