"""A final training, started or resumed, to its end."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import attrs

from nasir.apps.evaluate.entries import ArchitectureEntry
from nasir.apps.train.curve import Curve
from nasir.apps.train.planning import TrainingPlan
from nasir.apps.train.training import Training
from nasir.core.errors import EvaluationError
from nasir.core.evaluator import means
from nasir.core.progress import report
from nasir.core.seeds import derived_seed
from nasir.core.task import Sample
from nasir.core.trial import FULL
from nasir.engine.borrowed import use_threads
from nasir.engine.evaluation import describe
from nasir.runs.training_folder import CURVE, RESULT, WEIGHTS
from nasir.training.evaluator import TrainingRequest
from nasir.training.weights import fresh_network

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import nn

CHECKPOINT = "training.safetensors"

TRAINED = "trained"
"""What the trained network is called in tables."""

EVERY = 10
"""Steps between rows of the curve, at least."""

LOOKS = 20
"""About how many times the validation pictures are restored."""


def conduct(training: Training, planned: TrainingPlan) -> None:
    """Train the network and evaluate it, unless that is done already.

    Killed at any time and begun again, it comes to the same bits.
    """
    with training.writing():
        if training.result is not None:
            return
        if not (training.folder / WEIGHTS).is_file():
            with _memory_error_in_one_line():
                _train(training, planned)
        (training.checkpoints / CHECKPOINT).unlink(missing_ok=True)
        _evaluate(training, planned)


@contextmanager
def _memory_error_in_one_line() -> Iterator[None]:
    """Report in one line that memory ran out."""
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        reason = describe(error).partition("\n")[0]
        if not reason.startswith("out of memory"):
            raise
        raise EvaluationError(reason) from error


def _train(training: Training, planned: TrainingPlan) -> None:
    """Train, and write the weights: averaged ones where there are any."""
    from safetensors.torch import save

    use_threads(planned.settings.threads)
    seed = seed_of(planned)
    network = fresh_network(planned.architecture, planned.problem, seed)
    evaluator = planned.evaluator
    trained_on, watched = planned.patches()
    samples = evaluator.validation_samples(watched)
    watcher = _Watcher(planned, network, samples, Curve(training.folder / CURVE))
    about = json.dumps([planned.architecture.mapping, planned.resolved], sort_keys=True)
    checkpoint = training.checkpoints / CHECKPOINT
    request = TrainingRequest(derived_seed(seed, "training"), checkpoint, about, watcher.look)
    state = evaluator.train(network, trained_on, request).state_dict()
    whole = {name: value.detach().cpu().contiguous().clone() for name, value in state.items()}
    training.write(WEIGHTS, save(whole))


def _evaluate(training: Training, planned: TrainingPlan) -> None:
    """Restore the test pictures with the weights that were written."""
    evaluator = planned.evaluator.with_weights(training.weights)
    problem = attrs.evolve(planned.problem, evaluators={FULL: evaluator})
    threads = planned.settings.threads
    entry = ArchitectureEntry(TRAINED, planned.architecture, problem, threads, timed=False)
    result = entry.evaluate()
    if result.error is not None:
        raise EvaluationError(f"the test pictures cannot be restored: {result.error}")
    content = result.mapping
    content["metrics"]["steps"] = planned.evaluator.full_steps
    training.write(RESULT, json.dumps(content, indent=2).encode())


def seed_of(planned: TrainingPlan) -> int:
    """That of an evaluation of this architecture, so that both come to the same weights."""
    return derived_seed(planned.problem.seed, "final", "test")


class _Watcher:
    """Writes the curve, reports progress, and now and then restores the validation pictures."""

    def __init__(
        self, planned: TrainingPlan, network: nn.Module, samples: Sequence[Sample], curve: Curve
    ) -> None:
        self.planned, self.network, self.samples, self.curve = planned, network, samples, curve
        self.steps = planned.evaluator.full_steps
        self.interval = max(1, round(self.steps / LOOKS / EVERY)) * EVERY
        self.figures: dict[str, float] = {}

    def look(self, step: int, loss: float) -> None:
        """Take note of a step, from 1."""
        due = step % self.interval == 0 or step == self.steps
        psnr = self._psnr() if due and self.samples else None
        if psnr is not None:
            self.figures["validation_psnr"] = psnr
        self.curve.add(step, loss, psnr)
        report(step, self.steps, loss=loss, **self.figures)

    def _psnr(self) -> float | None:
        """The mean PSNR in dB with the present weights, None where the task measures none."""
        task, evaluator = self.planned.problem.task, self.planned.evaluator
        found = means(
            task.metrics(evaluator.restore(self.network, sample, task), sample)
            for sample in self.samples
        )
        self.network.train()
        return found.get("psnr")
