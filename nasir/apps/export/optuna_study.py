"""``nasir.export_study``: the trials of a run as a study of Optuna, for optuna-dashboard."""

from __future__ import annotations

import warnings
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nasir.core.errors import NasirError, RunFolderError
from nasir.core.objectives import Objective, objectives, values_of
from nasir.core.search_space import SearchSpace
from nasir.core.trial import FULL, Trial
from nasir.runs.run import Run
from nasir.settings.building import make

if TYPE_CHECKING:
    from optuna.trial import FrozenTrial

STUDY = ".db"
"""The ending of an SQLite file with studies."""


def export_study(run: Run | str | Path, output: str | Path) -> int:
    """Add a run's full-stage trials to an SQLite file of Optuna's, as a study with the run's name.

    Returns their number. Decisions are categorical parameters, and metrics user attributes; a trial
    of less than the full effort is a pruned one. See them with ``optuna-dashboard sqlite:///FILE``.
    Raises :class:`~nasir.core.errors.NasirError` where the study exists already, or optuna is
    missing.
    """
    run = run if isinstance(run, Run) else Run(run)
    path = Path(output).expanduser()
    try:
        import optuna
        from optuna.storages import RDBStorage
        from sqlalchemy.exc import SQLAlchemyError
    except ImportError:
        raise NasirError(
            f"a study {path} needs the package optuna: pip install 'nasir[optuna]'"
        ) from None
    wanted = objectives(run.settings.get("objective", ())) or (Objective("score"),)
    space: SearchSpace = make("space", run.whole_settings["space"])
    options = {one.name: one.options for one in space.domain.decisions}
    trials = [
        _frozen(trial, wanted, options)
        for trial in run.trials
        if trial.proposal.stage == FULL and trial.state != "running"
    ]
    name = run.folder.resolve().name
    try:
        study = optuna.create_study(
            storage=RDBStorage(f"sqlite:///{path.absolute()}"),
            study_name=name,
            directions=["minimize" if one.sign < 0 else "maximize" for one in wanted],
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            study.set_metric_names([one.metric for one in wanted])
        study.add_trials(trials)
    except optuna.exceptions.DuplicatedStudyError:
        raise RunFolderError(f"{path} has a study {name} already: take another file") from None
    except SQLAlchemyError as error:
        reason = str(getattr(error, "orig", error)).partition("\n")[0]
        raise RunFolderError(f"cannot write {path}: {reason}") from None
    return len(trials)


def _frozen(
    trial: Trial, wanted: tuple[Objective, ...], options: dict[str, tuple[Any, ...]]
) -> FrozenTrial:
    from optuna.distributions import CategoricalDistribution
    from optuna.trial import TrialState, create_trial

    scored = wanted == (Objective("score"),)
    signed = values_of(trial, () if scored else wanted)
    values = [one.sign * value for one, value in zip(wanted, signed or (), strict=False)]
    state = TrialState.COMPLETE if values else TrialState.FAIL
    if values and trial.proposal.fidelity < 1:
        state = TrialState.PRUNED
    choices = dict(trial.architecture.choices)
    made = create_trial(
        state=state,
        values=values if state == TrialState.COMPLETE else None,
        params=choices,
        distributions={name: CategoricalDistribution(options[name]) for name in choices},
        user_attrs={
            **trial.metrics,
            "trial": trial.number,
            "architecture": trial.architecture.id,
            "fidelity": trial.proposal.fidelity,
            **({"error": trial.reason} if trial.error else {}),
        },
    )
    if trial.started is not None:
        made.datetime_start = datetime.fromtimestamp(trial.started)
        made.datetime_complete = datetime.fromtimestamp(trial.started + (trial.seconds or 0.0))
    return made
