"""The evaluators of a search by gradient: an epoch, and the selection."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import attrs

from nasir.core.errors import SettingsError
from nasir.core.evaluator import Evaluation, Evaluator, Problem
from nasir.core.registry import registries
from nasir.core.trial import FULL, Proposal
from nasir.fitting.method import FittingMethod
from nasir.strategies.darts.settings import DartsSettings
from nasir.training.device import usable
from nasir.training.evaluator import TrainingEvaluator

if TYPE_CHECKING:
    from nasir.strategies.darts.bilevel import Bilevel

KEPT = 2
"""Number of the last epochs whose states stay on disk."""


@attrs.frozen
class Epoch(Evaluator):
    """Trains a supernet for one more epoch; the score is its metric on the validation data.

    The proposal's fidelity is the share of the epochs that are done afterwards. The state before
    is read from the run's checkpoints. If it is missing, the epochs before are repeated, with the
    same bits.
    """

    restores = False

    settings: DartsSettings

    def check(self, problem: Problem) -> None:
        from nasir.strategies.darts.patches import divided_patches
        from nasir.strategies.darts.pixels import divided_pixels
        from nasir.training.checks import check_training

        settings = self.settings
        problem = settings.searched(problem)
        settings.check_supernet(problem, settings.partial)
        settings.captures(usable(settings.device))
        if searched_on(settings, problem) == "patches":
            _, *trained_on = divided_patches(settings, problem)
            check_training(problem, settings.patch, settings.loss, trained_on)
            return
        divided_pixels(problem, settings.held_out)
        if settings.criterion != "psnr":
            raise SettingsError(
                f"strategy.criterion={settings.criterion} needs whole pictures with ground truth: "
                "on pixels take psnr"
            )

    def evaluate(self, proposal: Proposal, problem: Problem, seed: int) -> Evaluation:
        from nasir.training.randomness import repeatable

        problem = self.settings.searched(problem)
        number = round(proposal.fidelity * self.settings.epochs)
        device = usable(self.settings.device)
        with repeatable(device):
            search = begin(self.settings, problem, device)
            done = _load_latest(search, problem, number - 1)
            for earlier in range(done, number - 1):
                self.train_epoch(search, earlier)
            measured = self.train_epoch(search, number - 1)
            _save(search, problem, number)
            architecture = search.supernet.derive()
            measured |= {
                "entropy": search.supernet.entropy().item(),
                "complexity": search.supernet.complexity().item(),
                "skips": float(search.supernet.skips(architecture)),
            }
        return Evaluation(search.score(measured), measured, architecture=architecture)

    def train_epoch(self, search: Bilevel, number: int) -> dict[str, float]:
        """One epoch and its metrics; records whether it is the best so far."""
        loss = search.epoch(number)
        measured = {**search.validate(), "train_loss": loss}
        score = search.score(measured)
        late = number >= self.settings.first_kept
        if late and (search.best is None or score > search.best[1]):
            search.best = (number + 1, score)
        return measured


@attrs.frozen
class Selection(Evaluator):
    """Chooses among the options of the trained supernet by perturbation (DARTS-PT)."""

    restores = False

    settings: DartsSettings

    def evaluate(self, proposal: Proposal, problem: Problem, seed: int) -> Evaluation:
        from nasir.strategies.darts.perturbation import select
        from nasir.training.randomness import repeatable

        problem = self.settings.searched(problem)
        device = usable(self.settings.device)
        with repeatable(device):
            search = begin(self.settings, problem, device)
            epoch = Epoch(self.settings)
            for earlier in range(
                _load_latest(search, problem, self.settings.epochs), self.settings.epochs
            ):
                epoch.train_epoch(search, earlier)
            measured = select(search)
            architecture = search.supernet.derive()
        return Evaluation(search.score(measured), measured, architecture=architecture)


def begin(settings: DartsSettings, problem: Problem, device: str) -> Bilevel:
    """A search before its first step."""
    from nasir.strategies.darts.patches import OnPatches
    from nasir.strategies.darts.pixels import OnPixels

    kind = OnPixels if searched_on(settings, problem) == "pixels" else OnPatches
    return kind(settings, problem, device)


def seconds_of_epochs(settings: DartsSettings, problem: Problem) -> float:
    """About the seconds of all epochs, from two of one step each: of warm-up, and with both."""
    problem = attrs.evolve(settings.searched(problem), checkpoints=None)
    short = attrs.evolve(settings, epochs=2, steps=1, warmup=1, keep_from=0)
    search = begin(short, problem, usable(settings.device))

    def taken(work: Callable[[], object]) -> float:
        began = time.perf_counter()
        work()
        return time.perf_counter() - began

    warming, both = (taken(partial(search.epoch, number)) for number in range(short.epochs))
    steps = settings.warmup * warming + (settings.epochs - settings.warmup) * both
    return settings.steps * steps + settings.epochs * taken(search.validate)


def searched_on(settings: DartsSettings, problem: Problem) -> str:
    """Pixels or patches; ``auto`` is what the evaluator of the found architecture fits to."""
    if settings.data != "auto":
        return settings.data
    evaluator = problem.evaluators.get(FULL)
    if isinstance(evaluator, FittingMethod):
        return "pixels"
    known = registries["evaluator"]
    usual = known.load(problem.space.default_evaluator or known.default("search") or "")
    trains = isinstance(evaluator, TrainingEvaluator) or not issubclass(usual, FittingMethod)
    return "patches" if trains else "pixels"


def _load_latest(search: Bilevel, problem: Problem, at_most: int) -> int:
    """Load the latest state on disk of at most `at_most` epochs; returns its epochs."""
    from nasir.training.checkpoint import load

    for number in range(at_most, 0, -1) if problem.checkpoints else ():
        found = load(_path(problem.checkpoints, number))
        if found is not None and found[1]["of"] == search.settings.identity(problem):
            search.load(found[0], found[1])
            return number
    return 0


def _save(search: Bilevel, problem: Problem, number: int) -> None:
    """Write the state after `number` epochs, and the supernet if it is the best."""
    from nasir.training.checkpoint import save

    if problem.checkpoints is None:
        return
    tensors, values = search.state()
    if search.best is not None and search.best[0] == number:
        search.keep(problem)
    save(
        _path(problem.checkpoints, number),
        tensors,
        values | {"of": search.settings.identity(problem)},
    )
    _path(problem.checkpoints, number - KEPT).unlink(missing_ok=True)


def _path(folder: Path | None, number: int) -> Path:
    assert folder is not None
    return folder / f"supernet-epoch-{number}.safetensors"
