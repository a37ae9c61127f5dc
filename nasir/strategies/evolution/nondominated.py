"""Non-dominated sorting and crowding (NSGA-II: Deb et al. 2002, section III).

Values are ``(N, M)``: N points, M objectives, of which more is better.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Values = Sequence[Sequence[float]] | NDArray[np.float64]


def ranks(values: Values) -> NDArray[np.int64]:
    """The front that each point is in, ``(N,)``: 0 where none dominates it, and so on.

    The fast non-dominated sort: take off those that nobody left dominates, again and again.
    """
    points = np.asarray(values, dtype=float)
    one, other = points[:, None], points[None]
    dominates = np.logical_and((one >= other).all(-1), (one > other).any(-1))
    above = dominates.sum(0)
    found = np.full(len(points), -1)
    front = 0
    while (found < 0).any():
        members = np.flatnonzero((found < 0) & (above == 0))
        found[members] = front
        above -= dominates[members].sum(0)
        front += 1
    return found


def crowding(values: Values) -> NDArray[np.float64]:
    """How far from its neighbours each point of one front is, ``(N,)``, in [0, inf].

    The sum over objectives of the distance between the next point on either side, as a share of
    the front's range; infinite at the ends. An objective in which all are equal adds nothing.
    """
    points = np.asarray(values, dtype=float)
    distance = np.zeros(len(points))
    for column in points.T:
        order = np.argsort(column, kind="stable")
        ordered = column[order]
        spread = ordered[-1] - ordered[0]
        if spread == 0:
            continue
        distance[order[[0, -1]]] = np.inf
        distance[order[1:-1]] += (ordered[2:] - ordered[:-2]) / spread
    return distance


def crowded_order(values: Values) -> list[int]:
    """The points' places, best first: by front, then the least crowded, then the last given."""
    points: NDArray[np.float64] = np.asarray(values, dtype=float)
    rank = ranks(points)
    distance = np.zeros(len(points))
    for front in range(rank.max(initial=-1) + 1):
        members = rank == front
        distance[members] = crowding(points[members])
    order: list[int] = np.lexsort((-np.arange(len(points)), -distance, rank)).tolist()
    return order
