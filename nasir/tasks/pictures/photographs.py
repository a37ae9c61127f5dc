"""Photographs that come with scikit-image."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache, partial
from typing import Any

from nasir.tasks.pictures.picture import Picture

PHOTOGRAPHS = ("astronaut", "coffee", "chelsea", "rocket")
"""Of the photographs that scikit-image carries, those in colour; nothing is downloaded."""

MORE = ("camera", "brick", "grass", "gravel", "immunohistochemistry", "retina")
"""Further pictures that it carries, to train on beside these; some are grey."""


@lru_cache(maxsize=16)
def photograph(name: str) -> Any:
    """A picture of scikit-image: ``(H, W, C)`` float32 in [0, 1]."""
    import numpy as np
    from skimage import data

    return np.atleast_3d(getattr(data, name)() / 255).astype(np.float32)


def photographs(names: Sequence[str] = PHOTOGRAPHS) -> list[Picture]:
    """Pictures of scikit-image, each read when it is needed."""
    return [Picture(name, partial(photograph, name)) for name in names]
