"""What evaluates the trials of a search by paths: an epoch of the supernet, and a path."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import attrs

from nasir.core.evaluator import Evaluation, Evaluator, Problem
from nasir.core.trial import Proposal
from nasir.settings.building import settings_of_component
from nasir.training.device import usable

if TYPE_CHECKING:
    from torch import Tensor

    from nasir.strategies.one_shot.path_training import PathTraining
    from nasir.strategies.one_shot.strategy import OneShot

KEPT = 2
"""How many of the last epochs' supernets stay on disk."""

STATE = "training.safetensors"


@attrs.frozen
class PathEpoch(Evaluator):
    """Trains a supernet by paths for one more epoch; the score is that of the proposal's path.

    The share of the epochs that are done afterwards is the proposal's fidelity. The state before
    is read from the run's checkpoints; where it is not there, the epochs before are done again,
    and come to the same bits.
    """

    restores = False

    how: OneShot
    shared: Evaluator

    def check(self, problem: Problem) -> None:
        import torch

        from nasir.training.checks import check_training

        how = self.how
        usable(how.device, "strategy.device")
        with torch.random.fork_rng(devices=[]):
            problem.space.supernet(problem.task.signature)
        check_training(problem, how.patch, how.loss, how.validation, parts=2)

    def evaluate(self, proposal: Proposal, problem: Problem, seed: int) -> Evaluation:
        from nasir.training.supernet_file import save_supernet

        epochs = self.how.epochs_at(proposal.fidelity)
        with kept(problem) as folder:
            training, loss = train(self.how, problem, folder, epochs)
            save_supernet(folder, training.supernet, problem, 1)  # where other runs look for it
            of_path = self.shared.evaluate(proposal, after(problem, folder, epochs), seed)
        return attrs.evolve(of_path, metrics={**of_path.metrics, "train_loss": loss})


@attrs.frozen
class PathScore(Evaluator):
    """Judges a path by the supernet of as many epochs as the proposal's fidelity says."""

    how: OneShot
    shared: Evaluator

    def evaluate(self, proposal: Proposal, problem: Problem, seed: int) -> Evaluation:
        epochs = self.how.epochs_at(proposal.fidelity)
        with kept(problem) as folder:
            if _state(self.how, problem, folder, epochs) is None:
                train(self.how, problem, folder, epochs)
            return self.shared.evaluate(proposal, after(problem, folder, epochs), seed)


@contextmanager
def kept(problem: Problem) -> Iterator[Path]:
    """The run's checkpoints, or a folder that is deleted afterwards where there are none."""
    if problem.checkpoints is not None:
        yield problem.checkpoints
        return
    with TemporaryDirectory() as temporary:
        yield Path(temporary)


def after(problem: Problem, folder: Path, epochs: int) -> Problem:
    """The same problem, with the supernet of so many epochs as that of the run."""
    return attrs.evolve(problem, checkpoints=_place(folder, epochs))


def train(how: OneShot, problem: Problem, folder: Path, epochs: int) -> tuple[PathTraining, float]:
    """Train to so many epochs, from the latest state in `folder`, and leave the new one there.

    Returns the training, and the mean loss of its last epoch.
    """
    from nasir.strategies.one_shot.path_training import PathTraining
    from nasir.training.randomness import repeatable

    device = usable(how.device)
    with repeatable(device):
        training, loss = PathTraining(how, problem, device), 0.0
        for number in range(_load_latest(training, problem, folder, epochs - 1), epochs):
            loss = training.epoch(number, how.paths(problem, number))
    _save(training, problem, folder, epochs)
    return training, loss


def _load_latest(training: PathTraining, problem: Problem, folder: Path, at_most: int) -> int:
    """Bring `training` to the latest state on disk of at most so many epochs; returns how many."""
    for epochs in range(at_most, 0, -1):
        state = _state(training.how, problem, folder, epochs)
        if state is not None:
            training.load(state)
            return epochs
    return 0


def _state(how: OneShot, problem: Problem, folder: Path, epochs: int) -> dict[str, Tensor] | None:
    """This search's training after so many epochs, None where it is not on disk."""
    from nasir.training.checkpoint import load

    found = load(_place(folder, epochs) / STATE)
    return found[0] if found is not None and found[1] == _signature(how, problem) else None


def _save(training: PathTraining, problem: Problem, folder: Path, epochs: int) -> None:
    from nasir.training.checkpoint import save
    from nasir.training.supernet_file import save_supernet

    place = _place(folder, epochs)
    save_supernet(place, training.supernet, problem, 1)
    save(place / STATE, training.state(), _signature(training.how, problem))
    shutil.rmtree(_place(folder, epochs - KEPT), ignore_errors=True)


def _signature(how: OneShot, problem: Problem) -> dict[str, Any]:
    """What a state is of: another search's is not gone on from."""
    return {
        "strategy": {"class": type(how).__name__, **settings_of_component(how)},
        "space": {"name": problem.domain.space, **settings_of_component(problem.space)},
        "task": settings_of_component(problem.task),
        "seed": problem.seed,
    }


def _place(folder: Path, epochs: int) -> Path:
    """Where the supernet of so many epochs is, and the state of its training."""
    return folder / f"supernet-epoch-{epochs}"
