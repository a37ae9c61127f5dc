"""Copying the weights of a supernet's path into a built network."""

from __future__ import annotations

from typing import Any

from nasir.core.architecture import Architecture
from nasir.search_spaces.inheritance import check_whole
from nasir.search_spaces.nasdip.cell import UpsamplingCell
from nasir.search_spaces.nasdip.mixture import MixedCell
from nasir.search_spaces.nasdip.network import NasDipNetwork
from nasir.search_spaces.nasdip.supernet import NasDipSupernet


def inherit(
    network: NasDipNetwork, supernet: NasDipSupernet, architecture: Architecture
) -> NasDipNetwork:
    """Copy the supernet's weights and statistics into `network`, built of `architecture`.

    Returns `network`, which is then the same function as that path of the supernet. Raises
    :class:`~nasir.core.errors.ArchitectureError` for a supernet of partial channels, whose cells
    are too narrow.
    """
    check_whole(supernet.partial, "cells")
    body: Any = supernet.body
    own: Any = network
    for part in ("encoder", "decoder", "to_picture"):
        getattr(own, part).load_state_dict(getattr(body, part).state_dict())
    for part in ("down", "same"):
        for level, module in getattr(own, part).items():
            module.load_state_dict(getattr(body, part)[level].state_dict())
    for level, cell in own.up.items():
        _copy_cell(cell, body.up[level], supernet, architecture)
    return network


def _copy_cell(
    cell: UpsamplingCell, mixed: MixedCell, supernet: NasDipSupernet, architecture: Architecture
) -> None:
    number, upsampling, term, activation = supernet.cell.places_of(architecture.choices)
    branch = mixed.branches[number]
    transform, activated = branch.transforms[term], branch.transform_activations[activation]
    if cell.transform is None:
        cell.resize.load_state_dict(transform.state_dict())
        cell.resize_activation.load_state_dict(activated.state_dict())
        return
    cell.transform.load_state_dict(transform.state_dict())
    cell.transform_activation.load_state_dict(activated.state_dict())
    cell.resize.load_state_dict(branch.resizes[upsampling].state_dict())
    before = branch.resize_activations[activation]
    cell.resize_activation.load_state_dict(before.state_dict())
