"""Missing pixels filled in with a trained denoiser as prior."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from skimage.restoration import inpaint_biharmonic

from nasir.core.errors import SettingsError
from nasir.core.progress import ending
from nasir.core.task import Sample
from nasir.networks import plug_and_play
from nasir.networks.plug_and_play import PlugAndPlay
from nasir.tasks.inpaint import Inpaint


def with_holes() -> tuple[torch.Tensor, torch.Tensor]:
    """Two regions with an oblique edge between them ``(1, 3, 72, 72)``, and two holes on it."""
    rows, columns = torch.meshgrid(torch.arange(72.0), torch.arange(72.0), indexing="ij")
    share = (columns - 0.4 * rows - 20).clamp(0, 1)
    dark, light = (
        torch.tensor(colour).view(3, 1, 1) for colour in ((0.2, 0.3, 0.2), (0.8, 0.7, 0.6))
    )
    mask = torch.ones(1, 1, 72, 72)
    mask[..., 10:26, 18:34] = mask[..., 44:60, 34:50] = 0
    return torch.lerp(dark, light, share)[None], mask


def filled(clean: torch.Tensor, mask: torch.Tensor, **fields: object) -> torch.Tensor:
    method = PlugAndPlay(**fields)
    return method.restore(Sample("a", clean * mask, mask=mask), Inpaint())


def psnr(found: torch.Tensor, clean: torch.Tensor, mask: torch.Tensor) -> float:
    missing = (mask < 1).expand_as(clean)
    return -10 * math.log10((found - clean)[missing].square().mean().item())


def test_an_edge_is_continued_better_than_by_biharmonic_inpainting():
    clean, mask = with_holes()
    found = filled(clean, mask, steps=10)
    seen, hole = (clean * mask)[0].permute(1, 2, 0).numpy(), (mask < 1)[0, 0].numpy()
    other = inpaint_biharmonic(seen, hole, channel_axis=-1)
    other = torch.from_numpy(other).permute(2, 0, 1)[None]
    assert psnr(found, clean, mask) > psnr(other, clean, mask) + 1
    known = (mask >= 1).expand_as(clean)
    assert torch.equal(found[known], clean[known])


def test_blocks_give_what_the_whole_picture_gives(monkeypatch: pytest.MonkeyPatch):
    clean, mask = with_holes()
    whole = filled(clean, mask, steps=2)
    monkeypatch.setattr(plug_and_play, "BLOCKS", (36,))
    assert (filled(clean, mask, steps=2) - whole).abs().mean() < 0.003


def test_when_it_is_ended_early_it_gives_what_it_has():
    clean, mask = with_holes()
    known, found = (mask >= 1).expand_as(clean), []
    for last in (0, 5, 11, 12):  # two scales of six steps each
        asked = iter(range(100))
        with ending(lambda steps=asked, last=last: next(steps) >= last):
            found.append(filled(clean, mask, steps=6))
        assert torch.equal(found[-1][known], clean[known])
    harmonic, *refined = (psnr(one, clean, mask) for one in found)
    assert 18 < harmonic < min(refined) - 1
    assert torch.equal(found[-1], filled(clean, mask, steps=6))


def test_what_is_half_known_is_blended():
    clean, mask = with_holes()
    soft = mask.clone()
    soft[..., 10:20, 18:34] = 0.25
    hard, found = filled(clean, mask, steps=1), filled(clean, soft, steps=1)
    expected = torch.lerp(hard, clean * soft, soft)
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_a_picture_of_one_colour_stays_so():
    clean, mask = torch.full((1, 3, 64, 64), 0.5), with_holes()[1][..., :64, :64]
    assert (filled(clean, mask, steps=2) - 0.5).abs().max() < 0.02


def test_a_picture_without_missing_pixels_is_refused():
    with pytest.raises(SettingsError, match="cat has none: take task=inpaint"):
        PlugAndPlay().restore(Sample("cat", torch.ones(1, 3, 32, 32)), Inpaint())


def test_a_network_for_other_pictures_is_refused():
    clean, mask = with_holes()
    with pytest.raises(SettingsError, match="is for grey pictures, here are pictures of 3"):
        filled(clean, mask, network="denoise_grey")
