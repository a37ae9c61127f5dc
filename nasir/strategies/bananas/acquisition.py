"""Acquisition functions: the value of an evaluation, from predicted scores and their spread.

More is better; elementwise on arrays ``(N,)``. BANANAS section 4,
"acquisition function". `best` is the greatest score so far.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.stats import norm

EXPLORATION = 0.5
"""The weight of the spread in the upper confidence bound, as in BANANAS."""

SMALLEST_SPREAD = 1e-9
"""Replaces a spread of zero, at which improvement has no probability density."""

Acquisition = Callable[[np.ndarray, np.ndarray, float, np.random.Generator], np.ndarray]


def independent_thompson_sampling(
    mean: np.ndarray, spread: np.ndarray, best: float, rng: np.random.Generator
) -> np.ndarray:
    """A draw from N(mean, spread^2) for each architecture on its own."""
    return mean + spread * rng.standard_normal(len(mean))


def upper_confidence_bound(
    mean: np.ndarray, spread: np.ndarray, best: float, rng: np.random.Generator
) -> np.ndarray:
    """``mean + 0.5 spread``."""
    return mean + EXPLORATION * spread


def expected_improvement(
    mean: np.ndarray, spread: np.ndarray, best: float, rng: np.random.Generator
) -> np.ndarray:
    """``E[max(f - best, 0)] = spread (z Phi(z) + phi(z))``, z = (mean - best) / spread."""
    spread = np.maximum(spread, SMALLEST_SPREAD)
    z = (mean - best) / spread
    improvement: np.ndarray = spread * (z * norm.cdf(z) + norm.pdf(z))
    return improvement


def probability_of_improvement(
    mean: np.ndarray, spread: np.ndarray, best: float, rng: np.random.Generator
) -> np.ndarray:
    """``P(f > best) = Phi((mean - best) / spread)``."""
    probability: np.ndarray = norm.cdf((mean - best) / np.maximum(spread, SMALLEST_SPREAD))
    return probability


ACQUISITIONS: dict[str, Acquisition] = {
    "its": independent_thompson_sampling,
    "ucb": upper_confidence_bound,
    "ei": expected_improvement,
    "pi": probability_of_improvement,
}
"""The acquisition functions by the names that settings have for them."""
