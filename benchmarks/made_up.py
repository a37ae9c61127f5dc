"""A space, a task and an evaluator that take no time, for benchmarks of what is around them."""

from __future__ import annotations

import os
import time
from typing import Any

import attrs

from nasir.core.component import setting
from nasir.core.domain import Decision, Domain
from nasir.core.evaluator import Evaluation, Evaluator
from nasir.core.registry import registries
from nasir.core.search_space import SearchSpace, Signature
from nasir.core.seeds import derived_seed
from nasir.core.task import Sample, Task
from nasir.plugins import hookimpl
from nasir.plugins.manager import plugins

WORDS = ("space=made_up", "task=made_up", "evaluator=made_up", "threads=1")

DOMAIN = Domain("made_up", [Decision(f"decision{i}", tuple("abcd")) for i in range(6)])


@attrs.define
class Space(SearchSpace):
    """Six decisions of four options."""

    @property
    def domain(self) -> Domain:
        return DOMAIN

    def build(self, architecture: Any, signature: Signature) -> Any:
        raise NotImplementedError("nothing is built here")


@attrs.define
class NoTask(Task):
    """No pictures."""

    signature = Signature(1, 1)

    def samples(self, split: str) -> list[Sample]:
        return []

    def loss(self, output: Any, sample: Sample) -> Any:
        return 0.0

    def metrics(self, restored: Any, sample: Sample) -> dict[str, float]:
        return {}


@attrs.define
class MadeUp(Evaluator):
    """A score made from architecture and seed; some trials fail, some only at the larger batch."""

    sleep: float = setting(0.0, "seconds that an evaluation takes, >= 0")
    work: int = setting(0, "additions that it does before")
    failing: int = setting(0, "errors where the seed is a multiple of this; 0: never")
    hungry: int = setting(0, "too little memory for batch 2 where it is one of this; 0: never")
    batch: int = setting(2, "says how much memory it takes")

    def evaluate(self, proposal: Any, problem: Any, seed: int) -> Evaluation:
        if self.work:
            sum(range(self.work), 0.0)
        if self.sleep:
            time.sleep(self.sleep)
        if self.failing and seed % self.failing == 0:
            raise ValueError("made to fail")
        if self.hungry and seed % self.hungry == 0 and self.batch == 2:
            raise MemoryError
        return Evaluation(derived_seed("score", proposal.architecture.id, seed) / 2**48)


class Plugin:
    """The three above."""

    @hookimpl
    def register_search_spaces(self, register: Any) -> None:
        register("made_up", Space, "")

    @hookimpl
    def register_tasks(self, register: Any) -> None:
        register("made_up", NoTask, "")

    @hookimpl
    def register_evaluators(self, register: Any) -> None:
        register("made_up", MadeUp, "")


def awake() -> int:
    """The number of this process, after a moment in which others can be asked too."""
    time.sleep(0.3)
    return os.getpid()


def known() -> None:
    """Make the three known to this process and those that are forked from it."""
    list(registries["space"])
    plugins().add("made-up", Plugin(), registries)
