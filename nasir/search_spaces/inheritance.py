"""What networks that take a supernet's weights have in common."""

from __future__ import annotations

from nasir.core.errors import ArchitectureError


def check_whole(partial: int, parts: str) -> None:
    """Refuse a supernet of partial channels, whose `parts` (cells, modules) are too narrow.

    Raises :class:`~nasir.core.errors.ArchitectureError`.
    """
    if partial != 1:
        raise ArchitectureError(
            f"a supernet with partial={partial} has too narrow {parts} for a network: "
            "train the network from the start, or search with partial=1"
        )
