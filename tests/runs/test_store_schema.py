"""What a stored run is made of; one of another version of nasir is refused in one line."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from typing import Any

import pytest

import nasir
from nasir.cli.main import main
from nasir.core.errors import RunFolderError
from nasir.runs.run import Run
from nasir.runs.store_schema import VERSION

FIRST = """
PRAGMA application_id = 1851880306;
CREATE TABLE trials (
    number INTEGER PRIMARY KEY, stage TEXT NOT NULL, fidelity REAL NOT NULL,
    architecture TEXT NOT NULL, architecture_id TEXT NOT NULL, state TEXT NOT NULL,
    score REAL, metrics TEXT NOT NULL, seed INTEGER NOT NULL,
    started REAL, seconds REAL, worker TEXT, error TEXT
);
CREATE TABLE finals (name TEXT, split TEXT, trial TEXT NOT NULL, PRIMARY KEY (name, split));
CREATE TABLE strategy (key TEXT PRIMARY KEY, value BLOB NOT NULL);
CREATE TABLE progress (key TEXT PRIMARY KEY, value TEXT NOT NULL);
"""
"""The file of the first version."""


def first(run: Run) -> None:
    """Make the store one of the first version."""
    for file in run.folder.glob("run.sqlite*"):
        file.unlink()
    execute(run, FIRST)


def later(run: Run) -> None:
    """Make the store one of a later version."""
    execute(run, f"PRAGMA user_version = {VERSION + 1}")


def execute(run: Run, script: str) -> None:
    connection = sqlite3.connect(run.folder / "run.sqlite")
    connection.executescript(script)
    connection.close()


@pytest.mark.parametrize("change", [first, later])
def test_a_run_of_another_version_is_refused_in_one_line(
    toy: Callable[..., Run], capsys: Any, change: Callable[[Run], None]
):
    run = toy("trials=2")
    change(run)
    before = (run.folder / "run.sqlite").read_bytes()
    for command in ("show", "watch", "resume"):
        assert main([command, str(run.folder)]) == 2
        (line,) = capsys.readouterr().err.splitlines()
        assert "another version of nasir" in line
        assert "search again" in line
    with pytest.raises(RunFolderError, match="another version"):
        nasir.resume(run.folder)
    assert (run.folder / "run.sqlite").read_bytes() == before


def test_a_stored_run_has_these_tables_and_columns(toy: Callable[..., Run]):
    run = toy("trials=2")
    connection = sqlite3.connect(run.folder / "run.sqlite")
    tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_master") if name]
    found = {
        table: " ".join(row[1] for row in connection.execute(f"PRAGMA table_info({table})"))
        for table in tables
        if not table.startswith("sqlite_")
    }
    connection.close()
    assert found == {
        "trials": "number stage fidelity architecture architecture_id state score metrics "
        "by_picture curve stop seed started seconds worker error",
        "final_evaluations": "name split trial",
        "failed_attempts": "trial number failure started seconds worker error",
        "pictures": "trial content",
        "strategy": "key value",
        "progress": "key value",
    }
