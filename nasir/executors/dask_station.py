"""What a Dask worker keeps for a run: the hosts that evaluate."""

from __future__ import annotations

import weakref
from threading import Lock

from nasir.core.errors import EvaluationError
from nasir.executors.host import Host
from nasir.executors.luggage import Luggage
from nasir.executors.worker import dumped

_here: weakref.WeakValueDictionary[str, Station] = weakref.WeakValueDictionary()
"""The stations of this process, by their runs."""


class Station:
    """The hosts of one run in one Dask worker, as many as it evaluates at a time.

    Dask keeps it as it keeps any result: copies go from worker to worker without their hosts, and
    when nobody wants it any more, for the process of the run is gone, its hosts end.
    """

    def __init__(
        self, run: str, luggage: Luggage, seconds: float | None, mebibytes: int | None
    ) -> None:
        self._given = run, luggage, seconds, mebibytes
        self._free: list[Host] = []
        self._all: list[Host] = []
        self._ended = False
        self._lock = Lock()

    def __reduce__(self) -> tuple[object, ...]:
        return Station, self._given

    def __del__(self) -> None:
        self.end()

    def answer(self, call: bytes) -> bytes:
        """What came of a pickled call, as a pickled ``(result, error)``."""
        _here[self._given[0]] = self
        try:
            host = self._taken()
        except EvaluationError as error:
            return dumped(error=error)
        answer, _ = host.run(call)
        with self._lock:
            self._free.append(host)
        return answer

    def end(self) -> None:
        """Kill all hosts; calls that run there end with an error."""
        with self._lock:
            self._ended = True
            hosts, self._all, self._free = self._all, [], []
        for host in hosts:
            host.end()

    def _taken(self) -> Host:
        """A host that is free, or a new one; refused where this machine cannot evaluate."""
        _, luggage, seconds, mebibytes = self._given
        with self._lock:
            if self._ended:
                raise EvaluationError("the executor was shut down")
            if self._free:
                return self._free.pop()
            host = Host(seconds, mebibytes)
            refusal = host.open(luggage)
            if refusal is not None:
                raise EvaluationError(refusal)
            self._all.append(host)
        return host


def answer(station: Station, call: bytes) -> bytes:
    """What came of a call at a station; what Dask runs."""
    return station.answer(call)


def end(run: str) -> None:
    """End the station of a run in this process, if it has one."""
    station = _here.get(run)
    if station is not None:
        station.end()
