"""Where evaluations run on another machine: a process of their own beside the cluster's."""

from __future__ import annotations

import platform
from pathlib import Path
from tempfile import TemporaryDirectory

from nasir.core.errors import EvaluationError
from nasir.executors.elsewhere import RunFolder
from nasir.executors.luggage import Luggage
from nasir.executors.mirror import Changes, Mirror
from nasir.executors.process import Worker
from nasir.executors.resident import can_be_seen
from nasir.executors.worker import dumped


class Host:
    """Runs one call at a time in a process that has the luggage of the run.

    A crash or a limit ends that process and not this one, so that whoever loses the host knows
    that the evaluation was not to blame.
    """

    def __init__(self, seconds: float | None, mebibytes: int | None) -> None:
        self._limits = seconds, mebibytes
        self._folder: TemporaryDirectory[str] | None = None
        self._worker: Worker | None = None
        self._mirror: Mirror | None = None

    def open(self, luggage: Luggage) -> str | None:
        """Make ready; returns why this machine cannot do it, None where it can."""
        refusal = luggage.refusal()
        if refusal is None and self._limits[1] is not None and not can_be_seen():
            refusal = f"memory_limit={self._limits[1]}: {platform.node()} cannot keep it"
        if refusal is None:
            self._folder = TemporaryDirectory(prefix="nasir-", ignore_cleanup_errors=True)
            folder = Path(self._folder.name)
            unpacked = luggage.lay_out(folder)
            self._mirror = Mirror(unpacked.checkpoints)
            self._worker = Worker(*self._limits, unpacked)
            self._worker.start()
        return refusal

    def sees(self, run: RunFolder) -> bool:
        """Whether this machine sees the folder of a run."""
        return run.is_seen()

    def run(self, call: bytes, changes: Changes | None = None) -> tuple[bytes, Changes]:
        """What came of a pickled call, as a pickled ``(result, error)``.

        `changes` are those of the run's checkpoints, where they are not seen here; what the call
        changed of them comes back.
        """
        try:
            return self._run(call, changes)
        except Exception as error:
            return dumped(error=error), {}

    def end(self) -> None:
        """Kill the process and leave nothing behind."""
        if self._worker is not None:
            self._worker.end()
        if self._folder is not None:
            self._folder.cleanup()

    def _run(self, call: bytes, changes: Changes | None) -> tuple[bytes, Changes]:
        assert self._worker is not None
        assert self._mirror is not None
        if changes is None:
            return self._worker.answer(call), {}
        self._mirror.take(changes)
        try:
            answer = self._worker.answer(call)
        except EvaluationError as error:  # what it has left is gone on from at the next try
            answer = dumped(error=error)
        return answer, self._mirror.changes()
