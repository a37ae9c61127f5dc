"""A plugin whose runs take no time, for the tests of everything around them.

``conftest.py`` makes it known through an entry point, so that worker processes and subprocesses
find it as they find anybody's plugin.
"""

from __future__ import annotations

import os
import signal
import time
from typing import Any

import attrs
from attrs import validators as must

from nasir import hookimpl
from nasir.core.component import setting
from nasir.core.domain import Decision, Domain
from nasir.core.evaluator import Evaluation, Evaluator, RestoredPicture
from nasir.core.search_space import SearchSpace, Signature
from nasir.core.seeds import derived_seed
from nasir.core.task import Sample, Task
from nasir.core.trial import Trial
from nasir.fitting.fit import Fit
from nasir.fitting.method import FittingMethod
from nasir.runs.run import Run

WORDS = ("space=toy", "task=toy", "evaluator=toy", "strategy=random", "threads=1", "trials=6")
"""A run of the toy, on the command line or in :func:`nasir.search`."""

TROUBLES = ("error", "no_number", "exit", "memory", "crash", "exit_code_0", "kill", "undecodable")


@hookimpl
def register_search_spaces(register):
    register("toy", "toy_plugin:ToySpace", "22 architectures, one convolution each")


@hookimpl
def register_tasks(register):
    register("toy", "toy_plugin:ToyTask", "no pictures")
    register("toy_photo", "toy_plugin:ToyPhoto", "a picture of noise, or a given one")


@hookimpl
def register_evaluators(register):
    register("toy", "toy_plugin:ToyEvaluator", "a number made from architecture and seed")
    register("toy_fit", "toy_plugin:ToyFit", "plain gradient descent")


def _distinct(space: object, field: object, kernels: tuple[int, ...]) -> None:
    if not kernels or len(set(kernels)) < len(kernels):
        raise ValueError(f"'kernels' must be one or several different ones: {kernels}")


@attrs.define
class ToySpace(SearchSpace):
    """Conditional and forbidden decisions, and a network of one convolution."""

    kernels: tuple[int, ...] = setting((1, 3, 5), "kernel sizes, odd", _distinct)
    label: str | None = setting("fresh", "says nothing; none: no label")
    weight: float = setting(1.0, "says nothing, > 0", must.gt(0))

    baseline = "smallest"

    @property
    def domain(self) -> Domain:
        wide = [kernel for kernel in self.kernels if kernel > 1]
        return Domain(
            "toy",
            [
                Decision("operation", ("conv", "pool", "none")),
                Decision("kernel", self.kernels, {"operation": ("conv", "pool")}),
                Decision("dilation", (1, 2), {"kernel": wide}),
                Decision("skip", (False, True)),
            ],
            forbidden={"operation": ("none",), "skip": (False,)},
        )

    def build(self, architecture, signature):
        from torch import nn

        choices = architecture.choices
        kernel, dilation = choices.get("kernel", 1), choices.get("dilation", 1)
        inside, outside = signature.in_channels, signature.out_channels
        return nn.Conv2d(inside, outside, kernel, dilation=dilation, padding="same")

    def reference(self):
        return {"smallest": self.domain.architecture({"operation": "none", "skip": True})}


@attrs.define
class ToyTask(Task):
    """One picture of one pixel."""

    seed: int = setting(0, "says nothing", must.ge(0))

    signature = Signature(1, 1)

    def samples(self, split):
        import torch

        return [Sample(split, torch.zeros(1, 1, 1, 1), torch.ones(1, 1, 1, 1))]

    def loss(self, output, sample):
        return (output - sample.degraded).square().mean()

    def metrics(self, restored, sample):
        return {} if sample.clean is None else {"psnr": 0.0}


@attrs.define
class ToyPhoto(Task):
    """One picture in grey, which may be given."""

    photo: str | None = setting(None, "a picture file; none: noise")

    signature = Signature(1, 1)

    @classmethod
    def given(cls, pictures, test_pictures=(), degraded=False):
        return {"photo": pictures[0]}

    def samples(self, split):
        import numpy as np
        import torch
        from PIL import Image

        if self.photo is None:
            array = np.random.default_rng(0).random((20, 20))
            clean = torch.full((1, 1, 20, 20), 0.5)
        else:
            array, clean = np.asarray(Image.open(self.photo).convert("L")) / 255, None
        return [Sample("photo", torch.from_numpy(array.astype("float32"))[None, None], clean)]

    def loss(self, output, sample):
        return (output - sample.degraded).square().mean()

    def metrics(self, restored, sample):
        if sample.clean is None:
            return {}
        return {"psnr": -10 * (restored - sample.clean).square().mean().log10().item()}


