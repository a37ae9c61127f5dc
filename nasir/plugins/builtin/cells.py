"""HiNAS and IR-NAS: their search spaces and the operations of their cells."""

from nasir.plugins import hookimpl
from nasir.plugins.hookspecs import Register

_CELL = "nasir.search_spaces.cells.operations:"


@hookimpl
def register_search_spaces(register: Register) -> None:
    register(
        "hinas",
        "nasir.search_spaces.hinas.space:HiNas",
        "operations, inputs and widths of stacked cells (HiNAS)",
    )
    register(
        "irnas",
        "nasir.search_spaces.irnas.space:IrNas",
        "the same with deformable convolutions (IR-NAS)",
    )


@hookimpl
def register_operations(register: Register) -> None:
    register("cell.conv_3", _CELL + "Conv3", "3x3 convolution")
    register("cell.sep_3", _CELL + "Sep3", "3x3 separable convolution, twice")
    register("cell.sep_5", _CELL + "Sep5", "5x5 separable convolution, twice")
    register("cell.dil_3", _CELL + "Dil3", "3x3 convolution with rate 2")
    register("cell.dil_5", _CELL + "Dil5", "5x5 convolution with rate 2")
    register("cell.def_3", _CELL + "Def3", "3x3 deformable convolution, version 2")
