"""The cost of a network, which is known before it is trained."""

from __future__ import annotations

import time
from collections.abc import Collection
from typing import TYPE_CHECKING

from nasir.core.architecture import Architecture
from nasir.core.search_space import SearchSpace, Signature
from nasir.core.task import Task

if TYPE_CHECKING:
    from torch import Tensor, nn

PARAMETERS = "parameters"
MULTIPLY_ADDS = "multiply_adds"
SECONDS = "seconds"
COST = (PARAMETERS, MULTIPLY_ADDS)
"""The metrics that are known before a network is trained, and are the same everywhere."""

SIDE = 64
"""Side in pixels of the picture that multiply-adds are counted for."""

TIMED_SIDE, TIMED_PASSES = 256, 3
"""Side in pixels of the restored picture that passes are timed for, and how many are."""


def cost(
    architecture: Architecture,
    space: SearchSpace,
    task: Task,
    signature: Signature,
    wanted: Collection[str] = COST,
) -> dict[str, float]:
    """The number of parameters, and the multiply-adds of one pass over 64 x 64 pixels.

    Only the `wanted` ones are computed: parameters from shapes alone, without memory for weights;
    multiply-adds by a pass. ``seconds``, if wanted, are measured (:func:`seconds`). The global
    random generator is unchanged.
    """
    import torch

    with torch.random.fork_rng(devices=[]):
        known = {}
        if PARAMETERS in wanted:
            with torch.device("meta"):
                network = task.assemble(lambda s: space.build(architecture, s), signature)
            known[PARAMETERS] = float(number_of_parameters(network))
        if {MULTIPLY_ADDS, SECONDS} & set(wanted):
            network = task.assemble(lambda s: space.build(architecture, s), signature)
            channels = task.networks * signature.in_channels
        if MULTIPLY_ADDS in wanted:
            known[MULTIPLY_ADDS] = float(
                multiply_adds(network, torch.zeros(1, channels, SIDE, SIDE))
            )
        if SECONDS in wanted:
            side = max(TIMED_SIDE // signature.scale, space.smallest_side)
            passes = (512 / (side * signature.scale)) ** 2
            known[SECONDS] = passes * seconds(network, torch.zeros(1, channels, side, side)) / 2
        return known


def seconds(network: nn.Module, x: Tensor) -> float:
    """The processor's seconds of one pass over `x` on one thread, the least of three passes.

    What else the machine does is not counted, but slows caches and memory.
    """
    import torch

    threads = torch.get_num_threads()
    network.eval()
    taken = []
    try:
        torch.set_num_threads(1)
        with torch.inference_mode():
            for _ in range(TIMED_PASSES):
                began = time.thread_time()
                network(x)
                taken.append(time.thread_time() - began)
    finally:
        torch.set_num_threads(threads)
    return min(taken)


def multiply_adds(network: nn.Module, x: Tensor) -> int:
    """The multiply-adds of one pass over `x`; the network's statistics are unchanged."""
    import torch

    from nasir.core.flops import CountedFlops

    training = [module for module in network.modules() if module.training]
    network.eval()
    with CountedFlops() as counted, torch.no_grad():
        network(x)
    for module in training:
        module.training = True
    return counted.total // 2


def number_of_parameters(network: nn.Module) -> int:
    return sum(parameter.numel() for parameter in network.parameters())
