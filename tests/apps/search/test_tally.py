"""How far a run is, in a few figures."""

from __future__ import annotations

import tracemalloc
from pathlib import Path

import attrs
import pytest

from nasir.apps.search.tally import Tally
from nasir.core.architecture import Architecture
from nasir.core.trial import Proposal, Trial
from nasir.runs.run import Run, create, writing

PROPOSAL = Proposal(Architecture("s", {"size": 1}))


def complete(number: int, score: float, **metrics: float) -> Trial:
    return Trial(number, PROPOSAL, 0, "complete", score, metrics, seconds=4.2)


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return create(tmp_path / "runs" / "one", {"trials": 12, "references": ["hand_made"]}, {})


def test_the_time_left_covers_trials_and_final_evaluations():
    tally = Tally(planned=10, references=1)
    assert tally.left(5.0, share=0.0) is None
    # 10 s for half a trial: 20 s each; 9.5 trials, the found architecture and one reference
    assert tally.left(10.0, share=0.5) == pytest.approx(20 * (10 + 2 - 0.5))
    tally.add(complete(0, 1.0))
    assert tally.left(20.0, share=0.0) == pytest.approx(20 * (9 + 2))
    # where a stop is searched, the reference is evaluated on the search pictures too
    tally.add(attrs.evolve(complete(1, 2.0), stop=0.9))
    assert tally.left(40.0, share=0.0) == pytest.approx(20 * (8 + 3))
    tally.searched, tally.finals = True, 1
    assert tally.left(60.0, share=0.5) == pytest.approx(60 / 3.5 * (2 - 0.5))


def test_the_time_left_respects_a_limit_in_seconds():
    tally = Tally(planned=1000, seconds=30.0)
    tally.add(complete(0, 1.0))
    # 10 s a trial: 20 s of search are left, then the found architecture
    assert tally.left(10.0, share=0.0) == pytest.approx(20 + 10)
    assert tally.left(40.0, share=0.0) == pytest.approx(40)


def test_earlier_trials_do_not_count_for_the_rate(run: Run):
    with writing(run) as store, store.transaction():
        for number in range(6):
            store.save_trial(complete(number, 1.0))
    tally = Tally(planned=12)
    tally.begin(run)
    assert tally.left(5.0, share=0.0) is None
    tally.add(complete(6, 1.0))
    assert tally.left(5.0, share=0.0) == pytest.approx(5 * (5 + 2))


def test_partial_fidelity_never_beats_a_full_trial():
    tally = Tally(planned=3)
    tally.add(complete(0, 20.0))
    tally.add(Trial(1, Proposal(PROPOSAL.architecture, "full", 0.5), 0, "complete", 99.0))
    tally.add(Trial(2, Proposal(PROPOSAL.architecture, "proxy"), 0, "complete", 99.0))
    assert str(tally) == "best 20.00 (trial 0)"


def test_memory_does_not_grow_with_the_trials():
    tally = Tally(planned=10**6)
    tracemalloc.start()
    for number in range(2000):
        tally.add(complete(number, float(number), psnr=1.0))
    size, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert size < 50_000
