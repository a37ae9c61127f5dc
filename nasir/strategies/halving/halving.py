"""Successive halving over fidelity."""

from __future__ import annotations

import attrs
from attrs import validators as must

from nasir.core.component import setting
from nasir.core.errors import SettingsError
from nasir.strategies.halving.brackets import Bracket, halving
from nasir.strategies.halving.search import SYNCHRONOUS, BracketSearch


@attrs.define
class SuccessiveHalving(BracketSearch):
    """Evaluates many architectures cheaply, the best 1 / eta of each rung at eta times the cost.

    Asynchronous (ASHA; Li et al., MLSys 2020, algorithm 2): an architecture is promoted as soon as
    it is among the best 1 / eta of those that have ended at its fidelity. If there is none, a new
    one is drawn: no worker waits. Synchronous (Jamieson and Talwalkar, AISTATS 2016): `pool`
    architectures form a round, the next rung begins when all of one have ended, and rounds
    follow each other as long as trials are left.
    """

    pool: int = setting(
        27,
        "architectures drawn in a synchronous round; sets the usual trials of both, >= 1",
        must.ge(1),
    )

    def __attrs_post_init__(self) -> None:
        [bracket] = self.brackets()
        least = self.eta ** (len(bracket.sizes) - 1)
        if self.mode == SYNCHRONOUS and self.pool < least:
            raise SettingsError(
                f"strategy.pool={self.pool} leaves none for the full fidelity: take {least} or "
                "more, or a greater strategy.lowest"
            )

    def brackets(self) -> tuple[Bracket, ...]:
        return (halving(self.pool, self.eta, self.lowest),)
