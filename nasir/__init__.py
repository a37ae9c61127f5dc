"""Neural architecture search for image restoration, as a framework of plugins.

run = nasir.search(space="nasdip", strategy="rl", task="denoise", trials=50)
run.best.architecture

A component is a name, a mapping such as ``{"name": "nasdip", "depth": 4}``, or an instance.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nasir.core.registry import Registries as _Registries
from nasir.core.registry import registries as _registries

if TYPE_CHECKING:
    from nasir.apps.bench.bench import bench
    from nasir.apps.bench.problem_results import ProblemResult
    from nasir.apps.build import build
    from nasir.apps.compare.compare import compare
    from nasir.apps.compare.comparison import Comparison
    from nasir.apps.correlate import correlate
    from nasir.apps.evaluate.evaluate import evaluate
    from nasir.apps.export.export import export
    from nasir.apps.export.optuna_study import export_study
    from nasir.apps.load import load
    from nasir.apps.report.run_page import report
    from nasir.apps.restore.many import restore_many
    from nasir.apps.restore.restoration import Restoration
    from nasir.apps.restore.restore import restore
    from nasir.apps.restore.side_by_side import restore_by_all
    from nasir.apps.score import score
    from nasir.apps.search.ask_tell import AskTell, ask_tell
    from nasir.apps.search.search import resume, search
    from nasir.apps.search.sweep import resume_sweep, sweep
    from nasir.apps.tabulate import tabulate
    from nasir.apps.train.train import train
    from nasir.apps.train.training import Training
    from nasir.core.architecture import Architecture
    from nasir.core.component import setting
    from nasir.core.degradation import Degradation, ForwardOperator, Noise
    from nasir.core.domain import Decision, Domain
    from nasir.core.errors import NasirError
    from nasir.core.evaluator import Evaluation, Evaluator, Problem
    from nasir.core.executor import ExecutorFactory
    from nasir.core.method import Method
    from nasir.core.proxy import Proxy
    from nasir.core.search_space import SearchSpace, Signature
    from nasir.core.strategy import Strategy
    from nasir.core.task import Sample, Task
    from nasir.core.trial import Proposal, Trial
    from nasir.fitting.method import FittingMethod
    from nasir.plugins import hookimpl
    from nasir.runs.run import Run
    from nasir.runs.sweep import Sweep
    from nasir.settings.building import make

__version__ = "0.1.0"

_HOME = {
    "Architecture": "nasir.core.architecture",
    "AskTell": "nasir.apps.search.ask_tell",
    "Comparison": "nasir.apps.compare.comparison",
    "Decision": "nasir.core.domain",
    "Degradation": "nasir.core.degradation",
    "Domain": "nasir.core.domain",
    "Evaluation": "nasir.core.evaluator",
    "Evaluator": "nasir.core.evaluator",
    "ExecutorFactory": "nasir.core.executor",
    "FittingMethod": "nasir.fitting.method",
    "ForwardOperator": "nasir.core.degradation",
    "Method": "nasir.core.method",
    "NasirError": "nasir.core.errors",
    "Noise": "nasir.core.degradation",
    "Problem": "nasir.core.evaluator",
    "ProblemResult": "nasir.apps.bench.problem_results",
    "Proposal": "nasir.core.trial",
    "Proxy": "nasir.core.proxy",
    "Restoration": "nasir.apps.restore.restoration",
    "Run": "nasir.runs.run",
    "Sample": "nasir.core.task",
    "SearchSpace": "nasir.core.search_space",
    "Signature": "nasir.core.search_space",
    "Strategy": "nasir.core.strategy",
    "Sweep": "nasir.runs.sweep",
    "Task": "nasir.core.task",
    "Training": "nasir.apps.train.training",
    "Trial": "nasir.core.trial",
    "ask_tell": "nasir.apps.search.ask_tell",
    "bench": "nasir.apps.bench.bench",
    "build": "nasir.apps.build",
    "compare": "nasir.apps.compare.compare",
    "correlate": "nasir.apps.correlate",
    "evaluate": "nasir.apps.evaluate.evaluate",
    "export": "nasir.apps.export.export",
    "export_study": "nasir.apps.export.optuna_study",
    "hookimpl": "nasir.plugins",
    "load": "nasir.apps.load",
    "make": "nasir.settings.building",
    "report": "nasir.apps.report.run_page",
    "restore": "nasir.apps.restore.restore",
    "restore_by_all": "nasir.apps.restore.side_by_side",
    "restore_many": "nasir.apps.restore.many",
    "resume": "nasir.apps.search.search",
    "resume_sweep": "nasir.apps.search.sweep",
    "score": "nasir.apps.score",
    "search": "nasir.apps.search.search",
    "setting": "nasir.core.component",
    "sweep": "nasir.apps.search.sweep",
    "tabulate": "nasir.apps.tabulate",
    "train": "nasir.apps.train.train",
}
"""Where each public name is defined."""

__all__ = [
    "Architecture",
    "AskTell",
    "Comparison",
    "Decision",
    "Degradation",
    "Domain",
    "Evaluation",
    "Evaluator",
    "ExecutorFactory",
    "FittingMethod",
    "ForwardOperator",
    "Method",
    "NasirError",
    "Noise",
    "Problem",
    "ProblemResult",
    "Proposal",
    "Proxy",
    "Restoration",
    "Run",
    "Sample",
    "SearchSpace",
    "Signature",
    "Strategy",
    "Sweep",
    "Task",
    "Training",
    "Trial",
    "ask_tell",
    "bench",
    "build",
    "compare",
    "correlate",
    "evaluate",
    "export",
    "export_study",
    "hookimpl",
    "load",
    "make",
    "report",
    "restore",
    "restore_by_all",
    "restore_many",
    "resume",
    "resume_sweep",
    "score",
    "search",
    "setting",
    "sweep",
    "tabulate",
    "train",
]


def __getattr__(name: str) -> Any:
    """Import what is asked for only then, so that ``import nasir`` is quick."""
    if name not in _HOME:
        raise AttributeError(f"module 'nasir' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_HOME[name]), name)


def __dir__() -> list[str]:
    return sorted([*__all__, *(name for name in globals() if name.startswith("__"))])


def _load_plugins(registries: _Registries) -> None:
    from nasir.plugins.manager import plugins

    plugins().fill(registries, __version__)


_registries.fill_from(_load_plugins)
