"""What executors of clusters share: packed calls, and checkpoints sent to and fro."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from importlib.util import find_spec
from typing import Any

import attrs

from nasir.core.errors import SettingsError
from nasir.core.executor import ExecutorFactory
from nasir.core.import_strings import PROGRAM, is_importable
from nasir.executors.checkpoints import RunCheckpoints, write_files
from nasir.executors.cluster_worker import Answer
from nasir.executors.threaded import ThreadedExecutor
from nasir.executors.worker_loop import unpack_answer


class ClusterExecutor(ThreadedExecutor):
    """Sends each call to a worker, with the checkpoints that its machine does not see."""

    def _call(self, fn: Callable[..., Any], args: Any, kwargs: Any) -> Any:
        import cloudpickle

        call, run = cloudpickle.dumps((fn, args, kwargs)), RunCheckpoints.of(args)
        answer = self._evaluate(call, run)
        while run is not None and answer.missing:
            run = run.with_content(answer.missing)
            answer = self._evaluate(call, run)
        if run is not None:
            write_files(run.folder, answer.changes)
        return unpack_answer(answer.result)

    @abstractmethod
    def _evaluate(self, call: bytes, run: RunCheckpoints | None) -> Answer:
        """The answer of any worker; raises ``WorkerDiedError`` if the cluster gives the call up."""


@attrs.define
class ClusterFactory(ExecutorFactory):
    """An executor whose limits each machine of a cluster enforces."""

    _seconds: float | None = attrs.field(init=False, default=None)
    _mebibytes: int | None = attrs.field(init=False, default=None)

    def can_import(self, component: type) -> bool:
        """Classes of a notebook, of a script and of functions are sent by value."""
        sent = component.__module__ == PROGRAM or "<locals>" in component.__qualname__
        return sent or is_importable(component)

    def within(self, seconds: float | None, mebibytes: int | None) -> ClusterFactory:
        """With limits; a machine that cannot enforce them fails the evaluations it is given."""
        self._check()
        limited = attrs.evolve(self)
        limited._seconds, limited._mebibytes = seconds, mebibytes
        return limited

    @abstractmethod
    def _check(self) -> None:
        """Refuse settings that cannot be used, without importing the cluster's library."""


def refuse_missing(module: str, extra: str) -> None:
    """Refuse an executor whose library is not installed; imports nothing."""
    if find_spec(module) is None or find_spec("cloudpickle") is None:
        raise SettingsError(
            f'executor={extra} needs {module}, which is not installed: pip install "nasir[{extra}]"'
        )
