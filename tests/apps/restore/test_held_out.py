"""Candidates compared by pixels that were hidden from them."""

from __future__ import annotations

from pathlib import Path

import attrs
import numpy as np
import pytest
import torch
from PIL import Image
from skimage import data

import nasir
from nasir.apps.restore.held_out import hidden_risks, hide
from nasir.core.task import Sample
from nasir.tasks.inpaint import Inpaint


def with_hole() -> tuple[torch.Tensor, Sample, Inpaint]:
    clean = torch.from_numpy(data.astronaut()[:80, 150:250].copy()).permute(2, 0, 1)[None] / 255
    mask = torch.ones(1, 1, 80, 100)
    mask[..., 20:32, 30:46] = 0
    return clean, Sample("a", clean * mask, mask=mask), Inpaint(known="exact")


def test_the_risk_is_the_error_at_pixels_that_candidates_do_not_see():
    clean, sample, task = with_hole()
    parts = hide(task, sample)
    seen = []

    def grey(one: Sample) -> torch.Tensor:
        seen.append(one)
        return torch.full_like(one.degraded, 0.5)

    risks = hidden_risks({"truth": lambda one: clean, "grey": grey}, parts)
    assert risks.best == "truth"
    assert risks.by_candidate["truth"] == 0
    hidden = (seen[0].mask < 1) & (sample.mask >= 1)
    assert hidden.any()
    assert not seen[0].degraded[hidden.expand_as(clean)].any()
    expected = (clean - 0.5)[hidden.expand_as(clean)].square().mean().item()
    assert risks.by_candidate["grey"] == pytest.approx(expected, rel=1e-5)


def test_parts_with_holes_are_compared_on():
    _, sample, task = with_hole()
    large = attrs.evolve(
        sample,
        degraded=torch.nn.functional.pad(sample.degraded, (0, 500, 0, 0), value=0.5),
        mask=torch.nn.functional.pad(sample.mask, (0, 500, 0, 0), value=1),
    )
    (one,) = hide(task, large)
    assert one.whole.degraded.shape[-1] <= 256
    assert torch.equal(one.whole.degraded[..., :100], sample.degraded)


def test_a_large_hole_is_hidden_whole():
    mask = torch.ones(1, 1, 700, 800)
    mask[..., 300:400, 350:450] = 0
    sample = Sample("a", torch.zeros(1, 1, 700, 800), mask=mask)
    places = np.concatenate([one.places.ravel() for one in hide(Inpaint(known="exact"), sample)])
    assert places.sum() > 0.5 * 100 * 100


def test_nothing_is_hidden_where_the_only_part_has_one_known_colour_alone():
    mask = torch.zeros(1, 1, 40, 40)
    mask[..., 0, 0] = 1
    sample = Sample("a", torch.zeros(1, 3, 40, 40), mask=mask)
    assert all(one.places.sum() == 1 for one in hide(Inpaint(known="exact"), sample))


def test_restore_fills_holes_with_the_better_method_and_keeps_known_pixels(tmp_path: Path):
    values = data.astronaut()[60:108, 160:208]
    Image.fromarray(values).save(tmp_path / "a.png")
    mask = np.full((48, 48), 255, np.uint8)
    mask[20:28, 24:32] = 0
    Image.fromarray(mask).save(tmp_path / "mask.png")
    done = nasir.restore(tmp_path / "a.png", "task=inpaint", f"task.mask={tmp_path / 'mask.png'}")
    assert done.risks is not None
    assert set(done.risks.by_candidate) == {"method plug_and_play", "method biharmonic"}
    assert done.by == done.risks.best
    assert done.stops == ()
    found = np.asarray(Image.open(done.output))
    assert np.array_equal(found[mask > 0], values[mask > 0])
