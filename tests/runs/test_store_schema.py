"""Runs that were stored before there were tries and holders, and what a stored run is made of."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from toy_plugin import figures

import nasir
from nasir.cli.main import main
from nasir.runs.run import Run
from nasir.runs.store import RunStore

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
"""As the first version made the file."""

PICTURES = "CREATE TABLE pictures (trial INTEGER PRIMARY KEY, content BLOB NOT NULL);"
"""Which runs had from when strategies could look at pictures."""

LATER_PROGRESS = ("holder", "failed_in_a_row", "reason")

LATER_SETTINGS = (
    *("tries", "retry_errors", "time_limit", "memory_limit", "stop_after"),
    "tensorboard",
)


def made_old(run: Run, schema: str) -> None:
    """Store the run as an earlier version would have."""
    path = run.folder / "run.sqlite"
    new = sqlite3.connect(path)
    rows = {
        table: new.execute(f"SELECT * FROM {table}").fetchall()
        for table in ("trials", "finals", "strategy", "progress")
    }
    new.close()
    for file in run.folder.glob("run.sqlite*"):
        file.unlink()
    old = sqlite3.connect(path)
    old.executescript(schema)
    for table, content in rows.items():
        kept = [row for row in content if table != "progress" or row[0] not in LATER_PROGRESS]
        places = ", ".join("?" * len(kept[0]))
        old.executemany(f"INSERT INTO {table} VALUES ({places})", kept)
    old.commit()
    old.close()
    settings = run.folder / "settings.toml"
    lines = settings.read_text(encoding="utf-8").splitlines(keepends=True)
    kept_lines = [line for line in lines if line.partition(" ")[0] not in LATER_SETTINGS]
    assert len(kept_lines) < len(lines)
    settings.write_text("".join(kept_lines), encoding="utf-8")


def columns(path: Path) -> dict[str, list[str]]:
    connection = sqlite3.connect(path)
    tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_master") if name]
    found = {
        table: [row[1] for row in connection.execute(f"PRAGMA table_info({table})")]
        for table in tables
        if not table.startswith("sqlite_")
    }
    connection.close()
    return found


def test_a_run_of_each_earlier_version_is_read_shown_and_gone_on_with(toy, capsys):
    whole = [figures(trial) for trial in toy("trials=5", "name=whole").trials]
    for schema in (FIRST, FIRST + PICTURES):
        run = toy("trials=2", f"name=old-{len(schema)}")
        made_old(run, schema)
        assert [figures(trial) for trial in run.trials] == whole[:2]
        assert run.failed_tries == {}
        assert run.state == "finished"
        assert run.reason is None
        assert main(["show", str(run.folder)]) == 0
        assert "finished" in capsys.readouterr().out
        assert main(["watch", str(run.folder)]) == 0
        assert "tries" not in columns(run.folder / "run.sqlite")  # looking at it changed nothing
        assert nasir.resume(run.folder, trials=5).state == "finished"
        assert [figures(trial) for trial in run.trials] == whole


def test_what_is_stored_is_what_later_versions_will_have_to_read(tmp_path: Path):
    path = tmp_path / "run.sqlite"
    RunStore(path, write=True).close()
    first = sqlite3.connect(tmp_path / "first.sqlite")
    first.executescript(FIRST + PICTURES)
    first.close()
    tries = ["trial", "number", "failure", "started", "seconds", "worker", "error"]
    assert columns(path) == columns(tmp_path / "first.sqlite") | {"tries": tries}
