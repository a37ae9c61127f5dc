"""What is searched, put together."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from functools import cached_property
from pathlib import Path

import attrs

from nasir.core.architecture import Architecture
from nasir.core.cost import COST, cost
from nasir.core.domain import Domain
from nasir.core.errors import SettingsError, unknown_name
from nasir.core.evaluator import Evaluator
from nasir.core.limits import Limit, LimitedDomain, Limits, limited
from nasir.core.objectives import Objective
from nasir.core.search_space import SearchSpace
from nasir.core.strategy import FULL
from nasir.core.task import Split, Task


@attrs.frozen(slots=False)
class Problem:
    """A space, a task, and an evaluator for each stage, with the seed of the run.

    `split` is the pictures to judge by; `artifacts` asks evaluators for pictures and weights.
    `checkpoints` is the folder of the run where evaluators keep what they go on from: it may be
    empty, and an evaluation comes to the same result with and without what is in it.

    `objectives` are what the full stage is judged by, none: the evaluator's own score; the first
    makes a trial's score. Architectures beyond one of the `limits` are never built.
    """

    space: SearchSpace
    task: Task
    evaluators: Mapping[str, Evaluator]
    seed: int = 0
    split: Split = "search"
    artifacts: bool = False
    checkpoints: Path | None = None
    objectives: tuple[Objective, ...] = ()
    limits: tuple[Limit, ...] = ()

    @cached_property
    def domain(self) -> Domain:
        """The architectures that may be proposed."""
        if not self.limits:
            return self.space.domain
        return limited(self.space.domain, Limits(self.limits, self.cost))

    def refusal(self, architecture: Architecture) -> str | None:
        """Why an architecture may not be proposed, in words; None where it may."""
        domain = self.domain
        return domain.within.refusal(architecture) if isinstance(domain, LimitedDomain) else None

    def cost(self, architecture: Architecture, wanted: Collection[str] = COST) -> dict[str, float]:
        """What the network costs that judging in earnest would make of an architecture."""
        signature = self.evaluator(FULL).signature(self)
        return cost(architecture, self.space, self.task, signature, wanted)

    def evaluator(self, stage: str) -> Evaluator:
        """The evaluator that judges the proposals of a stage."""
        if stage not in self.evaluators:
            raise unknown_name("stage", stage, self.evaluators)
        return self.evaluators[stage]

    def check(self) -> None:
        """Let every evaluator refuse before the first trial what it could never judge."""
        for evaluator in self.evaluators.values():
            evaluator.check(self)
        names = self.evaluator(FULL).metric_names(self) if self.objectives else None
        for objective in self.objectives:
            if names is not None and objective.metric not in (*names, *COST):
                known = ", ".join(sorted({*names, *COST}))
                raise SettingsError(
                    f"objective={objective}: this search measures no {objective.metric}; it "
                    f"measures {known}"
                )

    def keeping(self, artifacts: bool) -> Problem:
        """The same with or without artifacts."""
        return attrs.evolve(self, artifacts=artifacts)

    def for_test(self) -> Problem:
        """The same on the pictures that the search never sees, with artifacts."""
        return attrs.evolve(self, split="test", artifacts=True)
