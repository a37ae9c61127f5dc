from __future__ import annotations

from itertools import product

import numpy as np
import pytest
import torch
from torch import Tensor

from nasir.core.errors import SettingsError
from nasir.core.search_space import Signature
from nasir.search_spaces.cells.genotype import edges
from nasir.search_spaces.cells.routing import Ladder, along, reached, transitions, two_back
from nasir.search_spaces.cells.supernet import CellSupernet
from nasir.search_spaces.hinas.space import HiNas
from nasir.search_spaces.irnas.space import IrNas

GREY = Signature(1, 1)
SMALL = {"nodes": 2, "search_width": 2, "operations": ("conv_3", "sep_3", "skip")}


def supernet(partial: int = 1, signature: Signature = GREY, **settings: object) -> CellSupernet:
    torch.manual_seed(0)
    net = HiNas(**{**SMALL, **settings}).supernet(signature, partial).double()
    assert isinstance(net, CellSupernet)
    with torch.no_grad():
        for table in net.logits().values():
            table.add_(torch.randn_like(table))
    return net


def picture(channels: int = 1) -> Tensor:
    return torch.rand(2, channels, 8, 6, dtype=torch.float64)


def one_hot(logits: Tensor) -> Tensor:
    """The relaxation that leaves the best option of each row alone."""
    weights = torch.zeros_like(logits)
    return weights.scatter_(-1, logits.argmax(-1, keepdim=True), 1.0)


@pytest.mark.parametrize(
    ("settings", "alphas", "betas"),
    [
        ({}, (3, 14, 7), (6, 3)),
        ({"layer_wise": False}, (14, 7), (6, 3)),
        ({"layers": 2, "nodes": 3}, (2, 9, 7), (3, 3)),
    ],
)
def test_tables_have_the_shapes_of_hinas(
    settings: dict[str, object], alphas: tuple[int, ...], betas: tuple[int, ...]
) -> None:
    net = HiNas(**{"search_width": 1, **settings}).supernet(GREY)
    assert {name: tuple(t.shape) for name, t in net.logits().items()} == {
        "alphas": alphas,
        "betas": betas,
    }
    assert torch.equal(net.logits()["alphas"], torch.ones(alphas))
    assert set(net.logits()["betas"].flatten().tolist()) == {1.0, -50.0}


@pytest.mark.parametrize(("layer_wise", "shape"), [(False, (20, 6)), (True, (4, 20, 6))])
def test_irnas_has_one_cell_of_20_edges_with_six_options(
    layer_wise: bool, shape: tuple[int, ...]
) -> None:
    with torch.device("meta"):
        supernet = IrNas(search_width=1, layer_wise=layer_wise).supernet(GREY)
    assert supernet.logits()["alphas"].shape == shape


def test_fixed_widths_leave_no_betas() -> None:
    net = supernet(widths=(2.0, 1.0, 2.0))
    assert list(net.logits()) == ["alphas"]
    assert net(picture()).shape == (2, 1, 8, 6)
    assert net.space.genotype(net.derive()).levels == (1, 0, 1)


@pytest.mark.parametrize("layer_wise", [True, False])
@pytest.mark.parametrize("cell_sharing", [True, False])
def test_one_hot_parameters_equal_the_derived_path(layer_wise: bool, cell_sharing: bool) -> None:
    net = supernet(layer_wise=layer_wise, cell_sharing=cell_sharing)
    architecture = net.space.domain.sample(np.random.default_rng(1))
    genotype = net.space.genotype(architecture)
    with torch.no_grad():
        mix = net.path(architecture)
        tables = torch.stack(list(mix.operations))
        net.alphas.copy_(tables if layer_wise else tables[0])
        for row, (layer, k) in enumerate((n, k) for n in range(3) for k in net.ladder.at(n - 1)):
            path = [0, *genotype.levels]
            step = path[layer + 1] - k if path[layer] == k else 0
            net.betas[row] = torch.eye(3, dtype=torch.float64)[step + 1]
    net.relaxation = one_hot
    x = picture()
    torch.testing.assert_close(net(x), net(x, architecture), atol=1e-9, rtol=1e-9)


def test_a_path_runs_only_its_own_operations() -> None:
    net = supernet(cell_sharing=False)
    net(picture(), net.space.domain.sample(np.random.default_rng(0)))
    counted = [
        int(count)
        for name, buffer in net.body.layers.named_buffers()
        if "num_batches_tracked" in name
        for count in buffer.flatten()
    ]
    genotype = net.space.genotype(net.space.domain.sample(np.random.default_rng(0)))
    names = [name for cell in genotype.cells for node in cell.nodes for _, name in node]
    norms = {"conv_3": 1, "sep_3": 2, "skip": 0}
    assert sum(counted) == sum(norms[name] for name in names) + 2 * len(genotype.cells)
    assert set(counted) == {0, 1}


