"""The trials of a run and the state of its strategy, in one SQLite file.

What needs numpy imports it itself: runs are often only listed.
"""

from __future__ import annotations

import json
import logging
import sqlite3
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import attrs

from nasir.core.errors import RunFolderError
from nasir.core.failures import FailedAttempt
from nasir.core.strategy import Strategy
from nasir.core.trial import Trial
from nasir.core.trial_store import TrialStore
from nasir.runs.store_files import open_to_read, refuse_gone, refuse_removed
from nasir.runs.store_schema import APPLICATION_ID, COLUMNS, FOREIGN, SCHEMA, VERSION
from nasir.runs.trial_coding import (
    decode_trial,
    encode_trial,
    text_of,
    trial_from_row,
    trial_row,
)
from nasir.runs.validation import DAMAGE, checked_progress

PATIENCE = 600
"""Seconds that a run waits for another program which holds its file."""

log = logging.getLogger("nasir")

ARRAY = "array:"
"""Begins the keys of a strategy's arrays."""


class RunStore(TrialStore):
    """Reads and writes ``run.sqlite``. Open it for writing in one process only.

    Writes happen in :meth:`transaction`; a process killed at any moment leaves the file as it
    was after the last whole transaction.
    """

    _is_new = False
    """Whether its file was made just now."""

    def __init__(self, path: Path, *, write: bool = False) -> None:
        self.path = path
        self._saved_arrays: dict[str, bytes] = {}
        self._token: str | None = None
        self._is_new = write and not path.exists()
        with self._reading():
            self._connection = (
                sqlite3.connect(path, isolation_level=None) if write else open_to_read(path)
            )
            if self._is_new:
                self._connection.executescript(f"BEGIN IMMEDIATE;{SCHEMA}COMMIT;")
            (application,) = self._connection.execute("PRAGMA application_id").fetchone()
            (version,) = self._connection.execute("PRAGMA user_version").fetchone()
            foreign = self._connection.execute(FOREIGN).fetchone()
        self._is_file = path.exists()  # or a memory of SQLite's own
        if application != APPLICATION_ID or foreign is not None:
            self.close()
            self._refuse_removed()
            raise RunFolderError(f"{path} is not the trials of a nasir run")
        if version != VERSION:
            self.close()
            raise RunFolderError(
                f"{path} is of another version of nasir (format {version}, not {VERSION}): "
                "search again, or use the version that made it"
            )
        if write:
            with self._explained():
                self._connection.execute("PRAGMA journal_mode = WAL")
                self._connection.execute("PRAGMA synchronous = NORMAL")

    def __str__(self) -> str:
        return str(self.path)

    def close(self) -> None:
        self._connection.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All writes inside become visible together, or none of them.

        Raises :class:`RunFolderError` if another process has claimed the run since this one.
        """
        with self._explained():
            try:
                self._begin()
                self._refuse_taken_over()
                yield
                self._connection.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                self._saved_arrays.clear()
                raise

    def _begin(self) -> None:
        """Begin to write; waits for other programs that hold the file for a moment, or longer."""
        if self._is_file:
            refuse_gone(self.path)
        end = time.monotonic() + (PATIENCE if self._token else 0)  # before, nothing is lost
        waiting = False
        while True:
            try:
                self._connection.execute("BEGIN IMMEDIATE")
                return
            except sqlite3.OperationalError as error:
                if "locked" not in str(error) or time.monotonic() > end:
                    raise
            if not waiting:
                log.warning("another program holds %s: waiting for it", self.path)
            waiting = True

    def claim(self, token: str, before: str | None) -> None:
        """Let this process alone write from now on; `before` is :attr:`token` as it was seen."""
        with self.transaction():
            if self.token != before:
                raise RunFolderError(f"{self.path.parent} was taken by another process just now")
            self.save_progress(owner=token)
        self._token = token

    def save_trial(self, trial: Trial) -> None:
        row = trial_row(trial)
        places = ", ".join("?" * len(row))
        self._connection.execute(
            f"INSERT OR REPLACE INTO trials ({COLUMNS}) VALUES ({places})", row
        )
        if trial.pictures:
            import numpy as np
            import safetensors.numpy

            # safetensors saves memory in its own order, whatever the strides are
            whole = {n: np.ascontiguousarray(p) for n, p in trial.pictures.items()}
            content = safetensors.numpy.save(whole)
            self._connection.execute(
                "INSERT OR REPLACE INTO pictures VALUES (?, ?)", (trial.number, content)
            )

    def trials(self, start: int = 0) -> list[Trial]:
        with self._reading():
            rows = self._connection.execute(
                f"SELECT {COLUMNS} FROM trials WHERE number >= ? ORDER BY number", (start,)
            )
            return [trial_from_row(row) for row in rows]

    def number_of_trials(self) -> int:
        """How many trials there are."""
        with self._explained(), self._reading():
            return int(self._connection.execute("SELECT COUNT(*) FROM trials").fetchone()[0])

    def save_failed_attempt(self, trial: int, number: int, attempt: FailedAttempt) -> None:
        row = attrs.astuple(attrs.evolve(attempt, error=text_of(attempt.error)))
        self._connection.execute(
            "INSERT OR REPLACE INTO failed_attempts VALUES (?, ?, ?, ?, ?, ?, ?)",
            (trial, number, *row),
        )

    def failed_attempts(self, start: int = 0) -> dict[int, list[FailedAttempt]]:
        with self._reading():
            failed: dict[int, list[FailedAttempt]] = {}
            rows = self._connection.execute(
                "SELECT * FROM failed_attempts WHERE trial >= ? ORDER BY trial, number", (start,)
            )
            for trial, _, *row in rows:
                failed.setdefault(trial, []).append(FailedAttempt(*row))
            return failed

    def pictures(self, number: int) -> dict[str, Any]:
        import safetensors.numpy

        with self._reading():
            rows = self._connection.execute(
                "SELECT content FROM pictures WHERE trial = ?", (number,)
            )
            kept = [item for (row,) in rows for item in safetensors.numpy.load(row).items()]
            return dict(sorted(kept))

    def drop_pictures(self, number: int) -> None:
        self._connection.execute("DELETE FROM pictures WHERE trial = ?", (number,))

    def save_final_evaluation(self, name: str, split: str, trial: Trial) -> None:
        """Write the final evaluation of the architecture called `name` on a split."""
        row = (name, split, json.dumps(encode_trial(trial)))
        self._connection.execute("INSERT OR REPLACE INTO final_evaluations VALUES (?, ?, ?)", row)

    def drop_final_evaluations(self, name: str | None = None) -> None:
        """Delete the final evaluations of the architecture called `name`; of all, if None."""
        self._connection.execute(
            "DELETE FROM final_evaluations WHERE ?1 IS NULL OR name = ?1", (name,)
        )

    def final_evaluations(self) -> dict[tuple[str, str], Trial]:
        """The evaluations at the end of the run by name and split, in the order they were made."""
        with self._reading():
            rows = self._connection.execute(
                "SELECT name, split, trial FROM final_evaluations ORDER BY rowid"
            )
            trials = {(name, split): decode_trial(json.loads(row)) for name, split, row in rows}
            if not all(isinstance(part, str) for key in trials for part in key):
                raise ValueError("a final evaluation has no name")
            return trials

    def save_strategy(self, strategy: Strategy) -> None:
        """Write the state of a strategy; arrays that have not changed are not written again."""
        from nasir.runs import state_coding
        from nasir.runs.strategy_state import encoded

        plain, arrays = encoded(strategy)
        changed = {k: data for k, data in arrays.items() if self._saved_arrays.get(k) != data}
        rows = [("state", plain), *((f"{ARRAY}{key}", data) for key, data in changed.items())]
        rows += state_coding.checksums(rows)
        self._connection.executemany("INSERT OR REPLACE INTO strategy VALUES (?, ?)", rows)
        self._saved_arrays.update(changed)

    def strategy_state(self) -> dict[str, Any] | None:
        from nasir.runs import state_coding

        with self._reading():
            rows = dict(self._connection.execute("SELECT key, value FROM strategy"))
            if "state" not in rows:
                return None
            state_coding.check_sums(rows)
            arrays = {k.removeprefix(ARRAY): v for k, v in rows.items() if k.startswith(ARRAY)}
            return state_coding.decode(rows["state"], arrays)

    def save_progress(self, **values: Any) -> None:
        rows = [(key, json.dumps(value)) for key, value in values.items()]
        self._connection.executemany("INSERT OR REPLACE INTO progress VALUES (?, ?)", rows)

    def progress(self) -> dict[str, Any]:
        with self._reading():
            rows: Iterable[tuple[str, str]] = self._connection.execute("SELECT * FROM progress")
            return checked_progress({key: json.loads(value) for key, value in rows})

    @property
    def token(self) -> str | None:
        """The token of the run's owner, or of its last one."""
        return self.progress().get("owner")

    def _refuse_taken_over(self) -> None:
        if self._token is not None and self.token != self._token:
            raise RunFolderError(
                f"{self.path.parent} was taken over by another process; this one writes no more"
            )

    @contextmanager
    def _explained(self) -> Iterator[None]:
        """Turn errors of SQLite into one line that says what to do."""
        try:
            yield
        except sqlite3.OperationalError as error:
            self._refuse_removed()
            if str(error).startswith(("no such", "Could not decode")):
                raise RunFolderError(f"{self.path} is damaged: {error}") from None
            if "locked" in str(error):
                raise RunFolderError(
                    f"{self.path} is being written by another process: wait for it, or end it"
                ) from None
            raise RunFolderError(
                f"cannot use {self.path}: {error}; make room or give write permission, "
                f"then continue with: nasir resume {self.path.parent}"
            ) from None
        except sqlite3.DatabaseError as error:
            self._refuse_removed()
            raise RunFolderError(f"{self.path} is damaged: {error}") from None

    def _refuse_removed(self) -> None:
        if not self._is_new:
            refuse_removed(self.path)

    @contextmanager
    def _reading(self) -> Iterator[None]:
        """Like :meth:`_explained`; content that cannot be right is damage, too."""
        with self._explained():
            try:
                yield
            except DAMAGE as error:
                raise RunFolderError(f"{self.path} is damaged: {error}") from None
