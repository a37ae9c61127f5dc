"""Logs a run for Weights & Biases: ``nasir run wandb=PROJECT``.

Each trial's score and metrics and the best so far go there by the trial's number, and at the end
the pictures of what was found. Without a network set ``WANDB_MODE=offline``, and synchronise the
folder ``wandb`` of the run later. A resumed run goes on under the same name.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nasir.core.component import setting
from nasir.plugins import hookimpl
from nasir.plugins.hookspecs import Register
from nasir.plugins.tracking import RunLog, Tracking

if TYPE_CHECKING:
    from nasir.core.trial import Trial
    from nasir.runs.run import Run


class Log(RunLog):
    """A run of Weights & Biases."""

    def __init__(self, run: Run) -> None:
        import hashlib

        import wandb

        name = run.folder.resolve().name
        self._images = wandb.Image
        self._run: Any = wandb.init(
            project=str(run.settings[tracking.name]),
            name=name,
            id=hashlib.sha256(f"{name} {run.settings}".encode()).hexdigest()[:16],
            resume="allow",
            dir=str(run.folder),
            config=dict(run.settings),
            settings=wandb.Settings(silent=True),
        )
        self._run.define_metric("trial")
        self._run.define_metric("*", step_metric="trial")
        self._step = 0

    def add(self, trial: Trial, figures: dict[str, float]) -> None:
        # what a resumed run logs again has a step that is there, and is left out
        self._run.log({"trial": trial.number, **figures}, step=self._step)
        self._step += 1

    def add_picture(self, name: str, picture: Any, number: int) -> None:
        self._run.log({name: self._images(picture), "trial": number}, step=self._step)

    def close(self, state: str) -> None:
        self._run.finish(exit_code=0 if state == "finished" else 1)


tracking = Tracking("wandb", Log)


@hookimpl
def register_run_settings(register: Register) -> None:
    meaning = "the project of Weights & Biases that the run is logged in; none: nowhere"
    setup = setting(None, meaning, type=str | None)
    register(tracking.name, setup, "log a run for Weights & Biases")


run_started = tracking.run_started
trial_finished = tracking.trial_finished
run_finished = tracking.run_finished
