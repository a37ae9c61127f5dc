"""Trials as a table of pandas, which is imported only here."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from nasir.core.errors import NasirError
from nasir.core.trial import Trial

if TYPE_CHECKING:
    from pandas import DataFrame


def dataframe(trials: Sequence[Trial]) -> DataFrame:
    """A row for each trial, in the order of their numbers.

    Columns: ``trial``, ``state``, ``stage``, ``fidelity``, ``score``; each metric by its name;
    ``seconds``, ``error``, ``architecture`` (the id), and ``choices.NAME`` for each decision. What
    a trial does not have is missing. Raises :class:`~nasir.core.errors.NasirError` without pandas.
    """
    try:
        import pandas
    except ImportError:
        raise NasirError("a data frame needs pandas: pip install nasir[dataframe]") from None
    return pandas.DataFrame([_row(trial) for trial in trials])


def _row(trial: Trial) -> dict[str, Any]:
    proposal, architecture = trial.proposal, trial.architecture
    return {
        "trial": trial.number,
        "state": trial.state,
        "stage": proposal.stage,
        "fidelity": proposal.fidelity,
        "score": trial.score,
        **trial.metrics,
        "seconds": trial.seconds,
        "error": trial.reason or None,
        "architecture": architecture.id,
        **{f"choices.{name}": option for name, option in architecture.choices.items()},
    }
