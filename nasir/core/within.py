"""Values of context variables for a while."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TypeVar

T = TypeVar("T")


@contextmanager
def within(variable: ContextVar[T], value: T) -> Iterator[None]:
    """Let `variable` be `value`, and afterwards what it was."""
    token = variable.set(value)
    try:
        yield
    finally:
        variable.reset(token)
