"""Neural architecture search for image restoration, as a framework of plugins.

run = nasir.search(space="nasdip", strategy="rl", task="denoise", trials=50)
run.best.architecture
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nasir.core.registry import Registries as _Registries
from nasir.core.registry import registries as _registries

if TYPE_CHECKING:
    from nasir.api import build, resume, search
    from nasir.comparison.bench import bench
    from nasir.core.architecture import Architecture
    from nasir.core.benchmark import evaluate
    from nasir.core.run import Run
    from nasir.core.scoring import score
    from nasir.exporting.export import export
    from nasir.final_training.train import train
    from nasir.reporting.run_page import report
    from nasir.restoration.restore import restore

__version__ = "0.1.0"
__all__ = [
    "Architecture",
    "Run",
    "bench",
    "build",
    "evaluate",
    "export",
    "hookimpl",
    "report",
    "restore",
    "resume",
    "score",
    "search",
    "train",
]

_HOME = {
    "Architecture": "nasir.core.architecture",
    "Run": "nasir.core.run",
    "bench": "nasir.comparison.bench",
    "build": "nasir.api",
    "evaluate": "nasir.core.benchmark",
    "export": "nasir.exporting.export",
    "hookimpl": "nasir.plugins",
    "report": "nasir.reporting.run_page",
    "restore": "nasir.restoration.restore",
    "resume": "nasir.api",
    "score": "nasir.core.scoring",
    "search": "nasir.api",
    "train": "nasir.final_training.train",
}


def __getattr__(name: str) -> Any:
    """Import what is asked for only then, so that ``import nasir`` is quick."""
    if name not in _HOME:
        raise AttributeError(f"module 'nasir' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_HOME[name]), name)


def _load_plugins(registries: _Registries) -> None:
    from nasir.plugins.manager import plugins

    plugins().fill(registries)


_registries.fill_from(_load_plugins)
