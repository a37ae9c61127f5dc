"""Evaluate an architecture by its path through a trained supernet."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import attrs
from attrs import validators as must

from nasir.core.component import setting
from nasir.core.errors import SettingsError
from nasir.core.evaluator import Evaluation, Evaluator, Problem, means
from nasir.core.seeds import derived_seed
from nasir.core.task import Patches, Sample
from nasir.core.trial import Proposal
from nasir.settings.paths import whole_path
from nasir.training.device import usable
from nasir.training.division import validation_and_training

if TYPE_CHECKING:
    from nasir.core.supernet import Supernet


def _supernet_file(given: str) -> list[Path]:
    from nasir.training.supernet_file import find_supernet

    return [find_supernet(Path(given))]


@attrs.define
class Shared(Evaluator):
    """Scores the path of an architecture with a supernet's weights, by PSNR; nothing is trained.

    The statistics of batch normalisation are taken anew on `calibration` batches of training
    patches, since those of the mixture are not the path's. The validation pictures are those of
    the search that trained the supernet, where seed, pictures and `validation` are the same.
    """

    supernet: str | None = setting(
        None,
        "trained supernet: the folder of a run of strategy=darts, rsws, enas or spos; none: of "
        "this very run",
        converter=whole_path,
        files=_supernet_file,
    )
    calibration: int = setting(
        8, "batches from which statistics are taken; 0: those of the mixture", must.ge(0)
    )
    batch: int = setting(8, "patches in such a batch, >= 1", must.ge(1))
    patch: int = setting(32, "side of a degraded patch in pixels, >= 1", must.ge(1))
    validation: float = setting(
        0.02, "share of the training pictures to evaluate on, in (0, 1)", [must.gt(0), must.lt(1)]
    )
    tile: int = setting(
        64, "restore in adjacent patches of so many pixels; 0: whole pictures", must.ge(0)
    )
    crop: int = setting(
        128, "evaluate on the middle, with so many pixels a side; 0: on whole pictures", must.ge(0)
    )
    device: str = setting("auto", "cpu, cuda, or auto: a GPU where there is one")

    def check(self, problem: Problem) -> None:
        from nasir.training.checks import check_training
        from nasir.training.supernet_file import load_supernet

        usable(self.device)
        check_training(problem, self.patch, "mse", self._parts(problem)[1:], room="evaluator")
        if self.supernet is not None:
            load_supernet(Path(self.supernet), problem)

    def evaluate(self, proposal: Proposal, problem: Problem, seed: int) -> Evaluation:
        from nasir.evaluators.supernet_path import SupernetPath
        from nasir.training.restored import by_picture, degraded_means, restored_pictures
        from nasir.training.restoring import restore

        path = SupernetPath(self._loaded(problem), proposal.architecture)
        validation, training = self._parts(problem)
        if self.calibration:
            own_seed = derived_seed(problem.seed, "calibration")
            path.calibrate(training, own_seed, self.calibration, self.batch, self.patch)
        results = [
            (sample, restore(path, sample, problem.task, self.tile))
            for sample in self._samples(problem, validation)
        ]
        pictures = by_picture(results, problem.task)
        figures = means(pictures.values())
        if "psnr" not in figures:
            raise SettingsError("evaluator=shared wants pictures with ground truth")
        if problem.split == "test":
            figures |= degraded_means([sample for sample, _ in results], problem.task)
        kept = restored_pictures(results) if problem.artifacts else {}
        return Evaluation(figures["psnr"], figures, pictures, restored=kept)

    def smaller(self) -> Evaluator | None:
        """With half the batch, or on the CPU: at once where no statistics are taken of batches."""
        return Evaluator.smaller(self) if self.calibration else self.on_cpu()

    def _loaded(self, problem: Problem) -> Supernet:
        from nasir.training.supernet_file import load_supernet

        folder = self.supernet or problem.checkpoints
        if folder is None:
            raise SettingsError(
                "evaluator=shared wants a trained supernet: give evaluator.supernet=RUN, a run of "
                "strategy=darts or spos"
            )
        return load_supernet(Path(folder), problem).to(usable(self.device))

    def _parts(self, problem: Problem) -> tuple[Patches, Patches]:
        """The training pictures that paths are evaluated on, and those for statistics."""
        return validation_and_training(problem.task, self.validation, problem.seed)

    def _samples(self, problem: Problem, validation: Patches) -> Sequence[Sample]:
        from nasir.training.validation import validation_samples

        if problem.split == "test":
            return problem.task.samples("test")
        return validation_samples(validation, self.crop)
