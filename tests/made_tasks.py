"""Tasks made from settings as users give them, with short words for those of degradations."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

from nasir.settings.building import make


def made(name: str, **settings: Any) -> Any:
    """The task called `name`."""
    fields = {key: str(v) if isinstance(v, Path) else v for key, v in settings.items()}
    return make("task", {"name": name, **fields})


denoise = partial(made, "denoise")
super_resolution = partial(made, "sr")
inpaint = partial(made, "inpaint")
derain = partial(made, "derain")
real_denoise = partial(made, "real_denoise")
deblur = partial(made, "deblur")
jpeg = partial(made, "jpeg")
degraded = partial(made, "degraded")
