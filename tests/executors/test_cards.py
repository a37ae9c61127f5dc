"""Workers and the GPUs that they have, with stand-ins for GPUs."""

from __future__ import annotations

import logging
import os

import pytest
import torch

from nasir.executors.cards import VISIBLE, cards_of, visible_cards
from nasir.executors.process import Process


@pytest.fixture
def with_cards(monkeypatch: pytest.MonkeyPatch):
    def make(*names: str, visible: str | None = None) -> None:
        monkeypatch.setattr(torch.cuda, "device_count", lambda: len(names))
        monkeypatch.setattr(torch.cuda, "get_device_name", lambda i: names[i])
        if visible is None:
            monkeypatch.delenv(VISIBLE, raising=False)
        else:
            monkeypatch.setenv(VISIBLE, visible)

    return make


@pytest.mark.parametrize(
    ("visible", "count", "expected"),
    [
        (None, 2, ["0", "1"]),
        ("3, 1", 2, ["3", "1"]),
        ("GPU-8a,MIG-2", 2, ["GPU-8a", "MIG-2"]),
        ("1,9", 1, ["1"]),  # CUDA stops at the first that there is not
        ("", 0, []),
        (None, 0, []),
    ],
)
def test_cards_are_those_that_the_process_may_use(with_cards, visible, count, expected) -> None:
    with_cards(*["H100"] * count, visible=visible)
    assert visible_cards() == expected


def test_each_worker_has_another_card_first(with_cards, caplog: pytest.LogCaptureFixture) -> None:
    with_cards("H100", "H100", "H100", visible="5,6,7")
    assert cards_of(2) == ["5,6,7", "6,7,5"]
    assert not caplog.records
    with caplog.at_level(logging.INFO):
        assert cards_of(4) == ["5,6,7", "6,7,5", "7,5,6", "5,6,7"]
    assert "4 workers share 3 GPUs" in caplog.text


@pytest.mark.parametrize("count", [0, 1])
def test_without_a_choice_nothing_is_set(with_cards, count: int) -> None:
    with_cards(*["H100"] * count)
    assert cards_of(2) == [None, None]


def test_cards_that_differ_are_one_line_in_the_log(with_cards, caplog) -> None:
    with_cards("H100", "A100", "A100")
    cards_of(3)
    (line,) = [record.getMessage() for record in caplog.records]
    assert line == "the GPUs differ (A100, H100): a trial may come to other bits on another"


def test_a_worker_sees_its_own_cards(with_cards, workers_of_a_server) -> None:
    with_cards("H100", "H100")
    executor = Process().start(2)
    try:
        found = {executor.submit(os.getenv, VISIBLE).result(60) for _ in range(4)}
    finally:
        executor.shutdown(wait=False, cancel_futures=True)
    assert found == {"0,1", "1,0"}
