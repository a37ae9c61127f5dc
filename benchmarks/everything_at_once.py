"""An hour of everything at once on one machine: is anything lost, doubled or mixed up?

    python benchmarks/everything_at_once.py [--seconds 3600] [--seed 0] [--json PATH]

Two users without privileges search at the same time, each one sweep of three runs after the other,
on one small disk (a tmpfs, which wants root). Meanwhile, drawn from the seed:

- a search is killed by SIGKILL, or interrupted by Ctrl-C, and the sweep is resumed;
- the disk is full until both searches have ended;
- three lives in ten have a clock that jumps by up to a day at every look;
- either user shows, follows, lists and compares the runs of either, writes pages and studies of
  them, and resumes what the other searches at that moment.

When a sweep is finished, the trials, failed tries, final evaluations and strategies' states of its
runs must be those of a sweep that nothing ever disturbed, to the bit. Wrong is also a traceback, an
exit code that is none of `ENDS`, a refusal of several lines, a page that is not whole, or a command
that neither ends nor goes on. See ``random_kills.py`` for the search.
"""

from __future__ import annotations

import argparse
import importlib
import io
import json
import os
import pkgutil
import random
import re
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout, suppress
from pathlib import Path
from typing import Any

import attrs
import made_up
from random_kills import WORDS, forked, outcome, small_disk

import nasir
from nasir.cli.main import main as command
from nasir.core.errors import NasirError
from nasir.runs.run import Run
from nasir.runs.sweep import Sweep

PAGE = "page.html"
SEARCH = [word for word in WORDS if not word.startswith("trials")] + ["trials=25", "seed=0..2"]
USERS = (65533, 65534)
DISK = 48 * 2**20
LOOK = 0.03
"""Seconds between two looks at the processes; one of the events below may come at each."""

KILL, INTERRUPT, FULL, READ = 0.02, 0.012, 0.004, 0.12
"""How likely each event is at a look."""

PATH = re.compile(r"/\S+(?= )|\d+")
"""What differs between refusals that say the same."""

READERS = 3  # at a time, at most

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


@attrs.define
class Person:
    """Somebody who searches in one sweep after another."""

    user: int
    place: Path
    sweeps: int = 0
    job: Job | None = None

    @property
    def folder(self) -> Path:
        return self.place / f"sweep-{self.sweeps}"


@attrs.define
class Hour:
    """What goes on at once, and what came of it."""

    disk: Path
    outputs: Path
    chance: random.Random
    whole: dict[str, Any]
    people: list[Person]
    readers: list[Job] = attrs.field(factory=list)
    counts: Counter[str] = attrs.field(factory=Counter)
    refusals: Counter[str] = attrs.field(factory=Counter)
    wrong: list[str] = attrs.field(factory=list)
    full: bool = False

    def look(self) -> None:
        """Notice who has ended, begin the next, and let one thing happen."""
        for person in self.people:
            self.go_on(person)
        for reader in [job for job in self.readers if self.has_ended(job)]:
            self.readers.remove(reader)
        if self.full:
            self.fill()
        event = self.chance.random()
        searching = [person.job for person in self.people if person.job]
        if event < KILL and searching:
            self.counts["kills"] += 1
            os.kill(self.chance.choice(searching).pid, signal.SIGKILL)
        elif event < KILL + INTERRUPT and searching:
            self.counts["Ctrl-C"] += 1
            os.kill(self.chance.choice(searching).pid, signal.SIGINT)
        elif event < KILL + INTERRUPT + FULL and searching and not self.full:
            self.counts["full disks"] += 1
            self.full = True
        elif event < KILL + INTERRUPT + FULL + READ and len(self.readers) < READERS:
            self.read()

    def go_on(self, person: Person) -> None:
        """Notice that a search has ended; check its sweep, resume it or begin another."""
        if person.job and not self.has_ended(person.job):
            return
        person.job = None
        if self.full:  # room is made when nobody searches
            return
        folder = person.folder
        if folder.exists() and Sweep(folder).state == "finished":
            self.check(folder)
            person.sweeps += 1
            folder = person.folder
        words = ["resume", "--quiet", str(folder)]
        if not folder.exists():
            words = ["run", "--quiet", *SEARCH, f"folder={person.place}", f"name={folder.name}"]
        jumping = self.chance.random() < 0.3
        self.counts["lives with a jumping clock"] += jumping
        person.job = self.begin("search", words, person.user, jumping)

    def check(self, folder: Path) -> None:
        """Compare a finished sweep with the one that nothing disturbed, and remove it."""
        got = {run.folder.name: outcome(run) for run in Sweep(folder).runs}
        names = sorted(set(got) | set(self.whole))
        different = [name for name in names if got.get(name) != self.whole.get(name)]
        self.wrong += [f"{folder}: {name} is not as undisturbed" for name in different]
        self.counts["sweeps, all runs the same" if not different else "sweeps, wrong"] += 1
        self.counts["trials compared"] += sum(len(run[0]) for run in got.values())
        shutil.rmtree(folder, ignore_errors=True)  # somebody may be writing a page

    def read(self) -> None:
        """Let somebody inspect somebody's runs, or try to resume them."""
        owner = self.chance.choice(self.people)
        with suppress(NasirError):
            runs = [str(run.folder) for run in Sweep(owner.folder).runs]
            one, sweep = self.chance.choice(runs), str(owner.folder)
            words = self.chance.choice(
                (
                    ("show", one),
                    ("show", one, "--trials"),
                    ("watch", one, "--once"),
                    ("watch", one),
                    ("report", one, "-o", PAGE),
                    ("runs", sweep),
                    ("runs", str(owner.place)),
                    ("compare", sweep),
                    ("export", one, "-o", "study.db"),
                    ("resume", one, "--quiet"),
                    ("resume", sweep, "--quiet"),
                )
            )
            user = self.chance.choice(self.people)
            label = words[0] if user is owner else f"{words[0]} of another's"
            self.readers.append(self.begin(label, words, user.user))

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
        if not known or "Traceback" in said or (code == 2 and len(lines) != 1):
            self.wrong.append(f"{job.label}, exit code {code}: {said[-2000:]}")
            print(self.wrong[-1], flush=True)
        if page.exists() and not page.read_text().rstrip().endswith("</html>"):
            self.wrong.append(f"{job.label}, exit code {code}: a page that is not whole")
        shutil.rmtree(job.folder)
        return True

    def fill(self) -> None:
        """Leave no room while somebody searches; then make some."""
        filler = self.disk / "filler"
        if not any(person.job for person in self.people):
            filler.unlink()
            self.full = False
            return
        with suppress(OSError), filler.open("ab", buffering=0) as file:
            while file.write(bytes(4096)):
                pass


