"""Training one network on patches."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import attrs
import torch
from torch import Tensor, nn

from nasir.core.errors import EvaluationError
from nasir.core.seeds import derived_seed
from nasir.core.task import Patches
from nasir.training.averaging import Average
from nasir.training.checkpoint import load, save
from nasir.training.course import Course
from nasir.training.feed import Feed
from nasir.training.losses import loss
from nasir.training.optimizers import (
    load_optimizer_state,
    optimizer,
    optimizer_state,
    set_learning_rate,
)
from nasir.training.precision import Precision
from nasir.training.randomness import repeatable, seed_torch
from nasir.training.schedules import learning_rate

LOOK_EVERY = 10
"""Steps between looks at the losses, each of which waits for the device."""


@attrs.frozen(eq=False)
class Trained:
    """What a training came to: the network with its last weights, and the loss of each step.

    `average` is the state of the network with averaged weights, None where there is none.
    """

    network: nn.Module
    average: dict[str, Tensor] | None
    losses: list[float]

    @property
    def steps(self) -> int:
        return len(self.losses)

    def final(self) -> nn.Module:
        """The network, with the averaged weights from now on where there are any."""
        if self.average is not None:
            self.network.load_state_dict(self.average)
        return self.network


def train(
    network: nn.Module,
    patches: Patches,
    course: Course,
    seed: int,
    device: str = "cpu",
    checkpoint: Path | None = None,
    on_step: Callable[[int, float], None] | None = None,
    about: str = "",
    steps: int | None = None,
) -> Trained:
    """Train `network`, which is moved to `device`, by `course` on `patches`.

    With `steps` the training is left after so many of the course's.

    All randomness comes from `seed` and the step's number; torch's generators are left as they
    were. A state in the file `checkpoint` is gone on from, to the same bits as without it, where
    it is of the same course, seed, kind of device and pictures, and of the same `about`: whatever
    else the result follows from, such as the architecture. The file is left there at the end.
    `on_step` is told the step, from 1, and its loss, every few steps and at the last. A network
    without weights is left as it is, after no steps.

    Raises :class:`~nasir.core.errors.EvaluationError` where the loss is not finite, or the
    network's output is of another shape than the clean patches.
    """
    if not any(parameter.requires_grad for parameter in network.parameters()):
        return Trained(network, None, [])
    state = _State(network.to(device), course, seed, device)
    identity = course.identity(
        seed=seed,
        device=torch.device(device).type,
        pictures=list(patches.names),
        network={name: list(value.shape) for name, value in network.state_dict().items()},
        about=about,
    )
    last = course.iterations if steps is None else min(steps, course.iterations)
    if checkpoint is not None:
        state.resume(checkpoint, identity, last)
    network.train()
    saved = time.monotonic()
    with ExitStack() as stack:
        stack.enter_context(repeatable(device))
        feed = Feed(patches, derived_seed(seed, "patches"), course.batch, course.patch)
        stack.enter_context(feed)
        while state.step < last:
            state.advance(feed.batch(state.step))
            ended = state.step == last
            if ended or state.step % LOOK_EVERY == 0:
                state.look()
                if on_step is not None:
                    on_step(state.step, state.losses[-1])
            late = time.monotonic() - saved >= course.checkpoint_every
            if checkpoint is not None and (late or ended):
                state.save(checkpoint, identity)
                saved = time.monotonic()
    return Trained(network, state.average.state if state.average else None, state.losses)


class _State:
    """All that the next steps of a training depend on."""

    def __init__(self, network: nn.Module, course: Course, seed: int, device: str) -> None:
        self.network, self.course, self.seed, self.device = network, course, seed, device
        self.parameters = [p for p in network.parameters() if p.requires_grad]
        self.optimizer = optimizer(
            course.optimizer,
            self.parameters,
            course.lr,
            course.momentum,
            course.decay,
            course.betas,
        )
        self.precision = Precision(course.precision, device)
        self.average = Average(network, course.ema) if course.ema else None
        self.loss = loss(course.loss, course.mean_terms)
        self.step = 0
        self.losses: list[float] = []
        self._unseen: list[Tensor] = []

    def advance(self, pair: tuple[Tensor, Tensor]) -> None:
        """Do one step."""
        course = self.course
        seed_torch(derived_seed(self.seed, "step", self.step), self.device)
        rate = learning_rate(
            course.schedule, self.step, course.iterations, course.lr, course.lr_end, course.power
        )
        set_learning_rate(self.optimizer, rate)
        degraded, clean = (side.to(self.device, non_blocking=True) for side in pair)
        output = self.precision.output(self.network, degraded)
        if output.shape != clean.shape:
            raise EvaluationError(
                f"the network gives {tuple(output.shape)} for {tuple(degraded.shape)}, the task "
                f"wants {tuple(clean.shape)}: choose a space whose networks do the task's scale"
            )
        value = self.loss(output, clean)
        self.precision.descend(value, self.optimizer, self.parameters, course.clip)
        self.step += 1
        if self.average is not None:
            self.average.update(self.step)
        self._unseen.append(value.detach())

    def look(self) -> None:
        """Take note of the losses since the last look, and refuse what is not finite."""
        if not self._unseen:
            return
        for value in torch.stack(self._unseen).tolist():
            self.losses.append(value)
            if not math.isfinite(value):
                raise EvaluationError(
                    f"the loss is {value} at step {len(self.losses)}: a lower lr may help"
                )
        self._unseen = []

    def save(self, path: Path, identity: str) -> None:
        """Write the state, once it is known to be finite."""
        self.look()
        tensors = {f"network/{k}": v for k, v in self.network.state_dict().items()}
        tensors |= {f"optimizer/{k}": v for k, v in optimizer_state(self.optimizer).items()}
        if self.average is not None:
            tensors |= {f"average/{k}": v for k, v in self.average.state.items()}
        tensors["losses"] = torch.tensor(self.losses, dtype=torch.float64)
        scaler = self.precision.scaler.state_dict()
        save(path, tensors, {"identity": identity, "scaler": scaler})

    def resume(self, path: Path, identity: str, last: int) -> None:
        """Go on from the state in a file, if it is of the same training and not beyond `last`."""
        found = load(path)
        if found is None or found[1].get("identity") != identity:
            return
        tensors, values = found
        if len(tensors["losses"]) > last:
            return
        self.network.load_state_dict(_under(tensors, "network/"))
        load_optimizer_state(self.optimizer, _under(tensors, "optimizer/"))
        if self.average is not None:
            self.average.load(_under(tensors, "average/"))
        if self.precision.scaler.is_enabled():
            self.precision.scaler.load_state_dict(values["scaler"])
        self.losses = tensors["losses"].tolist()
        self.step = len(self.losses)


def _under(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)}
