"""Logs a run for TensorBoard: ``nasir run tensorboard=true``.

In the run's folder ``tensorboard``: each trial's score and metrics and the best so far by the
trial's number, and at the end the pictures of what was found. A resumed run is logged again
from its first trial, so that nothing is logged twice.
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nasir.core.component import setting
from nasir.plugins import hookimpl
from nasir.plugins.hookspecs import Register

if TYPE_CHECKING:
    from nasir.core.trial import Trial
    from nasir.runs.run import Run

SETTING = "tensorboard"
FOLDER = "tensorboard"

_logs: dict[Path, Log] = {}
"""The logs by the runs' folders; a process may search in several."""


class Log:
    """The events of one run."""

    def __init__(self, run: Run) -> None:
        from torch.utils.tensorboard import SummaryWriter

        self._writer: Any = SummaryWriter(str(run.folder / FOLDER), purge_step=0)
        self._best: Trial | None = None
        for trial in run.trials:
            if trial.state != "running":
                self.add(trial)

    def add(self, trial: Trial) -> None:
        """Log a trial that has ended; a failed one has no figures."""
        from nasir.core.errors import NasirError
        from nasir.core.trial import best_of

        if trial.score is None:
            return
        number = trial.number
        self._writer.add_scalar("score", trial.score, number)
        for name, value in trial.metrics.items():
            self._writer.add_scalar(f"metrics/{name}", value, number)
        with suppress(NasirError):
            self._best = best_of([trial] if self._best is None else [self._best, trial])
        if self._best is not None and self._best.score is not None:
            self._writer.add_scalar("best", self._best.score, number)
        self._writer.flush()

    def add_pictures(self, folder: Path, number: int) -> None:
        """Log the pictures in a folder, as of a trial's number."""
        import numpy as np

        from nasir.tasks.pictures.reading import opened

        for path in sorted(folder.glob("*.png")):
            with opened(path) as picture:
                array = np.asarray(picture.convert("RGB"))
            self._writer.add_image(f"best/{path.stem}", array, number, dataformats="HWC")

    def close(self) -> None:
        self._writer.close()


@hookimpl
def register_run_settings(register: Register) -> None:
    meaning = "whether the run is logged for TensorBoard, in its folder"
    register(SETTING, setting(False, meaning, type=bool), "log a run for TensorBoard")


@hookimpl
def run_started(run: Run) -> None:
    if not run.settings.get(SETTING):
        return
    try:
        _logs[run.folder] = Log(run)
    except ImportError:
        from nasir.core.errors import PluginError

        raise PluginError(
            "tensorboard=true needs the package tensorboard: pip install 'nasir[tensorboard]'"
        ) from None


@hookimpl
def trial_finished(run: Run, trial: Trial) -> None:
    if run.folder in _logs:
        _logs[run.folder].add(trial)


@hookimpl
def run_finished(run: Run) -> None:
    log = _logs.pop(run.folder, None)
    if log is None:
        return
    recommended = run.progress.get("recommended")
    if recommended is not None:
        log.add_pictures(run.folder / "best", recommended)
    log.close()
