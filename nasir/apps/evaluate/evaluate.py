"""Methods and architectures judged on the same pictures, as words and settings ask for it."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from typing import Any

import attrs

from nasir.apps.evaluate.entries import ArchitectureEntry, BenchmarkEntry, MethodEntry, Result
from nasir.core.component import settings_of
from nasir.core.errors import PluginError, SettingsError, unknown_name
from nasir.core.evaluator import Problem
from nasir.core.method import Method
from nasir.core.registry import registries
from nasir.core.search_space import SearchSpace
from nasir.core.task import Task
from nasir.core.trial import FULL
from nasir.runs.architecture_file import find_architecture
from nasir.runs.training_folder import TrainingFolder, is_training
from nasir.settings.building import make
from nasir.settings.experiment import DEFAULTS, Experiment, experiment, is_list
from nasir.settings.overrides import Alternatives, Override, Settings, expand, merge, overrides_of
from nasir.settings.recipes import read_overrides, read_text

KEYS = ("method", "architecture", "images", "task", "evaluator", "space", "seed", "threads")
"""What can be set."""

PROTOCOL = {"search": 0, "size": 0, "quantise": True}
"""Settings of a task that has them: all pictures, whole, and judged as 8-bit files are."""


TRAINED = "train"
"""The evaluator that takes trained weights."""


@attrs.frozen(eq=False)
class Benchmark:
    """What is evaluated, in order, and the settings that hold for all of it."""

    entries: Sequence[BenchmarkEntry]
    settings: Settings


def evaluate(*words: str, **settings: Any) -> list[Result]:
    """Judge methods and architectures on the same pictures, by the published protocol.

    ``evaluate("method=tv,nlm", "architecture=deep_image_prior", "task.sigma=15", images=folder)``:
    words and settings as for a search, with ``method``, ``architecture`` (a reference name, an
    ``architecture.json``, a run's folder, or that of a training, whose weights are taken; one or
    several) and ``images``. Of a settings file or a
    recipe of a search, the references are evaluated where nothing else is named. Raises
    :class:`~nasir.core.errors.NasirError` for what cannot be evaluated as it is given.
    """
    return [one.evaluate() for one in plan(words, settings).entries]


def plan(words: Sequence[str], settings: Settings) -> Benchmark:
    """What words and settings ask for; wrong ones are refused before any work."""
    own, shared = _parted([*_from_files(words), *read_overrides(_spelt(words), settings)])
    shared = [*_as_trained(own["architecture"]), *shared]
    planned = _experiment(shared)
    problem = _for_test(planned.problem)
    methods = list(_methods(own, problem.task))
    own["architecture"] = own["architecture"] or ([] if methods else own["references"])
    architectures = list(_architectures(own, shared, planned, problem))
    if not methods and not architectures:
        raise SettingsError(
            f"say what to evaluate: method=NAME ({', '.join(registries['method'])}), "
            "architecture=NAME, an architecture.json or a run's folder, or several with commas"
        )
    tree = {key: planned.resolved[key] for key in ("seed", "threads", "task")}
    if architectures:
        tree["evaluator"] = planned.resolved["evaluator"]
    return Benchmark([*methods, *architectures], tree)


def _as_trained(architectures: Sequence[str]) -> list[Override]:
    """Where trained weights are to be judged: that, and the task that the first are for."""
    first = next(filter(is_training, architectures), None)
    if first is None:
        return []
    return overrides_of({"evaluator": {"name": TRAINED}, "task": TrainingFolder(first).task})


def _spelt(words: Sequence[str]) -> list[str]:
    return [text for text in words if "=" in text]


def _from_files(words: Sequence[str]) -> list[Override]:
    """What files and recipes of searches say that holds for an evaluation, too."""
    read = [word for text in words if "=" not in text for word in read_text(text)]
    return [word for word in read if word.path[0] in (*KEYS, "references")]


def _parted(words: Sequence[Override]) -> tuple[Settings, list[Override]]:
    """Methods, their settings and architectures; and what a search has, too."""
    own: Settings = {"method": [], "architecture": [], "references": [], "fields": {}}
    shared = []
    for word in words:
        key, *field = word.path
        if key not in KEYS and key != "references":
            raise unknown_name("setting", key, KEYS)
        if key == "method" and len(field) == 1:
            if isinstance(word.value, Alternatives):
                raise _one_value(word)
            own["fields"][field[0]] = word.value
        elif key in ("method", "architecture", "images") and field:
            raise SettingsError(f"{word.key}: {key!r} has no such fields; set {key}=VALUE")
        elif key == "images":
            shared.append(Override(("task", "images"), _list(word)))
        elif key in own:
            own[key] = _list(word)
        else:
            shared.append(word)
    return own, shared


def _list(word: Override) -> list[str]:
    """One or several names or paths."""
    value = word.value.values if isinstance(word.value, Alternatives) else word.value
    several = [value] if isinstance(value, str | os.PathLike) else value
    if not isinstance(several, list | tuple) or not several:
        raise SettingsError(f"{word.key} wants names, got {value!r}")
    for one in several:
        if not isinstance(one, str | os.PathLike):
            raise SettingsError(f"{word.key} wants names, got {one!r}")
    return list(dict.fromkeys(map(os.fspath, several)))


def _one_value(word: Override) -> SettingsError:
    return SettingsError(
        f"{word.key} wants one value here: only method and architecture take several"
    )


def _experiment(words: list[Override]) -> Experiment:
    """The parts of a search with these words, with the published protocol as the default."""
    combinations = expand(words, is_list)
    if len(combinations) > 1:
        raise _one_value(next(w for w in words if isinstance(w.value, Alternatives)))
    tree = merge(combinations[0], {})
    name = tree.get("task", {}).get("name", DEFAULTS["task"]["name"])
    known = {field.name for field in settings_of(registries["task"].load(name))}
    protocol = PROTOCOL if PROTOCOL.keys() <= known else {}
    tree["task"] = protocol | tree.get("task", {})
    return experiment(tree)


def _for_test(problem: Problem) -> Problem:
    """The problem without what only a strategy needs."""
    return attrs.evolve(problem, evaluators={FULL: problem.evaluator(FULL)}).for_test()


def _methods(own: Settings, task: Task) -> Iterator[BenchmarkEntry]:
    if own["fields"] and not own["method"]:
        raise SettingsError(f"method.{next(iter(own['fields']))} is of no use without method=NAME")
    for name in own["method"]:
        method = make("method", {"name": name, **own["fields"]})
        if not isinstance(method, Method):
            owner = registries["method"].entry(name).owner
            raise PluginError(f"method {name!r} of plugin {owner!r} is no Method")
        yield MethodEntry(name, method, task)


def _architectures(
    own: Settings, words: Sequence[Override], planned: Experiment, problem: Problem
) -> Iterator[BenchmarkEntry]:
    found = {name: find_architecture(name, problem.space) for name in own["architecture"]}
    _check_used(words, [space for _, space in found.values()], problem.space)
    for name, (architecture, space) in found.items():
        its = attrs.evolve(problem, space=space)
        if planned.names["evaluator"] == TRAINED and is_training(name):
            its = _with_weights(its, TrainingFolder(name))
        its.check()
        yield ArchitectureEntry(name, architecture, its, planned.settings.threads)


def _with_weights(problem: Problem, training: TrainingFolder) -> Problem:
    """The problem with an evaluator that takes a training's weights and trains nothing."""
    training.check_signature(problem.task.signature)
    evaluator: Any = problem.evaluator(FULL)
    if evaluator.weights is None:
        evaluator = attrs.evolve(evaluator, weights=str(training.weights))
    return attrs.evolve(problem, evaluators={FULL: evaluator})


def _check_used(
    words: Sequence[Override], spaces: Sequence[SearchSpace], ours: SearchSpace
) -> None:
    """Refuse settings that nothing would look at."""
    for word in words:
        if word.path[0] == "evaluator" and not spaces:
            raise SettingsError(f"{word.key} is of no use without architecture=NAME")
        if word.path[0] == "space" and not any(space is ours for space in spaces):
            raise SettingsError(
                f"{word.key} is of no use here: it is for reference architectures by name, and an "
                "architecture.json or a run's folder has its own space"
            )