@pytest.mark.parametrize("routing", ["path", "literal"])
@pytest.mark.parametrize("cell_sharing", [True, False])
def test_layers_equal_equations_5_and_6(routing: str, cell_sharing: bool) -> None:
    net = supernet(routing=routing, cell_sharing=cell_sharing)
    x = picture()
    alphas, betas = net.weights_of("alphas"), net.weights_of("betas")
    beta = transitions(net.ladder, betas)
    reach = reached(net.ladder, beta)
    body = net.body
    activate = body.activate

    def brought(stack: torch.nn.Module, h: Tensor) -> Tensor:
        y = stack(activate(h), (0,))
        return torch.nn.functional.batch_norm(y, None, None, training=True)

    first, second = body.start(x)
    before, now = {0: first}, {0: second}
    for layer in range(3):
        made = {}
        weights = alphas[layer]
        active = (weights != 0).tolist()
        for i in net.ladder.at(layer):
            level = body.layers[layer][str(i)]
            shares = two_back(net.ladder, beta, reach, layer, i)
            if routing == "literal":
                shares = {min(i, max(before)): torch.ones(())}
            f2 = sum(s * brought(level.two_back[str(k)], before[k]) for k, s in shares.items())
            f1 = {k: brought(level.back[str(k)], now[k]) for k in net.ladder.sources(layer, i)}
            if cell_sharing:
                total = sum(beta[layer, k, i] * f for k, f in f1.items())
                made[i] = level.cells[0](f2, total, weights, active)
            else:
                made[i] = sum(
                    beta[layer, k, i] * cell(f2, f, weights, active)
                    for cell, (k, f) in zip(level.cells, f1.items(), strict=True)
                )
        before, now = now, made
    ends = torch.stack([reach[-1][i] for i in now])
    ends = torch.ones_like(ends) if routing == "literal" else ends
    wanted = x - body.end(list(now.values()), ends)
    torch.testing.assert_close(net(x), wanted, atol=1e-9, rtol=1e-9)


@pytest.mark.parametrize(("layers", "levels"), list(product((1, 2, 4), (1, 2, 3))))
def test_shares_equal_sums_over_all_paths(layers: int, levels: int) -> None:
    torch.manual_seed(layers)
    ladder = Ladder(layers, levels)
    betas = torch.softmax(ladder.initial_logits().double() + torch.randn(1, 3), -1)
    beta = transitions(ladder, betas)
    reach = reached(ladder, beta)
    paths = [
        (path, np.prod([float(beta.get((n, a, b), 0.0)) for n, (a, b) in enumerate(steps)]))
        for path in product(range(levels), repeat=layers)
        for steps in [list(zip((0, *path), path, strict=False))]
    ]
    for layer in range(layers):
        for i in ladder.at(layer):
            through = sum(p for path, p in paths if path[layer] == i)
            assert float(reach[layer][i]) == pytest.approx(through)
            if layer > 1:
                shares = two_back(ladder, beta, reach, layer, i)
                for k, share in shares.items():
                    both = sum(p for path, p in paths if (path[layer - 2], path[layer]) == (k, i))
                    assert float(share) == pytest.approx(both / through)


def test_transitions_from_a_level_add_up_to_one() -> None:
    ladder = Ladder(3, 3)
    beta = transitions(ladder, torch.softmax(ladder.initial_logits(), -1))
    assert len(beta) == 2 + 5 + 7
    for layer, k in ((0, 0), (1, 0), (1, 1), (2, 2)):
        assert sum(float(w) for key, w in beta.items() if key[:2] == (layer, k)) == pytest.approx(1)


def test_a_path_of_levels_has_only_its_own_transitions() -> None:
    beta = along(Ladder(3, 3), (1, 2, 1), torch.zeros(()))
    assert [key for key, weight in beta.items() if weight] == [(0, 0, 1), (1, 1, 2), (2, 2, 1)]


def test_derive_takes_the_best_edges_and_the_best_path() -> None:
    net = supernet()
    with torch.no_grad():
        net.alphas.zero_()
        none, conv, sep = (net.space.options.index(name) for name in ("none", "conv_3", "sep_3"))
        net.alphas[..., none] = 9
        net.alphas[:, 1, sep] = 1
        net.alphas[:, 3, conv] = 2
        net.alphas[:, 4, sep] = 3
        net.betas.copy_(net.ladder.initial_logits())
        net.betas[0, 2] = 5
        net.betas[2, 2] = 5
        net.betas[5, 0] = 5
    genotype = net.space.genotype(net.derive())
    assert genotype.levels == (1, 2, 1)
    assert genotype.cells[0].nodes == (
        ((0, "conv_3"), (1, "sep_3")),
        ((1, "conv_3"), (2, "sep_3")),
    )


