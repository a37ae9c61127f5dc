"""The contract of a trained network."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from nasir.core.search_space import Signature
from nasir.networks.network import TrainedNetwork

SIDES = ((64, 64), (37, 50))
"""Heights and widths of the pictures that a network is tried with."""

MOST_BYTES = 64 * 2**20


class NetworkContract:
    """What every trained network must do. A subclass gives `make`: ``read_network(FILE)``."""

    def make(self) -> TrainedNetwork:
        raise NotImplementedError(f"{type(self).__name__} wants a method make()")

    @pytest.fixture
    def network(self) -> TrainedNetwork:
        return self.make()

    @pytest.mark.parametrize("size", SIDES)
    def test_a_picture_of_any_size_is_restored(
        self, network: TrainedNetwork, size: tuple[int, int]
    ) -> None:
        signature, scale = network.signature, network.signature.scale
        with torch.inference_mode():
            restored = network.load()(_picture(signature, size))
        height, width = size
        assert restored.shape == (1, signature.out_channels, scale * height, scale * width)
        assert restored.dtype == torch.float32
        assert restored.isfinite().all()

    def test_the_same_picture_is_always_restored_alike(self, network: TrainedNetwork) -> None:
        module, x = network.load(), _picture(network.signature, SIDES[0])
        with torch.inference_mode():
            assert torch.equal(module(x), module(x))

    def test_the_network_is_in_evaluation_mode(self, network: TrainedNetwork) -> None:
        assert not any(module.training for module in network.load().modules())

    def test_weights_are_float32(self, network: TrainedNetwork) -> None:
        weights = network.load().state_dict().values()
        assert all(w.dtype == torch.float32 for w in weights if w.is_floating_point())

    def test_the_task_has_the_scale_of_the_network(self, network: TrainedNetwork) -> None:
        assert network.make_task().signature.scale == network.signature.scale

    def test_the_file_says_its_licence_and_how_it_was_made(self, network: TrainedNetwork) -> None:
        assert network.licence
        assert network.made or network.recipe

    def test_the_file_is_small_enough_to_be_kept_in_a_package(
        self, network: TrainedNetwork
    ) -> None:
        assert network.path.stat().st_size <= MOST_BYTES


def _picture(signature: Signature, size: tuple[int, int]) -> Tensor:
    generator = torch.Generator().manual_seed(0)
    return torch.rand((1, signature.in_channels, *size), generator=generator)
