"""``nasir.build``: the network of an architecture."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs

from nasir.core.architecture import Architecture
from nasir.core.errors import SettingsError
from nasir.core.search_space import SearchSpace, Signature
from nasir.core.trial import FULL, Trial
from nasir.runs.architecture_file import check_member, find_architecture
from nasir.runs.run import Run
from nasir.settings.building import make
from nasir.settings.components import Choice, chosen_name
from nasir.settings.experiment import experiment

if TYPE_CHECKING:
    from torch import nn


def build(
    architecture: Run | Trial | Architecture | Mapping[str, Any] | str | Path,
    space: Choice[SearchSpace] | None = None,
    in_channels: int | None = None,
    out_channels: int | None = None,
    scale: int | None = None,
) -> nn.Module:
    """The network of an architecture: ``(N, in_channels, H, W) -> (N, out_channels, sH, sW)``.

    `architecture` is a run, whose best it is; a trial or an architecture; the choices by decision;
    or the name of a reference architecture, an ``architecture.json``, or the folder of a run. Runs
    and files have the settings of their own space; else `space` says which, by default nasdip.
    A run's network has the channels and scale that its evaluator gives it; without a run, they are
    32, 3 and 1. The weights are fresh, from torch's global generator. Raises
    :class:`~nasir.core.errors.NasirError` for what is no architecture of the space.
    """
    signature = Signature(32, 3, 1)
    if isinstance(architecture, Run):
        problem = experiment(architecture.whole_settings).problem
        signature, maker = problem.evaluator(FULL).signature(problem), problem.space
        architecture = architecture.best
    else:
        maker = make("space", space or chosen_name("space", {}, "evaluate"))
    if isinstance(architecture, Trial):
        architecture = architecture.architecture
    if isinstance(architecture, str | Path):
        architecture, maker = find_architecture(str(architecture), maker)
    elif isinstance(architecture, Mapping):
        architecture = maker.domain.architecture(architecture)
    elif not isinstance(architecture, Architecture):
        raise SettingsError(f"{architecture!r} is no architecture, trial or run")
    check_member(architecture, maker)
    of = {"in_channels": in_channels, "out_channels": out_channels, "scale": scale}
    given: dict[str, Any] = {name: value for name, value in of.items() if value is not None}
    return maker.build(architecture, attrs.evolve(signature, **given))
