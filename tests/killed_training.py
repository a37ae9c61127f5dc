"""Trains once without harm, then kills the same training again and again.

``WHOLE KILLED WORD...`` are the two folders and the words of ``nasir train``. Each time another
child process goes on, forked from one that has imported everything, and dies by SIGKILL at the
next of `MOMENTS`.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from typing import Any

from nasir.apps.train import conduct
from nasir.apps.train.train import train
from nasir.apps.train.training import Training
from nasir.core.progress import listening

MOMENTS = ("begun", 20, 20, 40, "trained", "evaluated")
"""After a folder is made, at steps, before weights are written, before the result is."""


def die(*_: Any) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def dies_at(moment: str | int) -> Callable[[int, int, dict[str, float]], None]:
    """Arrange for death; what is returned hears of steps."""
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


def go(moment: str | int, folder: str, words: list[str]) -> None:
    with listening(dies_at(moment)):
        started = die if moment == "begun" else lambda training: None
        if os.path.isdir(folder):
            train(folder, started=started)
        else:
            train(*words, output=folder, started=started)


if __name__ == "__main__":
    whole, folder, *words = sys.argv[1:]
    train(*words, output=whole)
    for moment in MOMENTS:
        child = os.fork()
        if not child:
            go(moment, folder, words)
            os._exit(70)
        _, status = os.waitpid(child, 0)
        print(moment, os.waitstatus_to_exitcode(status))
