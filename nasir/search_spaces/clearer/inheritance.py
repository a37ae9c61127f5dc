"""Copying the weights of a supernet's path into a built network."""

from __future__ import annotations

from nasir.core.architecture import Architecture
from nasir.search_spaces.clearer.network import ClearerNetwork
from nasir.search_spaces.clearer.supernet import ClearerSupernet
from nasir.search_spaces.inheritance import check_whole


def inherit(
    network: ClearerNetwork, supernet: ClearerSupernet, architecture: Architecture
) -> ClearerNetwork:
    """Copy the supernet's weights and statistics into `network`, built of `architecture`.

    Returns `network`, which is then the same function as that path of the supernet. Raises
    :class:`~nasir.core.errors.ArchitectureError` for a supernet of partial channels, whose modules
    are too narrow.
    """
    check_whole(supernet.partial, "modules")
    network.backbone.load_state_dict(supernet.backbone.state_dict())
    chosen = supernet.columns.modules_of(architecture)
    for modules, columns, options in zip(network.cells, supernet.cells, chosen, strict=True):
        for module, column, option in zip(modules, columns, options, strict=True):
            module.load_state_dict(column[option].state_dict())
    return network