@attrs.define
class ToyEvaluator(Evaluator):
    """Makes the score from the architecture and the seed, or makes trouble."""

    sleep: float = setting(0.0, "seconds that an evaluation takes, >= 0", must.ge(0))
    trouble: str = setting("error", "what goes wrong", must.in_(TROUBLES))
    every: int = setting(0, "trouble where the seed is a multiple of this; 0: never", must.ge(0))
    stop: float | None = setting(None, "the share to stop at, on the search split")
    nan_metric: bool = setting(False, "whether a metric is no number")
    artifact: str = setting("array", "what is kept", must.in_(("array", "text", "unpicklable")))

    def evaluate(self, proposal, problem, seed):
        time.sleep(self.sleep)
        if self.every and seed % self.every == 0:
            make_trouble(self.trouble)
        score = score_of(proposal.architecture.id, seed)
        if self.every and self.trouble == "no_number" and seed % self.every == 0:
            score = float("nan")
        metrics = self._metrics(score, problem)
        pictures = {"toy": {"psnr": score}}
        stop = self.stop if problem.split == "search" else None
        return Evaluation(score, metrics, pictures, stop=stop, **self._restored(problem, score))

    def _metrics(self, score, problem):
        metrics = {"psnr": score, "parameters": 12}
        if problem.split == "test":
            metrics["degraded_psnr"] = 1.0
        return metrics | ({"nothing": float("nan")} if self.nan_metric else {})

    def _restored(self, problem, score):
        if not problem.artifacts:
            return {}
        import numpy as np

        kept: Any = {
            "array": np.full(3, score),
            "text": "no array",
            "unpicklable": lambda: None,
        }[self.artifact]
        picture = RestoredPicture(None, np.ones((2, 2, 3)), np.zeros((2, 2, 3)))
        return {"restored": {"toy": picture}, "weights": {"score": kept}}


@attrs.define
class ToyFit(FittingMethod):
    """Fits by plain gradient descent."""

    steps: int = setting(3, "steps of a full fit, >= 1", must.ge(1))

    def fit(self, network, sample, task, request):
        import torch

        x = torch.rand(request.input_shape).to(request.device)
        optimizer = torch.optim.SGD(network.parameters(), lr=0.01)
        outputs, steps = {}, request.steps(self.steps)
        for step in range(1, steps + 1):
            output = network(x)
            loss = task.loss(output, sample)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            if step in request.marks(self.steps):
                outputs[step] = output
            request.progress(step, steps, loss.item())
        return Fit(outputs, steps, self.steps, loss.item())


def score_of(architecture_id: str, seed: int) -> float:
    """A number in [0, 30) that looks like a PSNR."""
    return 30 * derived_seed("score", architecture_id, seed) / 2**48


def make_trouble(kind: str) -> None:
    """Do what third parties' evaluations do."""
    if kind == "error":
        raise ValueError("made to fail")
    if kind == "undecodable":
        raise ValueError("cannot read \udcff.png")
    if kind == "exit":
        raise SystemExit(3)
    if kind == "memory":
        raise MemoryError
    if kind == "crash":
        os._exit(3)
    if kind == "exit_code_0":
        os._exit(0)
    if kind == "kill":
        os.kill(os.getpid(), signal.SIGKILL)


def figures(trial: Trial) -> tuple[Any, ...]:
    """What must be the same in every run with the same settings, to the bit."""
    return (
        trial.number,
        trial.proposal,
        trial.seed,
        trial.state,
        trial.score if trial.score is None else trial.score.hex(),
        sorted((name, value.hex()) for name, value in trial.metrics.items()),
        trial.by_picture,
        trial.curve,
        trial.stop,
        trial.reason,
    )


def outcome(run: Run) -> tuple[Any, ...]:
    """All trials, final evaluations and the best of a run, as far as they must be the same."""
    finals = {key: figures(trial) for key, trial in run.final_evaluations.items()}
    return [figures(trial) for trial in run.trials], finals, figures(run.best)
