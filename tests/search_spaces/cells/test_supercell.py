from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from nasir.search_spaces.cells.operations import CellLeakyReLU, Conv3, Dil3, Dil5, Sep3, Sep5
from nasir.search_spaces.cells.supercell import Maker, SuperCell

OPERATIONS = {"conv_3": Conv3, "sep_3": Sep3, "sep_5": Sep5, "dil_3": Dil3, "dil_5": Dil5}
OPTIONS = (*OPERATIONS, "skip", "none")


def maker(operation: type[nn.Module]) -> Maker:
    return lambda width: operation(width, affine=False, activation=CellLeakyReLU)


MAKERS: dict[str, Maker] = {
    **{name: maker(operation) for name, operation in OPERATIONS.items()},
    "skip": lambda width: nn.Identity(),
    "none": None,
}


def features(*shape: int) -> Tensor:
    made = torch.randn(*shape, dtype=torch.float64)
    return made.contiguous(memory_format=torch.channels_last)


@pytest.mark.parametrize("zeros", ["none", "some", "one path"])
def test_equals_equation_3_computed_operation_by_operation(zeros: str) -> None:
    """Equation 3 of HiNAS, with torch's modules made of the very same initial weights."""
    nodes, width = 3, 2
    torch.manual_seed(1)
    cell = SuperCell(MAKERS, nodes, width).double()
    plain = {}
    torch.manual_seed(1)
    for state in range(nodes + 1):
        targets = range(max(0, state - 1), nodes)
        for name in OPERATIONS:
            for node in targets:
                plain[node, state, name] = MAKERS[name](width).double()
    rows = [(node, state) for node in range(nodes) for state in range(node + 2)]
    weights = torch.rand(len(rows), len(OPTIONS), dtype=torch.float64)
    if zeros == "some":
        weights = weights * (torch.rand_like(weights) < 0.5)
    if zeros == "one path":
        weights = F.one_hot(torch.randint(len(OPTIONS) - 1, (len(rows),)), len(OPTIONS)).double()
    a, b = features(2, width, 6, 6), features(2, width, 6, 6)
    states = [a, b]
    for node in range(nodes):
        total = torch.zeros_like(a)
        for state in range(node + 2):
            row = weights[rows.index((node, state))]
            total = total + row[OPTIONS.index("skip")] * states[state]
            for name in OPERATIONS:
                y = plain[node, state, name](states[state])
                total = total + row[OPTIONS.index(name)] * y
        states.append(total)
    found = cell(a, b, weights, (weights != 0).tolist())
    torch.testing.assert_close(found, torch.cat(states[2:], 1), atol=1e-9, rtol=1e-9)


def test_options_of_weight_zero_are_not_computed() -> None:
    cell = SuperCell(MAKERS, nodes=2, width=2).double()
    weights = torch.zeros(5, len(OPTIONS), dtype=torch.float64)
    weights[:, OPTIONS.index("dil_3")] = 1
    weights[0] = 0
    cell(features(1, 2, 4, 4), features(1, 2, 4, 4), weights, (weights != 0).tolist())
    counted = [
        fan.operations[name].norm.num_batches_tracked.tolist()
        for fan in cell.fans
        for name in ("conv_3", "sep_5", "dil_3")
    ]
    assert counted == [[0, 0], [0, 0], [0, 1], [0, 0], [0, 0], [1, 1], [0], [0], [1]]


def test_partial_channels_pass_by_and_are_shuffled() -> None:
    """PC-DARTS with k = 2: with `skip` alone, all that is done is adding and shuffling."""
    cell = SuperCell(MAKERS, nodes=1, width=4, partial=2).double()
    weights = torch.zeros(2, len(OPTIONS), dtype=torch.float64)
    weights[:, OPTIONS.index("skip")] = torch.tensor([2.0, 3.0])
    a, b = features(1, 4, 3, 3), features(1, 4, 3, 3)
    seen, beside = 2 * a[:, :2] + 3 * b[:, :2], a[:, 2:] + b[:, 2:]
    wanted = torch.stack([seen[:, 0], beside[:, 0], seen[:, 1], beside[:, 1]], 1)
    torch.testing.assert_close(cell(a, b, weights, (weights != 0).tolist()), wanted)
