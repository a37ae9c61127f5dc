"""Largest sizes of the parts of a network: settings that no memory could hold are refused."""

from __future__ import annotations

from attrs import validators as must

WIDEST = 2**16
"""Channels."""

FARTHEST = 255
"""Pixels: a kernel's side, or the distance of its taps."""

LONGEST = 100
"""Modules, one after another."""

channels = [must.ge(1), must.le(WIDEST)]
"""The validators of a number of channels."""
