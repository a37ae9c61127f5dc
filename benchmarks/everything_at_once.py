"""An hour of everything at once on one machine: is anything lost, doubled or mixed up?

    python benchmarks/everything_at_once.py [--seconds 3600] [--seed 0] [--json PATH]

Two users without privileges and whoever calls this, in worker processes, search at the same time,
each one sweep of three runs after the other, on one small disk (a tmpfs, which wants root).
Meanwhile, drawn from the seed:

- a search is killed by SIGKILL, or interrupted by Ctrl-C, and the sweep is resumed;
- the disk is full until all searches have ended;
- three lives in ten have a clock that jumps by up to a day at every look;
- somebody shows, follows, lists and compares the runs of anybody, writes pages and studies of
  them, resumes what another searches at that moment, and reads the pages of ``nasir serve``.

When a sweep is finished, the trials, failed tries, final evaluations and strategies' states of its
runs must be those of a sweep that nothing ever disturbed, to the bit. Wrong is also a traceback, an
exit code that no command has, a refusal of several lines, a page that is not whole, a command
that neither ends nor goes on, or a worker that outlives its search. See ``random_kills.py`` for the
search.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout, suppress
from pathlib import Path
from typing import Any

import attrs
import made_up
from random_kills import WORDS, ended, forked, import_all, outcome, small_disk
from served import Reader, serving
from watched_commands import PAGE, Commands, Job

from nasir.core.errors import NasirError
from nasir.runs.sweep import Sweep

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from processes import processes_left

SEARCH = [word for word in WORDS if not word.startswith("trials")] + ["trials=25", "seed=0..2"]
USERS: dict[int, tuple[str, ...]] = {65533: (), 65534: (), os.getuid(): ("workers=2",)}
"""Who searches, and how; workers read Python's files, which not everybody may be able to."""
DISK = 48 * 2**20
LOOK = 0.03
"""Seconds between two looks at the processes; one of the events below may come at each."""

KILL, INTERRUPT, FULL, READ = 0.02, 0.012, 0.002, 0.12
"""How likely each event is at a look."""

READERS = 3  # at a time, at most
SERVED = 0.2  # of what is read


@attrs.define
class Person:
    """Somebody who searches in one sweep after another."""

    user: int
    place: Path
    words: tuple[str, ...]
    sweeps: int = 0
    job: Job | None = None

    @property
    def folder(self) -> Path:
        return self.place / f"sweep-{self.sweeps}"


@attrs.define
class Hour:
    """What goes on at once, and what came of it."""

    disk: Path
    commands: Commands
    chance: random.Random
    whole: dict[tuple[str, ...], dict[str, Any]]
    people: list[Person]
    server: Reader
    readers: list[Job] = attrs.field(factory=list)
    full: bool = False

    def look(self) -> None:
        """Notice who has ended, begin the next, and let one thing happen."""
        for person in self.people:
            self.go_on(person)
        for reader in [job for job in self.readers if self.commands.has_ended(job)]:
            self.readers.remove(reader)
        if self.full:
            self.fill()
        event = self.chance.random()
        # processes of workers take long to start: those that have them are disturbed less
        often = [one for one in self.people for _ in range(1 if one.words else 12)]
        searching = [person.job for person in often if person.job]
        if event < KILL and searching:
            self.commands.counts["kills"] += 1
            os.kill(self.chance.choice(searching).pid, signal.SIGKILL)
        elif event < KILL + INTERRUPT and searching:
            self.commands.counts["Ctrl-C"] += 1
            os.kill(self.chance.choice(searching).pid, signal.SIGINT)
        elif event < KILL + INTERRUPT + FULL and searching and not self.full:
            self.commands.counts["full disks"] += 1
            self.full = True
        elif event < KILL + INTERRUPT + FULL + READ and len(self.readers) < READERS:
            self.read()

    def go_on(self, person: Person) -> None:
        """Notice that a search has ended; check its sweep, resume it or begin another."""
        if person.job and not self.commands.has_ended(person.job):
            return
        person.job = None
        if self.full:  # room is made when nobody searches
            return
        folder = person.folder
        if folder.exists() and Sweep(folder).state == "finished":
            self.check(person)
            person.sweeps += 1
            folder = person.folder
        words = ["resume", "--quiet", str(folder)]
        if not folder.exists():
            names = (f"folder={person.place}", f"name={folder.name}")
            words = ["run", "--quiet", *SEARCH, *person.words, *names]
        jumping = self.chance.random() < 0.3
        self.commands.counts["lives with a jumping clock"] += jumping
        person.job = self.commands.begin("search", words, person.user, jumping)

    def check(self, person: Person) -> None:
        """Compare a finished sweep with the one that nothing disturbed, and remove it."""
        folder, whole = person.folder, self.whole[person.words]
        got = {run.folder.name: outcome(run) for run in Sweep(folder).runs}
        names = sorted(set(got) | set(whole))
        different = [name for name in names if got.get(name) != whole.get(name)]
        self.commands.wrong.extend(
            [f"{folder}: {name} is not as undisturbed" for name in different]
        )
        what = " ".join(("sweeps", *person.words))
        self.commands.counts[f"{what}: {'wrong' if different else 'all runs the same'}"] += 1
        self.commands.counts["trials compared"] += sum(len(run[0]) for run in got.values())
        shutil.rmtree(folder, ignore_errors=True)  # somebody may be writing a page

    def read(self) -> None:
        """Let somebody inspect somebody's runs, or try to resume them."""
        if self.chance.random() < SERVED:
            self.commands.wrong.extend(self.server.read())
            return
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
            user = self.chance.choice([owner, *self.people[:2]])  # root's files are root's alone
            label = words[0] if user is owner else f"{words[0]} of another's"
            self.readers.append(self.commands.begin(label, words, user.user))

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


