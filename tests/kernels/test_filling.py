from __future__ import annotations

import numpy as np
import pytest
import torch

from nasir.kernels.filling import joined, membrane

RNG = np.random.default_rng(0)


def blob() -> np.ndarray:
    """A hole that touches a border, and a lonely missing pixel."""
    hole = np.zeros((20, 24), bool)
    hole[5:14, 15:] = True
    hole[3, 3] = True
    return hole


def test_a_membrane_of_a_plane_is_the_plane_inside_the_picture():
    """A plane is harmonic."""
    rows, columns = np.mgrid[:20, :24]
    plane = (0.3 * rows - 0.1 * columns)[..., None]
    hole = np.zeros((20, 24), bool)
    hole[4:15, 6:20] = True
    found = membrane(np.where(hole[..., None], 9.0, plane), hole)
    np.testing.assert_allclose(found, plane, atol=1e-3)


def test_a_membrane_solves_laplaces_equation():
    values, hole = RNG.random((20, 24, 2)), blob()
    found = membrane(values, hole)
    assert np.array_equal(found[~hole], values[~hole])
    padded = np.pad(found, ((1, 1), (1, 1), (0, 0)), constant_values=np.nan)
    around = np.stack([padded[:-2, 1:-1], padded[2:, 1:-1], padded[1:-1, :-2], padded[1:-1, 2:]])
    np.testing.assert_allclose(found[hole], np.nanmean(around, 0)[hole], atol=1e-4)


def tensors() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    output, degraded = torch.rand(2, 1, 3, 20, 24, generator=generator)
    return output, degraded, torch.from_numpy(~blob()).float()[None, None]


def test_known_pixels_are_kept_exactly_and_the_hole_lies_within_the_colours():
    output, degraded, mask = tensors()
    found = joined(output, degraded * mask, mask)
    known = (mask == 1).expand_as(found)
    assert torch.equal(found[known], degraded[known])
    assert found.min() >= 0
    assert found.max() <= 1


def test_an_error_that_is_the_same_everywhere_is_taken_away():
    output, _, mask = tensors()
    output = 0.2 + 0.5 * output
    torch.testing.assert_close(joined(output - 0.1, output, mask), output, atol=1e-4, rtol=0)


def test_grey_in_the_mask_blends_what_is_there_with_what_fills_it_in():
    output, degraded, mask = tensors()
    whole = joined(output, degraded, mask)
    half = torch.where(mask == 0, 0.25, mask)
    blended = joined(output, degraded, half)
    torch.testing.assert_close(blended, torch.lerp(whole, degraded, half))


def test_without_a_hole_the_picture_is_as_it_was():
    output, degraded, mask = tensors()
    assert torch.equal(joined(output, degraded, torch.ones_like(mask)), degraded)


@pytest.mark.parametrize("times", [2])
def test_the_same_bits_come_out_every_time(times: int):
    output, degraded, mask = tensors()
    assert torch.equal(*(joined(output, degraded, mask) for _ in range(times)))
