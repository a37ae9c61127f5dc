"""Architectures that were not proposed yet."""

from __future__ import annotations

from collections.abc import Container
from typing import TYPE_CHECKING

from nasir.core.architecture import Architecture
from nasir.core.domain import Domain

if TYPE_CHECKING:
    import numpy as np

DRAWS = 100
"""Draws without a new one, after which few are left."""

LISTED = 5000
"""The largest domain of which the rest is listed; a larger one then counts as used up."""


def unseen(domain: Domain, seen: Container[str], rng: np.random.Generator) -> Architecture | None:
    """An architecture drawn uniformly from those whose id is not in `seen`; None: used up."""
    for _ in range(DRAWS):
        architecture = domain.sample(rng)
        if architecture.id not in seen:
            return architecture
    if domain.size > LISTED:
        return None
    rest = [architecture for architecture in domain if architecture.id not in seen]
    return rest[int(rng.integers(len(rest)))] if rest else None
