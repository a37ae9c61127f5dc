from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from nasir.tasks.physics.jpeg import compressed


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("quality", [1, 40, 100])
def test_jpeg_is_that_of_pillow(channels: int, quality: int, tmp_path: Path):
    values = np.random.default_rng(0).integers(0, 256, (19, 26, channels), dtype=np.uint8)
    picture = torch.from_numpy(values / 255).permute(2, 0, 1)[None].float()
    path = tmp_path / "a.jpg"
    Image.fromarray(values if channels == 3 else values[..., 0]).save(path, quality=quality)
    expected = np.asarray(Image.open(path)).reshape(values.shape) / 255
    seen = compressed(picture, quality)
    np.testing.assert_allclose(seen[0].permute(1, 2, 0), expected, atol=1e-6)
    assert seen.dtype == torch.float32


def test_a_flat_grey_picture_survives():
    picture = torch.full((1, 3, 16, 16), 100 / 255)
    torch.testing.assert_close(compressed(picture, 90), picture, rtol=0, atol=1e-6)


def test_what_is_beyond_white_and_black_is_clipped():
    outside = torch.tensor([-0.5, 1.5]).view(1, 1, 1, 2).repeat(1, 1, 8, 8)
    assert torch.equal(compressed(outside, 100), compressed(outside.clamp(0, 1), 100))
