"""Evaluations one after another in this process."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor, Future
from typing import Any

import attrs

from nasir.core.executor import ExecutorFactory


class InlineExecutor(Executor):
    """Runs a call when it is submitted, and returns when it is done."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as error:
            future.set_exception(error)
        return future


@attrs.define
class Inline(ExecutorFactory):
    """Evaluates in this process: nothing to set up, one evaluation at a time."""

    def start(self, workers: int) -> InlineExecutor:
        return InlineExecutor()
