"""The tables of ``run.sqlite``."""

from __future__ import annotations

APPLICATION_ID = 0x6E617372  # "nasr"

FOREIGN = "SELECT name FROM sqlite_master WHERE type IN ('view', 'trigger')"
"""What no run has: a view may go on for ever, a trigger change what is written."""

SCHEMA = f"""
PRAGMA application_id = {APPLICATION_ID};
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

PICTURES = "CREATE TABLE IF NOT EXISTS pictures (trial INTEGER PRIMARY KEY, content BLOB NOT NULL)"
"""Apart from the rest, which runs of the first version have alone."""

TRIES = """CREATE TABLE IF NOT EXISTS tries (
    trial INTEGER, number INTEGER, failure TEXT NOT NULL,
    started REAL, seconds REAL, worker TEXT, error TEXT, PRIMARY KEY (trial, number)
) WITHOUT ROWID"""
"""What failed before a trial was tried again; in runs of the second version and later."""

COLUMNS = (
    "number, stage, fidelity, architecture, architecture_id, state, score, metrics, seed, "
    "started, seconds, worker, error"
)
