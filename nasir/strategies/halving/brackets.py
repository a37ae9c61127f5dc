"""Brackets: the number of architectures and the fidelity of each rung."""

from __future__ import annotations

import attrs

ROUNDING = 1e-9
"""Relative error of a fidelity that was written in decimals."""


@attrs.frozen
class Bracket:
    """One successive halving: rung i has `sizes[i]` architectures at `fidelities[i]`.

    Fidelities are shares of a full evaluation in (0, 1], rising, the last 1.
    """

    sizes: tuple[int, ...]
    fidelities: tuple[float, ...]


def fidelities(eta: int, lowest: float) -> tuple[float, ...]:
    """The powers of 1 / eta that are at least `lowest`, rising to 1."""
    found = [1.0]
    while eta ** -len(found) >= lowest * (1 - ROUNDING):
        found.append(float(eta) ** -len(found))
    return tuple(reversed(found))


def halving(pool: int, eta: int, lowest: float) -> Bracket:
    """Successive halving of `pool` architectures (Li et al., JMLR 18, 2018, algorithm 1's loop).

    Rung i has n_i = floor(n eta^-i) of them. The last sizes are 0 where `pool` is too small.
    """
    rungs = fidelities(eta, lowest)
    return Bracket(tuple(pool // eta**i for i in range(len(rungs))), rungs)


def hyperband(eta: int, lowest: float) -> tuple[Bracket, ...]:
    """The brackets s = s_max, ..., 0 of Hyperband (same paper, algorithm 1).

    With R = eta^s_max for a full evaluation, bracket s begins with
    n = ceil((s_max + 1) eta^s / (s + 1)) architectures at fidelity eta^-s.
    """
    rungs = fidelities(eta, lowest)
    s_max = len(rungs) - 1
    return tuple(
        halving(-(-(s_max + 1) * eta**s // (s + 1)), eta, rungs[s_max - s])
        for s in range(s_max, -1, -1)
    )
