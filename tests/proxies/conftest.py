from __future__ import annotations

from collections.abc import Callable

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
