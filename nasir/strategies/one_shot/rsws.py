"""Random search with weight sharing."""

from __future__ import annotations

import attrs
from attrs import validators as must

from nasir.core.architecture import Architecture
from nasir.core.component import setting
from nasir.core.seeds import derived_seed
from nasir.strategies.one_shot.strategy import OneShot
from nasir.strategies.unseen import unseen


@attrs.define(slots=False)
class RandomWeightSharing(OneShot):
    """Trains a supernet by uniformly drawn paths, and evaluates random ones with its weights.

    Li and Talwalkar, "Random Search and Reproducibility for Neural Architecture Search", UAI
    2019, section 3.1. No path is evaluated twice.
    """

    candidates: int = setting(
        100, "random paths that are evaluated, >= 1 (the paper: 1000)", must.ge(1)
    )

    @property
    def max_paths(self) -> int:
        return self.candidates

    def _path(self) -> Architecture | None:
        import numpy as np

        if self._asked >= self.candidates:
            return None
        if self._inherited:
            return self._inherited.pop(0).architecture
        rng = np.random.default_rng(derived_seed(self._seed, "rsws", self._asked))
        return unseen(self._domain, self._seen, rng)
