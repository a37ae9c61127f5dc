"""Searches by gradient once without harm, then kills the same search again and again.

``FOLDER WORD...`` are where the runs ``whole`` and ``killed`` are made, and the words of ``nasir
run``. Each time another child process goes on, forked from one that has imported everything, and
dies by SIGKILL at the next of `MOMENTS`.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nasir
from nasir.core.progress import listening
from nasir.training import checkpoint

MOMENTS = ("step 1", "step 4", "before save 2", "after save 2", "after save 1", "step 2", "step 4")
"""At a report of a step, counted in each process, and around the writing of a state.

The last is in the training of what was found.
"""


def die(*_: Any) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def dies_at(moment: str) -> Callable[[int, int, dict[str, float]], None]:
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


def go(moment: str, folder: str, words: list[str]) -> None:
    killed = os.path.join(folder, "killed")
    with listening(dies_at(moment)):
        if os.path.isdir(killed):
            nasir.resume(killed)
        else:
            nasir.search(*words, folder=folder, name="killed")


if __name__ == "__main__":
    folder, *words = sys.argv[1:]
    nasir.search(*words, folder=folder, name="whole")
    deaths = 0
    for moment in MOMENTS:
        child = os.fork()
        if not child:
            go(moment, folder, words)
            os._exit(0)
        _, status = os.waitpid(child, 0)
        deaths += os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
    assert deaths >= 5, "the search was over before it was killed in all these ways"
    nasir.resume(os.path.join(folder, "killed"))
