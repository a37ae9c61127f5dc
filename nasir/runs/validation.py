"""Checks of what is read from a run: a damaged file may have anything in it."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

from safetensors import SafetensorError

from nasir.core.errors import NasirError
from nasir.core.trial import Curve, Trial
from nasir.settings.overrides import LARGEST

DAMAGE = (
    *(ValueError, LookupError, TypeError, AttributeError, OverflowError, RecursionError),
    *(NasirError, SafetensorError),
)
"""The exceptions that damaged data raises when it is used."""

STATES = ("running", "complete", "failed")

LATEST = 1e11
"""Seconds since the epoch in the year 5138; calendars end not much later."""


def checked_trial(trial: Trial) -> Trial:
    """The trial; raises ValueError for one that no search can have written."""
    proposal = trial.proposal
    finite = [proposal.fidelity, *(f for f in (trial.score,) if f is not None)]
    times = [time for time in (trial.started, trial.seconds) if time is not None]
    texts = [text for text in (trial.worker, trial.error) if text is not None]
    complete = trial.state == "complete"
    wrong = {
        "number": not _is_whole(trial.number),
        "seed": not _is_whole(trial.seed),
        "stage": not isinstance(proposal.stage, str),
        "state": trial.state not in STATES,
        "score": not all(map(is_finite, finite)) or complete == (trial.score is None),
        "metrics": not are_numbers(trial.metrics),
        "figures by picture": not all(map(are_numbers, trial.by_picture.values())),
        "curve": not all(map(_is_curve, trial.curve.values())),
        "stop": trial.stop is not None and not is_finite(trial.stop),
        "time": not all(map(_is_time, times)),
        "worker or error": not all(isinstance(text, str) for text in texts),
    }
    for what, is_wrong in wrong.items():
        if is_wrong:
            raise ValueError(f"the {what} of trial {trial.number!r:.40} cannot be")
    return trial


def checked_progress(progress: Mapping[str, Any]) -> dict[str, Any]:
    """How far a run is; raises ValueError for wrong types. Unknown entries are kept."""
    for key, value in progress.items():
        if key in PROGRESS and not PROGRESS[key](value):
            raise ValueError(f"the run's {key} cannot be {value!r:.40}")
    return dict(progress)


def curves(content: Mapping[str, Any]) -> dict[str, Curve]:
    """Learning curves by picture, from their JSON values."""
    return {picture: tuple((share, psnr) for share, psnr in of) for picture, of in content.items()}


def are_numbers(figures: Any) -> bool:
    """Whether `figures` are numbers by name."""
    return isinstance(figures, dict) and all(map(is_number, figures.values()))


def _is_curve(curve: Curve) -> bool:
    return all(is_finite(share) and is_number(psnr) for share, psnr in curve)


def _is_whole(value: Any) -> bool:
    return type(value) is int


def _is_count(value: Any) -> bool:
    return type(value) is int and value >= 0


def is_number(value: Any) -> bool:
    """Whether `value` is a float, NaN and infinity included, or an int that a float can hold."""
    return type(value) is float or (type(value) is int and abs(value) < LARGEST)


def is_finite(value: Any) -> bool:
    """Whether `value` is a number, and neither NaN nor infinite."""
    return is_number(value) and math.isfinite(value)


def _is_time(value: Any) -> bool:
    return is_finite(value) and abs(value) < LATEST


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


PROGRESS: Mapping[str, Callable[[Any], bool]] = {
    "state": _is_text,
    "reason": _is_text,
    "owner": _is_text,
    "trials": _is_count,
    "time_budget": is_number,
    "seconds": _is_time,
    "asked": _is_count,
    "delivered": _is_count,
    "refused": _is_count,
    "failed_in_a_row": _is_count,
    "recommended": _is_whole,
}
"""The entries of a run's progress with their checks."""
