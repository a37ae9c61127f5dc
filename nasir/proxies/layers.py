"""Reading and changing the layers of a network."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm, _NormBase
from torch.nn.modules.conv import _ConvNd

NORMS = (_NormBase, nn.GroupNorm, nn.LayerNorm, nn.LocalResponseNorm)


def weighted_layers(network: nn.Module) -> list[_ConvNd | nn.Linear]:
    """All convolutions and linear layers."""
    return [m for m in network.modules() if isinstance(m, _ConvNd | nn.Linear)]


def features(network: nn.Module, x: Tensor) -> Tensor:
    """The output of the last convolution or linear layer that runs, for the input `x`.

    That is the picture before a sigmoid, which would flatten large values, and before the
    network's input is added to it. A network without such layers gives its output.
    """
    last: list[Tensor] = []

    def keep(module: nn.Module, args: tuple[Any, ...], output: Tensor) -> None:
        last[:] = [output.clone()]  # later layers may work in place

    handles = [layer.register_forward_hook(keep) for layer in weighted_layers(network)]
    try:
        output: Tensor = network(x)
    finally:
        for handle in handles:
            handle.remove()
    return last[0] if last else output


def neutralise_norms(network: nn.Module) -> None:
    """Replace every normalisation of `network` by the identity."""
    for module in network.modules():
        if isinstance(module, NORMS):
            module.register_forward_hook(lambda module, args, output: args[0])


@contextmanager
def batch_deviations(network: nn.Module) -> Iterator[dict[str, float]]:
    """The standard deviation of the input of each batch normalisation, by name.

    Filled by forward passes within the context. It is the root of the mean variance over channels,
    and over the passes of a layer that several paths share, including the constant that the layer
    adds to variances: the value that the layer divides by.
    """
    variances: dict[str, list[float]] = {}
    deviations: dict[str, float] = {}

    def record(name: str) -> Any:
        def hook(module: _BatchNorm, args: tuple[Tensor, ...]) -> None:
            x = args[0]
            over = [axis for axis in range(x.ndim) if axis != 1]
            variance = x.detach().var(over, correction=0).mean().item() + module.eps
            variances.setdefault(name, []).append(variance)
            deviations[name] = (sum(variances[name]) / len(variances[name])) ** 0.5

        return hook

    norms = {n: m for n, m in network.named_modules() if isinstance(m, _BatchNorm)}
    handles = [module.register_forward_pre_hook(record(name)) for name, module in norms.items()]
    try:
        yield deviations
    finally:
        for handle in handles:
            handle.remove()


@torch.no_grad()
def draw_gaussian_weights(network: nn.Module) -> None:
    """Draw the weights of convolutions and linear layers from N(0, 1); set biases to zero.

    Weights that are all zero stay zero: those that move the taps of a deformable convolution would
    move them out of the picture.
    """
    for layer in weighted_layers(network):
        if layer.weight.any():
            layer.weight.copy_(torch.randn(layer.weight.shape))
        if layer.bias is not None:
            layer.bias.zero_()
