"""Judge an architecture as a deep image prior: fit it, untrained, to each picture alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import attrs
from attrs import validators as must

from nasir.core.component import setting
from nasir.core.errors import PictureError, SettingsError
from nasir.core.evaluator import Evaluation, Evaluator
from nasir.core.problem import Problem
from nasir.core.seeds import derived_seed
from nasir.core.strategy import Proposal
from nasir.core.task import Sample

if TYPE_CHECKING:
    from nasir.evaluators.fitting import Fit


@attrs.define
class DeepImagePrior(Evaluator):
    """Fits the network to the degraded picture and scores what it restores by PSNR.

    The network maps a fixed uniform input, perturbed anew at each step, to the picture; its
    outputs are averaged over the steps. The fit sees the degraded picture only. On the search
    split the ground truth gives the reward and, with ``stop = "search"``, the step at which all
    pictures together are restored best (NAS-DIP section 3.1, t*), which the test split then uses.
    The score is the mean PSNR in dB; where there is no ground truth, minus the mean loss.
    """

    iterations: int = setting(100, "steps of a full fit, >= 1", must.ge(1))
    lr: float = setting(0.01, "learning rate of Adam, > 0", must.gt(0))
    input_scale: float = setting(0.1, "the fixed input is uniform in [0, this]", must.gt(0))
    input_noise: float = setting(
        1 / 30, "standard deviation of what perturbs the input each step, >= 0", must.ge(0)
    )
    averaging: float = setting(
        0.9, "weight of the past in the average of outputs, in [0, 1)", [must.ge(0), must.lt(1)]
    )
    rollback: float = setting(
        5.0, "dB of PSNR against the degraded picture that make a collapse; 0: never", must.ge(0)
    )
    check_every: int = setting(50, "steps between looks for a collapse, >= 1", must.ge(1))
    stop: str = setting(
        "search",
        "when to stop: where the search pictures are best, or at the fixed iterations",
        must.in_(("search", "fixed")),
    )
    stops: int = setting(20, "how many stopping points are compared, >= 1", must.ge(1))
    device: str = setting("auto", "cpu, cuda, or auto: a GPU where there is one")

    def check(self, problem: Problem) -> None:
        for split in ("search", "test"):
            samples = problem.task.samples(split)
            for sample in samples:
                _check_size(sample, problem)
                if split == "search" and sample.clean is None:
                    raise SettingsError(
                        f"{sample.name} has no ground truth to score a search by: "
                        "search on clean pictures and give it as a test picture"
                    )
        self._device()

    def evaluate(self, proposal: Proposal, problem: Problem, seed: int) -> Evaluation:
        from nasir.evaluators.fitting import cost

        steps = max(1, round(self.iterations * proposal.fidelity))
        samples = problem.task.samples(problem.split)
        searching = problem.split == "search"
        fits = [
            self._fit(proposal, problem, sample, seed, steps, (i, len(samples)))
            for i, sample in enumerate(samples)
        ]
        stop = _best_stop(fits) if searching and self.stop == "search" else -1
        metrics = _means([problem.task.metrics(f.at[stop], f.sample) for f in fits])
        figures = {**metrics, **cost(fits[0])}
        if searching and self.stop == "search":
            figures["stop"] = fits[0].steps[stop] / self.iterations
        if problem.split == "test":
            figures |= self._beside(fits, problem)
        score = metrics.get("psnr", -sum(fit.loss for fit in fits) / len(fits))
        return Evaluation(score, figures, _artifacts(fits) if problem.artifacts else {})

    def _fit(
        self,
        proposal: Proposal,
        problem: Problem,
        sample: Sample,
        seed: int,
        steps: int,
        turn: tuple[int, int],
    ) -> Fit:
        """Fit a fresh network to one picture, with its own seed."""
        from nasir.evaluators.fitting import fit

        looks = self.stops if problem.split == "search" and self.stop == "search" else 1
        return fit(
            self,
            proposal.architecture,
            problem,
            sample,
            derived_seed(seed, sample.name),
            steps=steps,
            looks=looks,
            device=self._device(),
            turn=turn,
        )

    def _beside(self, fits: Sequence[Fit], problem: Problem) -> dict[str, float]:
        """The degraded pictures' own figures, and each restored picture's."""
        task = problem.task
        degraded = _means([task.metrics(task.unrestored(f.sample), f.sample) for f in fits])
        figures = {f"degraded_{name}": value for name, value in degraded.items()}
        for one in fits:
            for name, value in task.metrics(one.at[-1], one.sample).items():
                figures[f"{name}:{one.sample.name}"] = value
        return figures

    def _device(self) -> str:
        import torch

        if self.device == "auto":
            return "cuda" if torch.cuda.is_available() else "cpu"
        try:
            torch.empty(1, device=self.device).item()
        except (RuntimeError, AssertionError, NotImplementedError) as error:
            why = str(error).partition("\n")[0]
            raise SettingsError(f"evaluator.device={self.device!r}: {why}; use cpu") from None
        return self.device


def _check_size(sample: Sample, problem: Problem) -> None:
    smallest = problem.space.smallest_side
    height, width = sample.degraded.shape[-2:]
    if min(height, width) < smallest:
        raise PictureError(
            f"{sample.name} has {height} x {width} pixels, the space needs {smallest} x {smallest} "
            "at least: take a larger picture, or a lower depth of the space"
        )


def _best_stop(fits: Sequence[Fit]) -> int:
    """The place among the stopping points where the pictures' mean PSNR is highest."""
    means = [sum(p) / len(p) for p in zip(*(f.psnr for f in fits), strict=True)]
    return max(range(len(means)), key=means.__getitem__)


def _means(rows: Sequence[Any]) -> dict[str, float]:
    """The mean of each figure over the pictures that have it."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    values = {name: [row[name] for row in rows if name in row] for name in names}
    return {name: sum(v) / len(v) for name, v in values.items()}


def _artifacts(fits: Sequence[Fit]) -> dict[str, Any]:
    """Clean, degraded and restored pictures, and the weights of each fit."""
    artifacts = {}
    for one in fits:
        pictures = {
            "clean": one.sample.clean,
            "degraded": one.sample.degraded,
            "restored": one.at[-1],
        }
        for kind, picture in pictures.items():
            if picture is not None:
                array = picture[0].permute(1, 2, 0).cpu().numpy()
                artifacts[f"pictures/{one.sample.name}-{kind}"] = array
        for name, value in one.network.state_dict().items():
            artifacts[f"weights/{one.sample.name}/{name}"] = value.cpu().numpy()
    return artifacts
