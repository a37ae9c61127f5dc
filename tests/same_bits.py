"""Searches by gradient that go on from a state."""

from __future__ import annotations

import torch

from nasir.strategies.darts.bilevel import Bilevel


def check_goes_on_to_the_same_bits(whole: Bilevel, again: Bilevel) -> None:
    """`whole` does three epochs; `again`, of the same settings, the last one from its state."""
    whole.epoch(0)
    whole.epoch(1)
    tensors, values = whole.state()
    again.load({k: v.clone() for k, v in tensors.items()}, values)
    whole.epoch(2)
    again.epoch(2)
    for name, value in whole.state()[0].items():
        assert torch.equal(value, again.state()[0][name]), name
