"""Ranking by proxies without evaluating any of the pool."""

from __future__ import annotations

from toy_plugin import ToySpace

from nasir.core.evaluator import Problem
from nasir.core.trial import Proposal, Trial
from nasir.settings.building import make
from nasir.strategies.zero_cost import PROXY, ZeroCost


def test_with_none_kept_the_one_that_ranks_first_is_recommended() -> None:
    strategy = ZeroCost(proxies=("-parameters",), pool=4, keep=0)
    problem = Problem(ToySpace(), make("task", "denoise"), {})
    assert strategy.usual_trials == 4
    strategy.bind(problem)
    trials = []
    for number, parameters in enumerate((30.0, 10.0, 40.0, 20.0)):
        proposal = strategy.ask()
        assert proposal is not None
        assert proposal.stage == PROXY
        metrics = {"parameters": parameters}
        trials.append(
            Trial(number, proposal, 0, state="complete", score=parameters, metrics=metrics)
        )
        strategy.tell(trials[-1])
    assert strategy.ask() is None
    assert strategy.recommend(trials) is trials[1]
    resumed = ZeroCost(proxies=("-parameters",), pool=4, keep=0)
    resumed.bind(problem)
    resumed.remember([*trials, Trial(4, Proposal(trials[0].architecture), 0, state="complete")])
    resumed.load_state_dict(strategy.state_dict())
    assert resumed.recommend(trials) is trials[1]
