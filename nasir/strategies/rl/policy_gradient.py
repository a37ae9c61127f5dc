"""The policy gradient that trains the controller."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import Tensor

from nasir.core.architecture import Architecture
from nasir.strategies.rl.controller import Controller
from nasir.training.optimizers import without_dynamo


@contextmanager
def one_thread() -> Iterator[None]:
    """Compute with one thread, so that sums have the same bits for any number of threads."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


class PolicyGradient:
    """REINFORCE with a moving-average baseline b and Adam, all in float32 on the CPU.

    A step on architectures a_i with scores r_i, entropy weight w and decay d is
        R_i = r_i + w H(a_i);  b = d b + (1 - d) mean R, at the first step mean R
        loss = mean of -(R_i - b) log p(a_i), of which only log p has a gradient
    where H is the entropy of the decisions on the way to a_i, summed. Adam does not change a head
    that took no decision in a step. `seed` is for the sampling.
    """

    def __init__(
        self,
        controller: Controller,
        seed: int,
        lr: float = 3.5e-4,
        betas: tuple[float, float] = (0.0, 0.9),
        entropy_weight: float = 1e-3,
        baseline_decay: float = 0.9,
    ) -> None:
        self.controller = controller
        self.baseline: float | None = None
        self._entropy_weight = entropy_weight
        self._baseline_decay = baseline_decay
        self._generator = torch.Generator().manual_seed(seed)
        self._adam = without_dynamo(torch.optim.Adam)(controller.parameters(), lr, betas)

    @one_thread()
    def draw(self) -> Architecture:
        """Sample the controller."""
        return self.controller.sample(self._generator).architecture

    @one_thread()
    def update(self, step: Sequence[tuple[Architecture, float]]) -> None:
        """One step of the controller on architectures and their scores.

        log p is that under the present parameters, so that an architecture that was drawn before
        an earlier step can be used too.
        """
        walks = [self.controller.follow(architecture) for architecture, _ in step]
        rewards = [
            score + self._entropy_weight * walk.entropy.item()
            for (_, score), walk in zip(step, walks, strict=True)
        ]
        baseline = self._moved_baseline(sum(rewards) / len(rewards))
        losses = [
            -(reward - baseline) * walk.log_probability
            for reward, walk in zip(rewards, walks, strict=True)
        ]
        loss = torch.stack(losses).mean()
        if loss.requires_grad:  # it has none if the domain leaves nothing to decide
            self._adam.zero_grad()
            loss.backward()
            self._adam.step()

    def _moved_baseline(self, reward: float) -> float:
        decay = self._baseline_decay
        moved = reward if self.baseline is None else decay * self.baseline + (1 - decay) * reward
        self.baseline = moved
        return moved

    def state_dict(self) -> dict[str, Any]:
        """Parameters, Adam's moments, baseline and generator: JSON values and numpy arrays."""
        named = dict(self.controller.named_parameters())
        moments = {name: self._adam.state[p] for name, p in named.items() if p in self._adam.state}
        return {
            "parameters": {name: _array(p) for name, p in named.items()},
            "steps": {name: int(kept["step"]) for name, kept in moments.items()},
            "mean": {name: _array(kept["exp_avg"]) for name, kept in moments.items()},
            "square": {name: _array(kept["exp_avg_sq"]) for name, kept in moments.items()},
            "baseline": self.baseline,
            "generator": _array(self._generator.get_state()),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore a state, to the bit."""
        named = dict(self.controller.named_parameters())
        self._adam.state.clear()
        for name, parameter in named.items():
            parameter.data.copy_(torch.tensor(state["parameters"][name]))
        for name, steps in state["steps"].items():
            self._adam.state[named[name]] = {
                "step": torch.tensor(float(steps)),
                "exp_avg": torch.tensor(state["mean"][name]),
                "exp_avg_sq": torch.tensor(state["square"][name]),
            }
        self.baseline = state["baseline"]
        self._generator.set_state(torch.tensor(state["generator"]))


def _array(tensor: Tensor) -> np.ndarray[Any, Any]:
    return tensor.detach().numpy().copy()
