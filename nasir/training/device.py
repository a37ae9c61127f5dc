"""The device that networks are trained on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nasir.core.errors import SettingsError

if TYPE_CHECKING:
    import torch
    from torch import nn

AUTO, ALWAYS, NEVER = WHEN = ("auto", "always", "never")
"""When something that suits a GPU is done; auto: where there is one."""


def usable(device: str, setting: str = "evaluator.device") -> str:
    """`device`; for ``auto``, a GPU if there is one, else the CPU.

    Raises :class:`~nasir.core.errors.SettingsError`, which names `setting`, for a device that torch
    cannot use.
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
    """The device of a network's parameters; the CPU if it has none."""
    import torch

    return next((p.device for p in network.parameters()), torch.device("cpu"))
