"""Actors of a Ray cluster that evaluate, replaced where they are lost."""

from __future__ import annotations

import logging
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from queue import SimpleQueue
from threading import Event, Lock
from typing import Any

import attrs

from nasir.core.errors import EvaluationError
from nasir.core.failures import WorkerDiedError
from nasir.executors.elsewhere import RunFolder
from nasir.executors.mirror import Mirror

MOST_FAILED = 3
"""Actors in a row that could not be started, after which evaluations fail of it."""

log = logging.getLogger("nasir")


class HostLostError(Exception):
    """An actor is gone, with its node or alone; what it ran is not to blame."""


@attrs.define(eq=False)
class RayHost:
    """An actor, and what this process knows of it."""

    actor: Any
    opened: Any
    _run: RunFolder | None = attrs.field(init=False, default=None)
    _mirror: Mirror | None = attrs.field(init=False, default=None)

    def answer(self, call: bytes, run: RunFolder | None) -> bytes:
        """What came of a pickled call that belongs to a run; raises :class:`HostLostError`."""
        if run != self._run:
            self._run = run
            unseen = run is not None and not self._got(self.actor.sees.remote(run))
            self._mirror = Mirror(run.path / "checkpoints") if run is not None and unseen else None
        if self._mirror is None:
            return bytes(self._got(self.actor.run.remote(call))[0])
        answer, changes = self._got(self.actor.run.remote(call, self._mirror.changes()))
        self._mirror.take(changes)
        return bytes(answer)

    def kill(self) -> None:
        """End it, whatever it does."""
        import ray

        with suppress(Exception):  # it may be gone, and the cluster too
            ray.kill(self.actor)

    def _got(self, reference: Any) -> Any:
        import ray
        from ray.exceptions import RayError, RayTaskError

        try:
            return ray.get(reference)
        except RayTaskError:
            raise
        except RayError as error:
            raise HostLostError(_last_line(error)) from None


class RayHosts:
    """So many hosts; those that are ready are taken in the order in which they become so.

    `start` begins an actor, which waits in the cluster for room: nodes that join are used. A node
    that cannot evaluate keeps its actor, so that the next comes elsewhere.
    """

    def __init__(self, count: int, start: Callable[[], RayHost]) -> None:
        self._start = start
        self._ready: SimpleQueue[RayHost | str | None] = SimpleQueue()
        self._all: list[RayHost] = []
        self._failed = 0
        self._trouble: str | None = None
        self._ended = False
        self._lock = Lock()
        self._heard = Event()
        self._listener = ThreadPoolExecutor(1, thread_name_prefix="nasir-ray-hosts")
        for _ in range(count):
            self._add()

    def first(self, seconds: float) -> str | None:
        """Wait so long for the first host; returns why none could be started, if none could."""
        self._heard.wait(seconds)
        return self._trouble if self._heard.is_set() else None

    def take(self) -> RayHost:
        """A host that is free; waits for one."""
        host = self._ready.get()
        if isinstance(host, RayHost):
            return host
        if host is None:
            self._ready.put(None)
            raise EvaluationError("the executor was shut down")
        self._add()
        raise WorkerDiedError(host)

    def give_back(self, host: RayHost) -> None:
        """Let another call have it."""
        self._ready.put(host)

    def replace(self, host: RayHost) -> None:
        """Start another in place of one that was lost."""
        self._forget(host)
        self._add()

    def end(self) -> None:
        """Kill all hosts; calls that run there end with an error."""
        with self._lock:
            self._ended = True
            hosts, self._all = self._all, []
        self._ready.put(None)
        for host in hosts:
            host.kill()
        self._listener.shutdown(wait=False, cancel_futures=True)

    def _add(self) -> None:
        with self._lock:
            if self._ended:
                return
            host = self._start()
            self._all.append(host)
        # what calls back is a thread of Ray's own, where nothing may be asked of Ray
        host.opened.future().add_done_callback(partial(self._listen, host))

    def _listen(self, host: RayHost, opened: Future[str | None]) -> None:
        with suppress(RuntimeError):  # shut down
            self._listener.submit(self._opened, host, opened)

    def _opened(self, host: RayHost, opened: Future[str | None]) -> None:
        error = opened.exception()
        trouble = opened.result() if error is None else _last_line(error)
        if trouble is None:
            self._failed, self._trouble = 0, None
            self._ready.put(host)
            self._heard.set()
            return
        self._failed += 1
        self._trouble = trouble
        if self._ended:
            return
        log.warning("a worker could not be started: %s", trouble)
        if error is not None:
            self._forget(host)
        if self._failed >= MOST_FAILED:
            self._ready.put(trouble)
        else:
            self._add()
        if error is None or self._failed >= MOST_FAILED:
            self._heard.set()

    def _forget(self, host: RayHost) -> None:
        with self._lock:
            if host in self._all:
                self._all.remove(host)
        host.kill()


def _last_line(error: BaseException) -> str:
    """The cause in what Ray says, which may be a whole traceback."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[-1] if lines else type(error).__name__
