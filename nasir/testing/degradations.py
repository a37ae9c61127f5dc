"""The contract of a degradation."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
import torch
from torch import Tensor

from nasir.core.component import settings_of
from nasir.core.degradation import Degradation, Observation
from nasir.core.errors import NasirError
from nasir.settings.building import make, plain
from nasir.testing.components import ComponentContract, untouched_generators

SIZE = (48, 64)


class DegradationContract(ComponentContract):
    """What every degradation must do. A subclass gives `make`."""

    smallest = 1
    """Fewest pixels of a side that it degrades, such as the side of a blur kernel."""

    channels = (1, 3)

    def make(self) -> Degradation:
        raise NotImplementedError(f"{type(self).__name__} wants a method make()")

    def test_settings_survive_being_written_and_read(self) -> None:
        component = self.make()
        assert make("degradation", plain(component)) == component

    def test_every_setting_says_what_it_means(self) -> None:
        for part in self.make().parts:
            for field in settings_of(type(part)):
                assert field.metadata.get("meaning"), f"{field.name} is no setting(...)"

    @pytest.fixture(params=["grey", "rgb"])
    def clean(self, request: pytest.FixtureRequest) -> Tensor:
        channels = 1 if request.param == "grey" else 3
        if channels not in self.channels:
            pytest.skip(f"not for {channels} channels")
        return _picture(channels, *SIZE)

    def test_the_degraded_picture_has_the_promised_shape(self, clean: Tensor) -> None:
        degradation = self.make()
        before = clean.clone()
        seen = _applied(degradation, clean)
        size = degradation.output_size(SIZE)
        assert size == (SIZE[0] // degradation.scale, SIZE[1] // degradation.scale)
        assert seen.degraded.shape == (1, clean.shape[1], *size)
        assert seen.degraded.dtype == torch.float32
        assert seen.degraded.isfinite().all()
        assert torch.equal(clean, before), "the clean picture was changed"

    def test_what_is_drawn_depends_on_the_generator_alone(self, clean: Tensor) -> None:
        degradation = self.make()
        first = _applied(degradation, clean)
        _applied(degradation, clean, seed=1)
        for other in (degradation, self.make(), pickle.loads(pickle.dumps(degradation))):
            assert torch.equal(_applied(other, clean).degraded, first.degraded)

    def test_what_training_draws_depends_on_the_generator_alone(self, clean: Tensor) -> None:
        rngs = [np.random.default_rng(3) for _ in range(2)]
        one, other = (self.make().varied(rng).apply(clean, rng) for rng in rngs)
        assert torch.equal(one.degraded, other.degraded)

    def test_the_mask_is_of_the_degraded_picture(self, clean: Tensor) -> None:
        seen = _applied(self.make(), clean)
        mask = seen.operator.mask
        if mask is None:
            return
        assert mask.shape == (1, 1, *seen.degraded.shape[-2:])
        assert set(mask.unique().tolist()) <= {0.0, 1.0}
        assert mask.any()

    def test_without_noise_the_operator_says_what_is_observed(self, clean: Tensor) -> None:
        degradation = self.make()
        seen = _applied(degradation, clean)
        if degradation.noises:
            return
        there = torch.ones(1, 1, 1, 1) if seen.operator.mask is None else seen.operator.mask
        for operator in (seen.operator, seen.operator.unmasked()):
            torch.testing.assert_close(operator(clean) * there, seen.degraded * there)

    def test_the_operator_is_differentiable(self, clean: Tensor) -> None:
        x = clean.clone().requires_grad_()
        _applied(self.make(), clean).operator(x).square().sum().backward()
        assert x.grad is not None
        assert x.grad.isfinite().all()
        assert x.grad.any()

    def test_the_adjoint_moves_the_operator_to_the_other_side_of_inner_products(
        self, clean: Tensor
    ) -> None:
        operator = _applied(self.make(), clean).operator.double()
        if not operator.has_adjoint:
            return
        x = _picture(clean.shape[1], *SIZE, seed=5).double()
        y = torch.randn(operator(x).shape, generator=torch.Generator().manual_seed(6)).double()
        assert operator.adjoint(y).shape == x.shape
        torch.testing.assert_close((operator(x) * y).sum(), (x * operator.adjoint(y)).sum())

    def test_a_part_with_its_surroundings_is_degraded_as_in_the_whole(self, clean: Tensor) -> None:
        degradation = self.make()
        if degradation.noises or degradation.parts[0].leaves_out:  # type: ignore[attr-defined]
            return
        reach, scale = degradation.reach, degradation.scale
        side = 8 * scale
        if min(SIZE) < 2 * reach + side:
            return
        whole = _applied(degradation, clean).degraded
        part = clean[..., : 2 * reach + side, : 2 * reach + side].contiguous()
        first, last = reach // scale, reach // scale + 8
        seen = _applied(degradation, part).degraded[..., first:last, first:last]
        torch.testing.assert_close(seen, whole[..., first:last, first:last], rtol=0, atol=1e-5)

    def test_a_picture_smaller_than_the_smallest_is_refused_in_one_line(self) -> None:
        if self.smallest <= self.make().scale:
            return
        scale = self.make().scale
        side = (self.smallest - 1) // scale * scale
        with pytest.raises(NasirError) as refused:
            _applied(self.make(), _picture(self.channels[0], side, side))
        assert "\n" not in str(refused.value)

    def test_the_global_generators_are_left_alone(self, clean: Tensor) -> None:
        with untouched_generators():
            _applied(self.make(), clean)


def _applied(degradation: Degradation, clean: Tensor, seed: int = 0) -> Observation:
    return degradation.apply(clean, np.random.default_rng(seed))


def _picture(channels: int, height: int, width: int, seed: int = 0) -> Tensor:
    values = np.random.default_rng(seed).random((1, channels, height, width), dtype=np.float32)
    return torch.from_numpy(values)
