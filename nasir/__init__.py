"""Neural architecture search for image restoration, as a framework of plugins.

run = nasir.search(space="nasdip", strategy="rl", task="denoise", trials=50)
run.best.architecture
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nasir.core.registry import Registries as _Registries
from nasir.core.registry import registries as _registries

if TYPE_CHECKING:
    from nasir.apps.bench.bench import bench
    from nasir.apps.build import build
    from nasir.apps.evaluate.evaluate import evaluate
    from nasir.apps.export.export import export
    from nasir.apps.report.run_page import report
    from nasir.apps.restore.restore import restore
    from nasir.apps.score import score
    from nasir.apps.search.search import resume, search
    from nasir.apps.train.train import train
    from nasir.core.architecture import Architecture
    from nasir.runs.run import Run

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
    "Run": "nasir.runs.run",
    "bench": "nasir.apps.bench.bench",
    "build": "nasir.apps.build",
    "evaluate": "nasir.apps.evaluate.evaluate",
    "export": "nasir.apps.export.export",
    "hookimpl": "nasir.plugins",
    "report": "nasir.apps.report.run_page",
    "restore": "nasir.apps.restore.restore",
    "resume": "nasir.apps.search.search",
    "score": "nasir.apps.score",
    "search": "nasir.apps.search.search",
    "train": "nasir.apps.train.train",
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
