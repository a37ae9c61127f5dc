"""Trained denoisers as priors of methods."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nasir.core.component import setting
from nasir.core.errors import SettingsError
from nasir.networks.network import find_network, in_words

if TYPE_CHECKING:
    from torch import nn

DENOISERS = {1: "denoise_grey", 3: "denoise"}
"""The registered network for white noise of any level, by channels."""


def prior_setting() -> str | None:
    """The setting of a method that names its denoiser."""
    return setting(
        None,
        "a network for white noise of any level: registered, or a file of nasir export; none: "
        "denoise, in grey pictures denoise_grey",
    )


def load_prior(name: str | None, channels: int) -> nn.Module:
    """The network of that name, or the usual one, for pictures of so many `channels`.

    Raises :class:`~nasir.core.errors.SettingsError` where it is for other pictures.
    """
    import torch

    network = find_network(name or DENOISERS.get(channels, DENOISERS[3]))
    signature = network.signature
    if (signature.in_channels, signature.scale) != (channels, 1):
        raise SettingsError(
            f"method.network={name} is for {in_words(signature)}, here are pictures of "
            f"{channels} channels: take a denoiser for these (nasir list networks)"
        )
    with torch.random.fork_rng(devices=[]):  # a fresh network draws its weights first
        return network.load()
