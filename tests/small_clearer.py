"""Small supernets of CLEARER to test with."""

from __future__ import annotations

import torch
from torch import nn

from nasir.core.search_space import Signature
from nasir.search_spaces.clearer.space import Clearer
from nasir.search_spaces.clearer.supernet import ClearerSupernet

SMALL = Clearer(channels=4, cells=2, columns=2)


def made(space: Clearer, partial: int = 1) -> ClearerSupernet:
    """In float64, with weights large enough to see, and every batch norm unlike the others."""
    torch.manual_seed(0)
    network = space.supernet(Signature(3, 3), partial).double()
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight)
        elif isinstance(module, nn.BatchNorm2d):
            for values in (module.weight, module.bias, module.running_mean, module.running_var):
                assert values is not None
                nn.init.uniform_(values, 0.5, 1.5)
    return network
