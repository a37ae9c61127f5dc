"""One search again and again, killed at random moments and resumed: are its trials the same?

    python benchmarks/random_kills.py [--kills 100] [--full 20] [--json PATH]

A search of 60 trials, some of which fail and some of which are tried again for want of memory,
is killed by SIGKILL at random moments and resumed until it ends, over and over until so many
kills are reached. Each time its trials, failed tries, final evaluations and the state of its
strategy must be those of the search that was never stopped, to the bit. Then the same

- with a clock (``time.time``) that jumps by up to a day at every look, and a limit in seconds;
- on a disk that is full for a while, so many times (a small tmpfs, which wants root): the search
  ends with one line, or is killed by SIGKILL meanwhile, and is resumed when there is room.

Children are forked from a process that has imported everything, so that they live shortly.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import pkgutil
import random
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout, suppress
from importlib import import_module
from pathlib import Path
from typing import Any

import made_up

from nasir.cli.main import main as nasir
from nasir.runs.run import Run
from nasir.runs.store import RunStore

WORDS = (
    *made_up.WORDS,
    "trials=60",
    "evaluator.sleep=0.01",
    "evaluator.failing=7",
    "evaluator.hungry=5",
    "strategy=rl",
    "strategy.hidden=8",
    "strategy.steps=2",
    "strategy.samples=2",
)
DISK = 2**24
"""Bytes of the disk that is full at times; SQLite writes 4 MiB ahead."""


def outcome(run: Run) -> tuple[Any, ...]:
    """What must be the same."""
    trials = [
        (t.number, t.proposal, t.seed, t.state, t.score, sorted(t.metrics.items()), t.reason)
        for t in run.trials
    ]
    tries = {n: [(f.failure, f.error) for f in failed] for n, failed in run.failed_attempts.items()}
    tries = {n: [(kind, str(e).partition("\n")[0]) for kind, e in f] for n, f in tries.items()}
    finals = {key: (t.state, t.score, t.reason) for key, t in run.final_evaluations.items()}
    store = RunStore(run.folder / "run.sqlite")
    state = dict(store._connection.execute("SELECT key, value FROM strategy"))
    store.close()
    return trials, tries, finals, state, run.best.number


def forked(folder: Path, *argv: str, jumping: bool = False, user: int | None = None) -> int:
    """Begin a command in a child that works in `folder`; what it says goes to ``said.txt``."""
    child = os.fork()
    if child:
        return child
    code = 70
    try:
        os.chdir(folder)
        if user is not None:
            os.setgid(user)
            os.setuid(user)
        log = os.open(folder / "said.txt", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.dup2(log, 1)
        os.dup2(log, 2)
        if jumping:
            jump()
        code = nasir(list(argv))
    except KeyboardInterrupt:  # before the command has begun
        code = 130
    except BaseException:
        traceback.print_exc()
    finally:
        with suppress(OSError):
            sys.stdout.flush()
        os._exit(code)


def jump() -> None:
    """Let the clock jump by up to a day, either way, whenever somebody looks at it."""
    true, moments = time.time, random.Random(os.getpid())
    time.time = lambda: true() + moments.uniform(-86400, 86400)


def import_all(place: Path) -> None:
    """Import what any command needs: another user may not be able to read where Python is."""
    for module in pkgutil.walk_packages(import_module("nasir").__path__, "nasir."):
        if not module.name.endswith("__main__"):
            with suppress(ImportError):
                import_module(module.name)
    run, page = str(place / "warm"), str(place / "warm.html")
    for words in (
        ("run", "--quiet", *WORDS, "trials=5", f"folder={place}", "name=warm"),
        *(("show", run), ("show", run, "--trials"), ("watch", run, "--once"), ("show", "none")),
        *(("report", run, "-o", page), ("runs", str(place)), ("compare", run, run)),
        *(("export", run, "-o", str(place / "warm.db")), ("resume", run, "--quiet")),
    ):
        nasir(list(words))


def ended(child: int) -> int:
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status)


def begin(place: Path, folder: Path, **how: Any) -> int:
    """Go on with the run in `folder`, or begin it."""
    if folder.exists():
        return forked(place, "resume", "--quiet", str(folder), **how)
    words = (f"folder={folder.parent}", f"name={folder.name}", *WORDS)
    return forked(place, "run", "--quiet", *words, **how)


def killed(place: Path, whole: Run, wanted: int, longest: float, **how: Any) -> dict[str, Any]:
    """Kill after at most `longest` seconds and resume, until there were so many kills."""
    moments, kills = random.Random(0), 0
    lives: list[int] = []
    while kills < wanted:
        folder, before = place / f"killed-{len(lives)}", kills
        code = -signal.SIGKILL
        while code == -signal.SIGKILL:
            child = begin(place, folder, **how)
            if kills < wanted:
                time.sleep(moments.uniform(0, longest))
                os.kill(child, signal.SIGKILL)
            code = ended(child)
            kills += code == -signal.SIGKILL
        check(Run(folder), whole, code, place)
        lives.append(kills - before)
    return {"kills": kills, "runs": len(lives), "kills_per_run": lives, "equal": True}


def check(run: Run, whole: Run, code: int, place: Path) -> None:
    said = (place / "said.txt").read_text(encoding="utf-8", errors="replace")
    assert code == 0, f"exit code {code}: {said[-2000:]}"
    assert "Traceback" not in said, said[-2000:]
    assert run.state == "finished"
    assert outcome(run) == outcome(whole), f"{run.folder} is not what {whole.folder} is"


def full(place: Path, whole: Run, wanted: int, longest: float) -> dict[str, Any]:
    """Let the disk run full so many times, and make room again."""
    moments, log, count = random.Random(1), place.parent, {"refused": 0, "killed": 0, "ended": 0}
    filler, number = place / "filler", 0
    while count["refused"] + count["killed"] < wanted:
        folder, code = place / f"full-{number}", 2
        while code != 0:
            filler.unlink(missing_ok=True)
            child = begin(log, folder)
            time.sleep(moments.uniform(0, longest))
            kill = moments.random() < 0.3
            code = filled_until_it_ends(filler, child, kill)
            what = {0: "ended", 2: "refused", -signal.SIGKILL: "killed"}[code]
            count[what] += 1
        check(Run(folder), whole, code, log)
        subprocess.run(["rm", "-r", str(folder)], check=True)
        number += 1
    return {"full_disks": count["refused"] + count["killed"], **count, "equal": True}


def filled_until_it_ends(filler: Path, child: int, kill: bool) -> int:
    """Leave no room while the child lives; its exit code."""
    until = time.monotonic() + 20
    with filler.open("ab", buffering=0) as file:
        while time.monotonic() < until:
            with suppress(OSError):
                while file.write(bytes(4096)):
                    pass
            if kill:
                os.kill(child, signal.SIGKILL)
            pid, status = os.waitpid(child, os.WNOHANG)
            if pid:
                return os.waitstatus_to_exitcode(status)
            time.sleep(0.002)
    raise AssertionError("a search on a full disk neither ends nor goes on")


@contextmanager
def small_disk(place: Path, size: int = DISK) -> Iterator[Path]:
    place.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "none", str(place)], check=True)
    try:
        yield place
    finally:
        subprocess.run(["umount", str(place)], check=True)


def limited(place: Path) -> dict[str, float]:
    """How long a search of two seconds is by a clock that jumps."""
    words = (f"folder={place}", "name=limited", *WORDS, "trials=100000", "seconds=2")
    began = time.monotonic()
    assert ended(forked(place, "run", "--quiet", *words, jumping=True)) == 0
    return {"limit_s": 2.0, "took_s": round(time.monotonic() - began, 2)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--full", type=int, default=20)
    parser.add_argument("--json")
    arguments = parser.parse_args()
    made_up.known()
    figures: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        with redirect_stdout(io.StringIO()):  # imports everything
            assert nasir(["run", "--quiet", *WORDS, f"folder={place}", "name=warm"]) == 0
        began = time.monotonic()
        assert ended(begin(place, place / "whole")) == 0
        longest = (time.monotonic() - began) / 3
        whole = Run(place / "whole")
        states = [trial.state for trial in whole.trials]
        figures["trials"] = {s: states.count(s) for s in ("complete", "failed")}
        figures["trials"]["tried_again"] = len(whole.failed_attempts)
        figures["killed"] = killed(place, whole, arguments.kills, longest)
        print(json.dumps(figures), file=sys.stderr)
        jumping = place / "jumping"
        jumping.mkdir()
        figures["jumping_clock"] = killed(
            jumping, whole, arguments.kills // 4, longest, jumping=True
        )
        figures["jumping_clock"] |= limited(jumping)
        print(json.dumps(figures), file=sys.stderr)
        if arguments.full:
            with small_disk(place / "disk") as disk:
                figures["full_disk"] = full(disk, whole, arguments.full, longest)
    print(json.dumps(figures, indent=2))
    if arguments.json:
        Path(arguments.json).write_text(json.dumps(figures, indent=2))


if __name__ == "__main__":
    main()
