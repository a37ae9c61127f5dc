"""The tables of ``run.sqlite``."""

from __future__ import annotations

APPLICATION_ID = 0x6E617372  # "nasr"

VERSION = 2
"""Version of the tables: SQLite's ``user_version``, which is 0 in runs of earlier versions."""

FOREIGN = "SELECT name FROM sqlite_master WHERE type IN ('view', 'trigger')"
"""Not in any run: reading a view may never end, and a trigger changes what is written."""

SCHEMA = f"""
PRAGMA application_id = {APPLICATION_ID};
PRAGMA user_version = {VERSION};
CREATE TABLE trials (
    number INTEGER PRIMARY KEY, stage TEXT NOT NULL, fidelity REAL NOT NULL,
    architecture TEXT NOT NULL, architecture_id TEXT NOT NULL, state TEXT NOT NULL,
    score REAL, metrics TEXT NOT NULL, by_picture TEXT NOT NULL, curve TEXT NOT NULL, stop REAL,
    seed INTEGER NOT NULL, started REAL, seconds REAL, worker TEXT, error TEXT
);
CREATE TABLE failed_attempts (
    trial INTEGER, number INTEGER, failure TEXT NOT NULL,
    started REAL, seconds REAL, worker TEXT, error TEXT, PRIMARY KEY (trial, number)
) WITHOUT ROWID;
CREATE TABLE pictures (trial INTEGER PRIMARY KEY, content BLOB NOT NULL);
CREATE TABLE final_evaluations (
    name TEXT, split TEXT, trial TEXT NOT NULL, PRIMARY KEY (name, split)
);
CREATE TABLE strategy (key TEXT PRIMARY KEY, value BLOB NOT NULL);
CREATE TABLE progress (key TEXT PRIMARY KEY, value TEXT NOT NULL);
"""

COLUMNS = (
    "number, stage, fidelity, architecture, architecture_id, state, score, metrics, "
    "by_picture, curve, stop, seed, started, seconds, worker, error"
)
