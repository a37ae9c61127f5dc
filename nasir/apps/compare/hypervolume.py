"""The hypervolume of a front of two objectives."""

from __future__ import annotations

from collections.abc import Sequence

Point = Sequence[float]
"""The values of an architecture by two objectives, more being better."""


def hypervolume(points: Sequence[Point], reference: Point) -> float:
    """The area that `points` dominate and `reference` bounds from below (Zitzler and Thiele 1998).

    In closed form: over the front from the best first objective down, the sum of rectangles
    ``(x_i - r_x) (y_i - y_(i-1))`` with ``y_0 = r_y``. Points not above the reference add nothing.
    """
    area, height = 0.0, reference[1]
    for x, y in sorted(((p[0], p[1]) for p in points), reverse=True):
        if x > reference[0] and y > height:
            area += (x - reference[0]) * (y - height)
            height = y
    return area


def share(points: Sequence[Point], of: Sequence[Point]) -> float:
    """The hypervolume of `points` in the box that `of` spans, as a share of it, in [0, 1].

    The reference is the worst of each objective among `of`. 0 where the box has no area.
    """
    worst = [min(p[axis] for p in of) for axis in (0, 1)]
    best = [max(p[axis] for p in of) for axis in (0, 1)]
    box = (best[0] - worst[0]) * (best[1] - worst[1])
    return hypervolume(points, worst) / box if box > 0 else 0.0
