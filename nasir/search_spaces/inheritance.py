"""Checks before a network takes over the weights of a supernet."""

from __future__ import annotations

from nasir.core.errors import ArchitectureError


def check_whole(partial: int, parts: str) -> None:
    """Raise :class:`~nasir.core.errors.ArchitectureError` for a supernet of partial channels.

    Its `parts` (cells, modules) are too narrow for a network.
    """
    if partial != 1:
        raise ArchitectureError(
            f"the {parts} of a supernet with partial={partial} are too narrow for a network: "
            "train the network from the start, or search with partial=1"
        )
