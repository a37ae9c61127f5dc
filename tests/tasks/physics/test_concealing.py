"""Known pixels that are hidden in the manner of those that are missing."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.ndimage import label

from nasir.tasks.physics.concealing import SHARE, concealed


def with_hole() -> torch.Tensor:
    mask = torch.ones(1, 1, 120, 160)
    mask[..., 20:30, 30:46] = 0
    return mask


def test_a_hole_is_copied_whole_and_apart():
    mask = with_hole()
    more = concealed(mask, seed=0)
    found, count = label((more < 1)[0, 0].numpy())
    assert count == 2
    shapes = {tuple(np.ptp(np.argwhere(found == n), 0) + 1) for n in (1, 2)}
    assert shapes == {(10, 16)}
    assert (more[mask < 1] == 0).all()


@pytest.mark.parametrize("missing", [0.3, 0.5, 0.9])
def test_of_many_missing_pixels_few_more_are_hidden(missing: float):
    generator = np.random.default_rng(0)
    mask = torch.from_numpy((generator.random((1, 1, 96, 128)) >= missing).astype(np.float32))
    hidden = (mask >= 1) & (concealed(mask, seed=0) < 1)
    assert 0 < hidden.sum() <= 2 * SHARE * mask.sum()  # a block may be more


def test_soft_pixels_are_neither_hidden_nor_changed():
    mask = with_hole()
    mask[..., 60:100, :] = 0.5
    more = concealed(mask, seed=0)
    assert torch.equal(more[..., 60:100, :], mask[..., 60:100, :])


def test_the_same_pixels_are_hidden_every_time_and_others_with_another_seed():
    one, again, other = (concealed(with_hole(), seed) for seed in (0, 0, 1))
    assert torch.equal(one, again)
    assert not torch.equal(one, other)


def test_where_nothing_is_known_nothing_is_hidden():
    nothing = torch.zeros(1, 1, 32, 32)
    assert torch.equal(concealed(nothing, 0), nothing)
