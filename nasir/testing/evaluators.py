"""The contract of an evaluator."""

from __future__ import annotations

import math
import pickle

import numpy as np
import pytest

from nasir.core.evaluator import Evaluation, Evaluator, Problem
from nasir.core.trial import FULL, Proposal
from nasir.settings.building import settings_of_component
from nasir.testing.components import ComponentContract, untouched_generators


class EvaluatorContract(ComponentContract):
    """What every evaluator must do. A subclass gives `make` and `problem`."""

    ignores_seed = False
    """Whether the seed changes nothing, because nothing is random."""

    def make(self) -> Evaluator:
        raise NotImplementedError(f"{type(self).__name__} wants a method make()")

    def problem(self, evaluator: Evaluator) -> Problem:
        """A small problem whose full stage `evaluator` evaluates."""
        raise NotImplementedError(f"{type(self).__name__} wants a method problem(evaluator)")

    @pytest.fixture
    def small(self) -> Problem:
        return self.problem(self.make())

    def evaluated(self, problem: Problem, seed: int = 1) -> Evaluation:
        """The evaluation of one architecture of the problem's domain."""
        architecture = problem.domain.sample(np.random.default_rng(0))
        return problem.evaluator(FULL).evaluate(Proposal(architecture), problem, seed)

    def test_a_good_problem_passes_the_check(self, small: Problem) -> None:
        small.check()

    def test_score_and_metrics_are_finite(self, small: Problem) -> None:
        for problem in (small, small.for_test()):
            evaluation = self.evaluated(problem)
            assert math.isfinite(evaluation.score)
            assert all(math.isfinite(value) for value in evaluation.metrics.values())

    def test_the_same_seed_gives_the_same_bits(self, small: Problem) -> None:
        first, second = self.evaluated(small), self.evaluated(self.problem(self.make()))
        assert _figures(first) == _figures(second)

    def test_another_seed_gives_another_score(self, small: Problem) -> None:
        first, second = self.evaluated(small, seed=1), self.evaluated(small, seed=2)
        assert (first.score == second.score) == self.ignores_seed

    def test_a_worker_process_would_give_the_same_bits(self, small: Problem) -> None:
        elsewhere = pickle.loads(pickle.dumps(small))
        assert _figures(self.evaluated(elsewhere)) == _figures(self.evaluated(small))

    def test_every_picture_has_finite_metrics(self, small: Problem) -> None:
        evaluation = self.evaluated(small.for_test())
        for metrics in evaluation.by_picture.values():
            assert all(math.isfinite(value) for value in metrics.values())

    def test_shares_of_a_curve_rise_to_at_most_one(self, small: Problem) -> None:
        for curve in self.evaluated(small).curve.values():
            shares = [share for share, _ in curve]
            assert shares == sorted(set(shares))
            assert 0 < shares[0] <= shares[-1] <= 1

    def test_pictures_and_weights_are_there_only_when_asked_for(self, small: Problem) -> None:
        without = self.evaluated(small)
        assert not without.restored
        assert not without.weights
        evaluation = self.evaluated(small.for_test())
        assert all(isinstance(weight, np.ndarray) for weight in evaluation.weights.values())
        assert evaluation.restored or not small.evaluator(FULL).restores
        for picture in evaluation.restored.values():
            for array in picture.kinds.values():
                assert isinstance(array, np.ndarray)
                assert array.ndim == 3
                assert array.shape[-1] in (1, 3)
                assert np.isfinite(array).all()

    def test_the_problem_is_never_changed(self, small: Problem) -> None:
        before = _content(small)
        self.evaluated(small)
        assert _content(small) == before

    def test_the_global_generators_are_left_alone(self, small: Problem) -> None:
        with untouched_generators():
            self.evaluated(small)


def _figures(evaluation: Evaluation) -> tuple[float, dict[str, float]]:
    """The score and the metrics, without seconds."""
    timeless = {n: v for n, v in evaluation.metrics.items() if "second" not in n}
    return evaluation.score, timeless


def _content(problem: Problem) -> list[object]:
    """Settings and pictures of a problem."""
    parts = [problem.space, problem.task, problem.evaluator(FULL)]
    samples = [sample for split in ("search", "test") for sample in problem.task.samples(split)]
    pictures = [picture for s in samples for picture in (s.degraded, s.clean)]
    return [
        *(settings_of_component(part) for part in parts),
        *(None if picture is None else picture.numpy().tobytes() for picture in pictures),
    ]
