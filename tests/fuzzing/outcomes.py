"""One case: what is tried, and whether what came of it may be."""

from __future__ import annotations

import io
import re
import resource
import signal
import traceback
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path
from types import FrameType

import attrs

from fuzzing.guard import Forbidden, guarded
from nasir.core.errors import NasirError

SECONDS = 20.0
"""Of processor time, after which a case counts as one that hangs."""

MEMORY = 600
"""MiB that a case may add to the most that the process ever had."""

MOST_LINES = 12
"""On standard error, of a case that succeeded."""

LONGEST_LINE = 5000

PROGRESS = re.compile(r"\w+: +\d+/\d+|\d+/\d+  ")
"""A line about work in progress: one for a picture, and one every few seconds."""

OUR_CLASSES = re.compile(
    r"\b(Alternatives|Override|Request|Trial|Proposal|Architecture)\(|\b(Run|Restore|\w+)Settings\b"
)
"""Names that mean nothing to a user."""

REFUSED = 2

REFUSAL = re.compile(r"nasir: [^\n]+\n|(\d+/\d+  [^\n]+\n)+")
"""One line; of several pictures, one for each."""


@attrs.frozen
class Case:
    """Something to try: a `label` for the count, what was `given` in words, and the `action`.

    The action returns an exit code (None: all is well) or raises. What it reads is made by
    `prepare`, which is not part of the case; `memory` are the MiB that it may take.
    """

    label: str
    given: str
    action: Callable[[], int | None]
    prepare: Callable[[], object] = lambda: None
    memory: float = MEMORY


@attrs.frozen
class Outcome:
    """How a case ended: ``well``, ``refused``, ``failed`` (1 or 130), or ``wrong``: a defect."""

    kind: str
    stderr: str = ""
    defect: str | None = None


class Hang(BaseException):
    """A case took too long."""


def outcome_of(case: Case, *folders: Path, seconds: float = SECONDS) -> Outcome:
    """Try a case, which may write in `folders` alone."""
    case.prepare()
    said, stderr = io.TextIOWrapper(io.BytesIO(), "utf-8"), io.StringIO()
    before = _most_memory()
    try:
        with (
            warnings.catch_warnings(record=True) as warned,
            redirect_stdout(said),
            redirect_stderr(stderr),
            guarded(*folders) as found,
            _limited(seconds),
        ):
            warnings.simplefilter("always")
            code = case.action() or 0
    except NasirError as error:
        code = REFUSED
        stderr.write(f"nasir: {' '.join(str(error).split())}\n")
    except Hang:
        return Outcome("wrong", "", f"longer than {seconds:g} s of processor time")
    except Forbidden as error:
        return Outcome("wrong", "", f"forbidden: {error}")
    except BaseException as error:
        if isinstance(error, KeyboardInterrupt):
            raise
        return Outcome("wrong", "", "".join(traceback.format_exception(error, limit=-6)))
    grown = _most_memory() - before
    if grown > case.memory:
        return Outcome("wrong", "", f"{grown:.0f} MiB more memory")
    return _of_code(code, stderr.getvalue(), [str(w.message) for w in warned], found)


def _of_code(code: int, stderr: str, warned: list[str], found: list[str]) -> Outcome:
    defect = None
    lines = [line for line in stderr.splitlines() if not PROGRESS.match(line)]
    if found:
        defect = f"forbidden: {found}"
    elif warned:
        defect = f"warnings: {warned[:3]}"
    elif "Traceback" in stderr:
        defect = f"a traceback was printed: {stderr}"
    elif code == REFUSED and not REFUSAL.fullmatch(stderr):
        defect = f"the refusal is not one line: {stderr!r}"
    elif code not in (0, 1, REFUSED, 130):
        defect = f"exit code {code}"
    elif len(lines) > MOST_LINES:
        defect = f"{len(lines)} lines on standard error: {stderr[:500]}"
    elif OUR_CLASSES.search(stderr) or any(len(line) > LONGEST_LINE for line in lines):
        defect = (
            f"a class of nasir's or a line of {max(map(len, lines))} characters: {stderr[:500]}"
        )
    if defect is not None:
        return Outcome("wrong", stderr, defect)
    return Outcome({0: "well", REFUSED: "refused"}.get(code, "failed"), stderr)


def _most_memory() -> float:
    """MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


@contextmanager
def _limited(seconds: float) -> Iterator[None]:
    """End what takes longer; by processor time, which other processes' work does not lengthen."""

    def end(number: int, frame: FrameType | None) -> None:
        raise Hang

    before = signal.signal(signal.SIGPROF, end)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)
