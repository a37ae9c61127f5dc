"""The worker of a run on a machine of a cluster: a process beside the cluster's own."""

from __future__ import annotations

import pickle
import platform
from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import attrs

from nasir.core.errors import EvaluationError
from nasir.core.evaluator import Problem
from nasir.executors.checkpoints import Files, RunCheckpoints, changed_files, read_versions
from nasir.executors.environment import WorkerEnvironment
from nasir.executors.worker_loop import pack_answer
from nasir.executors.worker_process import WorkerProcess, can_limit_memory


@attrs.frozen
class Answer:
    """A pickled ``(result, error)`` and the changes of checkpoints.

    Or, without a result, the checkpoints that the worker must be sent before it can evaluate.
    """

    result: bytes = b""
    changes: Files = attrs.field(factory=dict)
    missing: Sequence[str] = ()


class ClusterWorker:
    """Runs one call at a time in a process that has the environment of the run.

    A crash or a limit ends that process and not this one. If this one is lost, the evaluation
    was therefore not the cause.
    """

    def __init__(
        self, environment: WorkerEnvironment, seconds: float | None, mebibytes: int | None
    ) -> None:
        self._folder = TemporaryDirectory(prefix="nasir-", ignore_cleanup_errors=True)
        folder = Path(self._folder.name)
        self._checkpoints = folder / "checkpoints"
        environment.write(folder)
        self._process = WorkerProcess(seconds, mebibytes, folder)
        self._refusal = environment.refusal()
        if mebibytes is not None and not can_limit_memory():
            self._refusal = f"memory_limit={mebibytes}: {platform.node()} cannot keep it"

    def open(self) -> str | None:
        """Start the process; returns why this machine cannot evaluate, None if it can."""
        if self._refusal is None:
            self._process.start()
        return self._refusal

    def run(self, call: bytes, run: RunCheckpoints | None = None) -> Answer:
        """The answer to a pickled call, which may belong to a run with checkpoints."""
        try:
            if self._refusal is not None:
                raise EvaluationError(self._refusal)
            if run is None or run.is_seen():
                return Answer(self._process.answer(call))
            return self._run_with_copies(call, run)
        except Exception as error:
            return Answer(pack_answer(error=error))

    def end(self) -> None:
        """Kill the process and remove all its files."""
        self._process.end()
        self._folder.cleanup()

    def _run_with_copies(self, call: bytes, run: RunCheckpoints) -> Answer:
        missing = run.update(self._checkpoints)
        if missing:
            return Answer(missing=missing)
        before = read_versions(self._checkpoints)
        call = pickle.dumps((_call_with_checkpoints, (self._checkpoints, _Pickled(call)), {}))
        try:
            result = self._process.answer(call)
        except EvaluationError as error:  # the next try continues from what this one has written
            result = pack_answer(error=error)
        return Answer(result, changed_files(self._checkpoints, before))


@attrs.frozen
class _Pickled:
    """Pickled bytes that are loaded together with what contains them."""

    content: bytes

    def __reduce__(self) -> tuple[Any, ...]:
        return pickle.loads, (self.content,)


def _call_with_checkpoints(folder: Path, call: tuple[Callable[..., Any], Any, Any]) -> Any:
    """The result of a call, with `folder` for the checkpoints of the problem in its arguments."""
    function, arguments, keywords = call
    placed = [
        attrs.evolve(one, checkpoints=folder) if isinstance(one, Problem) else one
        for one in arguments
    ]
    return function(*placed, **keywords)
