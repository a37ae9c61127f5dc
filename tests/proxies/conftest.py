from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from toy_plugin import ToyTask

from nasir.core.proxy import Probe
from nasir.core.task import Sample


@pytest.fixture
def probe() -> Callable[[np.ndarray, np.ndarray], Probe]:
    """``probe(output, picture)``: of a network that makes `output`, both ``(C, H, W)``."""

    def made(output: np.ndarray, picture: np.ndarray) -> Probe:
        ours, theirs = (torch.from_numpy(np.asarray(x))[None] for x in (output, picture))
        return Probe(nn.Identity(), ours, Sample("picture", theirs), ToyTask())

    return made


@pytest.fixture
def probe_of() -> Callable[..., Probe]:
    """``probe_of(network, input, picture)``: both ``(1, C, H, W)``; the loss is the squared error.

    Without a picture it is noise, of the size of the network's output.
    """

    def made(
        network: nn.Module, input: torch.Tensor, picture: torch.Tensor | None = None, **more: Any
    ) -> Probe:
        if picture is None:
            with torch.no_grad():
                like = network(input)
            generator = torch.Generator().manual_seed(9)
            picture = torch.rand(like.shape, generator=generator, dtype=like.dtype)
        return Probe(network, input, Sample("picture", picture), ToyTask(), **more)

    return made
