"""Logs a run for TensorBoard: ``nasir run tensorboard=true``.

In the run's folder ``tensorboard``: each trial's score and metrics and the best so far by the
trial's number, and at the end the pictures of what was found. A resumed run is logged again
from its first trial, so that nothing is logged twice.
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

FOLDER = "tensorboard"


class Log(RunLog):
    """The events of one run."""

    def __init__(self, run: Run) -> None:
        from torch.utils.tensorboard import SummaryWriter

        self._writer: Any = SummaryWriter(str(run.folder / FOLDER), purge_step=0)

    def add(self, trial: Trial, figures: dict[str, float]) -> None:
        for name, value in figures.items():
            self._writer.add_scalar(name, value, trial.number)
        self._writer.flush()

    def add_picture(self, name: str, picture: Any, number: int) -> None:
        self._writer.add_image(name, picture, number, dataformats="HWC")

    def close(self, state: str) -> None:
        self._writer.close()


tracking = Tracking("tensorboard", Log)


@hookimpl
def register_run_settings(register: Register) -> None:
    meaning = "whether the run is logged for TensorBoard, in its folder"
    register(tracking.name, setting(False, meaning, type=bool), "log a run for TensorBoard")


run_started = tracking.run_started
trial_finished = tracking.trial_finished
run_finished = tracking.run_finished
