"""What is needed to repeat a run besides its settings."""

from __future__ import annotations

import functools
import os
import platform
import subprocess
import sys
from collections.abc import Iterable, Mapping
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from nasir.runs.inputs import inputs_of
from nasir.settings.overrides import Settings

PACKAGES = ("nasir", "torch", "numpy", "scikit-image", "attrs", "cattrs", "pluggy", "pillow")


def environment(
    settings: Settings, plugins: Mapping[str, Any], components: Iterable[Any]
) -> dict[str, Any]:
    """Versions, plugins, inputs, machine and seeds as JSON values.

    `plugins` are those that are loaded, `components` those that are made from `settings`.
    """
    return {
        "versions": {"python": sys.version.split()[0], **{p: _version(p) for p in PACKAGES}},
        "plugins": dict(plugins),
        "git": _git_commit(),
        "host": platform.node(),
        "platform": platform.platform(),
        "cores": os.cpu_count(),
        "seeds": {
            "run": settings["seed"],
            "task": settings["task"].get("seed"),
        },
        **inputs_of(components, plugins),
    }


@functools.cache
def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _git_commit() -> str | None:
    """The commit of the working directory, if it is in a repository."""
    try:
        done = subprocess.run(
            ["git", "describe", "--always", "--dirty"], capture_output=True, text=True, timeout=5
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() or None
