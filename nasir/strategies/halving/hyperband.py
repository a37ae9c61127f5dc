"""Hyperband."""

from __future__ import annotations

import attrs

from nasir.strategies.halving.brackets import Bracket, hyperband
from nasir.strategies.halving.search import BracketSearch


@attrs.define
class Hyperband(BracketSearch):
    """Successive halving in brackets, from many architectures at low fidelity to few at full.

    Li et al., JMLR 18, 2018, algorithm 1, for searches where nobody knows how much a low fidelity
    tells. Brackets come in turn, s_max first. Asynchronous, each draws as many architectures as
    it would synchronously, and in all of them whoever is among the best 1 / eta of a rung so far
    goes on at once (Li et al., MLSys 2020, section 3).
    """

    def brackets(self) -> tuple[Bracket, ...]:
        return hyperband(self.eta, self.lowest)
