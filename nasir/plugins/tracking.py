"""What plugins have in common that log runs for other programs."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nasir.plugins import hookimpl

if TYPE_CHECKING:
    from nasir.core.trial import Trial
    from nasir.runs.run import Run


class RunLog(ABC):
    """The log of one run. It gets each complete trial, and at the end the pictures of the best."""

    @abstractmethod
    def add(self, trial: Trial, figures: dict[str, float]) -> None:
        """Log a complete trial's score, metrics (``metrics/NAME``) and the ``best`` so far."""

    @abstractmethod
    def add_picture(self, name: str, picture: Any, number: int) -> None:
        """Log a picture, uint8 ``(H, W, 3)``, of the trial `number`."""

    @abstractmethod
    def close(self, state: str) -> None:
        """End the log of a run that is ``finished``, ``interrupted`` or ``stopped``."""


class Tracking:
    """Keeps the logs of the runs that have the setting `name`; a process may search in several.

    `make` opens the log of a run, anew for a resumed one, which then gets its earlier trials again.
    A plugin takes the three hooks as its own.
    """

    def __init__(self, name: str, make: Callable[[Run], RunLog]) -> None:
        self.name = name
        self._make = make
        self._logs: dict[Path, tuple[RunLog, list[Trial]]] = {}

    @hookimpl
    def run_started(self, run: Run) -> None:
        """Open the log of a run that asks for one."""
        if not run.settings.get(self.name):
            return
        try:
            self._logs[run.folder] = self._make(run), []
        except ImportError as error:
            from nasir.core.errors import PluginError

            raise PluginError(
                f"{self.name}= needs a package that is missing ({error.name}): pip install "
                f"'nasir[{self.name}]'"
            ) from None
        for trial in run.trials:
            if trial.state != "running":
                self.trial_finished(run, trial)

    @hookimpl
    def trial_finished(self, run: Run, trial: Trial) -> None:
        """Log a trial that has ended; a failed one has no figures."""
        from nasir.core.trial import best_of

        if run.folder not in self._logs or trial.score is None:
            return
        log, best = self._logs[run.folder]
        best[:] = [best_of([*best, trial])]
        figures = {"score": trial.score, "best": best[0].score or 0.0}
        figures |= {f"metrics/{name}": value for name, value in trial.metrics.items()}
        log.add(trial, figures)

    @hookimpl
    def run_finished(self, run: Run) -> None:
        """Log the pictures of what was found, and close the log."""
        log, _ = self._logs.pop(run.folder, (None, None))
        if log is None:
            return
        recommended = run.progress.get("recommended")
        if recommended is not None:
            for name, picture in _pictures(run.folder / "best"):
                log.add_picture(f"best/{name}", picture, recommended)
        log.close(run.state)


def _pictures(folder: Path) -> Iterator[tuple[str, Any]]:
    import numpy as np

    from nasir.tasks.pictures.reading import opened

    for path in sorted(folder.glob("*.png")):
        with opened(path) as picture:
            yield path.stem, np.asarray(picture.convert("RGB"))
