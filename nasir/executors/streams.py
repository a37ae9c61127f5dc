"""Several evaluations in turn in this process, so that one GPU computes them at once."""

from __future__ import annotations

import logging
import sys
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from contextvars import copy_context
from functools import partial
from threading import Semaphore, Thread
from typing import TYPE_CHECKING, Any

import attrs

from nasir.core.executor import DrivenExecutor, ExecutorFactory
from nasir.core.turns import taking_turns

if TYPE_CHECKING:
    from torch import Generator, Tensor

log = logging.getLogger("nasir")


@attrs.define
class Streams(ExecutorFactory):
    """Evaluates `workers` proposals in turn in this process, each on a stream of its own.

    A fit or training hands over before it waits for the device, every so many steps: a GPU is then
    at work for all of them, also where their architectures differ. What each comes to does not
    depend on the others. On a CPU there is nothing to gain.
    """

    def start(self, workers: int) -> StreamsExecutor:
        import torch

        if torch.cuda.is_available():
            torch.cuda.init()
        elif workers > 1:
            log.info("executor=streams: there is no GPU, so evaluations gain nothing by turns")
        return StreamsExecutor()

    def can_import(self, component: type) -> bool:
        return True


class StreamsExecutor(DrivenExecutor):
    """Each call has a thread, and one thread at a time runs: the next where one hands over."""

    def __init__(self) -> None:
        self._calls: deque[_Call] = deque()
        self._outside: _Borrowed | None = None

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future = _DrivenFuture(self)
        self._calls.append(_Call(future, partial(fn, *args, **kwargs)))
        return future

    def drive(self) -> None:
        while self._calls:
            call = self._calls[0]
            self._outside = _Borrowed.now()
            call.go_on()
            self._put_back()
            if call.future.done():
                self._calls.popleft()
                return
            self._calls.rotate(-1)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """End the calls, after their ends or (to cancel) where they hand over next."""
        while self._calls and not cancel_futures:
            self.drive()
        while self._calls:
            self._calls.popleft().cancel()
        self._put_back()

    def _put_back(self) -> None:
        if self._outside is not None:
            self._outside.put()
            self._outside = None


class _DrivenFuture(Future[Any]):
    def __init__(self, executor: DrivenExecutor) -> None:
        super().__init__()
        self._executor = executor

    def result(self, timeout: float | None = None) -> Any:
        self._wait()
        return super().result(timeout)

    def exception(self, timeout: float | None = None) -> BaseException | None:
        self._wait()
        return super().exception(timeout)

    def _wait(self) -> None:
        while not self.done():
            self._executor.drive()


class _EndedError(BaseException):
    """Ends a call that is not wanted any more."""


class _Call:
    """A call, in a thread that runs from :meth:`go_on` until it hands over or ends."""

    def __init__(self, future: Future[Any], call: Callable[[], Any]) -> None:
        self.future, self._call = future, call
        self._go, self._back = Semaphore(0), Semaphore(0)
        self._runs = self._cancelled = False
        self._own: _Borrowed | None = None
        self._thread = Thread(
            target=copy_context().run, args=(self._run,), name="nasir-turn", daemon=True
        )

    def go_on(self) -> None:
        if self._own is None:
            self._own = _Borrowed.fresh()
            self._thread.start()
        self._own.put()
        self._runs = True
        self._go.release()
        self._back.acquire()
        self._runs = False
        self._own = _Borrowed.now()

    def cancel(self) -> None:
        """End the call where it has handed over, or does so next."""
        self._cancelled = True
        if self._runs:  # Ctrl-C came in the midst of its turn
            self._back.acquire()
        if self._thread.ident is not None and not self.future.done():
            self._go.release()
            self._thread.join()
        self.future.cancel()

    def _run(self) -> None:
        self._go.acquire()
        try:
            with taking_turns(self._hand_over):
                self.future.set_result(self._call())
        except BaseException as error:
            self.future.set_exception(error)
        finally:
            self._back.release()

    def _hand_over(self) -> None:
        self._back.release()
        self._go.acquire()
        if self._cancelled:
            raise _EndedError


@attrs.frozen(eq=False)
class _Borrowed:
    """What evaluations share of a process: stdout, torch's generators, and flags of cuDNN."""

    stdout: Any
    generator: Tensor
    on_gpus: tuple[Generator, ...]
    flags: tuple[bool, bool]

    @classmethod
    def now(cls) -> _Borrowed:
        import torch
        from torch.backends import cudnn

        gpus = torch.cuda.default_generators if torch.cuda.is_initialized() else ()
        states = tuple(gpu.graphsafe_get_state() for gpu in gpus)
        flags = cudnn.deterministic, cudnn.benchmark
        return cls(sys.stdout, torch.get_rng_state(), states, flags)

    @classmethod
    def fresh(cls) -> _Borrowed:
        """As it is now, with generators of GPUs that a CUDA graph of one call alone moves on."""
        import torch

        now = cls.now()
        own = tuple(torch.Generator(gpu.device).set_state(gpu.get_state()) for gpu in now.on_gpus)
        return attrs.evolve(now, on_gpus=own)

    def put(self) -> None:
        import torch
        from torch.backends import cudnn

        sys.stdout = self.stdout
        torch.set_rng_state(self.generator)
        for gpu, state in zip(torch.cuda.default_generators, self.on_gpus, strict=False):
            gpu.graphsafe_set_state(state)
        cudnn.deterministic, cudnn.benchmark = self.flags
