"""The search space of stacked cells."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import attrs

from nasir.core.architecture import Architecture
from nasir.core.search_space import Signature
from nasir.search_spaces.cells.architectures import CellArchitectures
from nasir.search_spaces.cells.widths import cell_width

if TYPE_CHECKING:
    from torch import nn

    from nasir.core.diagram import Drawing
    from nasir.core.supernet import Supernet


@attrs.define(slots=False)
class CellSpace(CellArchitectures):
    """Cells between a fixed start and a fixed end; operations, inputs and widths are searched.

    A subclass gives the names of a paper and, where they differ, its settings.
    """

    def build(self, architecture: Architecture, signature: Signature) -> nn.Module:
        from nasir.search_spaces.cells.compact import compact_network

        return compact_network(self, self.genotype(architecture), signature)

    def supernet(self, signature: Signature, partial: int = 1) -> Supernet:
        from nasir.search_spaces.cells.supernet import CellSupernet

        return CellSupernet(self, signature, partial)

    def diagram(self, architecture: Architecture) -> Sequence[Drawing]:
        from nasir.search_spaces.cells.diagram import cell_drawings, layers_drawing

        genotype = self.genotype(architecture)
        factors = [self.width_factors[level] for level in genotype.levels]
        channels_of = [cell_width(self.width, factor) for factor in factors]
        cells = {f"Layer {n}": cell for n, cell in enumerate(genotype.cells)}
        if not self.layer_wise:
            cells = {"The cell of all layers": genotype.cells[0]}
        layers = layers_drawing(channels_of, factors, self.nodes)
        return (layers, *cell_drawings(cells))


def setting_again(name: str, default: Any) -> Any:
    """The setting of :class:`CellSpace` called `name`, with another default."""
    first = attrs.fields_dict(CellSpace)[name]
    return attrs.field(
        default=default,
        validator=first.validator,
        converter=first.converter,
        metadata=first.metadata,
    )
