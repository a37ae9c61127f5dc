"""Settings of the spaces of stacked cells, and what their architectures are."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

import attrs
from attrs import validators as must

from nasir.core.architecture import Architecture
from nasir.core.component import setting
from nasir.core.domain import Condition, Decision, Domain
from nasir.core.errors import ArchitectureError, SettingsError, unknown_name
from nasir.core.registry import registries
from nasir.core.search_space import SearchSpace
from nasir.core.seeds import derived_seed
from nasir.search_spaces.cells import decisions
from nasir.search_spaces.cells.genotype import NONE, SKIP, CellGenotype, Genotype
from nasir.search_spaces.cells.rules import check_rule, rules
from nasir.search_spaces.sizes import LONGEST, channels

if TYPE_CHECKING:
    from nasir.search_spaces.cells.operations import Activation

PREFIX = "cell."

LARGEST_FACTOR = 1000


def _floats(given: Any) -> tuple[float, ...]:
    return tuple(float(one) for one in given)


def _registered(
    space: CellArchitectures, field: attrs.Attribute[tuple[str, ...]], names: tuple[str, ...]
) -> None:
    """Refuse operations that are not registered, repeated ones, and an empty list."""
    operations = (n for n in registries["operation"] if n.startswith(PREFIX))
    known = [SKIP, *(n.removeprefix(PREFIX) for n in operations)]
    for name in names:
        if name == NONE:
            raise SettingsError(f"space.{field.name}: leave {NONE!r} out, every supernet has it")
        if name not in known:
            raise unknown_name(f"option of space.{field.name}:", name, known)
    if not names or len(set(names)) != len(names):
        raise SettingsError(f"space.{field.name} wants different operations, at least one")


def _positive(
    space: CellArchitectures, field: attrs.Attribute[tuple[float, ...]], factors: tuple[float, ...]
) -> None:
    if not all(0 < factor <= LARGEST_FACTOR for factor in factors):
        raise SettingsError(
            f"space.{field.name} wants factors above 0 and up to {LARGEST_FACTOR}, got "
            f"{list(factors)}"
        )


def _ascending(
    space: CellArchitectures, field: attrs.Attribute[tuple[float, ...]], factors: tuple[float, ...]
) -> None:
    if not factors or list(factors) != sorted(set(factors)):
        raise SettingsError(
            f"space.{field.name} wants one factor or more, ascending, got {list(factors)}"
        )


def _one_or_one_a_layer(
    space: CellArchitectures, field: attrs.Attribute[tuple[float, ...]], factors: tuple[float, ...]
) -> None:
    if len(factors) not in (0, 1, space.layers):
        raise SettingsError(
            f"space.{field.name} wants one factor for all layers or one for each of the "
            f"{space.layers}, got {list(factors)}"
        )


@attrs.define(slots=False)
class CellArchitectures(SearchSpace):
    """The settings of :class:`~.space.CellSpace`, its domain, and genotypes as architectures."""

    layers: int = setting(3, "cells, one after another, 1 to 100", [must.ge(1), must.le(LONGEST)])
    nodes: int = setting(4, "nodes of a cell, 1 to 20", [must.ge(1), must.le(20)])
    operations: tuple[str, ...] = setting(
        ("conv_3", "sep_3", "sep_5", "dil_3", "dil_5", "skip"),
        "operations of an edge: skip, or one registered as cell.NAME",
        _registered,
    )
    layer_wise: bool = setting(True, "whether every layer has a cell of its own")
    factors: tuple[float, ...] = setting(
        (1.0, 1.5, 2.0),
        "factors of the width among which each layer's is searched, ascending, > 0",
        [_positive, _ascending],
        _floats,
    )
    widths: tuple[float, ...] = setting(
        (),
        "factors of the width that are not searched, one for all layers or one a layer, > 0; "
        "empty: searched",
        [_positive, _one_or_one_a_layer],
        _floats,
    )
    width: int = setting(
        20, "channels of a node at factor 1 in a built network, 1 to 65536", channels
    )
    search_width: int = setting(
        10, "channels of a node at factor 1 in the supernet, 1 to 65536", channels
    )
    cell_sharing: bool = setting(
        True, "whether all inputs of a width in the supernet share one cell (equation 5, else 6)"
    )
    routing: str = setting(
        "path",
        "second input and end of the supernet: weighted by the probabilities of the paths (path), "
        "or unweighted from the same level (literal)",
        must.in_(("path", "literal")),
    )
    residual: bool = setting(
        True, "whether the network's output is a change of its (upscaled) input (figure 4)"
    )
    upsampling: str = setting(
        "bicubic",
        "how the input is upscaled where the network enlarges",
        must.in_(("bicubic", "bilinear")),
    )
    aspp: tuple[int, ...] = setting(
        (),
        "dilation rates of the ASPP after the last cell of a built network, each 1 to 100; empty: "
        "a 1x1 convolution",
        must.deep_iterable(must.and_(must.ge(1), must.le(LONGEST))),
        tuple,
    )
    input_channels: int = setting(
        32,
        "channels of the random input where the network is a deep image prior, 1 to 65536",
        channels,
    )

    name: ClassVar[str]
    activation_name: ClassVar[str]
    hand_made: ClassVar[Mapping[str, str]] = {"all_conv": "conv_3"}
    """References by name; all nodes apply this operation to both inputs of the cell and add."""

    replacing: ClassVar[tuple[str, ...]] = ("sep_3", "sep_5", "dil_3", "dil_5")
    """The operations that the rule R1 draws from in place of conventional convolutions."""

    rules = ("R1", "R2")
    default_evaluator: ClassVar[str] = "train"
    baseline = "all_conv"
    smallest_side = 2

    @property
    def options(self) -> tuple[str, ...]:
        """The options of an edge in the supernet: the operations, then `none`."""
        return (*self.operations, NONE)

    @property
    def width_factors(self) -> tuple[float, ...]:
        """The factors that levels index: `factors`, or those in `widths`, ascending."""
        return tuple(sorted(set(self.widths))) or self.factors

    @property
    def levels(self) -> tuple[int, ...]:
        """The level of each layer if widths are not searched, however far apart; else empty."""
        each = self.widths if len(self.widths) == self.layers else self.widths * self.layers
        return tuple(self.width_factors.index(factor) for factor in each)

    @property
    def activation(self) -> Activation:
        """The class of the activations before the convolutions."""
        from nasir.search_spaces.cells.operations import ACTIVATIONS

        return ACTIVATIONS[self.activation_name]

    @cached_property
    def domain(self) -> Domain:
        made: list[Decision] = []
        jumps: list[Condition] = []
        for cell in decisions.cell_names(self.layers, self.layer_wise):
            made += decisions.cell_decisions(cell, self.nodes, self.operations)
        if not self.widths:
            made += decisions.width_decisions(self.layers, self.factors)
            jumps = decisions.width_jumps(self.layers, self.factors)
        return Domain(self.name, made, jumps)

    def genotype(self, architecture: Architecture) -> Genotype:
        """The genotype of an architecture of this space.

        Raises :class:`~nasir.core.errors.ArchitectureError` for any other.
        """
        if architecture.space != self.name:
            raise ArchitectureError(
                f"this is an architecture of space {architecture.space!r}, not {self.name!r}"
            )
        if architecture not in self.reference().values():
            self.domain.architecture(architecture.choices)
        return decisions.genotype_of(
            architecture.choices,
            self.layers,
            self.nodes,
            self.layer_wise,
            self.width_factors,
            self.levels,
        )

    def architecture_of(self, genotype: Genotype) -> Architecture:
        """The architecture with this genotype; refuses one that is not in the domain."""
        if not self.layer_wise and len(set(genotype.cells)) > 1:
            raise ArchitectureError(
                "the layers have different cells: set space.layer_wise=true, or give one cell"
            )
        if self.levels not in ((), genotype.levels):
            raise ArchitectureError(
                f"space.widths fixes the layers' levels to {self.levels}, not {genotype.levels}"
            )
        return self.domain.architecture(self._choices(genotype))

    def changed(self, architecture: Architecture, rule: str, seed: int) -> Architecture:
        """R1: other convolutions for conventional ones; R2: other inputs of the nodes.

        HiNAS, section 4.2.4; IR-NAS, section 4.3. The widths stay.
        """
        import numpy as np

        if rule not in self.rules:
            raise unknown_name("rule", rule, self.rules)
        genotype = self.genotype(architecture)
        replacements = [name for name in self.replacing if name in self.operations]
        check_rule(rule, genotype.cells, replacements)
        rng, change = np.random.default_rng(derived_seed(seed, rule)), rules(replacements)[rule]
        searched = genotype.cells if self.layer_wise else genotype.cells[:1]
        cells = [change(cell, rng) for cell in searched]
        if not self.layer_wise:
            cells *= self.layers
        return self.architecture_of(attrs.evolve(genotype, cells=tuple(cells)))

    def reference(self) -> Mapping[str, Architecture]:
        middle = len(self.width_factors) // 2
        levels = self.levels or tuple(min(n + 1, middle) for n in range(self.layers))
        named = {}
        for name, operation in self.hand_made.items():
            cell = CellGenotype((((0, operation), (1, operation)),) * self.nodes)
            named[name] = Architecture(
                self.name, self._choices(Genotype((cell,) * self.layers, levels))
            )
        return named

    def _choices(self, genotype: Genotype) -> Mapping[str, Any]:
        factors = None if self.widths else self.factors
        return decisions.choices_of(genotype, self.layer_wise, factors)
