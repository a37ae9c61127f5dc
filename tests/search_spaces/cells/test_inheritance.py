from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from nasir.core.architecture import Architecture
from nasir.core.errors import ArchitectureError, SettingsError
from nasir.core.search_space import Signature
from nasir.search_spaces.cells.compact import CompactNetwork
from nasir.search_spaces.cells.inheritance import inherit
from nasir.search_spaces.cells.supernet import CellSupernet
from nasir.search_spaces.hinas.space import HiNas
from nasir.search_spaces.irnas.space import IrNas

GREY = Signature(1, 1)


def both(
    space: HiNas | IrNas, seed: int, signature: Signature = GREY
) -> tuple[CompactNetwork, CellSupernet, Architecture]:
    """A built network, and a supernet whose running statistics are those of a batch."""
    torch.manual_seed(seed)
    architecture = space.domain.sample(np.random.default_rng(seed))
    supernet = space.supernet(signature).double()
    for module in supernet.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.momentum = 0.9
    supernet(picture(signature.in_channels))
    network = space.build(architecture, signature).double()
    assert isinstance(network, CompactNetwork)
    assert isinstance(supernet, CellSupernet)
    return network, supernet, architecture


def picture(channels: int = 1) -> Tensor:
    return torch.rand(2, channels, 9, 8, dtype=torch.float64)


SETTINGS = [
    {},
    {"cell_sharing": False},
    {"layer_wise": False},
    {"widths": (2.0, 1.0, 4.0)},
    {"routing": "literal"},
]


@pytest.mark.parametrize("settings", SETTINGS)
@pytest.mark.parametrize("kind", [HiNas, IrNas])
@pytest.mark.parametrize("training", [True, False])
def test_an_inherited_network_equals_the_path(
    kind: type[HiNas], settings: dict[str, object], training: bool
) -> None:
    space = kind(layers=3, nodes=1, search_width=3, width=3, end="supernet", **settings)
    for seed in range(2):
        network, supernet, architecture = both(space, seed)
        inherit(network, supernet, architecture)
        network.train(training)
        supernet.train(training)
        x = picture()
        found, wanted = network(x), supernet(x, architecture)
        assert (wanted - x).abs().max() > 1e-3
        torch.testing.assert_close(found, wanted, atol=1e-9, rtol=1e-9)


def test_scale_and_shift_of_the_network_are_reset() -> None:
    space = HiNas(layers=2, nodes=1, search_width=2, width=2, end="supernet")
    network, supernet, architecture = both(space, 0, Signature(3, 3, 2))
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.constant_(module.weight, 3)
    inherit(network, supernet, architecture)
    x = picture(3)
    torch.testing.assert_close(network(x), supernet(x, architecture), atol=1e-9, rtol=1e-9)


def test_the_supernet_does_not_share_its_weights_with_the_network() -> None:
    space = HiNas(layers=2, nodes=1, search_width=2, width=2, end="supernet")
    network, supernet, architecture = both(space, 0)
    before = {name: value.clone() for name, value in supernet.state_dict().items()}
    inherit(network, supernet, architecture)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.zero_()
    for name, value in supernet.state_dict().items():
        assert torch.equal(value, before[name])


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"end": "compact"}, r"build with space\.end=supernet"),
        ({"width": 4}, r"build with space\.width=2"),
    ],
)
def test_a_network_of_another_end_or_width_is_refused(
    wrong: dict[str, object], message: str
) -> None:
    settings = {"layers": 1, "nodes": 1, "search_width": 2, "width": 2, "end": "supernet", **wrong}
    network, supernet, architecture = both(HiNas(**settings), 0)
    with pytest.raises(SettingsError, match=message):
        inherit(network, supernet, architecture)


def test_a_supernet_of_partial_channels_is_refused() -> None:
    space = HiNas(layers=1, nodes=1, search_width=4, width=4, end="supernet")
    network, _, architecture = both(space, 0)
    partial = space.supernet(GREY, 2)
    assert isinstance(partial, CellSupernet)
    with pytest.raises(ArchitectureError, match="partial=2"):
        inherit(network, partial, architecture)
