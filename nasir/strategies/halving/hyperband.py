"""Hyperband."""

from __future__ import annotations

import attrs

from nasir.strategies.halving.brackets import Bracket, hyperband
from nasir.strategies.halving.search import BracketSearch


@attrs.define
class Hyperband(BracketSearch):
    """Successive halving in brackets, from many architectures at low fidelity to few at full.

    Li et al., JMLR 18, 2018, algorithm 1, for searches in which the value of a low fidelity is
    unknown. Brackets come in turn, s_max first. Asynchronous: each draws as many architectures
    as it would synchronously, and an architecture in any of them is promoted as soon as it is
    among the best 1 / eta of its rung (Li et al., MLSys 2020, section 3).
    """

    def brackets(self) -> tuple[Bracket, ...]:
        return hyperband(self.eta, self.lowest)
