"""Searches and trainings that are killed again and again, in forks of the process that tests.

A fork has all imported already. It takes one thread along alone: :func:`exit_code` wants torch to
use no more.
"""

from __future__ import annotations

import os
import signal
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import torch

import nasir
from nasir.apps.train import conduct
from nasir.apps.train.training import Training
from nasir.core.progress import listening
from nasir.training import checkpoint

KILLED = -signal.SIGKILL if hasattr(signal, "SIGKILL") else None

needs_forks = pytest.mark.skipif(not hasattr(os, "fork"), reason="there are no forks")

SEARCH = ("step 1", "step 4", "before save 2", "after save 2", "after save 1", "step 2", "step 4")
"""At a report of a step, counted in each process, and around the writing of a state.

The last is in the training of what was found.
"""

TRAINING = ("begun", 20, 20, 40, "trained", "evaluated")
"""After a folder is made, at steps, before weights are written, before the result is."""


@contextmanager
def one_thread() -> Iterator[None]:
    """Torch uses one thread, before and after a fork: equal bits, and none that is missing."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def exit_code(action: Callable[[], object]) -> int:
    """What a fork of this process that does `action` ends with: 0, 70 if it raises, or a signal."""
    assert torch.get_num_threads() == 1
    child = os.fork()
    if not child:
        code = 70
        try:
            torch.set_num_threads(1)  # makes torch's pool anew, before threads race for it
            action()
            code = 0
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(code)
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status)


def die(*_: Any) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def search_killed(folder: Path, words: Sequence[str], moments: Sequence[str] = SEARCH) -> None:
    """Make a run ``killed``, which dies at each of `moments`, and then finish it."""

    def go(moment: str) -> None:
        with listening(_in_a_search(moment)):
            if (folder / "killed").is_dir():
                nasir.resume(folder / "killed")
            else:
                nasir.search(*words, folder=str(folder), name="killed")

    with one_thread():
        codes = [exit_code(lambda moment=moment: go(moment)) for moment in moments]
        assert set(codes) <= {0, KILLED}
        assert codes.count(KILLED) >= max(1, len(moments) - 3), codes
        nasir.resume(folder / "killed")


def _in_a_search(moment: str) -> Callable[[int, int, dict[str, float]], None]:
    """Arrange for death; what is returned hears of steps."""
    what, number = moment.rsplit(" ", 1)
    counted = {"step": 0, "save": 0}
    save = checkpoint.save

    def saving(path: Path, *content: Any) -> None:
        counted["save"] += 1
        if moment == f"before save {counted['save']}":
            die()
        save(path, *content)
        if moment == f"after save {counted['save']}":
            die()

    def hearing(done: int, total: int, figures: dict[str, float]) -> None:
        counted["step"] += 1
        if what == "step" and counted["step"] == int(number):
            die()

    checkpoint.save = saving
    return hearing


def train_killed(folder: Path, words: Sequence[str]) -> list[int]:
    """Begin a training in `folder` that dies at each of `TRAINING`; returns how it ended each."""

    def go(moment: str | int) -> None:
        with listening(_in_a_training(moment)):
            started = die if moment == "begun" else lambda training: None
            if folder.is_dir():
                nasir.train(str(folder), started=started)
            else:
                nasir.train(*words, output=folder, started=started)

    with one_thread():
        return [exit_code(lambda moment=moment: go(moment)) for moment in TRAINING]


def _in_a_training(moment: str | int) -> Callable[[int, int, dict[str, float]], None]:
    written = {"trained": conduct.WEIGHTS, "evaluated": conduct.RESULT}
    if moment in written:
        write = Training.write

        def killing(self: Training, name: str, content: bytes) -> None:
            if name == written[moment]:
                (self.folder / f".{name}.partial").write_bytes(content[:100])
                die()
            write(self, name, content)

        Training.write = killing
    return lambda done, total, figures: die() if done == moment else None
