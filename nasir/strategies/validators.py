"""Validators of settings that several strategies have."""

from __future__ import annotations

from typing import Any

import attrs

from nasir.training.losses import terms


def is_loss(strategy: Any, field: attrs.Attribute[str], text: str) -> None:
    """A sum of losses, such as ``mse+0.6*log_ssim``; raises ``SettingsError`` for any other."""
    terms(text)
