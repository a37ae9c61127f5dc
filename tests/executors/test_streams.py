"""Evaluations in turn in one process: the same bits as one after another."""

from __future__ import annotations

import sys
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import nasir
from nasir.core.errors import SettingsError
from nasir.core.turns import hand_over
from nasir.executors.streams import Streams

SMALL = (
    *("strategy=random", "space.depth=1", "space.width=4", "space.input_channels=2"),
    *("task.size=16", "evaluator.iterations=4", "trials=4", "references=[]"),
)


def searched(folder: Path, *settings: str) -> Any:
    run = nasir.search("space=nasdip", *SMALL, *settings, folder=folder, workers=3)
    figures = {trial.number: dict(trial.metrics) for trial in run.trials}
    for of in figures.values():
        for name in [name for name in of if "seconds" in name or "memory" in name]:
            del of[name]
    return figures, run


def drawn(turns: list[str], name: str, seed: int) -> list[float]:
    """Random numbers of a call that hands over after each."""
    torch.manual_seed(seed)
    found = []
    for _ in range(3):
        turns.append(name)
        found.append(float(torch.rand(())))
        hand_over()
    return found


def test_a_search_comes_to_the_bits_of_one_evaluation_after_another(tmp_path: Path) -> None:
    at_once, run = searched(tmp_path / "streams", "executor=streams")
    alone, other = searched(tmp_path / "inline", "executor=inline")
    assert at_once == alone
    assert [t.score for t in run.trials] == [t.score for t in other.trials]


def test_calls_run_in_turn_each_with_a_generator_of_its_own() -> None:
    expected = {name: drawn([], name, seed) for seed, name in enumerate("abc")}
    before = torch.get_rng_state()
    turns: list[str] = []
    with Streams().start(3) as executor:
        futures = {
            name: executor.submit(drawn, turns, name, seed) for seed, name in enumerate("abc")
        }
        assert not turns
        assert {name: future.result() for name, future in futures.items()} == expected
    assert turns == list("abc") * 3
    assert torch.equal(torch.get_rng_state(), before)


def test_what_one_borrows_is_not_seen_by_others() -> None:
    seen = []

    def call() -> None:
        before = sys.stdout
        sys.stdout = sys.stderr
        torch.backends.cudnn.deterministic = True
        hand_over()
        seen.append((sys.stdout is sys.stderr, torch.backends.cudnn.deterministic))
        sys.stdout = before

    def other() -> None:
        seen.append((sys.stdout is sys.stderr, torch.backends.cudnn.deterministic))

    outside = sys.stdout
    with Streams().start(2) as executor:
        futures = [executor.submit(call), executor.submit(other)]
        for future in futures:
            future.result()
    assert seen == [(False, False), (True, True)]
    assert sys.stdout is outside
    assert not torch.backends.cudnn.deterministic


def test_an_error_ends_its_own_call() -> None:
    def failing() -> None:
        hand_over()
        raise ValueError("wrong")

    with Streams().start(2) as executor:
        futures = executor.submit(failing), executor.submit(drawn, [], "a", 1)
        with pytest.raises(ValueError, match="wrong"):
            futures[0].result()
        assert futures[1].exception() is None


def test_cancelled_calls_end_where_they_hand_over() -> None:
    ended: list[str] = []

    def endless() -> None:
        try:
            while True:
                hand_over()
        finally:
            ended.append("endless")

    def interrupting() -> None:
        hand_over()
        ended.append("first")

    executor = Streams().start(3)
    first, second = executor.submit(interrupting), executor.submit(endless)
    assert first.result() is None
    waiting = executor.submit(ended.append, "waiting")
    threads = threading.active_count()
    executor.shutdown(cancel_futures=True)
    assert ended == ["first", "endless"]
    assert second.done()
    assert waiting.cancelled()
    assert threading.active_count() < threads


def test_a_time_limit_is_refused() -> None:
    with pytest.raises(SettingsError, match="cannot enforce it"):
        Streams().within(5, None)


@pytest.mark.gpu
def test_different_architectures_at_once_come_to_the_bits_of_each_alone(tmp_path: Path) -> None:
    more = ("evaluator.iterations=70", "evaluator.device=cuda", "evaluator.stop=wmv")
    at_once, _ = searched(tmp_path / "streams", "executor=streams", *more)
    alone, _ = searched(tmp_path / "inline", "executor=inline", *more)
    assert at_once == alone
    assert not any(np.isnan(v) for of in alone.values() for v in of.values())
