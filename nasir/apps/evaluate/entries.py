"""The entries of a benchmark: classical methods and architectures, each with its result."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any

import attrs

from nasir.core.architecture import Architecture
from nasir.core.evaluator import Problem, means
from nasir.core.method import Method
from nasir.core.progress import report
from nasir.core.seeds import derived_seed
from nasir.core.task import Sample, Task
from nasir.core.trial import FULL, Proposal, Trial
from nasir.engine.evaluation import evaluate_trial

Metrics = Mapping[str, float]
"""Metrics by name; ``seconds`` are those of one picture."""


@attrs.frozen(eq=False)
class Result:
    """How well one method or architecture restores.

    `metrics` are means over the pictures, and costs; `by_picture` has the metrics of each picture
    by its name. `restored` are the pictures ``(H, W, C)``, nominally in [0, 1]. `error` is the
    reason why there are none.
    """

    name: str
    kind: str
    metrics: Metrics = attrs.field(factory=dict)
    by_picture: Mapping[str, Metrics] = attrs.field(factory=dict)
    restored: Mapping[str, Any] = attrs.field(factory=dict, repr=False)
    error: str | None = None
    architecture: Architecture | None = None

    @property
    def mapping(self) -> dict[str, Any]:
        """The metrics as JSON values."""
        content: dict[str, Any] = {"name": self.name, "kind": self.kind}
        if self.architecture is not None:
            content |= {"architecture_id": self.architecture.id}
            content |= {"architecture": self.architecture.mapping}
        if self.error is not None:
            return content | {"error": self.error}
        by_picture = {name: dict(metrics) for name, metrics in self.by_picture.items()}
        return content | {"metrics": dict(self.metrics), "by_picture": by_picture}


class BenchmarkEntry(ABC):
    """Something that restores pictures and has a name."""

    name: str

    @abstractmethod
    def evaluate(self) -> Result:
        """Restore all pictures; :func:`~nasir.core.progress.report` is called after each."""


@attrs.frozen
class MethodEntry(BenchmarkEntry):
    """A classical method; a task that it cannot do is refused."""

    name: str
    method: Method
    task: Task

    def evaluate(self) -> Result:
        by_picture, restored = {}, {}
        samples = self.task.samples("test")
        for number, sample in enumerate(samples, start=1):
            started = time.perf_counter()
            picture = self.method.restore(_blind(sample), self.task)
            seconds = time.perf_counter() - started
            metrics = self.task.metrics(picture, sample)
            by_picture[sample.name] = dict(metrics) | {"seconds": seconds}
            restored[sample.name] = picture[0].permute(1, 2, 0).cpu().numpy()
            report(number, len(samples))
        return Result(self.name, "method", means(by_picture.values()), by_picture, restored)


@attrs.frozen
class ArchitectureEntry(BenchmarkEntry):
    """An architecture, evaluated by the problem's evaluator with the seed of a final evaluation.

    Seconds and memory are those of restoring a picture alone, where the evaluator measures them,
    else the seconds are those of the whole evaluation, in the mean over the pictures.

    That seed makes its metrics those of a run with the same settings and seed. An evaluation
    that fails is a result with its reason. If it is not `timed`, pictures have no costs of their
    own, so that the same evaluation has the same results.
    """

    name: str
    architecture: Architecture
    problem: Problem
    threads: int
    timed: bool = True

    def evaluate(self) -> Result:
        problem = attrs.evolve(self.problem.for_test(), timed=self.timed)
        seed = derived_seed(problem.seed, "final", "test")
        trial = Trial(0, Proposal(self.architecture, FULL), seed)
        outcome = evaluate_trial(trial, problem, self.threads)
        ended = outcome.trial
        if ended.state == "failed":
            return self._result(error=ended.reason)
        names = [sample.name for sample in problem.task.samples("test")]
        whole = {"seconds": (ended.seconds or 0.0) / len(names)}
        costs = outcome.costs or {}
        return self._result(
            metrics={**ended.metrics, **(means(costs.values()) or whole)},
            by_picture={n: {**ended.by_picture.get(n, {}), **costs.get(n, {})} for n in names},
            restored={name: picture.restored for name, picture in outcome.restored.items()},
        )

    def _result(self, **more: Any) -> Result:
        return Result(self.name, "architecture", architecture=self.architecture, **more)


def _blind(sample: Sample) -> Sample:
    return attrs.evolve(sample, clean=None)
