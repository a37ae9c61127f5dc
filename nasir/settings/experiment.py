"""A planned search: the settings of a run, with the components that are made from them."""

from __future__ import annotations

from concurrent.futures import Executor
from typing import Any

import attrs

from nasir.core.errors import SettingsError
from nasir.core.evaluator import Problem
from nasir.core.executor import ExecutorFactory
from nasir.core.failures import FailurePolicy
from nasir.core.import_strings import import_string
from nasir.core.limits import limits
from nasir.core.objectives import objectives
from nasir.core.prior import Prior
from nasir.core.registry import registries
from nasir.core.search_space import SearchSpace
from nasir.core.strategy import Strategy
from nasir.core.trial import FOUND, FULL
from nasir.settings.building import settings_of_component
from nasir.settings.components import chosen_name, make_components
from nasir.settings.interfaces import kind_of, parts_of
from nasir.settings.machine import usable_cores
from nasir.settings.overrides import Settings
from nasir.settings.reader import request
from nasir.settings.run_settings import COMPONENTS, RunSettings, run_settings_class


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

    def check(self) -> None:
        """Refuse, before the first trial, what cannot be evaluated or what workers cannot import.

        Raises :class:`~nasir.core.errors.NasirError`.
        """
        self.executor.check()
        self.executor.check_workers(self.settings.workers)
        self.problem.check()
        parts = (self.problem.space, self.problem.task, *self.problem.evaluators.values())
        for cls in (type(one) for part in parts for one in parts_of(part)):
            if not self.executor.can_import(cls):
                raise SettingsError(
                    f"{kind_of(cls)} {import_string(cls)} cannot be imported by the workers of "
                    f"executor={self.names['executor']}: move the class into a module of its own, "
                    "or take executor=inline"
                )

    def check_budget(self) -> None:
        """Refuse so few trials that nothing could be found; a resumed run may have fewer."""
        trials = self.trials
        if trials >= self.strategy.usual_trials:
            return
        fewest = self.strategy.fewest_trials(self.problem)
        if trials < fewest:
            name = self.names["strategy"]
            raise SettingsError(
                f"trials={trials}: strategy={name} scores or trains first, and finds nothing in "
                f"fewer than {fewest} trials: take trials={fewest} or more, or leave trials= out "
                f"for the usual {self.strategy.usual_trials}; what comes first is set by its "
                f"settings (nasir describe strategy={name})"
            )

    @property
    def components(self) -> tuple[Any, ...]:
        """The components that results depend on, which is all but the executor."""
        evaluators = self.problem.evaluators.values()
        return (self.problem.space, self.strategy, self.problem.task, *evaluators)

    @property
    def resolved(self) -> Settings:
        """All settings with their values, the defaults too."""
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


def experiment(settings: Settings) -> Experiment:
    """Make all components of a run; refuses unknown names, fields and values."""
    asked = request(run_settings_class(), settings)
    own: RunSettings = asked.own
    made = make_components(COMPONENTS, asked.settings, "search")
    names = {kind: chosen_name(kind, asked.settings, "search") for kind in COMPONENTS}
    strategy, full = attrs.evolve(made["strategy"]), made["evaluator"]
    problem = Problem(
        made["space"],
        made["task"],
        {FULL: full, **strategy.stages(full)},
        seed=own.seed,
        split=strategy.split,
        objectives=objectives(own.objective or ()),
        limits=limits(own.limit or ()),
        prior=_prior(own, made["space"]),
    )
    _within_limits(made["executor"], own)
    own = _with_references(_resolved(own, strategy), problem)
    return Experiment(own, problem, strategy, made["executor"], names)


def _prior(settings: RunSettings, space: SearchSpace) -> Prior | None:
    """What good architectures are believed to be like; None where nothing is said."""
    if settings.prior is None:
        return None
    believed = space.named(settings.prior)
    if not believed.choices.keys() & {decision.name for decision in space.domain.decisions}:
        raise SettingsError(
            f"prior={settings.prior} has no decision of the space that is searched: take another"
        )
    return Prior(believed, settings.prior_share)


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


def _resolved(settings: RunSettings, strategy: Strategy) -> RunSettings:
    """The settings with the numbers that follow from others."""
    if settings.trials is None:
        settings = attrs.evolve(settings, trials=strategy.usual_trials)
    if settings.threads:
        return settings
    return attrs.evolve(settings, threads=max(1, usable_cores() // settings.workers))


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
