"""Commands in processes of their own; what comes of each is counted and checked."""

from __future__ import annotations

import os
import re
import shutil
import signal
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import attrs
from random_kills import forked

PAGE = "page.html"

PATH = re.compile(r"/\S+(?= )|\d+")
"""What differs between refusals that say the same."""

IGNORED = re.compile(r"Exception ignored .*\nTraceback")
"""What Python says of a Ctrl-C while it clears up; no command can have it."""

HANGING = 1200.0
"""Seconds after which a process that has not ended is wrong."""

ENDS = (0, 2, 130, -signal.SIGKILL)
"""Exit codes: done, refused, interrupted, killed."""


@attrs.frozen
class Job:
    """A command in a process of its own, and the folder in which it writes."""

    pid: int
    label: str
    folder: Path
    began: float = attrs.field(factory=time.monotonic)


@attrs.frozen
class Commands:
    """Begins commands, each in a folder of its own below `outputs`, and notices their ends."""

    outputs: Path
    counts: Counter[str] = attrs.field(factory=Counter)
    refusals: Counter[str] = attrs.field(factory=Counter)
    wrong: list[str] = attrs.field(factory=list)

    def begin(self, label: str, words: Sequence[str], user: int, jumping: bool = False) -> Job:
        """A command in a process of its own, in a folder of its own."""
        self.counts["commands"] += 1
        folder = self.outputs / str(self.counts["commands"])
        folder.mkdir()
        os.chown(folder, user, user)
        return Job(forked(folder, *words, jumping=jumping, user=user), label, folder)

    def has_ended(self, job: Job) -> bool:
        """Whether a process has ended; if so, what came of it is counted and checked."""
        ended, status = os.waitpid(job.pid, os.WNOHANG)
        if not ended:
            if time.monotonic() - job.began > HANGING:
                self.wrong.append(f"{job.label}: neither ends nor goes on")
                os.kill(job.pid, signal.SIGKILL)
            return False
        code = os.waitstatus_to_exitcode(status)
        output, page = job.folder / "said.txt", job.folder / PAGE
        said = output.read_text("utf-8", "replace") if output.exists() else ""
        self.counts[f"{job.label}: {code}"] += 1
        lines = [line for line in said.splitlines() if line.startswith("nasir: ")]
        self.refusals.update(PATH.sub("PATH", line)[:120] for line in lines if code == 2)
        known = code in ENDS or (code == 1 and job.label.startswith("watch"))
        if not known or "Traceback" in IGNORED.sub("", said) or (code == 2 and len(lines) != 1):
            self.wrong.append(f"{job.label}, exit code {code}: {said[-2000:]}")
            print(self.wrong[-1], flush=True)
        if page.exists() and not page.read_text().rstrip().endswith("</html>"):
            self.wrong.append(f"{job.label}, exit code {code}: a page that is not whole")
        shutil.rmtree(job.folder)
        return True
