from __future__ import annotations

import numpy as np
import pytest
import torch

from nasir.tasks.physics.guided_filter import box_mean, guided_filter


def windows(height: int, width: int, radius: int) -> dict[tuple[int, int], tuple[slice, slice]]:
    return {
        (row, column): (
            slice(max(0, row - radius), row + radius + 1),
            slice(max(0, column - radius), column + radius + 1),
        )
        for row in range(height)
        for column in range(width)
    }


def by_hand(x: np.ndarray, guide: np.ndarray, radius: int, epsilon: float) -> np.ndarray:
    """The filter with loops, from the paper's equations: ``(H, W)`` and ``(H, W, C)``."""
    found = {}
    around = windows(*x.shape, radius)
    for place, (rows, columns) in around.items():
        colours = guide[rows, columns].reshape(-1, guide.shape[-1])
        values = x[rows, columns].ravel()
        spread = np.cov(colours.T, bias=True).reshape(guide.shape[-1], -1)
        both = ((colours - colours.mean(0)) * (values - values.mean())[:, None]).mean(0)
        a = np.linalg.solve(spread + epsilon * np.eye(len(spread)), both)
        found[place] = (a, values.mean() - a @ colours.mean(0))
    result = np.empty_like(x)
    for place, (rows, columns) in around.items():
        inside = [
            found[row, column]
            for row in range(*rows.indices(x.shape[0]))
            for column in range(*columns.indices(x.shape[1]))
        ]
        a, b = (np.mean([one[i] for one in inside], 0) for i in (0, 1))
        result[place] = a @ guide[place] + b
    return result


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("radius", [1, 2, 20])
def test_the_filter_is_that_of_the_papers_equations(channels: int, radius: int):
    rng = np.random.default_rng(0)
    x, guide = rng.random((9, 11)), rng.random((9, 11, channels))
    ours = guided_filter(
        torch.from_numpy(x)[None, None],
        torch.from_numpy(guide).permute(2, 0, 1)[None],
        radius,
        1e-3,
    )
    np.testing.assert_allclose(ours[0, 0], by_hand(x, guide, radius, 1e-3), atol=1e-9)


def test_a_window_is_cut_off_at_the_borders():
    x = torch.arange(12.0, dtype=torch.float64).view(1, 1, 3, 4)
    assert box_mean(x, 1)[0, 0, 0, 0] == pytest.approx((0 + 1 + 4 + 5) / 4)
    assert box_mean(x, 1)[0, 0, 1, 1] == pytest.approx(5)
    torch.testing.assert_close(box_mean(x, 9), torch.full_like(x, 5.5))


def test_what_is_linear_in_the_guide_stays_as_it_is():
    guide = torch.rand(1, 3, 16, 16, generator=torch.Generator().manual_seed(0))
    x = (guide * torch.tensor([0.2, 0.5, -0.1]).view(1, 3, 1, 1)).sum(1, keepdim=True) + 0.3
    torch.testing.assert_close(guided_filter(x, guide, 3, 1e-9), x, atol=1e-5, rtol=0)


def test_a_blurred_edge_becomes_that_of_the_guide():
    guide = (torch.arange(32) >= 16).float().view(1, 1, 1, 32).expand(1, 1, 8, 32)
    x = ((torch.arange(32) - 12) / 8).clamp(0, 1).view(1, 1, 1, 32).expand(1, 1, 8, 32)
    sharp = guided_filter(x, guide, 12, 1e-4)
    assert (sharp.diff(dim=3).abs().amax() > 0.6).item()
