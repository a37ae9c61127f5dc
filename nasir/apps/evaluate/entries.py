"""What a benchmark compares: classical methods and architectures, each with its result."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any

import attrs

from nasir.core.architecture import Architecture
from nasir.core.evaluation import evaluate_trial
from nasir.core.evaluator import Problem, means
from nasir.core.method import Method
from nasir.core.progress import report
from nasir.core.seeds import derived_seed
from nasir.core.task import Sample, Task
from nasir.core.trial import FULL, Proposal, Trial

Figures = Mapping[str, float]
"""Metrics by name; ``seconds`` are those of one picture."""

RESTORED = "-restored"
"""Ends the names of evaluators' restored pictures."""


@attrs.frozen(eq=False)
class Result:
    """How well one method or architecture restores.

    `pictures` has the figures of each picture by its name and `mean` those over all, with what
    else an evaluator tells; `restored` are the pictures ``(H, W, C)``, nominally in [0, 1].
    `error` is the reason why there are none.
    """

    name: str
    kind: str
    pictures: Mapping[str, Figures]
    mean: Figures
    restored: Mapping[str, Any] = attrs.field(factory=dict, repr=False)
    error: str | None = None
    architecture: Architecture | None = None

    @property
    def mapping(self) -> dict[str, Any]:
        """The figures as JSON values."""
        content: dict[str, Any] = {"name": self.name, "kind": self.kind}
        if self.architecture is not None:
            content |= {"architecture_id": self.architecture.id}
            content |= {"architecture": self.architecture.mapping}
        if self.error is not None:
            return content | {"error": self.error}
        pictures = [{"picture": name} | dict(f) for name, f in self.pictures.items()]
        return content | {"pictures": pictures, "mean": dict(self.mean)}


class Contestant(ABC):
    """Something that restores pictures and has a name."""

    name: str

    @abstractmethod
    def judged(self) -> Result:
        """Restore all pictures; progress is told by :func:`~nasir.core.progress.report`."""


@attrs.frozen
class MethodContestant(Contestant):
    """A classical method; a task that it cannot do is refused."""

    name: str
    method: Method
    task: Task

    def judged(self) -> Result:
        pictures, restored = {}, {}
        samples = self.task.samples("test")
        for number, sample in enumerate(samples, start=1):
            started = time.perf_counter()
            picture = self.method.restore(_blind(sample), self.task)
            seconds = time.perf_counter() - started
            metrics = self.task.metrics(picture, sample)
            pictures[sample.name] = dict(metrics) | {"seconds": seconds}
            restored[sample.name] = picture[0].permute(1, 2, 0).cpu().numpy()
            report(number, len(samples))
        return Result(self.name, "method", pictures, means(pictures.values()), restored)


@attrs.frozen
class ArchitectureContestant(Contestant):
    """An architecture, judged by the problem's evaluator with the seed of a run's end.

    That seed makes its figures those of a run with the same settings and seed. An evaluation
    that fails is a result with its reason.
    """

    name: str
    architecture: Architecture
    problem: Problem
    threads: int

    def judged(self) -> Result:
        problem = self.problem.for_test()
        seed = derived_seed(problem.seed, "final", "test")
        trial = Trial(0, Proposal(self.architecture, FULL), seed)
        outcome = evaluate_trial(trial, problem, self.threads)
        ended = outcome.trial
        if ended.state == "failed":
            return self._result({}, {}, error=ended.reason)
        names = [sample.name for sample in problem.task.samples("test")]
        pictures = {name: _of_picture(name, ended.metrics) for name in names}
        mean = {name: v for name, v in ended.metrics.items() if ":" not in name}
        mean["seconds"] = (ended.seconds or 0.0) / len(names)
        found = {name: outcome.artifacts.get(f"pictures/{name}{RESTORED}") for name in names}
        restored = {name: picture for name, picture in found.items() if picture is not None}
        return self._result(pictures, mean, restored=restored)

    def _result(self, pictures: Mapping[str, Figures], mean: Figures, **more: Any) -> Result:
        architecture = self.architecture
        return Result(self.name, "architecture", pictures, mean, architecture=architecture, **more)


def _blind(sample: Sample) -> Sample:
    return attrs.evolve(sample, clean=None)


def _of_picture(name: str, metrics: Figures) -> dict[str, float]:
    parted = {key.partition(":")[::2]: value for key, value in metrics.items()}
    return {metric: value for (metric, picture), value in parted.items() if picture == name}
