"""Training one network on patches."""

from __future__ import annotations

import logging
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
from nasir.kernels.layout import channels_innermost
from nasir.training.averaging import MovingAverage
from nasir.training.captured import Captured, own_stream
from nasir.training.checkpoint import load, save, under
from nasir.training.compiled import compiled
from nasir.training.device import ALWAYS
from nasir.training.feed import Feed, ResidentFeed
from nasir.training.hyperparameters import Hyperparameters
from nasir.training.inspected import Losses
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

log = logging.getLogger("nasir")

CHECK_EVERY, CHECK_EVERY_ON_GPU = 10, 100
"""Steps between checks of the losses; each check waits for the device."""


@attrs.frozen(eq=False)
class Trained:
    """A trained network with its last weights, and the loss of each step.

    `average` is the state with averaged weights, or None.
    """

    network: nn.Module
    average: dict[str, Tensor] | None
    losses: list[float]

    @property
    def steps(self) -> int:
        return len(self.losses)

    def final(self) -> nn.Module:
        """The network, into which averaged weights are loaded if there are any."""
        if self.average is not None:
            self.network.load_state_dict(self.average)
        return self.network


def train(
    network: nn.Module,
    patches: Patches,
    hyperparameters: Hyperparameters,
    seed: int,
    device: str = "cpu",
    checkpoint: Path | None = None,
    on_step: Callable[[int, float], None] | None = None,
    about: str = "",
    steps: int | None = None,
) -> Trained:
    """Train `network` on `patches`; moves it to `device`.

    If `steps` is given, training stops after that many steps of the schedule. All random numbers
    depend on `seed` and the step alone; torch's generators are restored afterwards.

    If the file `checkpoint` has a state of the same training, training continues from it, to the
    same bits. The same training means: equal hyperparameters, seed, kind of device, pictures and
    `about`, which names everything else that decides the result, such as the architecture. The
    file stays at the end. `on_step` is called with the step, from 1, and its loss, every
    `CHECK_EVERY` steps (on a GPU `CHECK_EVERY_ON_GPU`) and after the last. A network without
    trainable weights is returned unchanged, after no steps.

    Raises :class:`~nasir.core.errors.EvaluationError` if the loss is not finite, or if the shape of
    the network's output differs from that of the clean patches.
    """
    if not any(parameter.requires_grad for parameter in network.parameters()):
        return Trained(network, None, [])
    state = _State(network.to(device), hyperparameters, seed, device)
    identity = hyperparameters.identity(
        seed=seed,
        device=torch.device(device).type,
        pictures=list(patches.names),
        network={name: list(value.shape) for name, value in network.state_dict().items()},
        about=about,
    )
    last = hyperparameters.iterations if steps is None else min(steps, hyperparameters.iterations)
    if checkpoint is not None:
        state.resume(checkpoint, identity, last)
    network.train()
    saved = time.monotonic()
    with ExitStack() as stack:
        stack.enter_context(repeatable(device))
        if state.captured:
            stack.enter_context(own_stream(device))
        feed = _feed(patches, hyperparameters, seed, device, stack)
        while state.step < last:
            state.advance(feed.batch(state.step))
            ended = state.step == last
            if ended:
                state.check_losses()
            if on_step is not None and len(state.losses) == state.step:
                on_step(state.step, state.losses[-1])
            late = time.monotonic() - saved >= hyperparameters.checkpoint_every
            if checkpoint is not None and (late or ended):
                state.save(checkpoint, identity)
                saved = time.monotonic()
    return Trained(network, state.average.state if state.average else None, state.losses)


def _feed(
    patches: Patches, hyperparameters: Hyperparameters, seed: int, device: str, stack: ExitStack
) -> Feed | ResidentFeed:
    """What makes the batches: the device that holds the pictures, or threads."""
    drawn_from = derived_seed(seed, "patches")
    if hyperparameters.resident:
        try:
            held = patches.resident(device, hyperparameters.versions)
        except torch.OutOfMemoryError:
            held = None
            log.warning("the pictures do not fit on %s: batches are made on the CPU", device)
        if held is not None:
            return ResidentFeed(held, drawn_from, hyperparameters.batch, hyperparameters.patch)
    return stack.enter_context(
        Feed(patches, drawn_from, hyperparameters.batch, hyperparameters.patch)
    )


