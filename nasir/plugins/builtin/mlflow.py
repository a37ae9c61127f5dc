"""Logs a run for MLflow: ``nasir run mlflow=sqlite:///mlflow.db`` or ``mlflow=http://HOST:5000``.

The settings are parameters, and each trial's score and metrics and the best so far are metrics with
the trial's number as their step, under the experiment ``nasir``. A resumed run goes on in the same
run of MLflow; what is there is not logged again.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from nasir.core.component import setting
from nasir.plugins import hookimpl
from nasir.plugins.hookspecs import Register
from nasir.plugins.tracking import RunLog, Tracking

if TYPE_CHECKING:
    from nasir.core.trial import Trial
    from nasir.runs.run import Run

EXPERIMENT = "nasir"

FILE = "mlflow.txt"
"""The id of MLflow's run, in the run's folder."""

LONGEST = 500
"""Characters of a parameter, which MLflow limits."""

STATES = {"finished": "FINISHED", "interrupted": "KILLED", "stopped": "FAILED"}


class Log(RunLog):
    """A run of MLflow."""

    def __init__(self, run: Run) -> None:
        from mlflow.tracking import MlflowClient

        self._client: Any = MlflowClient(tracking_uri=str(run.settings[tracking.name]))
        file = run.folder / FILE
        if file.exists():
            self._id = file.read_text(encoding="utf-8")
            self._client.set_terminated(self._id, "RUNNING")
            history = self._client.get_metric_history(self._id, "score")
            self._logged = {metric.step for metric in history}
        else:
            self._id, self._logged = self._begun(run), set[int]()
            run.write(FILE, self._id.encode())

    def add(self, trial: Trial, figures: dict[str, float]) -> None:
        from mlflow.entities import Metric

        if trial.number in self._logged:
            return
        when = int(1000 * ((trial.started or 0.0) + (trial.seconds or 0.0)))
        metrics = [
            Metric(name, value, when, trial.number)
            for name, value in figures.items()
            if math.isfinite(value)
        ]
        self._client.log_batch(self._id, metrics=metrics)

    def add_picture(self, name: str, picture: Any, number: int) -> None:
        self._client.log_image(self._id, picture, artifact_file=f"{name}.png")

    def close(self, state: str) -> None:
        self._client.set_terminated(self._id, STATES.get(state, "FINISHED"))

    def _begun(self, run: Run) -> str:
        """A new run of MLflow, with the settings as its parameters."""
        from mlflow.entities import Param

        found = self._client.get_experiment_by_name(EXPERIMENT)
        experiment = found.experiment_id if found else self._client.create_experiment(EXPERIMENT)
        name = run.folder.resolve().name
        made = self._client.create_run(experiment, run_name=name)
        params = [Param(name, str(value)[:LONGEST]) for name, value in _flat(run.settings)]
        self._client.log_batch(made.info.run_id, params=params)
        return str(made.info.run_id)


def _flat(settings: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, Any]]:
    """Settings by their whole names, such as ``space.depth``."""
    for name, value in settings.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{before}{name}.")
        else:
            yield before + name, value


tracking = Tracking("mlflow", Log)


@hookimpl
def register_run_settings(register: Register) -> None:
    meaning = "where the run is logged for MLflow, such as sqlite:///mlflow.db; none: nowhere"
    register(tracking.name, setting(None, meaning, type=str | None), "log a run for MLflow")


run_started = tracking.run_started
trial_finished = tracking.trial_finished
run_finished = tracking.run_finished
