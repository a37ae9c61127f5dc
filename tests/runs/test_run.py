"""Run folders: made whole or not at all, written by one process, read by all."""

from __future__ import annotations

import json
import os
import sqlite3
from pathlib import Path

import pytest
from toy_plugin import figures

import nasir
from nasir.core.errors import NasirError, RunFolderError, SettingsError
from nasir.plugins.manager import plugins
from nasir.runs import ownership
from nasir.runs import run as runs
from nasir.runs.run import Run, create, writing
from nasir.runs.store import RunStore
from nasir.settings.overrides import read_file

PASSING = ("-wal", "-shm", "lock")

BAD_NAMES = ["", ".", "..", "../x", "a/b", "/tmp/x", "a\\b", "a\0b", "x" * 300]


def test_a_run_has_settings_environment_trials_and_best(toy):
    run = toy("name=first")
    assert run.folder == Path("runs/first")
    assert {p.name for p in run.folder.iterdir() if not p.name.startswith(("run.", "."))} == {
        "settings.toml",
        "environment.json",
        "best",
        "references",
    }
    assert read_file(run.folder / "settings.toml")["space"]["name"] == "toy"
    environment = json.loads((run.folder / "environment.json").read_text())
    assert environment["versions"]["nasir"] == nasir.__version__
    assert environment["plugins"]["toy"] == {"distribution": "nasir-toy", "version": "1.0"}
    assert environment["seeds"] == {"run": 0, "task": 0}


def test_default_name_has_space_strategy_and_task(toy):
    run = toy("folder=here")
    assert run.folder.parent == Path("here")
    assert run.folder.name.endswith("-toy-random-toy")


def test_two_runs_of_the_same_second_have_two_folders(toy, monkeypatch):
    monkeypatch.setattr("nasir.runs.folder.time.strftime", lambda form: "now")
    assert [toy().folder.name for _ in range(3)] == [
        "now-toy-random-toy",
        "now-toy-random-toy-2",
        "now-toy-random-toy-3",
    ]


def test_two_processes_that_begin_at_once_have_two_folders(toy, monkeypatch):
    """The other process makes its folder after this one has checked that there is none."""
    monkeypatch.setattr("nasir.runs.folder.time.strftime", lambda form: "now")
    other = Path("runs/now-toy-random-toy")
    store = runs.RunStore

    def late(path: Path, *, write: bool = False) -> RunStore:
        if write and not other.exists() and path.parent.name.startswith("."):
            other.mkdir()
            (other / "settings.toml").touch()
        return store(path, write=write)

    monkeypatch.setattr(runs, "RunStore", late)
    assert toy().state == "finished"


@pytest.mark.parametrize("name", BAD_NAMES)
def test_name_that_cannot_be_a_folder_is_refused(toy, name: str):
    with pytest.raises(NasirError) as caught:
        toy(name=name)
    assert "name" in str(caught.value)
    assert not Path("runs").exists()


def test_existing_name_is_refused_with_the_command_to_resume(toy):
    toy("name=first", "trials=1")
    with pytest.raises(RunFolderError, match=r"runs/first exists.*nasir resume runs/first"):
        toy("name=first")


@pytest.mark.parametrize("folder", ["a_file/runs", "~nobody_of_that_name/runs", "x" * 300])
def test_impossible_parent_folder_is_refused(toy, folder: str):
    Path("a_file").write_text("")
    with pytest.raises(NasirError) as caught:
        toy(folder=folder)
    assert "folder" in str(caught.value)


def test_a_folder_that_cannot_be_written_is_refused(toy, unwritable: Path):
    with pytest.raises(RunFolderError, match=r"Permission denied; choose another place"):
        toy(folder=str(unwritable / "runs"))


def test_a_run_that_cannot_be_made_leaves_nothing(tmp_path: Path, monkeypatch):
    class Full(RunStore):
        def __init__(self, path: Path, *, write: bool = False) -> None:
            self.path = path
            path.touch()
            with self._explained():
                raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr(runs, "RunStore", Full)
    with pytest.raises(RunFolderError, match="full") as caught:
        create(tmp_path / "first", {}, {})
    assert list(tmp_path.iterdir()) == []
    assert "nasir resume" not in str(caught.value)


def test_leftovers_of_a_killed_process_are_ignored(tmp_path: Path):
    """Process numbers are used again, above all in containers."""
    (tmp_path / f".first.{os.getpid()}").mkdir()
    assert create(tmp_path / "first", {}, {}).trials == []


