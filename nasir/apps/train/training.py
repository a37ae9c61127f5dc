"""A final training, as a person gets it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from nasir.runs.training_folder import TrainingFolder

if TYPE_CHECKING:
    from torch import nn


class Training(TrainingFolder):
    """The training of one architecture: its folder, its network, and how good that is."""

    @property
    def state(self) -> str:
        """``finished``, or ``unfinished``."""
        return "finished" if self.result is not None else "unfinished"

    @property
    def metrics(self) -> Mapping[str, Any]:
        """The means over the test pictures by name; empty while unfinished."""
        result = self.result
        return {} if result is None else result["metrics"]

    @property
    def mapping(self) -> dict[str, Any]:
        """Folder, state, settings and result as JSON values."""
        return {
            "folder": str(self.folder),
            "state": self.state,
            "settings": self.settings,
            **(self.result or {}),
        }

    def network(self) -> nn.Module:
        """The trained network, in evaluation mode: ``(N, C, H, W) -> (N, C, sH, sW)``.

        Raises :class:`~nasir.core.errors.SettingsError` for weights that are not there, are
        damaged, or are of another architecture.
        """
        from nasir.training.weights import load_weights

        architecture, space = self.found
        path = self.weights
        network = space.build(architecture, self.signature)
        load_weights(network, path)
        return network.eval()
