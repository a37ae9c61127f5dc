"""How many fits at once a GPU has room for."""

from __future__ import annotations

import copy

import torch
from torch import Tensor, nn
from torch.autograd.graph import saved_tensors_hooks

SHARE = 0.6
"""Of a GPU's memory that fits may hold; the rest is for what a step needs in between."""

COPIES = 5
"""Of the parameters: themselves, their gradients, two moments of Adam, and the last good ones."""


def most_at_once(network: nn.Module, input_shape: tuple[int, ...], device: str) -> int | None:
    """How many fits like this one are done at once, at least one; None: any number.

    By the memory that `device` has, not by what is free, so that the same fits are grouped in the
    same way each time: in other groups they differ by roundings.
    """
    total = memory_of(device)
    if total is None:
        return None
    return max(1, int(SHARE * total / held_bytes(network, input_shape, device)))


def memory_of(device: str) -> int | None:
    """The bytes of a GPU; None for a CPU."""
    if torch.device(device).type == "cpu":
        return None
    return int(torch.cuda.mem_get_info(device)[1])


def held_bytes(network: nn.Module, input_shape: tuple[int, ...], device: str) -> int:
    """What a step of one fit keeps for its gradients, and the parameters with all that they need.

    `network` is not changed.
    """
    held: dict[int, int] = {}

    def note(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        held[storage.data_ptr()] = storage.nbytes()
        return tensor

    own = copy.deepcopy(network)  # a pass moves the statistics of the norms
    parameters = [parameter.untyped_storage() for parameter in own.parameters()]
    with torch.enable_grad(), saved_tensors_hooks(note, lambda tensor: tensor):
        output = own(torch.zeros(input_shape, device=device))  # noqa: F841 (keeps what is held)
    for storage in parameters:
        held.pop(storage.data_ptr(), None)
    return sum(held.values()) + COPIES * sum(storage.nbytes() for storage in parameters)
