from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from toy_training import HEIGHT, WIDTH, Waves, network

from nasir.training.restoring import restore, self_ensemble, tile_by_tile


class Enlarge(nn.Module):
    """Repeats each pixel `scale` times a side, and squares it: no pixel sees another."""

    def __init__(self, scale: int) -> None:
        super().__init__()
        self.scale = scale
        self.seen: list[tuple[int, ...]] = []

    def forward(self, x: Tensor) -> Tensor:
        self.seen.append(tuple(x.shape[-2:]))
        return x.square().repeat_interleave(self.scale, -1).repeat_interleave(self.scale, -2)


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 13), st.integers(1, 13), st.integers(1, 9), st.integers(1, 3))
def test_restored_patches_make_up_the_whole_picture(
    height: int, width: int, tile: int, scale: int
) -> None:
    x = torch.rand(1, 2, height, width, generator=torch.Generator().manual_seed(0))
    enlarge = Enlarge(scale)
    assert torch.equal(tile_by_tile(enlarge, x, tile, scale), Enlarge(scale)(x))
    assert set(enlarge.seen) == {(min(tile, height), min(tile, width))}
    assert len(enlarge.seen) == -(-height // tile) * -(-width // tile)


def test_a_patch_sees_nothing_of_its_neighbours() -> None:
    x = torch.rand(1, 1, 8, 10, generator=torch.Generator().manual_seed(0))

    def minus_mean(patch: Tensor) -> Tensor:
        return patch - patch.mean()

    found = tile_by_tile(minus_mean, x, 4)
    assert torch.equal(found[..., 4:, 4:8], minus_mean(x[..., 4:8, 4:8]))
    # the last column of patches is moved inwards: its two new columns are of columns 6 to 10
    assert torch.equal(found[..., :4, 8:], minus_mean(x[..., :4, 6:10])[..., 2:])


@pytest.mark.parametrize("scale", [1, 2])
def test_the_ensemble_is_the_mean_over_the_square_s_symmetries(scale: int) -> None:
    x = np.random.default_rng(0).random((6, 9))
    weights = np.random.default_rng(1).random((18, 18))

    def position(a: np.ndarray) -> np.ndarray:
        large = a.repeat(scale, 0).repeat(scale, 1)
        return large * weights[: large.shape[0], : large.shape[1]]

    flips = [lambda a: a, lambda a: a[::-1], lambda a: a[:, ::-1], lambda a: a[::-1, ::-1]]
    expected = np.mean(
        [flip(position(flip(x))) for flip in flips]
        + [flip(position(flip(x).T).T) for flip in flips],
        axis=0,
    )
    found = self_ensemble(
        lambda t: torch.from_numpy(position(t[0, 0].numpy()))[None, None],
        torch.from_numpy(x)[None, None],
    )
    np.testing.assert_allclose(found[0, 0].numpy(), expected)


@pytest.mark.parametrize("scale", [1, 2])
@pytest.mark.parametrize("tile", [0, 8])
@pytest.mark.parametrize("ensemble", [False, True])
def test_a_restored_picture_has_its_full_size(scale: int, tile: int, ensemble: bool) -> None:
    task = Waves(scale=scale)
    (sample,) = task.samples("test")
    net = network(scale)
    before = {name: value.clone() for name, value in net.state_dict().items()}
    picture = restore(net, sample, task, tile, ensemble)
    assert picture.shape == (1, 1, scale * HEIGHT, scale * WIDTH)
    assert not picture.requires_grad
    assert all(torch.equal(before[name], value) for name, value in net.state_dict().items())


def test_the_network_restores_in_evaluation_mode() -> None:
    task, net = Waves(), network().train()
    (sample,) = task.samples("test")
    picture = restore(net, sample, task)
    assert torch.equal(picture, net.eval()(sample.degraded))
