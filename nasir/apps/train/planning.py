"""From the words of a person, or from a training's folder, to what is to be trained."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import attrs
from attrs import validators as must

from nasir.core.architecture import Architecture
from nasir.core.component import setting
from nasir.core.errors import SettingsError
from nasir.core.evaluator import Problem
from nasir.core.registry import registries
from nasir.core.task import Patches
from nasir.core.trial import FULL
from nasir.networks.network import find_network
from nasir.runs.architecture_file import find_architecture
from nasir.runs.training_folder import TrainingFolder
from nasir.settings.building import name_of, plain, settings_of_component
from nasir.settings.components import about_pictures, make_components
from nasir.settings.machine import few_threads, usable_cores
from nasir.settings.overrides import Settings
from nasir.settings.reader import VerbSettings, read_one, read_overrides, request
from nasir.training.division import validation_and_training
from nasir.training.evaluator import TrainingEvaluator

PARTS = ("space", "task", "evaluator")
"""The components that a training has."""

PICTURES = ("images", "test_images")
"""The settings of a training that say which pictures its task is about."""


@attrs.frozen
class TrainSettings(VerbSettings):
    """The settings of a training that belong to no component."""

    use = "train"
    components = PARTS
    from_files = ("architecture", "seed", "threads", "validation", *PICTURES, *PARTS)

    architecture: str | None = setting(
        None,
        "a reference architecture's name, an architecture.json, or a run's folder; none: that of "
        "the network in evaluator.start",
    )
    seed: int = setting(0, "what all randomness is made from, >= 0", must.ge(0))
    threads: int = setting(0, "threads; 0: as many as there are cores", few_threads)
    validation: float = setting(
        0.0,
        "share of the training pictures that are not trained on but watched, in [0, 1); 0: none",
        [must.ge(0), must.lt(1)],
    )
    images: tuple[str, ...] = setting((), "the pictures to train on: files, folders")
    test_images: tuple[str, ...] = setting((), "the pictures to test with: files, folders")


@attrs.frozen(eq=False)
class TrainingPlan:
    """What is to be trained, and how; `problem` is about the test pictures."""

    architecture: Architecture
    problem: Problem
    settings: TrainSettings

    @property
    def evaluator(self) -> TrainingEvaluator:
        """How the network is trained and evaluated."""
        evaluator = self.problem.evaluator(FULL)
        assert isinstance(evaluator, TrainingEvaluator)
        return evaluator

    def patches(self) -> tuple[Patches, Patches]:
        """The pictures to train on, and those that are watched meanwhile."""
        share, problem = self.settings.validation, self.problem
        watched, rest = validation_and_training(problem.task, share, problem.seed)
        return rest, watched

    @property
    def pictures(self) -> tuple[int, int]:
        """How many pictures are trained on, watched ones among them, and how many tested on."""
        parts = (patches.names for patches in self.patches())
        return sum(map(len, parts)), len(self.problem.task.samples("test"))

    def check(self) -> None:
        """Refuse what cannot be trained or evaluated."""
        self.problem.check()
        self.patches()

    @property
    def names(self) -> dict[str, str]:
        """The names of the components, by kind."""
        return {kind: self.resolved[kind]["name"] for kind in PARTS}

    @property
    def resolved(self) -> Settings:
        """The resolved settings, with all defaults; the pictures are those of the task."""
        own = settings_of_component(self.settings)
        written = {key: value for key, value in own.items() if key not in PICTURES}
        parts = (self.problem.space, self.problem.task, self.evaluator)
        return written | {kind: plain(part) for kind, part in zip(PARTS, parts, strict=True)}


def plan(words: Sequence[str], settings: Mapping[str, Any]) -> TrainingPlan:
    """What words and settings ask for; wrong ones are refused before any work."""
    asked = read_one(TrainSettings, words, settings)
    own = asked.own
    chosen = about_pictures(asked.components, own.use, own.images, own.test_images)
    ours = make_components(("space",), chosen, own.use)["space"]
    given = own.architecture or _start(chosen)
    if given is None:
        raise SettingsError(
            "say what to train: architecture=NAME (nasir describe space=NAME), an "
            "architecture.json, or a run's folder"
        )
    if own.architecture is None and not _is_folder(given):
        network = find_network(given)
        architecture, space = network.architecture, network.make_space()
    else:
        architecture, space = find_architecture(given, ours)
    typed = read_overrides(TrainSettings, [word for word in words if "=" in word], settings)
    if space is not ours and any(one.path[0] == "space" for one in typed):
        raise SettingsError(f"space cannot be set here: {given} has its own space")
    return _planned(architecture, own, {**chosen, "space": space})


def _start(chosen: Settings) -> str | None:
    """The trained network that the training starts from, if the evaluator is given one."""
    evaluator = chosen.get("evaluator")
    given = evaluator.get("start") if isinstance(evaluator, Mapping) else None
    return given if given is None else str(given)


def _is_folder(start: str) -> bool:
    """Whether a training starts from the one in a folder; the name of a network comes first."""
    return start not in registries["network"] and Path(start).expanduser().is_dir()


def plan_again(folder: TrainingFolder) -> TrainingPlan:
    """What is trained in a folder that is there."""
    settings = folder.settings
    for kind in PARTS:
        if not isinstance(settings.get(kind), dict) or "name" not in settings[kind]:
            raise SettingsError(
                f"the settings of {folder.folder} are damaged: they name no {kind}; put back what "
                "they said"
            )
    asked = request(TrainSettings, settings)
    return _planned(folder.found[0], asked.own, asked.components)


def _planned(architecture: Architecture, own: TrainSettings, chosen: Settings) -> TrainingPlan:
    made = make_components(PARTS, chosen, own.use)
    how = made["evaluator"]
    if not isinstance(how, TrainingEvaluator):
        raise SettingsError(f"evaluator={name_of(how)} trains no network: leave it out")
    if how.has_weights:
        raise SettingsError(
            "evaluator.weights are trained already: evaluate them with nasir evaluate, or leave "
            "them out"
        )
    problem = Problem(made["space"], made["task"], {FULL: how}, own.seed)
    own = attrs.evolve(own, threads=own.threads or usable_cores())
    return TrainingPlan(architecture, problem.for_test(), own)
