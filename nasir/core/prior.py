"""What good architectures are believed to be like."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from nasir.core.architecture import Architecture, Value

if TYPE_CHECKING:
    import numpy as np


@attrs.frozen
class Prior:
    """The belief that good architectures are like one that is known.

    A `share`, in [0, 1], of what is drawn at random is like it: each decision keeps its option with
    a probability of one half, and is drawn among all options else. The rest is drawn uniformly, so
    that a wrong belief excludes nothing. Mallik et al. (PriorBand, NeurIPS 2023) mix a belief and
    uniform draws, too; there the share changes during the search.
    """

    architecture: Architecture
    share: float

    def choose(self, name: str, options: tuple[Value, ...], rng: np.random.Generator) -> Value:
        """The option of the decision `name` in an architecture that is like the known one."""
        wanted = self.architecture.choices.get(name)
        kept = [value for value in options if type(value) is type(wanted) and value == wanted]
        if kept and rng.random() < 0.5:
            return kept[0]
        return options[int(rng.integers(len(options)))]
