"""Random search."""

from __future__ import annotations

from collections import Counter
from types import SimpleNamespace

from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chisquare

from nasir.core.domain import Domain
from nasir.core.trial import Proposal
from nasir.runs import state_coding
from nasir.strategies.random import RandomSearch


def random_search(domain: Domain, seed: int = 0) -> RandomSearch:
    strategy = RandomSearch()
    strategy.bind(SimpleNamespace(domain=domain, seed=seed))
    return strategy


def proposals(strategy: RandomSearch, count: int) -> list[Proposal]:
    return [strategy.ask() for _ in range(count)]


def test_every_architecture_is_as_likely_as_any_other(forked: Domain):
    drawn = Counter(p.architecture for p in proposals(random_search(forked), 2700))
    assert set(drawn) == set(forked)
    assert len(drawn) == 9
    assert chisquare(list(drawn.values())).pvalue > 0.01


def test_an_architecture_may_come_again(forked: Domain):
    assert len({p.architecture for p in proposals(random_search(forked), 10)}) < 10


@given(domain=st.from_type(Domain), seed=st.integers(0, 2**32))
@settings(max_examples=50, deadline=None)
def test_every_proposal_is_in_the_domain(domain: Domain, seed: int):
    for proposal in proposals(random_search(domain, seed), 5):
        assert proposal.architecture in domain


def test_the_seed_of_the_problem_makes_the_proposals(forked: Domain):
    first = proposals(random_search(forked, 1), 20)
    assert first == proposals(random_search(forked, 1), 20)
    assert first != proposals(random_search(forked, 2), 20)


def test_a_restored_state_continues_with_the_same_proposals(forked: Domain):
    strategy = random_search(forked)
    proposals(strategy, 7)
    stored = state_coding.encode(strategy.state_dict())
    expected = proposals(strategy, 20)
    restored = random_search(forked)
    restored.load_state_dict(state_coding.decode(*stored))
    assert proposals(restored, 20) == expected
