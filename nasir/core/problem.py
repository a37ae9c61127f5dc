"""What is searched, put together."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import attrs

from nasir.core.domain import Domain
from nasir.core.errors import unknown_name
from nasir.core.evaluator import Evaluator
from nasir.core.search_space import SearchSpace
from nasir.core.task import Split, Task


@attrs.frozen
class Problem:
    """A space, a task, and an evaluator for each stage, with the seed of the run.

    `split` is the pictures to judge by; `artifacts` asks evaluators for pictures and weights.
    `checkpoints` is the folder of the run where evaluators keep what they go on from: it may be
    empty, and an evaluation comes to the same result with and without what is in it.
    """

    space: SearchSpace
    task: Task
    evaluators: Mapping[str, Evaluator]
    seed: int = 0
    split: Split = "search"
    artifacts: bool = False
    checkpoints: Path | None = None

    @property
    def domain(self) -> Domain:
        return self.space.domain

    def evaluator(self, stage: str) -> Evaluator:
        """The evaluator that judges the proposals of a stage."""
        if stage not in self.evaluators:
            raise unknown_name("stage", stage, self.evaluators)
        return self.evaluators[stage]

    def check(self) -> None:
        """Let every evaluator refuse before the first trial what it could never judge."""
        for evaluator in self.evaluators.values():
            evaluator.check(self)

    def keeping(self, artifacts: bool) -> Problem:
        """The same with or without artifacts."""
        return attrs.evolve(self, artifacts=artifacts)

    def for_test(self) -> Problem:
        """The same on the pictures that the search never sees, with artifacts."""
        return attrs.evolve(self, split="test", artifacts=True)
