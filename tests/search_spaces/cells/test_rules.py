"""What R1 and R2 change, and when they do not apply."""

from __future__ import annotations

import numpy as np
import pytest

from nasir.core.errors import ArchitectureError, SettingsError
from nasir.core.search_space import Signature
from nasir.search_spaces.cells.genotype import Genotype
from nasir.search_spaces.cells.space import CellSpace
from nasir.search_spaces.clearer.space import Clearer
from nasir.search_spaces.hinas.space import HiNas
from nasir.search_spaces.irnas.space import IrNas

SPACES = [HiNas(), IrNas(), HiNas(layer_wise=False), IrNas(widths=(1, 1, 2, 4))]


def operations(genotype: Genotype) -> list[str]:
    return [name for cell in genotype.cells for node in cell.nodes for _, name in node]


def inputs(genotype: Genotype) -> list[tuple[int, ...]]:
    return [tuple(s for s, _ in node) for cell in genotype.cells for node in cell.nodes]


def drawn(space: CellSpace) -> Genotype:
    """A genotype that has conventional convolutions."""
    rng = np.random.default_rng(0)
    while "conv_3" not in operations(found := space.genotype(space.domain.sample(rng))):
        pass
    return found


@pytest.mark.parametrize("space", SPACES, ids=str)
def test_r1_replaces_all_conventional_convolutions_and_nothing_else(space: CellSpace) -> None:
    before = drawn(space)
    after = space.genotype(space.changed(space.architecture_of(before), "R1", 0))
    allowed = {"def_3"} if isinstance(space, IrNas) else {"sep_3", "sep_5", "dil_3", "dil_5"}
    assert (inputs(after), after.levels) == (inputs(before), before.levels)
    for was, now in zip(operations(before), operations(after), strict=True):
        assert now in allowed if was == "conv_3" else now == was


@pytest.mark.parametrize("space", SPACES, ids=str)
def test_r2_gives_all_nodes_but_the_first_other_inputs_and_changes_nothing_else(
    space: CellSpace,
) -> None:
    before = drawn(space)
    after = space.genotype(space.changed(space.architecture_of(before), "R2", 0))
    assert (operations(after), after.levels) == (operations(before), before.levels)
    for number, (was, now) in enumerate(zip(inputs(before), inputs(after), strict=True)):
        assert (was != now) == (number % space.nodes > 0)
    if not space.layer_wise:
        assert len(set(after.cells)) == 1


def test_what_is_drawn_depends_on_the_seed_alone() -> None:
    space = HiNas()
    found = space.architecture_of(drawn(space))
    for rule in space.rules:
        made = {space.changed(found, rule, seed).id for seed in range(5)}
        assert len(made) == 5
        assert space.changed(found, rule, 3).id in made


def test_deformable_convolutions_cost_more_and_separable_ones_less() -> None:
    """As the papers argue: R1 adds to the capacity in IR-NAS."""
    for space, more in ((IrNas(nodes=2), True), (HiNas(operations=("conv_3", "sep_3")), False)):
        found = space.architecture_of(drawn(space))
        sizes = [
            sum(p.numel() for p in space.build(one, Signature(1, 1)).parameters())
            for one in (found, space.changed(found, "R1", 0))
        ]
        assert (sizes[1] > sizes[0]) == more


@pytest.mark.parametrize(
    ("space", "rule", "message"),
    [
        (IrNas(operations=("skip", "def_3")), "R1", "no conventional convolution"),
        (IrNas(operations=("conv_3",)), "R1", "no other convolution"),
        (HiNas(nodes=1), "R2", "cells of one node"),
        (HiNas(), "R3", "rule 'R3'"),
        (Clearer(), "R1", "space 'clearer' has no rules"),
    ],
)
def test_a_rule_that_does_not_apply_is_refused(space: HiNas, rule: str, message: str) -> None:
    found = space.domain.sample(np.random.default_rng(0))
    with pytest.raises((ArchitectureError, SettingsError), match=message) as refused:
        space.changed(found, rule, 0)
    assert "\n" not in str(refused.value)
