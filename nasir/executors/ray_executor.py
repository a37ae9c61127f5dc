"""Workers on the machines of a Ray cluster, replaced if they are lost."""

from __future__ import annotations

import logging
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from queue import Empty, SimpleQueue
from threading import Lock
from typing import Any

from nasir.core.errors import EvaluationError
from nasir.core.failures import WorkerDiedError
from nasir.executors.checkpoints import RunCheckpoints
from nasir.executors.cluster_executor import ClusterExecutor
from nasir.executors.cluster_worker import Answer

MAX_FAILED_STARTS = 3
"""Workers in a row that could not be started, after which an evaluation fails for that."""

log = logging.getLogger("nasir")


class RayExecutor(ClusterExecutor):
    """Evaluates in actors of Ray, each of which has a :class:`ClusterWorker`.

    `start_actor` starts one, which waits in the cluster for room: nodes that join are used. An
    evaluation whose actor is lost begins anew in another, up to `moves` times. `leave` is called
    after the shutdown.
    """

    def __init__(
        self, workers: int, start_actor: Callable[[], Any], moves: int, leave: Callable[[], None]
    ) -> None:
        super().__init__(workers)
        self._start_actor = start_actor
        self._moves = moves
        self._leave = leave
        self._opened: SimpleQueue[tuple[Any, Future[str | None]] | None] = SimpleQueue()
        self._actors: list[Any] = []
        self._failed_starts = 0
        self._is_first = True
        self._ended = False
        self._lock = Lock()
        for _ in range(workers):
            self._add()

    def wait_for_first(self, seconds: float) -> None:
        """Wait so long for the first worker; ``WorkerDiedError`` if no machine can evaluate."""
        with suppress(Empty):  # no node has room so far
            self._opened.put((self._take(seconds), _READY))

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """End the workers, after their calls or (to cancel) at once, and leave the cluster."""
        super().shutdown(wait, cancel_futures=cancel_futures)
        self._leave()

    def _evaluate(self, call: bytes, run: RunCheckpoints | None) -> Answer:
        import ray
        from ray.exceptions import RayError, RayTaskError

        for _ in range(self._moves + 1):
            actor = self._take()
            try:
                answer: Answer = ray.get(actor.run.remote(call, run))
            except RayTaskError:
                self._replace(actor)
                raise
            except RayError as error:
                if self._ended:
                    raise EvaluationError("the executor was shut down") from None
                log.warning("a worker was lost with its evaluation: %s", _last_line(error))
                self._replace(actor)
                continue
            self._opened.put((actor, _READY))
            return answer
        raise WorkerDiedError(f"{self._moves + 1} workers were lost with this evaluation")

    def _take(self, seconds: float | None = None) -> Any:
        """An actor that is free; waits for one."""
        while True:
            opened = self._opened.get(timeout=seconds)
            if opened is None:
                self._opened.put(None)
                raise EvaluationError("the executor was shut down")
            actor, future = opened
            error = future.exception()
            reason = future.result() if error is None else _last_line(error)
            if reason is None:
                self._failed_starts, self._is_first = 0, False
                return actor
            log.warning("a worker could not be started: %s", reason)
            self._failed_starts += 1
            if error is not None:
                self._replace(actor)
            else:  # it keeps the room of a machine that cannot evaluate, so that the next avoids it
                self._add()
            if self._failed_starts >= MAX_FAILED_STARTS or (error is None and self._is_first):
                raise WorkerDiedError(reason)

    def _add(self) -> None:
        with self._lock:
            if self._ended:
                return
            actor = self._start_actor()
            self._actors.append(actor)
        # the callback runs in a thread of Ray's own, which must not call Ray
        opened = actor.open.remote().future()
        opened.add_done_callback(lambda done: self._opened.put((actor, done)))

    def _replace(self, actor: Any) -> None:
        with self._lock:
            if actor in self._actors:
                self._actors.remove(actor)
        _kill(actor)
        self._add()

    def _end_workers(self) -> None:
        with self._lock:
            self._ended = True
            actors, self._actors = self._actors, []
        self._opened.put(None)
        for actor in actors:
            _kill(actor)


_READY: Future[str | None] = Future()
_READY.set_result(None)


def _kill(actor: Any) -> None:
    import ray

    with suppress(Exception):  # it may be gone, and the cluster too
        ray.kill(actor)


def _last_line(error: BaseException) -> str:
    """The cause in a message of Ray, which may be a whole traceback."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[-1] if lines else type(error).__name__
