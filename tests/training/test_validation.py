"""The middles of pictures that a search is evaluated on."""

from __future__ import annotations

import torch

from nasir.core.task import Sample
from nasir.training.validation import middle


def test_a_middle_is_cut_alike_from_picture_mask_and_ground_truth() -> None:
    """Of 5 x 9 pixels, rows 1 to 3 and columns 3 to 5; the truth is twice as large."""
    degraded = torch.arange(45.0).reshape(1, 1, 5, 9)
    clean = degraded.repeat_interleave(2, -1).repeat_interleave(2, -2)
    cut = middle(Sample("a", degraded, clean, mask=degraded % 2), 3)
    expected = degraded[..., 1:4, 3:6]
    assert torch.equal(cut.degraded, expected)
    assert cut.mask is not None
    assert torch.equal(cut.mask, expected % 2)
    assert cut.clean is not None
    assert torch.equal(cut.clean[..., ::2, ::2], expected)
    assert torch.equal(cut.clean[..., 1::2, 1::2], expected)
    whole = middle(Sample("a", degraded), 7)
    assert torch.equal(whole.degraded, degraded[..., :, 1:8])
