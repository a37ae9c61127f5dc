"""What every store of trials does: in memory and on disk."""

from __future__ import annotations

from pathlib import Path

import attrs
import numpy as np
import pytest

from nasir.core.architecture import Architecture
from nasir.core.failures import FailedAttempt
from nasir.core.trial import Proposal, Trial
from nasir.core.trial_store import TrialStore
from nasir.engine.memory_store import MemoryStore
from nasir.runs.store import RunStore

TRIALS = [Trial(n, Proposal(Architecture("toy", {"kernel": n})), n) for n in range(3)]
ATTEMPTS = [FailedAttempt("time", 1.0, 2.0, "host:1", f"attempt {n}") for n in range(2)]


@pytest.fixture(params=["memory", "disk"])
def store(request, tmp_path: Path) -> TrialStore:
    return MemoryStore() if request.param == "memory" else RunStore(tmp_path / "s", write=True)


def test_new_store_is_empty(store: TrialStore):
    assert store.trials() == []
    assert store.failed_attempts() == {}
    assert store.strategy_state() is None
    assert store.progress() == {}


def test_trials_come_back_in_order_of_number_and_last_write_counts(store: TrialStore):
    ended = attrs.evolve(TRIALS[1], state="complete", score=1.5)
    with store.transaction():
        for trial in (*reversed(TRIALS), ended):
            store.save_trial(trial)
    assert store.trials() == [TRIALS[0], ended, TRIALS[2]]
    assert store.trials(1) == [ended, TRIALS[2]]


def test_pictures_are_kept_apart_from_their_trial_until_dropped(store: TrialStore):
    picture = np.arange(6, dtype=np.float32).reshape(1, 2, 3)
    with store.transaction():
        store.save_trial(attrs.evolve(TRIALS[0], pictures={"lake": picture}))
    assert store.trials()[0].pictures == {}
    assert store.pictures(0)["lake"].tolist() == picture.tolist()
    with store.transaction():
        store.drop_pictures(0)
    assert store.pictures(0) == {}


def test_failed_attempts_come_back_in_order_by_trial(store: TrialStore):
    with store.transaction():
        store.save_failed_attempt(0, 1, ATTEMPTS[0])
        for number, attempt in enumerate(ATTEMPTS, 1):
            store.save_failed_attempt(2, number, attempt)
    assert store.failed_attempts() == {0: ATTEMPTS[:1], 2: ATTEMPTS}
    assert store.failed_attempts(1) == {2: ATTEMPTS}


def test_progress_keeps_what_is_not_written_again(store: TrialStore):
    with store.transaction():
        store.save_progress(asked=1, delivered=0)
        store.save_progress(asked=2)
    assert store.progress() == {"asked": 2, "delivered": 0}
