"""Problems, and how well an architecture solves one."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

import attrs

from nasir.core.architecture import Architecture
from nasir.core.cost import COST, cost
from nasir.core.domain import Domain
from nasir.core.errors import SettingsError, unknown_name
from nasir.core.limits import Limit, LimitedDomain, Limits, limited
from nasir.core.objectives import Objective
from nasir.core.prior import Prior
from nasir.core.search_space import SearchSpace, Signature
from nasir.core.task import Split, Task
from nasir.core.trial import FULL, Curve, Proposal


@attrs.frozen(eq=False, repr=False)
class RestoredPicture:
    """A picture before and after: arrays ``(H, W, C)`` of floats, nominally in [0, 1].

    `clean` is the ground truth, None if it is unknown.
    """

    clean: Any | None
    degraded: Any
    restored: Any

    def __repr__(self) -> str:
        return f"RestoredPicture({', '.join(self.kinds)}: {self.restored.shape})"

    @property
    def kinds(self) -> dict[str, Any]:
        """The arrays that there are, by kind: ``clean``, ``degraded``, ``restored``."""
        fields = attrs.asdict(self, recurse=False)
        return {kind: picture for kind, picture in fields.items() if picture is not None}


@attrs.frozen(eq=False)
class Evaluation:
    """The result of evaluating an architecture.

    Args:
        score: What the search maximises.
        metrics: Figures by name: means over the pictures, and costs.
        by_picture: The metrics of each picture, by its name.
        curve: The learning curve of each fitted picture, by its name.
        restored: The pictures by name. Asked for by ``problem.artifacts``, as `weights` are.
        weights: The weights of the network, or of several, by name; arrays of any shape.
        costs: What restoring each picture took, by its name: ``seconds``, without loading, training
            and metrics, and ``peak_memory`` in bytes where it is known. Asked for by
            ``problem.timed``; it differs from time to time, and is in no trial.
        architecture: The architecture that was found, if the evaluation itself searches. It
            replaces the one that was proposed.
        stop: The share of the full effort, in (0, 1], at which the search pictures are restored
            best. The final evaluation on the test pictures is made with that fidelity.
    """

    score: float
    metrics: Mapping[str, float] = attrs.field(factory=dict)
    by_picture: Mapping[str, Mapping[str, float]] = attrs.field(factory=dict)
    curve: Mapping[str, Curve] = attrs.field(factory=dict)
    restored: Mapping[str, RestoredPicture] = attrs.field(factory=dict, repr=False)
    weights: Mapping[str, Any] = attrs.field(factory=dict, repr=False)
    costs: Mapping[str, Mapping[str, float]] = attrs.field(factory=dict)
    architecture: Architecture | None = None
    stop: float | None = None


class Evaluator(ABC):
    """Evaluates proposals. A subclass is an attrs class; its fields are its settings."""

    restores: ClassVar[bool] = True
    """Whether its evaluations have restored pictures if ``problem.artifacts`` asks for them."""

    learns_from_patches: ClassVar[bool] = False
    """Whether networks are trained on ``task.patches()``, and not looked at by search pictures."""

    @classmethod
    def settings_for(cls, use: str) -> Mapping[str, Any]:
        """Settings that suit a use (:data:`~nasir.core.registry.USES`) by default."""
        return {}

    @abstractmethod
    def evaluate(self, proposal: Proposal, problem: Problem, seed: int) -> Evaluation:
        """Evaluate `proposal` on ``problem.split``; all randomness comes from `seed`.

        Any exception makes a failed trial with that reason, and the search continues.
        """

    def check(self, problem: Problem) -> None:  # noqa: B027 (nothing to check is the usual)
        """Raise a :class:`~nasir.core.errors.NasirError` if no proposal could be evaluated.

        Called once, before the first trial.
        """

    def signature(self, problem: Problem) -> Signature:
        """The signature of the networks that it builds; the task's own by default."""
        return problem.task.signature

    def metric_names(self, problem: Problem) -> Collection[str] | None:
        """The metrics of its evaluations; None if they are not known before the first one."""
        return None

    def smaller(self) -> Evaluator | None:
        """An evaluator that needs less memory, for another attempt; None: there is none.

        By default with half its `batch` if that is above 1, else on the CPU if its `device` may be
        another one. Called in the process that evaluates.
        """
        own: Any = self
        batch = getattr(self, "batch", 1)
        return attrs.evolve(own, batch=batch // 2) if batch > 1 else self.on_cpu()

    def at_side(self, side: int) -> Evaluator | None:
        """The evaluator on pictures shrunk to a short side of `side` pixels; None: it cannot."""
        return None

    def on_cpu(self) -> Evaluator | None:
        """The evaluator on the CPU; None if it has no `device`, or runs there already."""
        own: Any = self
        is_there = not _may_be_a_gpu(getattr(self, "device", "cpu"))
        return None if is_there else attrs.evolve(own, device="cpu")

    def scoring(self, proxies: Sequence[str], initialisations: int, side: int) -> Evaluator | None:
        """An evaluator that knows the values of these proxies already; None: there is none."""
        return None


def _may_be_a_gpu(device: str) -> bool:
    import torch

    return torch.cuda.is_available() if device == "auto" else device != "cpu"


@attrs.frozen(slots=False)
class Problem:
    """A space, a task, and an evaluator for each stage.

    Args:
        seed: The seed of the run.
        split: The pictures to evaluate on.
        artifacts: Whether evaluations are to have restored pictures and weights.
        checkpoints: The run's folder of checkpoints for evaluators. It may be empty: an evaluation
            has the same result with and without what is in it.
        objectives: What the search maximises at the full stage; the first makes a trial's score.
            Empty: the evaluator's own score.
        limits: Architectures beyond one of them are never built.
        timed: Whether evaluations are to have the costs of restoring each picture.
        prior: What good architectures are believed to be like; None: nothing is believed.
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
    timed: bool = False
    prior: Prior | None = None

    @cached_property
    def domain(self) -> Domain:
        """The architectures that may be proposed."""
        domain = self.space.domain
        if self.prior is not None:
            domain = attrs.evolve(domain, prior=self.prior)
        return limited(domain, Limits(self.limits, self.cost)) if self.limits else domain

    def refusal(self, architecture: Architecture) -> str | None:
        """Why an architecture may not be proposed, in words; None if it may."""
        domain = self.domain
        return domain.within.refusal(architecture) if isinstance(domain, LimitedDomain) else None

    def cost(self, architecture: Architecture, wanted: Collection[str] = COST) -> dict[str, float]:
        """Cost of the network that the full-stage evaluator builds for `architecture`."""
        signature = self.evaluator(FULL).signature(self)
        return cost(architecture, self.space, self.task, signature, wanted)

    def evaluator(self, stage: str) -> Evaluator:
        """The evaluator of the proposals of a stage."""
        if stage not in self.evaluators:
            raise unknown_name("stage", stage, self.evaluators)
        return self.evaluators[stage]

    @property
    def searched(self) -> Split | None:
        """The pictures that proposals are evaluated on; None: networks learn from patches."""
        learns = any(one.learns_from_patches for one in self.evaluators.values())
        return None if learns else self.split

    def check(self) -> None:
        """Let every evaluator refuse, before the first trial, what it can never evaluate."""
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
        """The problem with or without artifacts."""
        return attrs.evolve(self, artifacts=artifacts)

    def for_test(self) -> Problem:
        """The problem on the pictures that the search never sees, with artifacts."""
        return attrs.evolve(self, split="test", artifacts=True)


def means(rows: Iterable[Mapping[str, float]]) -> dict[str, float]:
    """The mean of each metric over the pictures that have it, in order of appearance."""
    values: dict[str, list[float]] = {}
    for row in rows:
        for name, value in row.items():
            values.setdefault(name, []).append(value)
    return {name: sum(of) / len(of) for name, of in values.items()}
