"""Holes filled with patches of the picture itself."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from PIL import Image

import nasir
from nasir.apps.restore.held_out import texture_instead
from nasir.apps.restore.risk import Risks
from nasir.baselines.biharmonic import Biharmonic
from nasir.baselines.exemplar import Exemplar, texture
from nasir.core.errors import SettingsError
from nasir.core.method import Method
from nasir.core.progress import ending
from nasir.core.task import Sample
from nasir.kernels.patch_match import PatchField
from nasir.networks.plug_and_play import PlugAndPlay
from nasir.tasks.inpaint import Inpaint


def woven() -> tuple[torch.Tensor, torch.Tensor]:
    """A texture that repeats itself ``(1, 3, 72, 80)``, and a hole of 20 x 24 pixels."""
    tile = torch.rand(3, 8, 10, generator=torch.Generator().manual_seed(0))
    mask = torch.ones(1, 1, 72, 80)
    mask[..., 26:46, 30:54] = 0
    return tile.repeat(1, 9, 8)[None], mask


def psnr(found: torch.Tensor, clean: torch.Tensor, mask: torch.Tensor) -> float:
    missing = (mask < 1).expand_as(clean)
    return -10 * math.log10((found - clean)[missing].square().mean().item() + 1e-12)


def filled(method: Method, clean: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    return method.restore(Sample("a", clean * mask, mask=mask), Inpaint())


def test_a_texture_that_repeats_itself_is_continued():
    clean, mask = woven()
    found = filled(Exemplar(), clean, mask)
    assert psnr(found, clean, mask) > 40
    assert psnr(filled(Biharmonic(), clean, mask), clean, mask) < 12
    known = (mask >= 1).expand_as(clean)
    assert torch.equal(found[known], clean[known])
    assert torch.equal(filled(Exemplar(), clean, mask), found)


def test_what_is_half_known_is_blended():
    clean, mask = woven()
    soft = mask.clone()
    soft[..., 26:36, 30:54] = 0.25
    hard, found = filled(Exemplar(), clean, mask), filled(Exemplar(), clean, soft)
    np.testing.assert_allclose(found, torch.lerp(hard, clean * soft, soft), atol=1e-5)


def test_it_gives_what_it_has_when_it_is_ended_early():
    clean, mask = woven()
    with ending(lambda: True):
        found = filled(Exemplar(), clean, mask)
    known = (mask >= 1).expand_as(clean)
    assert torch.equal(found[known], clean[known])
    assert found.isfinite().all()


@pytest.mark.parametrize(
    ("mask", "message"),
    [
        (None, "a has none: take task=inpaint"),
        (torch.eye(40)[None, None], "a known patch of 7 x 7"),
    ],
)
def test_a_picture_that_it_cannot_fill_is_refused(mask: torch.Tensor | None, message: str):
    with pytest.raises(SettingsError, match=message):
        Exemplar().restore(Sample("a", torch.ones(1, 3, 40, 40), mask=mask), Inpaint())


def field_of(seed: int) -> PatchField:
    generator = torch.Generator().manual_seed(seed)
    hole = torch.zeros(19, 23, dtype=torch.bool)
    hole[8:12, 0:9] = True
    return PatchField(torch.rand(3, 19, 23, generator=generator), hole)


def test_matches_are_the_best_by_brute_force():
    field = field_of(1)
    field.find(torch.Generator())
    values = field.picture.numpy()
    certainty = field.certainty.view(19, 23).numpy()
    known = [divmod(int(place), 23) for place in field.known.nonzero()]
    for number, place in enumerate(field.targets.tolist()):
        own = tuple(slice(at - 3, at + 4) for at in divmod(place, 23))
        weight = certainty[own]
        costs = []
        for row, column in known:
            there = slice(row - 3, row + 4), slice(column - 3, column + 4)
            error = ((values[(..., *own)] - values[(..., *there)]) ** 2).sum(0)
            costs.append((error * weight).sum() / weight.sum())
        assert divmod(int(field.match[number]), 23) == known[int(np.argmin(costs))]
        assert float(field.cost[number]) == pytest.approx(min(costs), rel=1e-4)


def test_a_search_comes_near_the_best_matches():
    best, found = field_of(2), field_of(2)
    best.find(torch.Generator())
    generator = torch.Generator().manual_seed(0)
    found.match = found.known.nonzero()[:1, 0].repeat(len(found.targets))
    found.search(generator, 10)
    assert (found.cost >= best.cost * 0.999).all()
    assert (found.cost / best.cost).mean() < 1.05


def test_certainty_falls_with_the_depth_and_the_mean_of_matches_is_taken():
    field = field_of(3)
    assert field.certainty.view(19, 23)[9, 0].item() == pytest.approx(1.3**-2)
    values = field.values.clone()
    field.match[:] = field.known.nonzero()[7, 0]
    field.cost[:] = 0.25
    pixel = 10 * 23 + 4
    field.fill()
    expected = torch.zeros(3)
    total = 0.0
    shares = field._certainties()
    for number, place in enumerate(field.targets.tolist()):
        down, right = 10 - place // 23, 4 - place % 23
        if max(abs(down), abs(right)) <= 3:
            expected += shares[number] * values[field.match[number] + down * 23 + right]
            total += float(shares[number])
    np.testing.assert_allclose(field.values[pixel], expected / total, rtol=1e-5)


def test_features_of_texture_are_mean_differences():
    ramp = torch.arange(12.0).view(1, 1, 1, 12).expand(1, 1, 9, 12) / 20
    known = torch.ones(1, 1, 9, 12, dtype=torch.bool)
    known[..., 4, 6] = False
    found = texture(ramp, known, 3)
    np.testing.assert_allclose(found[0, 0][known[0, 0]], 0.05, rtol=1e-5)
    assert not found[0, 1].any()
    assert not found[..., 4, 6].any()


@pytest.mark.parametrize(
    ("errors", "taken"),
    [
        ({"own": 0.010, "exemplar": 0.019, "biharmonic": 0.012}, "exemplar"),
        ({"own": 0.010, "exemplar": 0.021, "biharmonic": 0.012}, None),
        ({"own": 0.010, "exemplar": 0.008, "biharmonic": 0.012}, None),  # it is the best anyway
        ({"own": 0.010, "biharmonic": 0.012}, None),
    ],
)
def test_texture_is_preferred_up_to_twice_the_least_error(
    errors: dict[str, float], taken: str | None
):
    others: dict[str, Method] = {"exemplar": Exemplar(), "biharmonic": Biharmonic()}
    assert texture_instead(Risks(errors), others) == taken


@pytest.mark.parametrize(("side", "wide"), [(12, False), (30, True)])
def test_wide_holes_are_compared_with_texture(
    side: int, wide: bool, monkeypatch: pytest.MonkeyPatch
):
    """In a texture that repeats itself, which a denoiser blurs."""
    clean, _ = woven()
    picture = clean.repeat(1, 1, 2, 2)[0].permute(1, 2, 0)
    Image.fromarray((picture * 255).round().byte().numpy()).save("woven.png")
    mask = np.full(picture.shape[:2], 255, np.uint8)
    mask[40 : 40 + side, 50 : 50 + side] = 0
    Image.fromarray(mask).save("mask.png")
    monkeypatch.setattr(PlugAndPlay, "_refined", lambda self, x, *more: x)  # its steps take long
    made = nasir.restore("woven.png", "task=inpaint", "task.mask=mask.png")
    assert ("exemplar" in made.risks.words) == wide
    assert (made.by == "method exemplar") == wide
