"""The settings of a run that belong to no component, with those that plugins add."""

from __future__ import annotations

import functools
from typing import Any

import attrs

from nasir.core.component import setting
from nasir.core.errors import PluginError
from nasir.core.registry import KINDS, registries
from nasir.settings.machine import few_threads
from nasir.settings.reader import VerbSettings

COMPONENTS = ("space", "strategy", "task", "evaluator", "executor")
"""The kinds of components that a run has."""

at_least = attrs.validators.ge


@attrs.frozen
class RunSettings(VerbSettings):
    """The settings of a run that belong to no component."""

    components = COMPONENTS

    seed: int = setting(0, "what all randomness of the run is made from, >= 0", at_least(0))
    trials: int | None = setting(
        None,
        "proposals to evaluate, >= 1; none: as many as suit the strategy",
        attrs.validators.optional(at_least(1)),
    )
    seconds: float | None = setting(
        None,
        "stop proposing after so many seconds; none: no limit",
        attrs.validators.optional(at_least(0)),
    )
    workers: int = setting(1, "evaluations at a time, >= 1", at_least(1))
    threads: int = setting(
        0,
        "threads of one evaluation; 0: the processor's cores shared among the workers",
        few_threads,
    )
    objective: tuple[str, ...] | None = setting(
        None,
        "metrics that the search is for, - before one of which less is better, such as "
        "psnr,-parameters; none: the evaluator's score",
    )
    limit: tuple[str, ...] | None = setting(
        None,
        "bounds on parameters, multiply_adds (of 64 x 64 pixels) or seconds (measured, for "
        "512 x 512 restored pixels on two cores), such as parameters<1e6: architectures beyond one "
        "are never built",
    )
    references: tuple[str, ...] | None = setting(
        None, "reference architectures to evaluate beside the found one; none: the space's baseline"
    )
    history: tuple[str, ...] | None = setting(
        None,
        "runs, or files of trials (.jsonl), that the strategy learns from before its first "
        "proposal; none: it begins with nothing",
    )
    prior: str | None = setting(
        None,
        "a reference architecture that good ones are believed to be like: drawn ones often have "
        "its options; none: they are uniform",
    )
    prior_share: float = setting(
        0.5,
        "share of the drawn architectures that are like the prior, in [0, 1]",
        attrs.validators.and_(at_least(0), attrs.validators.le(1)),
    )
    attempts: int = setting(
        2,
        "attempts at a trial whose worker died or that ran out of memory or time, >= 1",
        at_least(1),
    )
    retry_errors: bool = setting(
        False, "whether a trial that failed for any other reason has them too"
    )
    time_limit: float | None = setting(
        None,
        "seconds after which an evaluation is stopped, > 0; none: never",
        attrs.validators.optional(attrs.validators.gt(0)),
    )
    memory_limit: int | None = setting(
        None,
        "MiB of main memory beyond which an evaluation's process is stopped, >= 1; none: no limit",
        attrs.validators.optional(at_least(1)),
    )
    stop_after: int | None = setting(
        None,
        "stop the run after so many failed trials in a row, >= 1; none: never",
        attrs.validators.optional(at_least(1)),
    )
    folder: str = setting("runs", "where the runs' folders are made")
    name: str | None = setting(None, "name of the run's folder; none: time-space-strategy-task")


def run_settings_class() -> type[RunSettings]:
    """:class:`RunSettings` with a field for each run setting of the plugins."""
    return _with(tuple((name, entry.target) for name, entry in registries["run_setting"].items()))


@functools.cache
def _with(added: tuple[tuple[str, Any], ...]) -> type[RunSettings]:
    return attrs.make_class("RunSettings", dict(added), bases=(RunSettings,), frozen=True)


def check_run_setting(name: str, field: Any) -> None:
    """Refuse what no run can have as a setting: a taken name, or a field without type or default.

    Raises :class:`~nasir.core.errors.PluginError`.
    """
    if name in KINDS or name in {own.name for own in attrs.fields(RunSettings)}:
        raise PluginError(f"the run setting {name!r} comes with nasir: choose another name")
    try:
        (made,) = attrs.fields(attrs.make_class("Settings", {name: field}))
    except (AttributeError, TypeError, ValueError, SyntaxError):
        made = None
    if made is None or made.type is None or made.default is attrs.NOTHING:
        raise PluginError(
            f"the run setting {name!r} needs a field with type and default: "
            'setting(False, "what it means", type=bool)'
        )
