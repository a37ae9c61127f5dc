"""``nasir.evaluate``: methods and architectures on the same pictures."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs
from attrs import validators as must

from nasir.apps.evaluate.entries import ArchitectureEntry, BenchmarkEntry, MethodEntry, Result
from nasir.apps.progress.displays import shown_in_notebook
from nasir.core.component import setting
from nasir.core.errors import SettingsError
from nasir.core.evaluator import Problem
from nasir.core.method import Method
from nasir.core.registry import registries
from nasir.core.search_space import SearchSpace
from nasir.core.task import Task
from nasir.core.trial import FULL
from nasir.engine.borrowed import borrowed
from nasir.runs.architecture_file import Found, check_place, find_architecture
from nasir.runs.folder import DESCRIPTION
from nasir.runs.training_folder import TrainingFolder, is_training
from nasir.settings.building import make, name_of, plain
from nasir.settings.components import Choice, about_pictures, lay_over, make_components
from nasir.settings.machine import few_threads, usable_cores
from nasir.settings.overrides import Settings
from nasir.settings.reader import VerbSettings, given, read, read_overrides
from nasir.training.evaluator import TrainingEvaluator

if TYPE_CHECKING:
    from nasir.core.evaluator import Evaluator


def _each_once(given: Sequence[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(given))


@attrs.frozen
class EvaluateSettings(VerbSettings):
    """The settings of ``nasir evaluate`` that belong to no component."""

    use = "evaluate"
    components = ("task", "evaluator", "space", "method")
    from_files = (
        *("architecture", "references", "images", "seed", "threads"),
        *("task", "evaluator", "space", "method"),
    )

    architecture: tuple[str, ...] = setting(
        (),
        "reference architectures (nasir describe space=NAME), files architecture.json, or folders "
        "of runs or of trainings, whose weights are taken",
        converter=_each_once,
    )
    references: tuple[str, ...] = setting(
        (), "reference architectures where nothing else is named, as a run's file has them"
    )
    rules: tuple[str, ...] = setting(
        (),
        "rules by which each architecture is changed and evaluated beside itself: R1, R2 of hinas "
        "and irnas",
        converter=_each_once,
    )
    images: tuple[str, ...] = setting((), "the pictures: files, folders; all of them and whole")
    seed: int = setting(0, "what all randomness is made from, >= 0", must.ge(0))
    threads: int = setting(0, "threads; 0: as many as there are cores", few_threads)


@attrs.frozen(eq=False)
class Benchmark:
    """What is evaluated, in order, and the settings that hold for all of it."""

    entries: Sequence[BenchmarkEntry]
    settings: Settings


@shown_in_notebook("evaluations")
def evaluate(
    *words: str,
    method: Choice[Method] | Sequence[Choice[Method]] | None = None,
    architecture: str | Path | Sequence[str | Path] | None = None,
    images: str | Path | Sequence[str | Path] | None = None,
    task: Choice[Task] | None = None,
    evaluator: Choice[Evaluator] | None = None,
    space: Choice[SearchSpace] | None = None,
    rules: str | Sequence[str] | None = None,
    seed: int | None = None,
    threads: int | None = None,
    **more: Any,
) -> list[Result]:
    """Evaluate methods and architectures on the same pictures, by the published protocol.

    ``evaluate(method=["tv", "nlm"], architecture="deep_image_prior", images=folder)``: components,
    `words` and `more` are as for a search; ``nasir describe evaluate`` explains the others. Of a
    settings file or a recipe of a search, the references are evaluated where nothing else is
    named. Raises :class:`~nasir.core.errors.NasirError` for what cannot be evaluated as it is
    given.
    """
    entries = plan(words, given(locals())).entries
    with borrowed("evaluation"):
        return [one.evaluate() for one in entries]


def plan(words: Sequence[str], settings: Settings) -> Benchmark:
    """What words and settings ask for; wrong ones are refused before any work."""
    requests = read(EvaluateSettings, words, settings, several=("method",))
    asked = requests[0]
    own, chosen = asked.own, _as_trained(asked.own.architecture, asked.components)
    chosen = about_pictures(chosen, own.use, own.images)
    made = make_components(("space", "task", "evaluator"), chosen, own.use)
    problem = Problem(made["space"], made["task"], {FULL: made["evaluator"]}, own.seed).for_test()
    threads = own.threads or usable_cores()
    methods = list(_methods([one.components.get("method") for one in requests], problem.task))
    names = own.architecture or (() if methods else own.references)
    typed = read_overrides(EvaluateSettings, [word for word in words if "=" in word], settings)
    kinds = {one.path[0] for one in typed}  # a recipe's space is that of its own architectures
    found = {name: find_architecture(name, problem.space) for name in names}
    _check_used(chosen, kinds, [space for _, space in found.values()], problem.space)
    architectures = list(_architectures(found, problem, threads, own.rules))
    if not methods and not architectures:
        raise SettingsError(
            f"say what to evaluate: method=NAME ({', '.join(registries['method'])}), "
            "architecture=NAME, an architecture.json or a run's folder, or several with commas"
        )
    tree: Settings = {"seed": own.seed, "threads": threads, "task": plain(problem.task)}
    if architectures:
        tree["evaluator"] = plain(problem.evaluator(FULL))
    return Benchmark([*methods, *architectures], tree)


def _as_trained(architectures: Sequence[str], chosen: Settings) -> Settings:
    """With trained weights, their evaluator and the task that they are for, unless others are."""
    for place in architectures:
        check_place(place)
    first = next(filter(is_training, architectures), None)
    if first is None:
        return chosen
    training = TrainingFolder(first)
    usual = {"evaluator": {"name": training.evaluator}, "task": training.task}
    return lay_over(usual, chosen)


def _methods(chosen: Sequence[Any], task: Task) -> Iterator[BenchmarkEntry]:
    for number, one in enumerate(chosen):
        if one is None or one in chosen[:number]:
            continue
        if isinstance(one, dict) and "name" not in one:
            field = next(iter(one))
            raise SettingsError(f"method.{field} is a setting of a method: add method=NAME")
        method = make("method", one)
        yield MethodEntry(name_of(method), method, task)


def _architectures(
    found: Mapping[str, Found], problem: Problem, threads: int, rules: Sequence[str]
) -> Iterator[BenchmarkEntry]:
    if rules and not found:
        raise SettingsError("rules are for architectures: add architecture=NAME")
    for name, (architecture, space) in found.items():
        its = attrs.evolve(problem, space=space)
        if is_training(name):
            if rules:
                raise SettingsError(
                    f"the weights of {name} are not those of a changed architecture: give "
                    f"{name}/{DESCRIPTION}, of which all are trained"
                )
            its = _with_weights(its, TrainingFolder(name))
        its.check()
        yield ArchitectureEntry(name, architecture, its, threads)
        for rule in rules:
            changed = space.changed(architecture, rule, problem.seed)
            yield ArchitectureEntry(f"{name}, {rule}", changed, its, threads)


def _with_weights(problem: Problem, training: TrainingFolder) -> Problem:
    """The problem with the weights of a training, if its evaluator takes any and has none yet."""
    evaluator = problem.evaluator(FULL)
    if not isinstance(evaluator, TrainingEvaluator):
        return problem
    training.check_signature(problem.task.signature)
    if not evaluator.has_weights:
        evaluator = evaluator.with_weights(training.weights)
    return attrs.evolve(problem, evaluators={FULL: evaluator})


def _check_used(
    chosen: Settings, typed: Collection[str], spaces: Sequence[SearchSpace], ours: SearchSpace
) -> None:
    """Refuse settings that would be ignored; those in files are for other uses, too."""
    if "evaluator" in chosen and not spaces:
        raise SettingsError("evaluator is for architectures: add architecture=NAME")
    if "space" in typed and not any(space is ours for space in spaces):
        raise SettingsError(
            "space cannot be set here: it is for reference architectures by name, and an "
            "architecture.json or a run's folder has its own space"
        )
