from __future__ import annotations

import numpy as np
import pytest

from nasir.core.architecture import Architecture
from nasir.core.errors import ArchitectureError
from nasir.search_spaces.cells.genotype import CellGenotype, Genotype, edges
from nasir.search_spaces.hinas.space import HiNas
from nasir.search_spaces.irnas.space import IrNas

SPACES = [
    HiNas(),
    HiNas(layer_wise=False),
    HiNas(widths=(1, 2, 4)),
    HiNas(widths=(2,), layer_wise=False),
    IrNas(),
]


def test_a_cell_of_four_nodes_has_14_edges_node_by_node() -> None:
    assert edges(4) == [
        *((0, source) for source in range(2)),
        *((1, source) for source in range(3)),
        *((2, source) for source in range(4)),
        *((3, source) for source in range(5)),
    ]
    assert len(edges(4)) == 14


@pytest.mark.parametrize("space", SPACES)
def test_a_genotype_is_an_architecture_and_back(space: HiNas) -> None:
    rng = np.random.default_rng(0)
    for _ in range(10):
        architecture = space.domain.sample(rng)
        genotype = space.genotype(architecture)
        assert (len(genotype.cells), len(genotype.levels)) == (space.layers, space.layers)
        assert all(low < high for c in genotype.cells for (low, _), (high, _) in c.nodes)
        assert space.architecture_of(genotype) == architecture


def test_choices_give_the_genotype_that_their_names_say() -> None:
    space = HiNas(layers=1, nodes=2)
    choices = {
        "layer0.node0.inputs": "0+1",
        "layer0.node0.first": "sep_5",
        "layer0.node0.second": "skip",
        "layer0.node1.inputs": "0+2",
        "layer0.node1.first": "dil_3",
        "layer0.node1.second": "conv_3",
        "layer0.width": 1.5,
    }
    genotype = space.genotype(space.domain.architecture(choices))
    nodes = (((0, "sep_5"), (1, "skip")), ((0, "dil_3"), (2, "conv_3")))
    assert genotype == Genotype((CellGenotype(nodes),), (1,))


def test_fixed_widths_are_levels_among_themselves() -> None:
    assert HiNas(widths=(1, 2, 4)).levels == (0, 1, 2)
    assert HiNas(widths=(4, 1, 4)).levels == (1, 0, 1)
    assert HiNas(widths=(2,)).levels == (0, 0, 0)
    assert HiNas(widths=(2,)).width_factors == (2.0,)
    assert HiNas().levels == ()


def test_architectures_outside_the_space_are_refused() -> None:
    space = HiNas()
    other = IrNas(layers=3, nodes=4).reference()["all_conv"]
    with pytest.raises(ArchitectureError, match="'irnas', not 'hinas'"):
        space.genotype(other)
    conv = space.reference()["all_conv"]
    too_wide = Architecture("hinas", {**conv.choices, "layer0.width": 2.0})
    with pytest.raises(ArchitectureError, match=r"layer0\.width"):
        space.genotype(too_wide)
    jump = {"layer0.width": 1.0, "layer1.width": 2.0, "layer2.width": 2.0}
    with pytest.raises(ArchitectureError, match=r"layer1\.width"):
        space.genotype(Architecture("hinas", {**conv.choices, **jump}))


def test_genotypes_that_the_settings_exclude_are_refused() -> None:
    conv, sep = (CellGenotype((((0, name), (1, name)),) * 4) for name in ("conv_3", "sep_3"))
    with pytest.raises(ArchitectureError, match="layer_wise"):
        HiNas(layer_wise=False).architecture_of(Genotype((conv, sep, conv), (0, 0, 0)))
    with pytest.raises(ArchitectureError, match=r"space\.widths"):
        HiNas(widths=(1, 2, 4)).architecture_of(Genotype((conv, sep, conv), (0, 0, 0)))
