"""The settings of a run, and the components they name."""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import Executor
from typing import Any

import attrs

from nasir.core.component import settings_of
from nasir.core.errors import SettingsError, unknown_name
from nasir.core.evaluator import Problem
from nasir.core.executor import ExecutorFactory
from nasir.core.failures import FailurePolicy
from nasir.core.limits import limits
from nasir.core.objectives import objectives
from nasir.core.registry import registries
from nasir.core.strategy import Strategy
from nasir.core.trial import FOUND, FULL
from nasir.settings.building import NO_VALUE, is_list_type, make, settings_of_component, structure
from nasir.settings.nested import field_at
from nasir.settings.overrides import COMPONENTS, Override, Settings
from nasir.settings.run_settings import RunSettings, run_settings_class
from nasir.settings.strategy_expressions import CHAIN, JOINED, parts_of

DEFAULTS: Settings = {
    "space": {"name": "nasdip"},
    "strategy": {"name": "rl"},
    "task": {"name": "denoise"},
    "evaluator": {"name": "dip"},
}
"""What is searched when nothing is said. The executor follows from the number of workers."""


@attrs.frozen(eq=False)
class Experiment:
    """A run's settings with the components made from them."""

    settings: RunSettings
    problem: Problem
    strategy: Strategy
    executor: ExecutorFactory
    names: dict[str, str]

    @property
    def trials(self) -> int:
        """How many proposals are evaluated."""
        return self.settings.trials or self.strategy.usual_trials

    @property
    def policy(self) -> FailurePolicy:
        """What becomes of trials that fail."""
        settings = self.settings
        return FailurePolicy(settings.attempts, settings.retry_errors, settings.stop_after)

    def start(self) -> Executor:
        """The executor at work, with the limits on an evaluation."""
        return _within_limits(self.executor, self.settings).start(self.settings.workers)

    @property
    def resolved(self) -> Settings:
        """The resolved settings, every default spelt out."""
        components = {
            "space": self.problem.space,
            "strategy": self.strategy,
            "task": self.problem.task,
            "evaluator": self.problem.evaluators[FULL],
            "executor": self.executor,
        }
        return _general(self.settings) | {
            kind: {"name": self.names[kind]} | settings_of_component(component)
            for kind, component in components.items()
        }


def experiment(tree: Settings) -> Experiment:
    """Make all components of a run; refuses unknown names, fields and values.

    Names are all looked at before anything is imported, so that a misspelt one costs no time.
    """
    general = {key: value for key, value in tree.items() if key not in COMPONENTS}
    for key in general:
        if key not in _general_names():
            raise unknown_name("setting", key, [*_general_names(), *COMPONENTS])
    settings = structure(run_settings_class(), general)
    for kind in COMPONENTS:
        for name in _names(kind, tree):
            registries[kind].entry(name)
    picks = {kind: {"name": _default_name(kind, tree)} | tree.get(kind, {}) for kind in COMPONENTS}
    parts = {kind: make(kind, picks[kind]) for kind in COMPONENTS}
    strategy, full = parts["strategy"], parts["evaluator"]
    problem = Problem(
        parts["space"],
        parts["task"],
        {FULL: full, **strategy.stages(full)},
        seed=settings.seed,
        split=strategy.split,
        objectives=objectives(settings.objective or ()),
        limits=limits(settings.limit or ()),
    )
    names = {kind: picks[kind]["name"] for kind in COMPONENTS}
    _within_limits(parts["executor"], settings)
    settings = _with_references(_resolved(settings, strategy), problem)
    return Experiment(settings, problem, strategy, parts["executor"], names)


def is_list(word: Override, tree: Settings) -> bool:
    """Whether the setting that `word` sets is a list, with the components picked in `tree`."""
    kind, *field = word.path
    if kind in COMPONENTS:
        if not field:
            return False
        name = _default_name(kind, tree)
        cls: Any = registries[kind].load(CHAIN if JOINED in name else name)
        *inside, last = field
        if found := field_at(cls, field, tree.get(kind, {})):
            return is_list_type(found.type)
        if inside:
            cls = _addressed(kind, inside, tree)
    else:
        cls, last = run_settings_class(), kind
    types = {f.name: f.type for f in settings_of(cls)} if cls else {}
    return is_list_type(types.get(last))


def _addressed(kind: str, path: Sequence[str], tree: Settings) -> type | None:
    """The class of a component inside another: by its own name, or by the field that holds it."""
    held: Any = tree.get(kind, {})
    for step in path:
        held = held.get(step, {}) if isinstance(held, dict) else {}
    name = held.get("name", path[-1]) if isinstance(held, dict) else held
    return registries[kind].load(name) if name in registries[kind] else None


def _names(kind: str, tree: Settings) -> list[str]:
    """The components of a kind that are picked by name."""
    name = tree.get(kind, {}).get("name")
    if name is None:
        return []
    return parts_of(str(name)) if kind == "strategy" else [name]


def _default_name(kind: str, tree: Settings) -> str:
    """The component that is picked where nothing is said."""
    if "name" in tree.get(kind, {}):
        return str(tree[kind]["name"])
    if kind == "executor":
        limited = any(
            tree.get(name, NO_VALUE) != NO_VALUE for name in ("time_limit", "memory_limit")
        )
        return "inline" if tree.get("workers", 1) == 1 and not limited else "process"
    if kind == "evaluator":
        suited = (
            getattr(registries[part].load(_default_name(part, tree)), "default_evaluator", None)
            for part in ("task", "space")
        )
        return str(next(filter(None, suited), DEFAULTS[kind]["name"]))
    return str(DEFAULTS[kind]["name"])


def _within_limits(executor: ExecutorFactory, settings: RunSettings) -> ExecutorFactory:
    return executor.within(settings.time_limit, settings.memory_limit)


def _general(settings: RunSettings) -> Settings:
    """The settings as TOML has them; those of plugins only where they are not at their defaults.

    So a run depends on a plugin only where it uses it.
    """
    defaults = settings_of_component(run_settings_class()())
    added = registries["run_setting"]
    written = settings_of_component(settings)
    return {k: v for k, v in written.items() if k not in added or v != defaults.get(k)}


def _general_names() -> list[str]:
    return [field.name for field in settings_of(run_settings_class())]


def _resolved(settings: RunSettings, strategy: Strategy) -> RunSettings:
    """The settings with the numbers that follow from others."""
    if settings.trials is None:
        settings = attrs.evolve(settings, trials=strategy.usual_trials)
    if settings.threads:
        return settings
    return attrs.evolve(settings, threads=max(1, usable_cores() // settings.workers))


def usable_cores() -> int:
    """The processor cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _with_references(settings: RunSettings, problem: Problem) -> RunSettings:
    if settings.references is None:
        baseline = problem.space.baseline
        settings = attrs.evolve(settings, references=(baseline,) if baseline else ())
    for name in settings.references or ():
        problem.space.named(name)
    if FOUND in (settings.references or ()):
        raise SettingsError(f"a reference cannot be called {FOUND!r}: the found one is")
    return settings


def check_name(name: str) -> None:
    """Refuse a run's name that would lead out of the runs' folder."""
    if name.strip(". ") == "" or len(name) > 100 or not name.isprintable() or set(name) & {*"/\\"}:
        raise SettingsError(
            f"name={name!r} is no name of a folder: use at most 100 letters, digits, - and _"
        )
