"""The result of a run as JSON values."""

from __future__ import annotations

from collections import Counter
from typing import Any

from nasir.core.errors import NasirError
from nasir.core.trial import FOUND, Trial, best_of
from nasir.runs.inputs import changes, recorded
from nasir.runs.run import Run

DEGRADED = "degraded_"
"""Begins the names of the degraded picture's own metrics."""


def summary(run: Run) -> dict[str, Any]:
    """The result of a run for printing or as JSON.

    `results` has a row for the degraded input, each reference and the found architecture, with
    their metrics on the test split, or the reason why there are none. `given_up` is the reason
    why the search was given up, if it was. `changes` are those of inputs that were accepted when it
    was resumed. `highest` is the trial with the best score, where the strategy found another one.
    """
    trials = run.trials
    states = Counter(trial.state for trial in trials)
    content: dict[str, Any] = {
        "folder": str(run.folder),
        "state": run.state,
        "trials": {"complete": states["complete"], "failed": states["failed"]},
        "seconds": run.progress.get("seconds", 0.0),
        "best": None,
        "results": results(run),
    }
    try:
        found, highest = run.best, best_of(trials)
        content["best"] = _trial(found)
        if found.number != highest.number:
            content["highest"] = _trial(highest)
    except NasirError as error:
        content["reason"] = str(error)
    accepted = changes(recorded(run))
    content |= {"changes": accepted} if accepted else {}
    return content | ({"given_up": run.reason} if run.reason else {})


def results(run: Run) -> list[dict[str, Any]]:
    """One row for the degraded input and for each final evaluation, the found one last."""
    finals = {
        name: trial for (name, split), trial in run.final_evaluations.items() if split == "test"
    }
    rows = [_row(name, trial) for name, trial in finals.items() if name != FOUND]
    if FOUND in finals:
        rows.append(_row(FOUND, finals[FOUND]))
    degraded = next((_degraded(t) for t in finals.values() if _degraded(t)), None)
    return [{"name": "degraded input", "metrics": degraded}, *rows] if degraded else rows


def _row(name: str, trial: Trial) -> dict[str, Any]:
    row: dict[str, Any] = {
        "name": name,
        "architecture": str(trial.architecture),
        "score": trial.score,
        "metrics": {k: v for k, v in trial.metrics.items() if not k.startswith(DEGRADED)},
        "by_picture": {name: dict(metrics) for name, metrics in trial.by_picture.items()},
        "seconds": trial.seconds,
    }
    return row | ({"error": trial.reason} if trial.state == "failed" else {})


def _degraded(trial: Trial) -> dict[str, float]:
    return {k.removeprefix(DEGRADED): v for k, v in trial.metrics.items() if k.startswith(DEGRADED)}


def _trial(trial: Trial) -> dict[str, Any]:
    return {
        "trial": trial.number,
        "stage": trial.proposal.stage,
        "score": trial.score,
        "metrics": dict(trial.metrics),
        "by_picture": {name: dict(metrics) for name, metrics in trial.by_picture.items()},
        "architecture_id": trial.architecture.id,
        "architecture": dict(trial.architecture.choices),
    }


def trial_mapping(trial: Trial) -> dict[str, Any]:
    """A trial as JSON values."""
    proposal = trial.proposal
    return {
        "number": trial.number,
        "state": trial.state,
        "score": trial.score,
        "metrics": dict(trial.metrics),
        "by_picture": {name: dict(metrics) for name, metrics in trial.by_picture.items()},
        "curve": {name: list(map(list, curve)) for name, curve in trial.curve.items()},
        "stop": trial.stop,
        "stage": proposal.stage,
        "fidelity": proposal.fidelity,
        "seed": trial.seed,
        "started": trial.started,
        "seconds": trial.seconds,
        "worker": trial.worker,
        "error": trial.error,
        "architecture_id": trial.architecture.id,
        "architecture": trial.architecture.mapping,
    }
