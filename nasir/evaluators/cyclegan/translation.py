"""What two trained generators make of pictures, and what can be said about it without a truth."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import attrs
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from nasir.core.task import Sample
from nasir.training.device import device_of
from nasir.training.restored import network_weights

BACK = {"AtoB": "BtoA", "BtoA": "AtoB"}


@attrs.frozen(eq=False)
class Translation:
    """The pictures of both domains in the other one, by direction, ``(1, 3, H, W)`` on the CPU."""

    generators: Mapping[str, nn.Module]
    sources: Mapping[str, Sequence[Tensor]]
    made: Mapping[str, Sequence[Tensor]]

    @classmethod
    def of(
        cls, generators: Mapping[str, nn.Module], a: Sequence[Sample], b: Sequence[Sample]
    ) -> Translation:
        domains = {"AtoB": a, "BtoA": b}
        sources = {way: [sample.degraded for sample in x] for way, x in domains.items()}
        made = {way: apply(generators[way], x) for way, x in sources.items()}
        return cls(generators, sources, made)

    def losses(self) -> dict[str, float]:
        """The cycle and identity losses in [0, 1]: mean absolute differences, over both domains."""
        there_and_back = {way: apply(self.generators[BACK[way]], self.made[way]) for way in BACK}
        already_there = {way: apply(self.generators[BACK[way]], self.sources[way]) for way in BACK}
        return {
            "cycle_loss": self._difference(there_and_back),
            "identity_loss": self._difference(already_there),
        }

    def distances(self, weights: str) -> dict[str, float]:
        """The FID of each direction: made pictures to the domain's own, by features of Inception.

        `weights` is the file of the network's weights.
        """
        from nasir.evaluators.cyclegan.fid import features, frechet_distance, inception

        network = inception(weights).to(device_of(self.generators["AtoB"]))
        real = {way: features(network, self.sources[BACK[way]]) for way in BACK}
        made = {way: features(network, self.made[way]) for way in BACK}
        return {f"fid_{way}": frechet_distance(made[way], real[way]) for way in BACK}

    def parameters(self) -> int:
        """Of one generator; the other has as many."""
        return sum(p.numel() for p in self.generators["AtoB"].parameters())

    def weights(self) -> dict[str, Any]:
        """The weights of both generators, as ``generator_DIRECTION/NAME``."""
        return {
            f"generator_{way}/{name}": value
            for way in BACK
            for name, value in network_weights(self.generators[way]).items()
        }

    def _difference(self, pictures: Mapping[str, Sequence[Tensor]]) -> float:
        means = [
            sum(F.l1_loss(x, y).item() for x, y in zip(pictures[way], source, strict=True))
            / len(source)
            for way, source in self.sources.items()
        ]
        return sum(means) / len(means)


def apply(network: nn.Module, pictures: Sequence[Tensor]) -> list[Tensor]:
    """What `network` makes of each picture alone, in evaluation mode: no picture moves another's.

    Normalisations use the statistics of their training, which leaves a picture its own brightness.
    """
    network.eval()
    device = device_of(network)
    with torch.no_grad():
        return [network(x.to(device)).cpu() for x in pictures]
