"""The exponential moving average of a network's weights."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import get_ema_multi_avg_fn


class MovingAverage:
    """The exponential moving average of all floating-point tensors of a network's state.

    After t steps the past has the weight min(decay, (1 + t) / (10 + t)), so that the first weights
    soon lose their influence. Counters are copied.
    """

    def __init__(self, network: nn.Module, decay: float) -> None:
        self.decay = decay
        self._live: dict[str, Tensor] = network.state_dict()  # shares the network's memory
        self.state = {name: value.clone() for name, value in self._live.items()}
        self._smooth = [name for name, value in self.state.items() if value.is_floating_point()]
        self._counters = [name for name in self.state if name not in set(self._smooth)]

    def update(self, step: int) -> None:
        """Add the network's weights after `step` steps."""
        decay = min(self.decay, (1 + step) / (10 + step))
        averaged = [self.state[name] for name in self._smooth]
        get_ema_multi_avg_fn(decay)(averaged, [self._live[name] for name in self._smooth], step)
        for name in self._counters:
            self.state[name].copy_(self._live[name])

    def load(self, state: Mapping[str, Tensor]) -> None:
        """Continue from a state."""
        with torch.no_grad():
            for name, value in self.state.items():
                value.copy_(state[name])
