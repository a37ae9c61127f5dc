"""``nasir.build``: the network of an architecture."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nasir.core.architecture import Architecture
from nasir.core.errors import SettingsError
from nasir.core.search_space import SearchSpace, Signature
from nasir.runs.architecture_file import check_member, read_architecture
from nasir.settings.building import make
from nasir.settings.components import Choice, chosen_name

if TYPE_CHECKING:
    from torch import nn


def build(
    architecture: Architecture | Mapping[str, Any] | str | Path,
    space: Choice[SearchSpace] | None = None,
    in_channels: int = 32,
    out_channels: int = 3,
    scale: int = 1,
) -> nn.Module:
    """The network of an architecture: ``(N, in_channels, H, W) -> (N, out_channels, sH, sW)``.

    `architecture` is one, or the name of a reference architecture, or an ``architecture.json``
    (whose space and settings then hold). The weights are fresh, from torch's global generator.
    """
    if isinstance(architecture, str | Path) and Path(architecture).suffix == ".json":
        architecture, space = read_architecture(architecture)
    maker: SearchSpace = make("space", space or chosen_name("space", {}, "evaluate"))
    if isinstance(architecture, str):
        architecture = maker.named(architecture)
    elif isinstance(architecture, Mapping):
        architecture = maker.domain.architecture(architecture)
    elif not isinstance(architecture, Architecture):
        raise SettingsError(f"{architecture} is no architecture.json")
    check_member(architecture, maker)
    return maker.build(architecture, Signature(in_channels, out_channels, scale))
