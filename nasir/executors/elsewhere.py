"""Evaluations on machines that may not see the run's folder."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import attrs

from nasir.core.evaluator import Problem
from nasir.runs.heartbeat import read_holder


@attrs.frozen
class RunFolder:
    """The folder of a run, by its path and the sign of the process that writes it now."""

    path: Path
    token: str | None

    def is_seen(self) -> bool:
        """Whether this machine sees that very folder: on a disk that is shared, or its own."""
        return self.token is not None and _token(self.path) == self.token


def run_folder(arguments: Sequence[Any]) -> RunFolder | None:
    """The run that a call's problem is of; None where it is of none."""
    for argument in arguments:
        if isinstance(argument, Problem) and argument.checkpoints is not None:
            folder = argument.checkpoints.parent
            return RunFolder(folder, _token(folder))
    return None


def packed_call(function: Callable[..., Any], arguments: Sequence[Any], keywords: Any) -> bytes:
    """A call that another machine can read; what is the program's own is in it as it is."""
    import cloudpickle

    packed: bytes = cloudpickle.dumps(
        (called_here, (function, arguments, keywords, run_folder(arguments)), {})
    )
    return packed


def called_here(
    function: Callable[..., Any], arguments: Sequence[Any], keywords: Any, run: RunFolder | None
) -> Any:
    """What the call returns here, with its checkpoints in a place that this machine has."""
    if run is not None and not run.is_seen():
        arguments = [_placed(argument) for argument in arguments]
    return function(*arguments, **keywords)


def _placed(argument: Any) -> Any:
    if not isinstance(argument, Problem):
        return argument
    return attrs.evolve(argument, checkpoints=_own[0] if _own else None)


def keep_checkpoints(folder: Path) -> None:
    """Let this process keep checkpoints in `folder` where it does not see the run's."""
    _own[:] = [folder]


_own: list[Path] = []


def _token(folder: Path) -> str | None:
    holder = read_holder(folder)
    return None if holder is None else holder.token