@contextmanager
def begun(place: Path, seed: int) -> Iterator[Hour]:
    """The two users, the disk and the sweep that nothing disturbs."""
    with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
        import_all(place)
    (outputs := place / "outputs").mkdir()
    ways = dict.fromkeys(USERS.values())
    whole = {words: undisturbed(place / f"whole-{n}", words) for n, words in enumerate(ways)}
    place.chmod(0o755)
    with small_disk(place / "disk", DISK) as disk:
        disk.chmod(0o755)
        people = [Person(user, disk / f"user-{user}", words) for user, words in USERS.items()]
        for person in people:
            person.place.mkdir()
            os.chown(person.place, person.user, person.user)
        chance, commands = random.Random(seed), Commands(outputs)
        with serving(people[0].place, outputs, people[1].user) as (port, said):
            reader = Reader(port, said, chance, commands.counts)
            yield Hour(disk, commands, chance, whole, people, reader)


def undisturbed(folder: Path, words: Sequence[str]) -> dict[str, Any]:
    """What comes of the runs of a sweep when nothing happens."""
    names = (f"folder={folder.parent}", f"name={folder.name}")
    code = ended(forked(folder.parent, "run", "--quiet", *SEARCH, *words, *names))
    assert code == 0, (folder.parent / "said.txt").read_text()
    runs = Sweep(folder).runs
    assert all(run.state == "finished" for run in runs)
    return {run.folder.name: outcome(run) for run in runs}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=3600.0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json")
    arguments = parser.parse_args()
    made_up.known()
    signal.signal(signal.SIGINT, signal.default_int_handler)  # in the background it is ignored
    if os.getpgrp() != os.getpid():
        os.setpgrp()
    with tempfile.TemporaryDirectory() as name, begun(Path(name), arguments.seed) as hour:
        began = printed = time.monotonic()
        while (now := time.monotonic()) - began < arguments.seconds:
            hour.look()
            if now - printed > 60:
                printed = now
                wrong = len(hour.commands.wrong)
                print(round(now - began), dict(hour.commands.counts), wrong, flush=True)
            time.sleep(LOOK)
        for job in [*hour.readers, *(person.job for person in hour.people if person.job)]:
            os.kill(job.pid, signal.SIGKILL)
            os.waitpid(job.pid, 0)
        left = processes_left(60)
        hour.commands.wrong.extend([f"process {pid} outlives its search" for pid in left])
        figures = {
            "seconds": arguments.seconds,
            "counts": dict(sorted(hour.commands.counts.items())),
            "refusals": dict(hour.commands.refusals.most_common(40)),
            "wrong": hour.commands.wrong,
        }
    print(json.dumps(figures, indent=1))
    if arguments.json:
        Path(arguments.json).write_text(json.dumps(figures, indent=1))
    return 1 if hour.commands.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
