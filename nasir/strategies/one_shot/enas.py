"""Efficient neural architecture search: a controller over a supernet."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import attrs
from attrs import validators as must

from nasir.core.architecture import Architecture
from nasir.core.component import setting
from nasir.core.errors import EvaluationError
from nasir.core.evaluator import Problem
from nasir.core.seeds import derived_seed
from nasir.core.trial import Proposal, Trial
from nasir.strategies.one_shot.strategy import OneShot
from nasir.strategies.scored import ScoredArchitecture


@attrs.define(slots=False)
class Enas(OneShot):
    """A controller draws the paths that a supernet is trained by, and learns from their scores.

    Pham, Guan, Zoph, Le and Dean, "Efficient Neural Architecture Search via Parameter Sharing",
    ICML 2018, sections 2.2 and 2.3: in turn an epoch of the weights, on a path of the controller
    each step, and `updates` of the controller by REINFORCE, whose reward is the score of a path.
    At the end, `candidates` paths of the controller are evaluated without an update, inherited
    ones first.
    """

    updates: int = setting(
        10, "of the controller after each epoch, >= 1 (the paper: 2000)", must.ge(1)
    )
    samples: int = setting(1, "paths evaluated for an update, >= 1", must.ge(1))
    candidates: int = setting(10, "paths evaluated at the end, >= 1", must.ge(1))
    hidden: int = setting(100, "size of the LSTM cell and of the embeddings, >= 1", must.ge(1))
    temperature: float = setting(5.0, "divides the controller's logits, > 0", must.gt(0))
    tanh_bound: float | None = setting(
        2.5,
        "logits become this times their tanh, > 0; none: unbounded",
        must.optional(must.gt(0)),
    )
    controller_lr: float = setting(
        3.5e-3, "learning rate of the controller (Adam), > 0 (the paper: 3.5e-4)", must.gt(0)
    )
    entropy_weight: float = setting(
        1e-4,
        "weight in the reward of the entropy (nats, summed over the decisions), >= 0",
        must.ge(0),
    )
    baseline_decay: float = setting(
        0.9,
        "weight of the past in the moving average of rewards that is the baseline, in [0, 1)",
        [must.ge(0), must.lt(1)],
    )
    # Any, because attrs resolves the types of fields and this one's module imports torch
    _policy: Any = attrs.field(init=False)
    _folder: Path | None = attrs.field(init=False)
    _step: list[ScoredArchitecture] = attrs.field(init=False, factory=list)

    @property
    def max_paths(self) -> int:
        return self._learning + self.candidates

    @property
    def between(self) -> int:
        return self.updates * self.samples

    def paths(self, problem: Problem, epoch: int) -> Sequence[Architecture]:
        """The paths that the controller drew for epoch `epoch`, from 0."""
        from nasir.training.checkpoint import load

        folder = problem.checkpoints
        found = load(_drawn(folder, epoch)) if folder else None
        if found is None:
            raise EvaluationError(
                f"the controller's paths of epoch {epoch + 1} are not in the run's checkpoints "
                f"({problem.checkpoints}): start the search again"
            )
        return [problem.domain.decode(numbers) for numbers in found[1]]

    def bind(self, problem: Problem) -> None:
        from nasir.strategies.rl.controller import Controller
        from nasir.strategies.rl.policy_gradient import PolicyGradient

        super().bind(problem)
        self._folder = problem.checkpoints
        controller = Controller(
            problem.domain,
            self.hidden,
            derived_seed(problem.seed, "enas", "parameters"),
            self.temperature,
            self.tanh_bound,
        )
        self._policy = PolicyGradient(
            controller,
            derived_seed(problem.seed, "enas", "samples"),
            self.controller_lr,
            entropy_weight=self.entropy_weight,
            baseline_decay=self.baseline_decay,
        )

    def state_dict(self) -> dict[str, Any]:
        policy = self._policy.state_dict()
        return {**super().state_dict(), "step": self._encoded(self._step), "policy": policy}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        super().load_state_dict(state)
        self._step = self._decoded(state["step"])
        self._policy.load_state_dict(state["policy"])

    @property
    def _learning(self) -> int:
        """The number of evaluated paths that the controller learns from."""
        return self.between * self.epochs

    def _epoch(self) -> Proposal:
        """One more epoch; its paths are written for the process that trains it."""
        from nasir.training.checkpoint import save

        drawn = [self._domain.encode(self._policy.draw()) for _ in range(self.steps)]
        if self._folder:
            save(_drawn(self._folder, self._trained), {}, drawn)
        return super()._epoch()

    def _path(self) -> Architecture | None:
        if self._asked >= self.max_paths:
            return None
        if self._asked < self._learning:
            return self._policy.draw()
        if self._asked - self._in_flight < self._learning:  # the last updates come first
            return None
        return self._inherited.pop(0).architecture if self._inherited else self._policy.draw()

    def _learn(self, trial: Trial) -> None:
        finished = self._asked - self._in_flight
        if finished > self._learning:
            return
        if trial.score is not None:
            self._step.append(ScoredArchitecture(trial.architecture, trial.score))
        if finished % self.samples == 0 and self._step:
            self._policy.update(self._step)
            self._step = []


def _drawn(folder: Path, epoch: int) -> Path:
    return folder / f"paths-{epoch + 1}.safetensors"