def import_all(place: Path) -> None:
    """Import what any command needs: another user may not be able to read where Python is."""
    for module in pkgutil.walk_packages(nasir.__path__, "nasir."):
        if not module.name.endswith("__main__"):
            with suppress(ImportError):
                importlib.import_module(module.name)
    run, page = str(place / "warm"), str(place / "warm.html")
    for words in (
        ("run", "--quiet", *WORDS, "trials=5", f"folder={place}", "name=warm"),
        *(("show", run), ("show", run, "--trials"), ("watch", run, "--once"), ("show", "none")),
        *(("report", run, "-o", page), ("runs", str(place)), ("compare", run, run)),
        *(("export", run, "-o", str(place / "warm.db")), ("resume", run, "--quiet")),
    ):
        command(list(words))


@contextmanager
def begun(place: Path, seed: int) -> Iterator[Hour]:
    """The two users, the disk and the sweep that nothing disturbs."""
    with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
        import_all(place)
        assert command(["run", "--quiet", *SEARCH, f"folder={place}", "name=whole"]) == 0
    whole = {run.folder.name: outcome(run) for run in Sweep(place / "whole").runs}
    assert all(run.state == "finished" for run in map(Run, (place / "whole").glob("*-*")))
    (outputs := place / "outputs").mkdir()
    place.chmod(0o755)
    with small_disk(place / "disk", DISK) as disk:
        disk.chmod(0o755)
        people = [Person(user, disk / f"user-{user}") for user in USERS]
        for person in people:
            person.place.mkdir()
            os.chown(person.place, person.user, person.user)
        yield Hour(disk, outputs, random.Random(seed), whole, people)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=3600.0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json")
    arguments = parser.parse_args()
    made_up.known()
    signal.signal(signal.SIGINT, signal.default_int_handler)  # in the background it is ignored
    with tempfile.TemporaryDirectory() as name, begun(Path(name), arguments.seed) as hour:
        began = printed = time.monotonic()
        while (now := time.monotonic()) - began < arguments.seconds:
            hour.look()
            if now - printed > 60:
                printed = now
                print(round(now - began), dict(hour.counts), len(hour.wrong), flush=True)
            time.sleep(LOOK)
        for job in [*hour.readers, *(person.job for person in hour.people if person.job)]:
            os.kill(job.pid, signal.SIGKILL)
            os.waitpid(job.pid, 0)
        figures = {
            "seconds": arguments.seconds,
            "counts": dict(sorted(hour.counts.items())),
            "refusals": dict(hour.refusals.most_common(40)),
            "wrong": hour.wrong,
        }
    print(json.dumps(figures, indent=1))
    if arguments.json:
        Path(arguments.json).write_text(json.dumps(figures, indent=1))
    return 1 if hour.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
