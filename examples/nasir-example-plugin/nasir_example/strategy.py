"""A strategy: what to try next, and a state that a resumed search goes on from."""

import attrs
from attrs import validators as must

from nasir import Strategy, setting
from nasir.core.trial import Proposal


@attrs.define(slots=False)
class HillClimbing(Strategy):
    """Tries a mutation of the best architecture so far; sometimes any architecture at all."""

    jump: float = setting(0.1, "probability of a new start, 0 to 1", [must.ge(0), must.le(1)])

    def bind(self, problem):
        from numpy.random import default_rng

        self._domain, self._rng = problem.domain, default_rng(problem.seed)
        self._best = None  # the best score, and its architecture as numbers

    def ask(self):
        if self._best is None or self._rng.random() < self.jump:
            return Proposal(self._domain.sample(self._rng))
        return Proposal(self._domain.mutate(self._domain.decode(self._best[1]), self._rng))

    def tell(self, trial):
        if trial.state == "complete" and (self._best is None or trial.score > self._best[0]):
            self._best = [trial.score, self._domain.encode(trial.architecture)]

    def state_dict(self):
        return {"rng": self._rng.bit_generator.state, "best": self._best}

    def load_state_dict(self, state):
        self._rng.bit_generator.state = state["rng"]
        self._best = state["best"]
