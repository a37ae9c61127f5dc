"""What searches spend."""

from __future__ import annotations

from nasir.apps.bench.effort import Effort, FullEvaluation, full_evaluations, spent
from nasir.core.architecture import Architecture
from nasir.core.trial import Proposal, Trial


def trial(size: int, fidelity: float = 1.0, seed: int = 0, stage: str = "full", **more) -> Trial:
    proposal = Proposal(Architecture("s", {"size": size}), stage, fidelity)
    ended = {"state": "complete", "score": float(size), "seconds": 1.0, **more}
    return Trial(0, proposal, seed, **ended)


def test_a_promoted_fit_costs_only_its_additional_steps():
    effort = Effort()
    for fidelity, total in ((0.25, 0.25), (0.5, 0.5), (1.0, 1.0), (0.5, 1.0), (1.0, 1.0)):
        effort.add(trial(1, fidelity, seed=7))
        assert effort.evaluations == total


def test_another_seed_or_architecture_costs_all_its_steps():
    assert spent([trial(1, 0.5, seed=1), trial(1, 1.0, seed=2), trial(2, 1.0, seed=1)]) == 2.5


def test_other_stages_are_counted_apart_and_refused_ones_not_at_all():
    effort = Effort()
    effort.add(trial(1, stage="score"))
    effort.add(trial(2, stage="score", state="failed", score=None))
    effort.add(trial(3, state="failed", score=None))
    effort.add(trial(4, state="failed", score=None, seconds=None))
    assert (effort.evaluations, effort.scored, effort.failed) == (1.0, 2, 3)


def test_only_full_evaluations_count_as_found():
    trials = [
        trial(5, 0.5, seed=1),
        trial(9, stage="score"),
        trial(3, state="failed", score=None),
        trial(5, 1.0, seed=1),
        trial(6, state="running", score=None),
        trial(7),
    ]
    names = [Architecture("s", {"size": size}).id for size in (5, 7)]
    assert full_evaluations(trials) == [
        FullEvaluation(2.0, names[0], 5.0),
        FullEvaluation(3.0, names[1], 7.0),
    ]
