"""Architectures with their scores, as strategies that learn from them keep them."""

from __future__ import annotations

from typing import NamedTuple

from nasir.core.architecture import Architecture


class ScoredArchitecture(NamedTuple):
    """An architecture and the score of its trial; greater is better."""

    architecture: Architecture
    score: float
