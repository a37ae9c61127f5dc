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
from nasir.runs import owner, ownership
from nasir.runs.owner import OWNER, read_owner
from nasir.runs.run import TRIALS, Run, create, writing

WRITER = """
import sys
from nasir.runs import owner
from nasir.core.errors import RunFolderError
from nasir.runs.run import Run, writing

owner.INTERVAL = 0.1
if sys.argv[2] == "elsewhere":
    owner.machine = lambda: "elsewhere"
try:
    with writing(Run(sys.argv[1])) as store:
        print("owns", flush=True)
        for line in sys.stdin:
            with store.transaction():
                store.save_progress(delivered=int(line))
            print("wrote", flush=True)
    print("ended", flush=True)
except RunFolderError as error:
    print(error, flush=True)
"""


class Writer:
    """A process that writes a run on request."""

    def __init__(self, run: Run, where: str = "here") -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", WRITER, str(run.folder), where],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.answer = self.read()

    def read(self) -> str:
        assert self.process.stdout
        return self.process.stdout.readline().strip()

    def write(self, number: int) -> str:
        assert self.process.stdin
        self.process.stdin.write(f"{number}\n")
        self.process.stdin.flush()
        return self.read()

    def signal(self, number: int) -> None:
        os.kill(self.process.pid, number)
        if number == signal.SIGKILL:
            self.process.wait()

    def end(self) -> str:
        assert self.process.stdin
        self.process.stdin.close()
        answer = self.read()
        self.process.wait()
        return answer


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setattr(owner, "WATCHED", 60.0)  # a living owner has a heartbeat long before
    return create(tmp_path / "r", {}, {})


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Makes the wait for a heartbeat short."""
    return lambda: monkeypatch.setattr(owner, "WATCHED", 0.3)


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
        store.save_progress(delivered=number)


def test_run_of_another_process_is_refused_with_its_owner(run: Run, writer):
    other = writer(run)
    assert other.answer == "owns"
    assert run.state == "running"
    message = rf"in use by another process \(process {other.process.pid} "
    with pytest.raises(RunFolderError, match=message):
        write(run, 1)
    assert writer(run).answer.startswith(f"{run.folder} is in use by another process")
    assert other.write(2) == "wrote"
    assert other.end() == "ended"
    assert not (run.folder / OWNER).exists()
    assert run.state == "stopped"
    write(run, 3)
    assert run.progress["delivered"] == 3


def test_one_of_several_processes_that_start_at_once_owns_the_run(run: Run):
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", WRITER, str(run.folder), "here"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(4)
    ]
    answers = [process.stdout.readline().strip() for process in processes if process.stdout]
    for process in processes:
        process.communicate()
    assert answers.count("owns") == 1
    assert sum("in use" in line for line in answers) == 3


def test_run_of_a_killed_process_is_stopped_and_can_be_written_at_once(run: Run, writer):
    other = writer(run)
    assert other.write(1) == "wrote"
    other.signal(signal.SIGKILL)
    assert run.state == "stopped"
    began = time.monotonic()
    write(run, 2)
    assert time.monotonic() - began < owner.WATCHED
    assert run.progress["delivered"] == 2


def test_stopped_process_that_continues_after_a_take_over_cannot_write(run: Run, writer, impatient):
    other = writer(run)
    assert other.write(1) == "wrote"
    other.signal(signal.SIGSTOP)
    impatient()
    with pytest.raises(RunFolderError, match="in use"):
        write(run, 2)
    ownership.take_over(run.folder, run.folder / TRIALS)
    with writing(run) as store:
        with store.transaction():
            store.save_progress(delivered=3)
        mine = read_owner(run.folder)
        other.signal(signal.SIGCONT)
        assert "was taken over by another process" in other.write(4)
        other.process.wait(30)
        assert run.progress["delivered"] == 3
        assert run.state == "running"
        now = read_owner(run.folder)
        assert now
        assert mine
        assert (now.token, now.pid) == (mine.token, os.getpid())
        with pytest.raises(RunFolderError, match="in use"):
            write(run, 5)


def test_no_run_is_taken_over_from_a_living_process(run: Run, writer):
    other = writer(run)
    with pytest.raises(RunFolderError, match=rf"in use by process {other.process.pid} "):
        ownership.take_over(run.folder, run.folder / TRIALS)
    assert other.write(1) == "wrote"


def test_refusal_names_silence_and_the_way_to_take_the_run_over(run: Run, writer):
    other = writer(run)
    other.signal(signal.SIGSTOP)
    an_hour_ago = time.time() - 3600
    os.utime(run.folder / OWNER, (an_hour_ago, an_hour_ago))
    with pytest.raises(RunFolderError, match=r"no heartbeat for 36\d\d seconds.*--take-over"):
        write(run, 1)


def test_no_run_is_taken_over_during_a_transaction(run: Run, monkeypatch):
    import sqlite3

    with writing(run) as store:
        monkeypatch.setattr(ownership, "is_alive", lambda *_: False)
        connect = sqlite3.connect
        monkeypatch.setattr(
            sqlite3, "connect", lambda *a, **k: connect(*a, **{**k, "timeout": 0.1})
        )
        with (
            store.transaction(),
            pytest.raises(RunFolderError, match="being written by another process"),
        ):
            ownership.take_over(run.folder, run.folder / TRIALS)
        with store.transaction():
            store.save_progress(delivered=1)
    assert run.progress["delivered"] == 1


def test_take_over_of_a_run_without_owner_changes_nothing(run: Run, toy):
    ownership.take_over(run.folder, run.folder / TRIALS)
    done = toy("trials=1")
    assert main(["resume", "--quiet", "--take-over", str(done.folder)]) == 0


def elsewhere(run: Run, writer) -> Writer:
    """A writer on another machine, whose lock is not seen from here."""
    other = writer(run, "elsewhere")
    assert other.answer == "owns"
    (run.folder / ownership.LOCK).unlink()
    return other


def test_run_of_another_machine_is_owned_while_it_has_heartbeats(
    run: Run, writer, impatient, caplog
):
    other = elsewhere(run, writer)
    assert run.state == "running"
    with pytest.raises(RunFolderError, match=r"in use by process \d+ on "):
        write(run, 1)
    assert "for a heartbeat of process" in caplog.text
    other.signal(signal.SIGSTOP)
    long_ago = time.time() - owner.SILENT - 1
    os.utime(run.folder / OWNER, (long_ago, long_ago))
    assert run.state == "stopped"
    impatient()
    write(run, 2)
    other.signal(signal.SIGCONT)
    assert "was taken over by another process" in other.write(3)
    assert run.progress["delivered"] == 2


@pytest.mark.parametrize("jump", [-86400.0, 86400.0, 1e9])
def test_jump_of_the_clock_takes_no_run_from_a_living_process(run, writer, monkeypatch, jump):
    elsewhere(run, writer)
    now = time.time
    monkeypatch.setattr(time, "time", lambda: now() + jump)
    with pytest.raises(RunFolderError, match="in use"):
        write(run, 1)


@pytest.mark.parametrize("jump", [-3600.0, 3600.0])
def test_distance_of_a_future_heartbeat_counts_as_its_age(run: Run, monkeypatch, jump: float):
    with writing(run):
        mine = read_owner(run.folder)
        assert mine
        assert mine.silence < 30
        now = time.time
        monkeypatch.setattr(time, "time", lambda: now() + jump)
        assert mine.silence == pytest.approx(3600, abs=30)


@pytest.mark.parametrize(
    "content",
    [
        *("", "{", "[]", "{}", "[" * 100_000, '{"token": 1, "host": 2, "machine": 3, "pid": "x"}'),
        '{"token": "t", "host": "h", "machine": "m", "pid": 1e999}',
        '{"token": "t", "host": "\\u001b[31m", "machine": "m", "pid": 1}',
    ],
)
def test_damaged_owner_file_is_ignored(run: Run, content: str):
    (run.folder / OWNER).write_text(content)
    assert read_owner(run.folder) is None
    write(run, 1)
    assert run.progress["delivered"] == 1


def test_owner_file_is_never_written_through_a_link(run: Run, tmp_path: Path):
    target = tmp_path / "mine.txt"
    target.write_text("precious")
    (run.folder / OWNER).symlink_to(target)
    with pytest.raises(RunFolderError, match="link"):
        write(run, 1)
    assert target.read_text() == "precious"


def test_no_file_is_made_to_find_out_whether_a_run_is_owned(run: Run):
    before = {path.name for path in run.folder.iterdir()}
    assert not ownership.is_owned(run.folder)
    assert {path.name for path in run.folder.iterdir()} == before
