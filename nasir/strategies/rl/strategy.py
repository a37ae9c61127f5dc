"""Reinforcement learning as NAS-DIP does it."""

from __future__ import annotations

from typing import Any

import attrs
from attrs import validators as must

from nasir.core.architecture import Architecture
from nasir.core.component import setting
from nasir.core.evaluator import Problem
from nasir.core.seeds import derived_seed
from nasir.core.strategy import Strategy
from nasir.core.trial import Proposal, Trial
from nasir.strategies.scored import ScoredArchitecture


@attrs.define
class ReinforcementLearning(Strategy):
    """A recurrent controller trained by policy gradient (NAS-DIP section 4.1, after AutoGAN).

    Rounds follow each other without end. In each, the controller takes `steps` steps of `samples`
    trials. Then `candidates` architectures are drawn from the trained controller and evaluated
    without an update; the best are :attr:`kept_architectures`. The defaults are those of the
    published program.

    With several workers the controller may change between the drawing of an architecture and its
    update; candidates wait for the last update of the round. A failed trial is one of its step,
    but the controller does not learn from it unless `failure_reward` is set.
    """

    hidden: int = setting(100, "size of the LSTM cell and of the embeddings, >= 1", must.ge(1))
    temperature: float = setting(1.0, "divides the logits, > 0; 1: unchanged", must.gt(0))
    tanh_bound: float | None = setting(
        None,
        "logits become this times their tanh, > 0; none: unbounded",
        must.optional(must.gt(0)),
    )
    lr: float = setting(3.5e-4, "learning rate of Adam, > 0", must.gt(0))
    betas: tuple[float, float] = setting(
        (0.0, 0.9),
        "the two decay rates of Adam, in [0, 1)",
        [must.min_len(2), must.max_len(2), must.deep_iterable([must.ge(0), must.lt(1)])],
    )
    steps: int = setting(30, "controller steps in a round, >= 1", must.ge(1))
    samples: int = setting(1, "trials in a step, >= 1", must.ge(1))
    entropy_weight: float = setting(
        1e-3,
        "weight in the reward of the entropy (nats, summed over the decisions), >= 0",
        must.ge(0),
    )
    baseline_decay: float = setting(
        0.9,
        "weight of the past in the moving average of rewards that is the baseline, in [0, 1)",
        [must.ge(0), must.lt(1)],
    )
    candidates: int = setting(10, "trials after the steps of a round, no update, >= 0", must.ge(0))
    kept: int = setting(5, "the most candidates of a round that are kept, >= 0", must.ge(0))
    failure_reward: float | None = setting(
        None, "the score of a failed trial for the controller; none: it learns nothing from it"
    )
    # Any, because attrs resolves the types of fields and this one's module imports torch
    _policy: Any = attrs.field(init=False)
    _asked: int = attrs.field(init=False, default=0)
    _finished: int = attrs.field(init=False, default=0)
    _step: list[ScoredArchitecture] = attrs.field(init=False, factory=list)
    _candidates: list[ScoredArchitecture] = attrs.field(init=False, factory=list)
    _kept: list[ScoredArchitecture] = attrs.field(init=False, factory=list)

    @property
    def kept_architectures(self) -> tuple[Architecture, ...]:
        """The different best candidates of the last whole round, best first."""
        return tuple(architecture for architecture, _ in self._kept)

    def bind(self, problem: Problem) -> None:
        from nasir.strategies.rl.controller import Controller
        from nasir.strategies.rl.policy_gradient import PolicyGradient

        controller = Controller(
            problem.domain,
            self.hidden,
            derived_seed(problem.seed, "rl", "parameters"),
            self.temperature,
            self.tanh_bound,
        )
        self._policy = PolicyGradient(
            controller,
            derived_seed(problem.seed, "rl", "samples"),
            self.lr,
            self.betas,
            self.entropy_weight,
            self.baseline_decay,
        )

    def ask(self) -> Proposal | None:
        place = self._asked % self._round
        updates_due = self._asked - place + self._training
        if place >= self._training and self._finished < updates_due:
            return None
        self._asked += 1
        return Proposal(self._policy.draw())

    def tell(self, trial: Trial) -> None:
        place = self._finished % self._round
        self._finished += 1
        if place < self._training:
            self._learn(trial, ends_step=(place + 1) % self.samples == 0)
        else:
            self._add_candidate(trial, ends_round=place + 1 == self._round)

    def state_dict(self) -> dict[str, Any]:
        return {
            "asked": self._asked,
            "finished": self._finished,
            "step": _encoded(self._step),
            "candidates": _encoded(self._candidates),
            "kept": _encoded(self._kept),
            "policy": self._policy.state_dict(),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self._asked, self._finished = state["asked"], state["finished"]
        self._step = _decoded(state["step"])
        self._candidates = _decoded(state["candidates"])
        self._kept = _decoded(state["kept"])
        self._policy.load_state_dict(state["policy"])

    @property
    def _training(self) -> int:
        """The number of trials of a round that the controller learns from."""
        return self.steps * self.samples

    @property
    def _round(self) -> int:
        return self._training + self.candidates

    def _learn(self, trial: Trial, ends_step: bool) -> None:
        reward = self.failure_reward if trial.score is None else trial.score
        if reward is not None:
            self._step.append(ScoredArchitecture(trial.architecture, reward))
        if ends_step and self._step:
            self._policy.update(self._step)
            self._step = []

    def _add_candidate(self, trial: Trial, ends_round: bool) -> None:
        if trial.score is not None:
            self._candidates.append(ScoredArchitecture(trial.architecture, trial.score))
        if ends_round:
            self._kept = _best(self._candidates)[: self.kept]
            self._candidates = []


def _best(scored: list[ScoredArchitecture]) -> list[ScoredArchitecture]:
    """Each architecture once, by its best score, best first."""
    best: dict[Architecture, float] = {}
    for architecture, score in scored:
        best[architecture] = max(score, best.get(architecture, score))
    distinct = [ScoredArchitecture(*one) for one in best.items()]
    return sorted(distinct, key=lambda one: -one.score)


def _encoded(scored: list[ScoredArchitecture]) -> list[list[Any]]:
    return [[architecture.json, score] for architecture, score in scored]


def _decoded(plain: list[list[Any]]) -> list[ScoredArchitecture]:
    return [ScoredArchitecture(Architecture.from_json(text), score) for text, score in plain]
