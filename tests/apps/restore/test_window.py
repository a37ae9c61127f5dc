"""Parts of degraded pictures."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from made_tasks import deblur, degraded, super_resolution

from nasir.apps.restore.window import part
from nasir.core.errors import PictureError

SPANS = [slice(0, 24), slice(16, 40), slice(24, 48)]


@pytest.mark.parametrize(
    ("task", "settings"),
    [
        (deblur, {"width": 0.8}),
        (deblur, {"blur": "motion_blur", "length": 7.0, "angle": 40.0, "boundary": "valid"}),
        (degraded, {"degradation": "motion_blur+mask", "length": 5.0, "boundary": "valid"}),
        (degraded, {"degradation": "blur+mask", "width": 1.0}),
    ],
)
def test_a_part_of_a_blurred_picture_is_compared_where_its_blur_is_known(
    task: Any, settings: dict[str, Any]
):
    (sample, *_) = task(size=48, **settings).samples("test")
    for rows in SPANS:
        for columns in SPANS:
            cut = part(sample, rows, columns)
            clean = sample.clean[..., rows, columns]
            there = cut.mask.expand_as(clean) > 0
            assert there.any()
            assert not there.all()
            torch.testing.assert_close(
                cut.forward_operator(clean)[there], cut.degraded[there], rtol=0, atol=1e-5
            )


def test_a_whole_blurred_picture_is_compared_everywhere():
    (sample, *_) = deblur(size=48).samples("test")
    assert part(sample, slice(0, 48), slice(0, 48)).mask is None


def test_a_part_smaller_than_the_reach_is_refused_in_one_line():
    (sample, *_) = deblur(size=64, width=5).samples("test")
    with pytest.raises(PictureError, match=r"no pixel .* larger tile=") as refused:
        part(sample, slice(10, 40), slice(10, 40))
    assert "\n" not in str(refused.value)


def test_parts_of_other_pictures_have_no_mask():
    (sample, *_) = super_resolution(size=48, scale=2).samples("test")
    assert part(sample, slice(0, 16), slice(8, 24)).mask is None
