"""The evaluators of a search by paths: an epoch of the supernet, and a path."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import attrs

from nasir.core.evaluator import Evaluation, Evaluator, Problem
from nasir.core.trial import Proposal
from nasir.strategies.one_shot.settings import OneShotSettings
from nasir.training.device import usable
from nasir.training.division import validation_and_training

if TYPE_CHECKING:
    from torch import Tensor

    from nasir.strategies.one_shot.path_training import PathTraining

KEPT = 2
"""Number of the last epochs whose supernets stay on disk."""

STATE = "training.safetensors"


@attrs.frozen
class PathEpoch(Evaluator):
    """Trains a supernet by paths for one more epoch; the score is that of the proposal's path.

    The proposal's fidelity is the share of the epochs that are done afterwards. The state before
    is read from the run's checkpoints. If it is missing, the epochs before are repeated, with the
    same bits.
    """

    restores = False

    settings: OneShotSettings
    shared: Evaluator

    def check(self, problem: Problem) -> None:
        from nasir.training.checks import check_training

        settings = self.settings
        problem = settings.searched(problem)
        settings.check_supernet(problem)
        parts = validation_and_training(problem.task, settings.validation, problem.seed)
        check_training(problem, settings.patch, settings.loss, parts[1:])

    def evaluate(self, proposal: Proposal, problem: Problem, seed: int) -> Evaluation:
        from nasir.training.supernet_file import save_supernet

        problem = self.settings.searched(problem)
        epochs = self.settings.epochs_at(proposal.fidelity)
        with kept(problem) as folder:
            training, loss = train(self.settings, problem, folder, epochs)
            save_supernet(folder, training.supernet, problem, 1)  # where other runs look for it
            of_path = self.shared.evaluate(proposal, after(problem, folder, epochs), seed)
        return attrs.evolve(of_path, metrics={**of_path.metrics, "train_loss": loss})


@attrs.frozen
class PathScore(Evaluator):
    """Evaluates a path with the supernet after the epochs that the proposal's fidelity means."""

    settings: OneShotSettings
    shared: Evaluator

    def evaluate(self, proposal: Proposal, problem: Problem, seed: int) -> Evaluation:
        problem = self.settings.searched(problem)
        epochs = self.settings.epochs_at(proposal.fidelity)
        with kept(problem) as folder:
            if _state(self.settings, problem, folder, epochs) is None:
                train(self.settings, problem, folder, epochs)
            return self.shared.evaluate(proposal, after(problem, folder, epochs), seed)


@contextmanager
def kept(problem: Problem) -> Iterator[Path]:
    """The run's checkpoints, or a temporary folder if there are none."""
    if problem.checkpoints is not None:
        yield problem.checkpoints
        return
    with TemporaryDirectory() as temporary:
        yield Path(temporary)


def after(problem: Problem, folder: Path, epochs: int) -> Problem:
    """The same problem, with the supernet after `epochs` epochs as that of the run."""
    return attrs.evolve(problem, checkpoints=_place(folder, epochs))


def train(
    settings: OneShotSettings, problem: Problem, folder: Path, epochs: int
) -> tuple[PathTraining, float]:
    """Train to `epochs` epochs from the latest state in `folder`, and write the new one there.

    Returns the training and the mean loss of its last epoch.
    """
    from nasir.strategies.one_shot.path_training import PathTraining
    from nasir.training.randomness import repeatable

    device = usable(settings.device)
    with repeatable(device):
        training, loss = PathTraining(settings, problem, device), 0.0
        for number in range(_load_latest(training, problem, folder, epochs - 1), epochs):
            loss = training.epoch(number, settings.paths(problem, number))
    _save(training, problem, folder, epochs)
    return training, loss


def _load_latest(training: PathTraining, problem: Problem, folder: Path, at_most: int) -> int:
    """Load the latest state on disk of at most `at_most` epochs; returns its epochs."""
    for epochs in range(at_most, 0, -1):
        state = _state(training.settings, problem, folder, epochs)
        if state is not None:
            training.load(state)
            return epochs
    return 0


def _state(
    settings: OneShotSettings, problem: Problem, folder: Path, epochs: int
) -> dict[str, Tensor] | None:
    """The state of this search after `epochs` epochs, None if it is not on disk."""
    from nasir.training.checkpoint import load

    found = load(_place(folder, epochs) / STATE)
    return found[0] if found is not None and found[1] == settings.identity(problem) else None


def _save(training: PathTraining, problem: Problem, folder: Path, epochs: int) -> None:
    from nasir.training.checkpoint import save
    from nasir.training.supernet_file import save_supernet

    place = _place(folder, epochs)
    save_supernet(place, training.supernet, problem, 1)
    save(place / STATE, training.state(), training.settings.identity(problem))
    shutil.rmtree(_place(folder, epochs - KEPT), ignore_errors=True)


def _place(folder: Path, epochs: int) -> Path:
    """The folder of the supernet after `epochs` epochs, with the state of its training."""
    return folder / f"supernet-epoch-{epochs}"
