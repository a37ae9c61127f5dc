"""The recurrent controller, its update, and the rounds of the search."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable
from types import SimpleNamespace

import attrs
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chisquare

from nasir.core.architecture import Architecture
from nasir.core.domain import Decision, Domain
from nasir.core.errors import SettingsError
from nasir.core.trial import Proposal, Trial
from nasir.runs import state_coding
from nasir.settings.building import structure
from nasir.strategies.rl.controller import Controller
from nasir.strategies.rl.policy_gradient import PolicyGradient
from nasir.strategies.rl.strategy import ReinforcementLearning

LR, ENTROPY_WEIGHT, DECAY = 3.5e-4, 1e-3, 0.9
Score = Callable[[Architecture], float | None]


def rl(domain: Domain, seed: int = 0, **fields: object) -> ReinforcementLearning:
    strategy = ReinforcementLearning(**{"hidden": 8, **fields})
    strategy.bind(SimpleNamespace(domain=domain, seed=seed))
    return strategy


def ended(proposal: Proposal, score: float | None) -> Trial:
    trial = Trial(0, proposal, 0)
    if score is None:
        return attrs.evolve(trial, state="failed", error="no memory")
    return attrs.evolve(trial, state="complete", score=score)


def conduct(strategy: ReinforcementLearning, trials: int, score: Score) -> list[Architecture]:
    """Ask and tell in turn; what was asked."""
    asked = []
    for _ in range(trials):
        proposal = strategy.ask()
        strategy.tell(ended(proposal, score(proposal.architecture)))
        asked.append(proposal.architecture)
    return asked


def by_length(architecture: Architecture) -> float:
    return 20.0 + len(architecture.choices) + 0.1 * len(str(architecture))


def parameters(strategy: ReinforcementLearning) -> dict[str, np.ndarray]:
    return strategy.state_dict()["policy"]["parameters"]


def same(first: dict[str, np.ndarray], second: dict[str, np.ndarray]) -> bool:
    return all(np.array_equal(first[name], second[name]) for name in first)


class TestController:
    def test_probabilities_of_all_architectures_sum_to_one(self, forked: Domain):
        controller = Controller(forked, hidden=8, seed=3)
        log_p = torch.stack([controller.follow(a).log_probability for a in forked])
        assert log_p.exp().sum().item() == pytest.approx(1, abs=1e-6)

    def test_expected_entropy_on_the_way_is_the_entropy_of_the_distribution(self, forked: Domain):
        walks = [Controller(forked, hidden=8, seed=3).follow(a) for a in forked]
        p = np.array([math.exp(walk.log_probability.item()) for walk in walks])
        on_the_way = np.array([walk.entropy.item() for walk in walks])
        assert (p * on_the_way).sum() == pytest.approx(-(p * np.log(p)).sum(), abs=1e-5)

    def test_architectures_are_drawn_with_their_probabilities(self, forked: Domain):
        controller, generator = Controller(forked, 8, seed=3), torch.Generator().manual_seed(0)
        drawn = Counter(controller.sample(generator).architecture for _ in range(900))
        expected = {a: 900 * controller.follow(a).log_probability.exp().item() for a in forked}
        assert set(drawn) <= set(expected)
        observed = [drawn[a] for a in expected]
        scale = sum(observed) / sum(expected.values())
        assert chisquare(observed, [e * scale for e in expected.values()]).pvalue > 0.01

    def test_following_a_drawn_architecture_gives_the_same_bits(self, forked: Domain):
        controller, generator = Controller(forked, 100, seed=3), torch.Generator().manual_seed(0)
        for _ in range(20):
            drawn = controller.sample(generator)
            followed = controller.follow(drawn.architecture)
            assert followed.log_probability.item() == drawn.log_probability.item()
            assert followed.entropy.item() == drawn.entropy.item()

    def test_log_probability_is_that_of_an_lstm_written_out(self):
        """Three decisions, of which the second is passed over and the third has one option shut."""
        domain = Domain(
            "three",
            (
                Decision("first", ("a", "b")),
                Decision("second", (1, 2), {"first": ["a"]}),
                Decision("third", ("x", "y", "z")),
            ),
            {"first": ["b"], "third": ["y"]},
        )
        controller = Controller(domain, hidden=4, seed=1, temperature=0.5, tanh_bound=2.5)
        w = {k: v.detach().double().numpy() for k, v in controller.named_parameters()}

        def lstm(x: np.ndarray, h: np.ndarray, c: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
            gates = w["lstm.weight_ih"] @ x + w["lstm.bias_ih"]
            i, f, g, o = np.split(gates + w["lstm.weight_hh"] @ h + w["lstm.bias_hh"], 4)
            c = c / (1 + np.exp(-f)) + np.tanh(g) / (1 + np.exp(-i))
            return np.tanh(c) / (1 + np.exp(-o)), c

        def log_p(head: int, h: np.ndarray, shown: list[int]) -> np.ndarray:
            logits = (w[f"heads.{head}.weight"] @ h + w[f"heads.{head}.bias"])[shown]
            bounded = 2.5 * np.tanh(logits / 0.5)
            return bounded - np.log(np.exp(bounded).sum())

        zero = np.zeros(4)
        h, c = lstm(zero, zero, zero)
        first = log_p(0, h, [0, 1])
        h, c = lstm(w["embeddings.0.weight"][1], h, c)
        third = log_p(2, h, [0, 2])
        walk = controller.follow(domain.architecture({"first": "b", "third": "z"}))
        assert walk.log_probability.item() == pytest.approx(first[1] + third[1], abs=1e-6)
        entropy = -sum((np.exp(each) * each).sum() for each in (first, third))
        assert walk.entropy.item() == pytest.approx(entropy, abs=1e-6)

    def test_a_decision_that_does_not_apply_has_no_part_in_the_gradient(self, forked: Domain):
        controller = Controller(forked, hidden=8, seed=0)
        choices = {"branch": "b", "says_nothing": "only", "end": "x"}
        controller.follow(forked.architecture(choices)).log_probability.backward()
        in_play = {i for i, head in enumerate(controller.heads) if head.bias.grad is not None}
        assert in_play == {0, 2, 3}
        assert controller.heads[2].bias.grad.item() == 0

    def test_the_size_is_that_of_the_published_program(self):
        controller = Controller(Domain("one", [Decision("d", (1, 2, 3))]), hidden=100, seed=0)
        lstm, head, embedding = 4 * (100 * 100 + 100 * 100 + 100 + 100), 3 * 101, 3 * 100
        assert sum(p.numel() for p in controller.parameters()) == lstm + head + embedding


class TestUpdate:
    """One decision of three options, so that dloss/dbias = advantage (p - onehot)."""

    domain = Domain("one", [Decision("d", ("a", "b", "c"))])
    options = tuple(domain)

    def probabilities(self, policy: PolicyGradient) -> np.ndarray:
        walks = [policy.controller.follow(a) for a in self.options]
        return np.array([walk.log_probability.exp().item() for walk in walks])

    def bias(self, policy: PolicyGradient) -> np.ndarray:
        return policy.controller.heads[0].bias.detach().numpy().copy()

    def test_three_steps_equal_those_worked_out_by_hand(self):
        """With b1 = 0, b2 = 0.9, Adam moves by lr g / (sqrt(v / (1 - 0.9^t)) + 1e-8)."""
        policy = PolicyGradient(Controller(self.domain, hidden=8, seed=0), seed=0)
        baseline, v = None, np.zeros(3)
        for t, (chosen, score) in enumerate([(1, 25.0), (0, 27.0), (2, 24.5)], start=1):
            p, before = self.probabilities(policy), self.bias(policy)
            reward = score - ENTROPY_WEIGHT * (p * np.log(p)).sum()
            baseline = reward if t == 1 else DECAY * baseline + (1 - DECAY) * reward
            gradient = (reward - baseline) * (p - np.eye(3)[chosen])
            v = 0.9 * v + 0.1 * gradient**2
            policy.update([(self.options[chosen], score)])
            moved = -LR * gradient / (np.sqrt(v / (1 - 0.9**t)) + 1e-8)
            assert self.bias(policy) - before == pytest.approx(moved, rel=1e-4, abs=1e-7)
            assert policy.baseline == pytest.approx(baseline, rel=1e-6)

    def test_the_first_step_sets_the_baseline_and_moves_nothing(self):
        policy = PolicyGradient(Controller(self.domain, hidden=8, seed=0), 0, entropy_weight=0.0)
        before = policy.state_dict()["parameters"]
        policy.update([(self.options[0], 30.0)])
        assert policy.baseline == 30.0
        assert same(before, policy.state_dict()["parameters"])

    def test_the_second_step_moves_every_bias_by_the_same_length(self):
        """One gradient g in v gives lr g / sqrt(0.1 g^2 / (1 - 0.81)) = lr sqrt(1.9) sign g."""
        policy = PolicyGradient(Controller(self.domain, hidden=8, seed=0), seed=0)
        before = self.bias(policy)
        policy.update([(self.options[0], 20.0)])
        policy.update([(self.options[0], 30.0)])
        expected = LR * math.sqrt(1.9) * np.array([1, -1, -1])
        assert self.bias(policy) - before == pytest.approx(expected, rel=1e-3)

    def test_the_loss_is_the_mean_over_the_samples_of_a_step(self):
        policy = PolicyGradient(
            Controller(self.domain, hidden=8, seed=0), 0, entropy_weight=0.0, baseline_decay=0.5
        )
        p = self.probabilities(policy)
        policy.update([(self.options[0], 1.0), (self.options[1], 4.0)])
        assert policy.baseline == 2.5
        gradient = sum(a * (p - np.eye(3)[k]) for k, a in ((0, -1.5), (1, 1.5))) / 2
        assert policy.controller.heads[0].bias.grad.numpy() == pytest.approx(gradient, abs=1e-6)

    def test_a_better_option_becomes_likelier(self):
        policy = PolicyGradient(Controller(self.domain, hidden=8, seed=0), seed=0, lr=0.01)
        before = self.probabilities(policy)[1]
        for _ in range(100):
            drawn = policy.draw()
            policy.update([(drawn, float(drawn == self.options[1]))])
        assert self.probabilities(policy)[1] > max(before, 0.9)


class TestRounds:
    def test_thirty_updates_are_followed_by_ten_candidates_without_one(self, forked: Domain):
        strategy = rl(forked)
        moved = []
        for _ in range(80):
            before = parameters(strategy)
            conduct(strategy, 1, by_length)
            moved.append(not same(before, parameters(strategy)))
        # the very first step has advantage zero
        assert moved == [False] + [True] * 29 + [False] * 10 + [True] * 30 + [False] * 10

    def test_a_step_waits_for_all_its_samples(self, forked: Domain):
        strategy = rl(forked, steps=2, samples=3, candidates=1)
        moved = []
        for _ in range(14):
            before = parameters(strategy)
            conduct(strategy, 1, by_length)
            moved.append(not same(before, parameters(strategy)))
        assert [i for i, each in enumerate(moved) if each] == [2, 5, 9, 12]

    def test_the_best_different_candidates_are_kept_best_first(self, forked: Domain):
        strategy = rl(forked, steps=2, candidates=20, kept=3)
        assert strategy.kept_architectures == ()
        drawn = conduct(strategy, 22, by_length)[2:]
        best = sorted(set(drawn), key=by_length, reverse=True)[:3]
        assert list(map(by_length, strategy.kept_architectures)) == list(map(by_length, best))
        assert len(set(strategy.kept_architectures)) == 3
        kept = strategy.kept_architectures
        conduct(strategy, 21, by_length)
        assert strategy.kept_architectures == kept

    def test_candidates_are_asked_for_only_after_the_last_update(self, forked: Domain):
        strategy = rl(forked, steps=3, candidates=2)
        in_flight = [strategy.ask() for _ in range(3)]
        for proposal in in_flight:
            assert strategy.ask() is None
            strategy.tell(ended(proposal, by_length(proposal.architecture)))
        candidates = [strategy.ask(), strategy.ask()]
        assert strategy.ask() is not None
        assert None not in candidates

    def test_without_candidates_the_updates_continue(self, forked: Domain):
        strategy = rl(forked, steps=1, candidates=0)
        conduct(strategy, 5, by_length)
        assert strategy.state_dict()["policy"]["steps"]["lstm.weight_ih"] == 5


class TestFailedTrials:
    def test_a_failed_trial_is_passed_over(self, forked: Domain):
        strategy = rl(forked, steps=5, candidates=2)
        conduct(strategy, 2, by_length)
        before = strategy.state_dict()["policy"]
        conduct(strategy, 1, lambda _: None)
        after = strategy.state_dict()["policy"]
        assert same(before["parameters"], after["parameters"])
        assert before["baseline"] == after["baseline"]

    def test_a_failed_trial_takes_its_place_in_the_round(self, forked: Domain):
        strategy = rl(forked, steps=3, candidates=2)
        conduct(strategy, 3, lambda _: None)
        before = parameters(strategy)
        conduct(strategy, 2, by_length)
        assert same(before, parameters(strategy))
        assert strategy.kept_architectures

    def test_a_step_learns_from_the_samples_that_did_not_fail(self, forked: Domain):
        strategy = rl(forked, samples=2, entropy_weight=0.0)
        conduct(strategy, 1, lambda _: 7.0)
        conduct(strategy, 1, lambda _: None)
        assert strategy.state_dict()["policy"]["baseline"] == 7.0

    def test_a_failure_may_be_given_a_reward(self, forked: Domain):
        strategy = rl(forked, failure_reward=5.0, entropy_weight=0.0)
        conduct(strategy, 1, lambda _: None)
        assert strategy.state_dict()["policy"]["baseline"] == 5.0

    def test_a_failed_candidate_is_not_kept(self, forked: Domain):
        strategy = rl(forked, steps=1, candidates=4, failure_reward=99.0)
        conduct(strategy, 5, lambda _: None)
        assert strategy.kept_architectures == ()


class TestState:
    @pytest.mark.parametrize("finished", [0, 1, 8, 11, 12, 15])
    def test_a_restored_state_continues_with_the_same_proposals(
        self, forked: Domain, finished: int
    ):
        """In a step, among the candidates, and at the borders of a round of 4 x 3 + 5 trials."""
        fields = {"steps": 4, "samples": 3, "candidates": 5, "kept": 2}
        strategy = rl(forked, **fields)
        conduct(strategy, finished, by_length)
        stored = state_coding.encode(strategy.state_dict())
        restored = rl(forked, seed=99, **fields)
        conduct(restored, 6, by_length)
        restored.load_state_dict(state_coding.decode(*stored))
        assert state_coding.encode(restored.state_dict()) == stored
        assert conduct(restored, 40, by_length) == conduct(strategy, 40, by_length)
        assert state_coding.encode(restored.state_dict()) == state_coding.encode(
            strategy.state_dict()
        )
        assert restored.kept_architectures == strategy.kept_architectures

    def test_what_was_in_flight_is_learnt_from_after_restoring(self, forked: Domain):
        strategy, restored = rl(forked), rl(forked)
        in_flight = [strategy.ask() for _ in range(3)]
        restored.load_state_dict(state_coding.decode(*state_coding.encode(strategy.state_dict())))
        for one in (strategy, restored):
            for proposal in in_flight:
                one.tell(ended(proposal, by_length(proposal.architecture)))
        assert same(parameters(strategy), parameters(restored))
        assert restored.ask() == strategy.ask()

    def test_the_state_does_not_grow(self, forked: Domain):
        strategy = rl(forked, steps=3, candidates=4)

        def size() -> int:
            arrays = state_coding.encode(strategy.state_dict())[1]
            return sum(map(len, arrays.values()))

        conduct(strategy, 7 * 8, by_length)
        before = size()
        conduct(strategy, 7 * 4, by_length)
        assert size() == before
        state = strategy.state_dict()
        assert (state["step"], state["candidates"]) == ([], [])
        assert len(state["kept"]) <= 5

    def test_a_state_is_not_changed_by_what_follows(self, forked: Domain):
        strategy = rl(forked)
        conduct(strategy, 5, by_length)
        state = strategy.state_dict()
        before = state_coding.encode(state)
        conduct(strategy, 5, by_length)
        assert state_coding.encode(state) == before


class TestDeterminism:
    def test_the_number_of_threads_changes_no_bit(self, forked: Domain):
        threads = torch.get_num_threads()
        try:
            found = []
            for count in (1, 2):
                torch.set_num_threads(count)
                strategy = rl(forked, hidden=100)
                conduct(strategy, 20, by_length)
                found.append(state_coding.encode(strategy.state_dict()))
                assert torch.get_num_threads() == count
        finally:
            torch.set_num_threads(threads)
        assert found[0] == found[1]

    def test_the_global_generator_of_torch_is_neither_used_nor_moved(self, forked: Domain):
        torch.manual_seed(1)
        before = torch.get_rng_state()
        first = conduct(rl(forked), 12, by_length)
        assert torch.equal(torch.get_rng_state(), before)
        torch.manual_seed(2)
        assert conduct(rl(forked), 12, by_length) == first

    def test_the_seed_of_the_problem_makes_the_proposals(self, forked: Domain):
        assert conduct(rl(forked, 1), 12, by_length) != conduct(rl(forked, 2), 12, by_length)


@given(domain=st.from_type(Domain), seed=st.integers(0, 2**32))
@settings(max_examples=10, deadline=None)
def test_every_proposal_is_in_the_domain(domain: Domain, seed: int):
    strategy = rl(domain, seed, steps=2, candidates=1)
    for architecture in conduct(strategy, 6, by_length):
        assert architecture in domain


@given(domain=st.from_type(Domain))
@settings(max_examples=10, deadline=None)
def test_probabilities_sum_to_one_on_any_domain(domain: Domain):
    controller = Controller(domain, hidden=4, seed=0)
    total = sum(controller.follow(a).log_probability.exp().item() for a in domain)
    assert total == pytest.approx(1, abs=1e-5)


def test_a_domain_that_leaves_nothing_to_decide_can_be_searched():
    strategy = rl(Domain("nothing", ()), steps=2, candidates=1)
    assert conduct(strategy, 6, by_length) == [Architecture("nothing", {})] * 6


def test_the_defaults_are_those_of_the_published_program():
    chosen = ReinforcementLearning()
    assert (chosen.hidden, chosen.lr, chosen.betas) == (100, 3.5e-4, (0.0, 0.9))
    assert (chosen.steps, chosen.samples, chosen.candidates, chosen.kept) == (30, 1, 10, 5)
    assert (chosen.entropy_weight, chosen.baseline_decay) == (1e-3, 0.9)
    assert (chosen.temperature, chosen.tanh_bound) == (1.0, None)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("hidden", 0),
        ("temperature", 0.0),
        ("tanh_bound", -1.0),
        ("lr", 0),
        ("betas", [0.5]),
        ("betas", [0.0, 1.0]),
        ("steps", 0),
        ("samples", 0),
        ("baseline_decay", 1.0),
        ("candidates", -1),
        ("kept", 2.5),
    ],
)
def test_a_setting_out_of_its_range_is_refused(field: str, value: object):
    with pytest.raises(SettingsError, match=field):
        structure(ReinforcementLearning, {field: value})