@pytest.mark.parametrize("what", ["missing", "file", "empty", "x" * 300])
def test_other_folders_are_no_runs(tmp_path: Path, what: str):
    (tmp_path / "file").write_text("")
    (tmp_path / "empty").mkdir()
    with pytest.raises(RunFolderError) as caught:
        Run(tmp_path / what)
    assert "nasir runs" in str(caught.value)


def test_one_process_writes(tmp_path: Path):
    run = create(tmp_path / "first", {}, {})
    with (
        writing(run),
        pytest.raises(RunFolderError, match="in use by another process"),
        writing(run),
    ):
        pass
    with writing(run):
        pass


def test_a_run_knows_its_state(toy, monkeypatch):
    states: list[str] = []

    class Listener:
        @nasir.hookimpl
        def trial_finished(self, run: Run) -> None:
            states.append(run.state)

    manager = plugins()._pm
    listener = Listener()
    manager.register(listener, "listener")
    try:
        run = toy("trials=1")
    finally:
        manager.unregister(listener)
    assert states == ["running"]
    assert run.state == "finished"
    with writing(run) as store, store.transaction():
        store.save_progress(state="running")
    assert run.state == "stopped"


def test_reading_a_run_changes_no_file(toy):
    run = toy("trials=1")

    def times() -> dict[Path, int]:
        """Of all but SQLite's own files, which come and go with its readers."""
        paths = [p for p in run.folder.rglob("*") if p.is_file() and p.suffix[-4:] not in PASSING]
        return {path: path.stat().st_mtime_ns for path in paths}

    before = times()
    again = Run(run.folder)
    assert (again.state, len(again.trials), again.best.number) == ("finished", 1, 0)
    assert again.settings["trials"] == 1
    assert times() == before


def test_run_can_be_read_without_write_permission(toy, readable_only):
    run = toy(f"folder={readable_only.folder}", "name=first", "trials=2")
    with readable_only():
        again = Run(run.folder)
        assert list(map(figures, again.trials)) == list(map(figures, run.trials))
        assert again.state == "finished"
        with pytest.raises(RunFolderError, match=r"cannot .*first"), writing(again):
            pass


def stop_after(number: int) -> object:
    class Stop:
        @nasir.hookimpl
        def trial_finished(self, trial) -> None:
            if trial.number == number:
                raise KeyboardInterrupt

    return Stop()


def test_the_best_of_an_interrupted_longer_search_is_the_best_so_far(toy):
    """Seed 1: the best of 12 is not among the first 2."""
    run = toy("trials=2", "seed=1")
    early = run.best.number
    stop = stop_after(11)
    plugins()._pm.register(stop, "stop")
    try:
        nasir.resume(run.folder, trials=20)
    finally:
        plugins()._pm.unregister(stop)
    assert run.state == "interrupted"
    best = max(run.trials, key=lambda t: t.score or 0.0)
    assert best.number != early
    assert run.best == best
    written = json.loads((run.folder / "best" / "architecture.json").read_text())
    assert written["choices"] == dict(best.architecture.choices)


def test_run_without_a_complete_trial_ends_with_the_reason(toy):
    run = toy("trials=3", "evaluator.every=1")
    assert run.state == "finished"
    assert [trial.reason for trial in run.trials] == ["ValueError: made to fail"] * 3
    with pytest.raises(NasirError, match="no trial is complete; the first failure: ValueError"):
        _ = run.best
    assert nasir.resume(run.folder).state == "finished"


@pytest.mark.parametrize("text", ["", "trials = 6\n", "seed = [", "seed = 1\nspace = 3\n"])
def test_run_with_damaged_settings_is_not_resumed(toy, text: str):
    """With defaults in their place it would be another run."""
    run = toy("trials=1")
    (run.folder / "settings.toml").write_text(text)
    with pytest.raises(SettingsError, match=r"settings\.toml"):
        nasir.resume(run.folder)


def test_a_full_disk_loses_nothing(toy, monkeypatch):
    whole = toy("strategy=rl", "strategy.hidden=5", "trials=30")

    class Small(RunStore):
        def __init__(self, path: Path, *, write: bool = False) -> None:
            super().__init__(path, write=write)
            if write:
                self._connection.execute("PRAGMA max_page_count = 14")

    with monkeypatch.context() as small:
        small.setattr(ownership, "RunStore", Small)
        with pytest.raises(RunFolderError, match=r"full; make room .*nasir resume .*runs/small"):
            toy("strategy=rl", "strategy.hidden=5", "trials=30", "name=small")
    stopped = Run("runs/small")
    assert stopped.state == "stopped"
    assert 0 < len(stopped.trials) < 30
    nasir.resume("runs/small")
    assert list(map(figures, stopped.trials)) == list(map(figures, whole.trials))
    assert stopped.state == "finished"
