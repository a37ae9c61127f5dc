"""Where networks are trained."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nasir.core.errors import SettingsError

if TYPE_CHECKING:
    import torch
    from torch import nn


def usable(device: str, setting: str = "evaluator.device") -> str:
    """`device`, or for ``auto`` a GPU where there is one; refuses what torch cannot use.

    `setting` is what the user sets it with.
    """
    import torch

    if device == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    try:
        torch.empty(1, device=device).item()
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        why = str(error).partition("\n")[0]
        raise SettingsError(f"{setting}={device!r}: {why}; use cpu") from None
    return device


def device_of(network: nn.Module) -> torch.device:
    """Where a network's parameters are; the CPU for one without any."""
    import torch

    return next((p.device for p in network.parameters()), torch.device("cpu"))