class _State:
    """Everything that the next steps of a training depend on."""

    def __init__(
        self, network: nn.Module, hyperparameters: Hyperparameters, seed: int, device: str
    ) -> None:
        self.network, self.hyperparameters, self.seed, self.device = (
            network,
            hyperparameters,
            seed,
            device,
        )
        self.captured = hyperparameters.captures(device)
        if self.captured:
            network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self._forward = compiled(network) if hyperparameters.compile else network
        must = hyperparameters.capture == ALWAYS
        self._step = Captured(self._descend, must) if self.captured else self._descend
        self.parameters = [p for p in network.parameters() if p.requires_grad]
        self.optimizer = optimizer(
            hyperparameters.optimizer,
            self.parameters,
            hyperparameters.lr,
            hyperparameters.momentum,
            hyperparameters.decay,
            hyperparameters.betas,
            capturable=self.captured,
        )
        self.precision = Precision(hyperparameters.precision, device)
        self.average = MovingAverage(network, hyperparameters.ema) if hyperparameters.ema else None
        self.loss = loss(hyperparameters.loss, hyperparameters.mean_terms)
        self.step = 0
        self.losses: list[float] = []
        every = CHECK_EVERY if device == "cpu" else CHECK_EVERY_ON_GPU
        self._inspected = Losses(every, learning_rate="lr")

    def advance(self, pair: tuple[Tensor, Tensor]) -> None:
        """Do one step on a batch of degraded and clean patches."""
        hyperparameters = self.hyperparameters
        seed_torch(derived_seed(self.seed, "step", self.step), self.device)
        rate = learning_rate(
            hyperparameters.schedule,
            self.step,
            hyperparameters.iterations,
            hyperparameters.lr,
            hyperparameters.lr_end,
            hyperparameters.power,
        )
        if self.step < hyperparameters.warm_up:
            rate *= (self.step + 1) / hyperparameters.warm_up
        set_learning_rate(self.optimizer, rate)
        degraded, clean = (side.to(self.device, non_blocking=True) for side in pair)
        if self.captured:
            degraded = channels_innermost(degraded)
        value = self._step(degraded, clean)
        self.step += 1
        if self.average is not None:
            self.average.update(self.step)
        self._record(self._inspected.add(self.step, value))

    def _descend(self, degraded: Tensor, clean: Tensor) -> Tensor:
        """Go one step along the gradient; the loss before it."""
        output = self.precision.output(self._forward, degraded)
        if output.shape != clean.shape:
            raise EvaluationError(
                f"the network's output for {tuple(degraded.shape)} is {tuple(output.shape)}, the "
                f"task needs {tuple(clean.shape)}: choose a space that has the task's scale"
            )
        value = self.loss(output, clean)
        self.precision.descend(value, self.optimizer, self.parameters, self.hyperparameters.clip)
        return value.detach()

    def check_losses(self) -> None:
        """Record the losses since the last check; raises EvaluationError if one is not finite."""
        self._record(self._inspected.look())

    def _record(self, rows: list[list[float]]) -> None:
        self.losses += [loss for [loss] in rows]

    def save(self, path: Path, identity: str) -> None:
        """Write the state, if all losses are finite."""
        self.check_losses()
        tensors = {f"network/{k}": v for k, v in self.network.state_dict().items()}
        tensors |= {f"optimizer/{k}": v for k, v in optimizer_state(self.optimizer).items()}
        if self.average is not None:
            tensors |= {f"average/{k}": v for k, v in self.average.state.items()}
        tensors["losses"] = torch.tensor(self.losses, dtype=torch.float64)
        scaler = self.precision.scaler.state_dict()
        save(path, tensors, {"identity": identity, "scaler": scaler})

    def resume(self, path: Path, identity: str, last: int) -> None:
        """Continue from the state in a file if it is of this training and not beyond `last`."""
        found = load(path)
        if found is None or found[1].get("identity") != identity:
            return
        tensors, values = found
        if len(tensors["losses"]) > last:
            return
        self.network.load_state_dict(under(tensors, "network/"))
        load_optimizer_state(self.optimizer, under(tensors, "optimizer/"))
        if self.average is not None:
            self.average.load(under(tensors, "average/"))
        if self.precision.scaler.is_enabled():
            self.precision.scaler.load_state_dict(values["scaler"])
        self.losses = tensors["losses"].tolist()
        self.step = len(self.losses)
        self._inspected.resume(self.step, self.losses[-1:])
