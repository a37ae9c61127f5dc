"""One process writes a run: real ones that are killed, stopped, or on another machine."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from nasir.cli.main import main
from nasir.core.errors import RunFolderError
from nasir.runs import heartbeat
from nasir.runs import ownership as holding
from nasir.runs.heartbeat import HOLDER, read_holder
from nasir.runs.run import TRIALS, Run, create, writing

WRITER = """
import sys
from nasir.runs import heartbeat
from nasir.core.errors import RunFolderError
from nasir.runs.run import Run, writing

heartbeat.INTERVAL = 0.1
if sys.argv[2] == "elsewhere":
    heartbeat.machine = lambda: "elsewhere"
try:
    with writing(Run(sys.argv[1])) as store:
        print("holds", flush=True)
        for line in sys.stdin:
            with store.transaction():
                store.save_progress(told=int(line))
            print("wrote", flush=True)
    print("let go", flush=True)
except RunFolderError as error:
    print(error, flush=True)
"""


class Writer:
    """A process that writes a run when it is told to."""

    def __init__(self, run: Run, where: str = "here") -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", WRITER, str(run.folder), where],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.said = self.hear()

    def hear(self) -> str:
        assert self.process.stdout
        return self.process.stdout.readline().strip()

    def write(self, number: int) -> str:
        assert self.process.stdin
        self.process.stdin.write(f"{number}\n")
        self.process.stdin.flush()
        return self.hear()

    def signal(self, number: int) -> None:
        os.kill(self.process.pid, number)
        if number == signal.SIGKILL:
            self.process.wait()

    def end(self) -> str:
        assert self.process.stdin
        self.process.stdin.close()
        said = self.hear()
        self.process.wait()
        return said


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setattr(heartbeat, "WATCHED", 60.0)  # the living are heard long before that
    return create(tmp_path / "r", {}, {})


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """No longer waits long, for what gives no sign of life any more."""
    return lambda: monkeypatch.setattr(heartbeat, "WATCHED", 0.3)


@pytest.fixture
def writer() -> Iterator[Callable[..., Writer]]:
    started: list[Writer] = []

    def start(*arguments: object) -> Writer:
        started.append(Writer(*arguments))  # type: ignore[arg-type]
        return started[-1]

    yield start
    for one in started:
        one.process.kill()
        one.process.wait()
        for pipe in (one.process.stdin, one.process.stdout):
            assert pipe
            with suppress(BrokenPipeError):
                pipe.close()


def write(run: Run, number: int) -> None:
    with writing(run) as store, store.transaction():
        store.save_progress(told=number)


def test_a_run_that_a_process_holds_is_refused_with_who_holds_it(run: Run, writer):
    other = writer(run)
    assert other.said == "holds"
    assert run.state == "running"
    who = rf"in use by another process \(process {other.process.pid} "
    with pytest.raises(RunFolderError, match=who):
        write(run, 1)
    assert writer(run).said.startswith(f"{run.folder} is in use by another process")
    assert other.write(2) == "wrote"
    assert other.end() == "let go"
    assert not (run.folder / HOLDER).exists()
    assert run.state == "stopped"
    write(run, 3)
    assert run.progress["told"] == 3


def test_of_processes_that_begin_at_once_one_holds(run: Run):
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", WRITER, str(run.folder), "here"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(4)
    ]
    said = [process.stdout.readline().strip() for process in processes if process.stdout]
    for process in processes:
        process.communicate()
    assert said.count("holds") == 1
    assert sum("in use" in line for line in said) == 3


def test_a_run_whose_process_was_killed_is_stopped_and_taken_over_at_once(run: Run, writer):
    other = writer(run)
    assert other.write(1) == "wrote"
    other.signal(signal.SIGKILL)
    assert run.state == "stopped"
    began = time.monotonic()
    write(run, 2)
    assert time.monotonic() - began < heartbeat.WATCHED
    assert run.progress["told"] == 2


def test_a_stopped_process_that_comes_back_after_a_take_over_writes_nothing(
    run: Run, writer, impatient
):
    other = writer(run)
    assert other.write(1) == "wrote"
    other.signal(signal.SIGSTOP)
    impatient()
    with pytest.raises(RunFolderError, match="in use"):
        write(run, 2)
    holding.take_over(run.folder, run.folder / TRIALS)
    with writing(run) as store:
        with store.transaction():
            store.save_progress(told=3)
        holder = read_holder(run.folder)
        other.signal(signal.SIGCONT)
        assert "was taken over by another process" in other.write(4)
        other.process.wait(30)
        assert run.progress["told"] == 3
        assert run.state == "running"
        now = read_holder(run.folder)
        assert now
        assert holder
        assert (now.token, now.pid) == (holder.token, os.getpid())
        with pytest.raises(RunFolderError, match="in use"):
            write(run, 5)


def test_a_process_that_is_alive_is_not_taken_over(run: Run, writer):
    other = writer(run)
    with pytest.raises(RunFolderError, match=rf"in use by process {other.process.pid} "):
        holding.take_over(run.folder, run.folder / TRIALS)
    assert other.write(1) == "wrote"


def test_silence_is_told_with_the_way_to_take_the_run_over(run: Run, writer):
    other = writer(run)
    other.signal(signal.SIGSTOP)
    an_hour_ago = time.time() - 3600
    os.utime(run.folder / HOLDER, (an_hour_ago, an_hour_ago))
    with pytest.raises(RunFolderError, match=r"no sign of life for 36\d\d seconds.*--take-over"):
        write(run, 1)


def test_nothing_is_taken_over_in_the_midst_of_a_transaction(run: Run, monkeypatch):
    import sqlite3

    with writing(run) as store:
        monkeypatch.setattr(heartbeat, "beats", lambda *_: False)
        monkeypatch.setattr(holding, "beats", lambda *_: False)
        connect = sqlite3.connect
        monkeypatch.setattr(
            sqlite3, "connect", lambda *a, **k: connect(*a, **{**k, "timeout": 0.1})
        )
        with (
            store.transaction(),
            pytest.raises(RunFolderError, match="being written by another process"),
        ):
            holding.take_over(run.folder, run.folder / TRIALS)
        with store.transaction():
            store.save_progress(told=1)
    assert run.progress["told"] == 1


def test_what_nobody_holds_needs_no_taking_over(run: Run, toy):
    holding.take_over(run.folder, run.folder / TRIALS)
    done = toy("trials=1")
    assert main(["resume", "--quiet", "--take-over", str(done.folder)]) == 0


def elsewhere(run: Run, writer) -> Writer:
    """A writer on another machine, whose lock is not seen from here."""
    other = writer(run, "elsewhere")
    assert other.said == "holds"
    (run.folder / holding.LOCK).unlink()
    return other


def test_a_run_of_another_machine_is_judged_by_its_signs_of_life(
    run: Run, writer, impatient, caplog
):
    other = elsewhere(run, writer)
    assert run.state == "running"
    with pytest.raises(RunFolderError, match=r"in use by process \d+ on "):
        write(run, 1)
    assert "for a sign of life of process" in caplog.text
    other.signal(signal.SIGSTOP)
    long_ago = time.time() - heartbeat.SILENT - 1
    os.utime(run.folder / HOLDER, (long_ago, long_ago))
    assert run.state == "stopped"
    impatient()
    write(run, 2)
    other.signal(signal.SIGCONT)
    assert "was taken over by another process" in other.write(3)
    assert run.progress["told"] == 2


@pytest.mark.parametrize("jump", [-86400.0, 86400.0, 1e9])
def test_a_clock_that_jumps_takes_no_run_from_a_living_process(run, writer, monkeypatch, jump):
    """The state that is shown is right again after the next sign of life; nothing else is asked."""
    elsewhere(run, writer)
    now = time.time
    monkeypatch.setattr(time, "time", lambda: now() + jump)
    with pytest.raises(RunFolderError, match="in use"):
        write(run, 1)


@pytest.mark.parametrize("jump", [-3600.0, 3600.0])
def test_a_sign_of_life_from_the_future_is_as_old_as_it_is_far(run: Run, monkeypatch, jump: float):
    with writing(run):
        holder = read_holder(run.folder)
        assert holder
        assert holder.silence < 30
        now = time.time
        monkeypatch.setattr(time, "time", lambda: now() + jump)
        assert holder.silence == pytest.approx(3600, abs=30)


@pytest.mark.parametrize(
    "content",
    [
        *("", "{", "[]", "{}", "[" * 100_000, '{"token": 1, "host": 2, "machine": 3, "pid": "x"}'),
        '{"token": "t", "host": "h", "machine": "m", "pid": 1e999}',
        '{"token": "t", "host": "\\u001b[31m", "machine": "m", "pid": 1}',
    ],
)
def test_a_damaged_holder_file_is_in_nobodys_way(run: Run, content: str):
    (run.folder / HOLDER).write_text(content)
    assert read_holder(run.folder) is None
    write(run, 1)
    assert run.progress["told"] == 1


def test_the_holders_file_is_never_written_through_a_link(run: Run, tmp_path: Path):
    target = tmp_path / "mine.txt"
    target.write_text("precious")
    (run.folder / HOLDER).symlink_to(target)
    with pytest.raises(RunFolderError, match="link"):
        write(run, 1)
    assert target.read_text() == "precious"


def test_looking_whether_a_run_is_held_makes_no_file(run: Run):
    before = {path.name for path in run.folder.iterdir()}
    assert not holding.is_held(run.folder)
    assert {path.name for path in run.folder.iterdir()} == before
