"""What restoring a picture costs."""

from __future__ import annotations

import sys
import time

import pytest
import torch

from nasir.training.memory import freed_memory_reused
from nasir.training.timing import cost_of


def test_the_second_call_alone_is_timed():
    calls: list[float] = []

    def restore() -> None:
        time.sleep(0.0 if calls else 0.2)
        calls.append(time.perf_counter())

    assert 0 < cost_of(restore, "cpu")["seconds"] < 0.1
    assert len(calls) == 2


@pytest.mark.skipif(sys.platform != "linux", reason="the peak of a process is Linux's")
@pytest.mark.parametrize("mebibytes", [64, 128])
def test_the_peak_is_of_what_is_used_meanwhile(mebibytes: int):
    with freed_memory_reused():  # from here on, this process keeps what it frees
        before = torch.ones(300 * 2**18)
    del before

    def restore() -> None:
        torch.ones(mebibytes * 2**18)

    peak = cost_of(restore, "cpu").get("peak_memory")
    if peak is None:
        pytest.skip("this system lets no process reset its peak")
    assert peak == pytest.approx(mebibytes * 2**20, rel=0.1)
