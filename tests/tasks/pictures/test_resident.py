from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from nasir.settings.building import make
from nasir.tasks.pictures.resident import Album, turned_places

FEW = {"size": 0, "train": 2}


def held(device: str = "cpu", versions: int = 2, **settings: Any):
    patches = make("task", {**FEW, **settings}).patches()
    return patches.resident(device, versions)


def test_turned_places_are_numpys_quarter_turns_and_flips() -> None:
    square = np.arange(25).reshape(5, 5)
    for turn, (rows, columns) in enumerate(turned_places(5, torch.device("cpu")).numpy()):
        wanted = np.rot90(square, turn % 4)
        wanted = wanted[:, ::-1] if turn >= 4 else wanted
        assert np.array_equal(square[rows, columns], wanted)


def test_squares_are_those_of_the_pictures_whatever_their_sizes() -> None:
    rng = np.random.default_rng(0)
    sizes = [(9, 12), (20, 7), (8, 8)]
    pictures = [
        torch.from_numpy(rng.integers(0, 256, (1, 3, *size)) / 255).float() for size in sizes
    ]
    album = Album.of(pictures, "cpu")
    assert album.pixels.dtype == torch.uint8
    chosen, tops, lefts = (torch.tensor(x) for x in ([0, 1, 2], [3, 13, 1], [5, 0, 2]))
    places = turned_places(5, torch.device("cpu"))[[0, 0, 0]]
    squares = album.squares(chosen, tops, lefts, places)
    for square, number, top, left in zip(squares, chosen, tops, lefts, strict=True):
        assert torch.allclose(square, pictures[number][0, :, top : top + 5, left : left + 5])


def test_an_album_of_other_values_has_sixteen_bits() -> None:
    picture = torch.linspace(-0.3, 1.4, 3 * 64).view(1, 3, 8, 8)
    album = Album.of([picture], "cpu")
    assert album.pixels.dtype == torch.float16
    assert torch.allclose(album.pixels.float().T.view(3, 8, 8), picture[0], atol=1e-3)


@pytest.mark.parametrize("scale", [2, 3])
def test_small_patches_lie_where_the_large_ones_do(scale: int) -> None:
    pictures = held(name="sr", downsampling={"name": "bicubic", "scale": scale})
    small, large = pictures.batch(5, 8, 24)
    again = F.interpolate(large, size=(24, 24), mode="bicubic", antialias=True)
    inner = (slice(None), slice(None), slice(3, -3), slice(3, -3))
    assert (again - small)[inner].abs().max() < 0.02


def test_noise_is_drawn_anew_for_each_patch_with_one_of_the_levels() -> None:
    noise = {"name": "gaussian", "sigmas": [10, 40]}
    pictures = held(name="denoise", noise=noise)
    assert pictures.degraded is None
    noisy, clean = pictures.batch(3, 32, 32)
    levels = 255 * (noisy - clean).flatten(1).std(1)
    near = [min(abs(level - 10), abs(level - 40)) for level in levels.tolist()]
    assert max(near) < 2
    assert 5 < sum(level < 20 for level in levels.tolist()) < 27


def test_versions_are_of_the_clean_patches_they_come_with() -> None:
    coded = {"name": "jpeg", "qualities": [60, 90]}
    degraded, clean = held(name="jpeg", compression=coded).batch(1, 8, 32)
    assert 0 < (degraded - clean).abs().mean() < 0.03


def test_a_batch_depends_on_its_seed_alone() -> None:
    pictures = held(name="derain")
    first, other, again = (pictures.batch(seed, 4, 16) for seed in (1, 2, 1))
    assert all(torch.equal(a, b) for a, b in zip(first, again, strict=True))
    assert not torch.equal(first[1], other[1])


def test_pictures_are_degraded_once_for_all_trainings() -> None:
    patches = make("task", {**FEW, "name": "jpeg"}).patches()
    assert patches.resident("cpu", 1) is patches.resident("cpu", 1)
