"""Architectures as input vectors of a predictor."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from nasir.core.architecture import Architecture
from nasir.core.domain import Domain


def one_hot(domain: Domain, architectures: Sequence[Architecture]) -> np.ndarray:
    """The choices of each architecture, ``(architectures, options of all decisions)`` of 0 and 1.

    A decision that does not apply is all zeros. It is the categorical adjacency encoding of BANANAS
    (section 3) for decisions of any kind; paths exist in cells alone.
    """
    counts = [len(decision.options) for decision in domain.decisions]
    starts = np.concatenate([[0], np.cumsum(counts)]).astype(int)
    encoded = np.zeros((len(architectures), starts[-1]), dtype=np.float32)
    for row, architecture in zip(encoded, architectures, strict=True):
        chosen = zip(starts, domain.prefix(architecture), domain.encode(architecture), strict=False)
        row[[start + number for start, value, number in chosen if value is not None]] = 1
    return encoded
