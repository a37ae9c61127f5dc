"""Steps as a CUDA graph, with a stand-in for the GPU."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from nasir.core.errors import EvaluationError
from nasir.training.captured import WARM_UP, Captured


class RecordedGraph:
    """Records the step in place of a driver, and does it again when replayed."""

    registered: list[Any]
    replays = 0

    def __init__(self) -> None:
        self.registered = []

    def register_generator_state(self, generator: Any) -> None:
        self.registered.append(generator)

    def capture_begin(self) -> None:
        pass

    def capture_end(self) -> None:
        pass

    def replay(self) -> None:
        type(self).replays += 1


@pytest.fixture(autouse=True)
def _stand_in(monkeypatch: pytest.MonkeyPatch) -> None:
    RecordedGraph.replays = 0
    monkeypatch.setattr(torch.cuda, "CUDAGraph", RecordedGraph)
    monkeypatch.setattr(torch.cuda, "synchronize", lambda: None)


def test_after_some_plain_steps_the_graph_is_replayed_on_copies_of_the_inputs() -> None:
    seen: list[Tensor] = []

    def step(x: Tensor) -> Tensor:
        seen.append(x)
        return x.sum()

    captured = Captured(step)
    for number in range(WARM_UP + 4):
        captured(torch.full((2,), float(number)))
    assert len(seen) == WARM_UP + 1
    assert RecordedGraph.replays == 4
    assert seen[-1].tolist() == [WARM_UP + 3.0] * 2  # the held input has the newest values


def failing() -> Any:
    calls = []

    def step() -> Tensor:
        calls.append(1)
        if len(calls) == WARM_UP + 1:
            raise RuntimeError("operation not permitted when stream is capturing\nmore")
        return torch.tensor(float(len(calls)))

    return step


def test_what_cannot_be_captured_goes_on_and_the_log_says_why(
    caplog: pytest.LogCaptureFixture,
) -> None:
    captured = Captured(failing())
    losses = [captured().item() for _ in range(WARM_UP + 3)]
    assert losses == [1, 2, 3, 5, 6, 7]
    assert [record.getMessage() for record in caplog.records] == [
        "steps are not captured as a CUDA graph: operation not permitted when stream is capturing"
    ]


def test_what_must_be_captured_and_cannot_is_an_error() -> None:
    captured = Captured(failing(), must=True)
    for _ in range(WARM_UP):
        captured()
    with pytest.raises(EvaluationError, match=r"cannot be captured .* take capture=auto"):
        captured()
