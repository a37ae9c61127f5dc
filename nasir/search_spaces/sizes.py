"""How large the parts of a network may be: what no memory holds is refused as a setting."""

from __future__ import annotations

from attrs import validators as must

WIDEST = 2**16
"""Channels."""

FARTHEST = 255
"""Pixels of a kernel's side or between its taps."""

LONGEST = 100
"""Modules, one after another."""

channels = [must.ge(1), must.le(WIDEST)]
"""The validators of a number of channels."""