def test_rows_of_a_node_compete() -> None:
    net = HiNas(search_width=1).supernet(GREY)
    found = net.competing()
    assert len(found) == 3 * 4
    assert found[1].rows == (2, 3, 4)
    assert found[4].rows == (14, 15)
    assert all(one.keep == 2 and one.none == 6 and one.table == "alphas" for one in found)
    rows = [row for one in found for row in one.rows]
    assert rows == list(range(3 * len(edges(4))))


def test_skips_are_those_of_the_cell_with_the_most() -> None:
    net = supernet()
    architecture = net.space.domain.sample(np.random.default_rng(5))
    cells = net.space.genotype(architecture).cells
    counts = [sum(name == "skip" for node in cell.nodes for _, name in node) for cell in cells]
    assert net.skips(architecture) == max(counts)


def test_complexity_is_the_expected_number_of_parameters_over_the_largest() -> None:
    """Of conv 3x3, two separable 3x3, skip and none at widths 2, 3 and 4."""
    net = supernet().requires_grad_(False)
    alphas, betas = net.weights_of("alphas"), net.weights_of("betas")
    reach = reached(net.ladder, transitions(net.ladder, betas))
    expected = 0.0
    for layer in range(3):
        for level in net.ladder.at(layer):
            c = (2, 3, 4)[level]
            sizes = torch.tensor([9.0 * c * c, 2.0 * (9 * c + c * c), 0.0, 0.0])
            expected += float(reach[layer][level]) * float((alphas[layer] @ sizes.double()).sum())
    largest = 5 * (9 * 3 * 3 + 2 * 9 * 4 * 4)
    assert float(net.complexity()) == pytest.approx(expected / largest)


def test_complexity_of_the_largest_option_everywhere_is_one() -> None:
    net = supernet(widths=(2.0,))
    net.relaxation = lambda logits: torch.eye(4, dtype=torch.float64)[:1].expand(len(logits), 4)
    assert float(net.complexity()) == pytest.approx(1)


def test_gradients_of_the_tables_are_the_same_with_frozen_weights() -> None:
    net, x = supernet(), picture()
    tables = list(net.architecture_parameters())
    net(x).square().mean().backward()
    assert all(parameter.grad is not None for parameter in net.parameters())
    whole = [table.grad.clone() for table in tables]
    net.zero_grad(set_to_none=True)
    for parameter in net.weight_parameters():
        parameter.requires_grad_(False)
    net(x).square().mean().backward()
    assert all(parameter.grad is None for parameter in net.weight_parameters())
    torch.testing.assert_close([table.grad for table in tables], whole)


def test_only_drawn_operations_have_gradients() -> None:
    """GDAS: one-hot weights forward, and the gradient of the softmax backward."""
    net = supernet()

    def straight_through(logits: Tensor) -> Tensor:
        soft = torch.softmax(logits, -1)
        return one_hot(logits) - soft.detach() + soft

    net.relaxation = straight_through
    net(picture()).square().mean().backward()
    assert net.alphas.grad is not None
    assert net.alphas.grad.abs().sum() > 0
    drawn = {
        (layer, net.space.options[column])
        for layer, rows in enumerate(net.alphas.argmax(-1).tolist())
        for column in rows
    }
    for layer, levels in enumerate(net.body.layers):
        for name, parameter in levels.named_parameters():
            for option in ("conv_3", "sep_3"):
                if f".{option}." in name and (layer, option) not in drawn:
                    assert parameter.grad is None
    reached_levels = [
        {name.split(".")[0] for name, p in levels.named_parameters() if p.grad is not None}
        for levels in net.body.layers
    ]
    assert max(len(levels) for levels in reached_levels) == 1


def test_super_resolution_enlarges() -> None:
    net = supernet(signature=Signature(3, 3, 2))
    assert net(picture(3)).shape == (2, 3, 16, 12)


def test_partial_channels_must_divide_all_widths() -> None:
    with pytest.raises(SettingsError, match="partial=3 does not divide the width 10"):
        HiNas().supernet(GREY, 3)
    net = supernet(partial=2, search_width=4)
    assert net(picture()).shape == (2, 1, 8, 6)


def test_evaluation_mode_does_not_depend_on_the_batch() -> None:
    net = supernet()
    x = picture()
    net(x)
    net.eval()
    with torch.no_grad():
        torch.testing.assert_close(net(x)[:1], net(x[:1]))
