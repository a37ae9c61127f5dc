"""``nasir.train``: from settings to a trained network in a folder."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nasir.apps.progress.displays import shown_in_notebook
from nasir.apps.train.conduct import conduct
from nasir.apps.train.planning import TrainingPlan, plan, plan_again
from nasir.apps.train.training import Training
from nasir.core.errors import RunFolderError, SettingsError
from nasir.engine.borrowed import borrowed
from nasir.plugins.manager import plugins
from nasir.runs.environment import environment
from nasir.runs.folder import create_timed
from nasir.runs.inputs import compare
from nasir.runs.training_folder import create
from nasir.settings.components import Choice
from nasir.settings.reader import given

if TYPE_CHECKING:
    from nasir.core.evaluator import Evaluator
    from nasir.core.search_space import SearchSpace
    from nasir.core.task import Task

log = logging.getLogger("nasir")

Listener = Callable[[Training], None]

FOLDER = "trained"
"""Where the folders of trainings are made where nothing is said."""


@shown_in_notebook("training")
def train(
    *words: str,
    architecture: str | Path | None = None,
    images: str | Path | Sequence[str | Path] | None = None,
    test_images: str | Path | Sequence[str | Path] | None = None,
    task: Choice[Task] | None = None,
    evaluator: Choice[Evaluator] | None = None,
    space: Choice[SearchSpace] | None = None,
    validation: float | None = None,
    seed: int | None = None,
    threads: int | None = None,
    output: str | Path | None = None,
    started: Listener | None = None,
    accept_changes: bool = False,
    **more: Any,
) -> Training:
    """Train one architecture on all training pictures, and evaluate it on the test pictures.

    Components, `words` and `more` are as for a search; ``nasir describe train`` explains the
    others. `output` is the folder to make, by default ``trained/TIME-SPACE-TASK``. One word that
    is a training's folder continues that training, after any kind of end and to the same bits.
    With `accept_changes` it may go on from other pictures or versions than it began with, which is
    recorded. `started` is called with the training once its folder is there; progress is reported
    to whoever listens (:mod:`nasir.core.progress`).

    Raises :class:`~nasir.core.errors.NasirError` for what cannot be trained as it is asked.
    """
    settings = given(locals(), without=("output", "started", "accept_changes"))
    started = started or _ignore
    folder = next((word for word in words if "=" not in word and os.path.isdir(word)), None)
    if folder is not None:
        if len(words) > 1 or settings or output is not None:
            raise SettingsError(
                f"{folder} is continued as it was started: give nothing besides the folder"
            )
        return go_on(folder, started, accept_changes)
    return start(plan(words, settings), output, started)


def start(planned: TrainingPlan, output: str | Path | None, started: Listener) -> Training:
    """Make the folder of a training, and train."""
    planned.check()
    trained, tested = planned.pictures
    if tested > trained:
        log.warning(
            "training on %d of %d pictures, the others are tested on; name those to test on with "
            "test_images=FOLDER, or let task.search=N be trained on",
            *(trained, trained + tested),
        )
    training = _created(planned, output)
    started(training)
    with borrowed("training"):
        conduct(training, planned)
    return training


def go_on(folder: str | Path, started: Listener, accept_changes: bool = False) -> Training:
    """Go on with a training; one that is finished is left as it is."""
    training = Training(folder)
    if training.result is None:
        planned = plan_again(training)
        planned.check()
        with training.writing():
            compare(training, _environment(planned), accept_changes)
        started(training)
        with borrowed("training"):
            conduct(training, planned)
    return training


def _created(planned: TrainingPlan, output: str | Path | None) -> Training:
    """The folder of a new training: called as was asked, or by time and what is trained."""
    if output is not None:
        try:
            return _made(Path(output).expanduser(), planned)
        except FileExistsError as error:
            raise RunFolderError(
                f"{error} exists: choose another with output=FOLDER, or go on with it: nasir train "
                f"{error}"
            ) from None
    names = planned.names
    what = f"{names['space']}-{names['task']}"
    return create_timed(Path(FOLDER), what, lambda path: _made(path, planned))


def _made(path: Path, planned: TrainingPlan) -> Training:
    tree = planned.resolved
    signature = planned.problem.task.signature
    create(path, tree, _environment(planned), planned.architecture, signature)
    return Training(path)


def _environment(planned: TrainingPlan) -> dict[str, Any]:
    parts = (planned.problem.space, planned.problem.task, planned.evaluator)
    return environment(planned.resolved, plugins().versions, parts)


def _ignore(training: Training) -> None:
    """What is called when a training has started and nobody asks to know."""
