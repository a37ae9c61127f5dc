"""Cross-level connections as decisions and as a matrix (NAS-DIP section 3.3, figure 4).

The matrix has a row for each decoder level, 1 (finest) to d, and a column for each source:
data, encoder level 1, ..., encoder level d - 1, at the resolutions of decoder levels 1 to d.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from nasir.core.architecture import Value
from nasir.core.domain import Decision
from nasir.core.errors import ArchitectureError

Matrix = tuple[tuple[bool, ...], ...]


def shared_name(difference: int) -> str:
    """The decision on all connections from `difference` levels coarser (+) or finer (-)."""
    return f"connection{difference:+d}"


def full_name(decoder: int, source: int) -> str:
    """The decision on the connection of one source with one decoder level, counted from 1."""
    return f"connection_{decoder}_{source}"


def shared_decisions(depth: int, same_level: str, connections: str) -> list[Decision]:
    """One decision for each level difference; the same level can be ``always`` connected.

    With `connections` ``none`` no other level is connected.
    """
    others = (False,) if connections == "none" else (False, True)
    same = (True,) if same_level == "always" else (False, True)
    return [
        Decision(shared_name(difference), others if difference else same)
        for difference in range(1 - depth, depth)
    ]


def full_decisions(depth: int) -> list[Decision]:
    """One decision for each pair of levels."""
    return [
        Decision(full_name(row, column), (False, True))
        for row in range(1, depth + 1)
        for column in range(1, depth + 1)
    ]


def shared_choices(differences: Iterable[int], depth: int) -> dict[str, Value]:
    """The choices that connect exactly these level differences."""
    connected = set(differences)
    return {shared_name(d): d in connected for d in range(1 - depth, depth)}


def full_choices(differences: Iterable[int], depth: int) -> dict[str, Value]:
    """The choices of the full matrix that connect exactly these level differences."""
    connected = set(differences)
    levels = range(1, depth + 1)
    return {full_name(r, c): c - r in connected for r in levels for c in levels}


def matrix(choices: Mapping[str, Value], depth: int) -> Matrix:
    """The connection matrix of an architecture, from shared or full decisions."""
    levels = range(1, depth + 1)
    full = any(name.startswith("connection_") for name in choices)
    known = full_choices((), depth) if full else shared_choices((), depth)
    for name in choices:
        if name.startswith("connection") and name not in known:
            raise ArchitectureError(f"a network of depth {depth} has no connection {name!r}")
    for name in known:
        if not isinstance(choices.get(name), bool):
            raise ArchitectureError(f"decision {name!r} must be true or false")
    if full:
        return tuple(tuple(bool(choices[full_name(r, c)]) for c in levels) for r in levels)
    return tuple(tuple(bool(choices[shared_name(c - r)]) for c in levels) for r in levels)
