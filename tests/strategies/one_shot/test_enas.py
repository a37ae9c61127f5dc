"""A controller that draws the paths and learns from their scores."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from toy_supernet import ToySpace, ToyTask

from nasir.core.domain import Decision, Domain
from nasir.core.errors import EvaluationError
from nasir.core.evaluator import Problem
from nasir.core.trial import Trial
from nasir.strategies.one_shot.enas import Enas
from nasir.strategies.one_shot.strategy import SHARED
from nasir.testing.strategies import DomainAlone, NeverAsked

ARMS = Domain("arms", [Decision("arm", range(4)), Decision("says_nothing", range(3))])


def played(strategy: Enas, problem: Problem, reward: Any) -> list[Trial]:
    strategy.bind(problem)
    trials: list[Trial] = []
    while proposal := strategy.ask():
        score = reward(proposal.architecture)
        trials.append(Trial(len(trials), proposal, 0, "complete", score))
        strategy.tell(trials[-1])
    return trials


@pytest.mark.parametrize("samples", [1, 3])
def test_the_controller_learns_the_best_arm(samples: int) -> None:
    strategy = Enas(
        epochs=4, steps=1, updates=30, samples=samples, candidates=40, hidden=8, controller_lr=0.05
    )
    problem = Problem(DomainAlone(ARMS), None, {}, seed=1)  # type: ignore[arg-type]
    trials = played(strategy, problem, lambda a: float(a.choices["arm"] == 2))
    paths = [t.architecture.choices["arm"] for t in trials if t.proposal.stage == SHARED]
    early, candidates = Counter(paths[:20]), Counter(paths[-40:])
    assert early[2] < 15
    assert candidates[2] > 33


def test_candidates_are_not_learnt_from() -> None:
    problem = Problem(DomainAlone(ARMS), None, {}, seed=1)  # type: ignore[arg-type]
    small = {"epochs": 2, "steps": 1, "updates": 3, "hidden": 8}
    controllers = []
    for candidates in (1, 30):
        strategy = Enas(candidates=candidates, **small)  # type: ignore[arg-type]
        played(strategy, problem, lambda a: float(a.choices["arm"]))
        controllers.append(strategy.state_dict()["policy"])
    for name, values in controllers[0]["parameters"].items():
        assert (values == controllers[1]["parameters"][name]).all()
    assert controllers[0]["steps"]["lstm.weight_ih"] == 6, "three updates after each epoch"


def test_the_weights_are_trained_on_the_paths_that_the_controller_drew(tmp_path: Path) -> None:
    """A controller that is sure of one path trains the supernet on little else."""
    strategy = Enas(
        epochs=3, steps=20, updates=40, candidates=1, hidden=8, controller_lr=0.05, tanh_bound=None
    )
    problem = Problem(ToySpace(), ToyTask(), {}, seed=2, checkpoints=tmp_path)
    played(strategy, problem, lambda a: float(sum(v == "gain" for v in a.choices.values())))
    best = ToySpace().domain.architecture({"layer0": "gain", "layer1": "gain"})
    shares = [Counter(strategy.paths(problem, epoch))[best] / 20 for epoch in range(3)]
    assert shares[0] < 0.5
    assert shares[2] > 0.8


def test_missing_paths_are_reported_in_one_line(tmp_path: Path) -> None:
    strategy = Enas(epochs=1, steps=2, hidden=8, patch=12, validation=0.2)
    problem = Problem(ToySpace(), ToyTask(), {}, checkpoints=tmp_path / "empty")
    bound = Enas(epochs=1, steps=2, hidden=8)
    bound.bind(problem)
    proposal = bound.ask()
    assert proposal is not None
    stage = strategy.stages(NeverAsked())[proposal.stage]
    for folder in (tmp_path / "other", None):
        elsewhere = Problem(ToySpace(), ToyTask(), {}, checkpoints=folder)
        with pytest.raises(EvaluationError, match="paths of epoch 1 are not in the run") as caught:
            stage.evaluate(proposal, elsewhere, 0)
        assert "\n" not in str(caught.value)
