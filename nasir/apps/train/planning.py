"""From the words of a person, or from a training's folder, to what is to be trained."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import attrs
from attrs import validators as must

from nasir.core.architecture import Architecture
from nasir.core.component import setting, settings_of
from nasir.core.errors import SettingsError, unknown_name
from nasir.core.evaluator import Problem
from nasir.core.patches import divided
from nasir.core.registry import registries
from nasir.core.seeds import derived_seed
from nasir.core.task import Patches
from nasir.core.trial import FULL
from nasir.runs.architecture_file import find_architecture
from nasir.runs.training_folder import TrainingFolder
from nasir.settings.building import make, settings_of_component, structure
from nasir.settings.experiment import DEFAULTS, experiment, is_list
from nasir.settings.overrides import Override, Settings, expand, merge
from nasir.settings.recipes import read_overrides, read_text
from nasir.training.evaluator import TrainingEvaluator

PARTS = ("space", "task", "evaluator")
"""The components that a training has."""

PICTURES = ("images", "test_images")
"""Short for the task's settings of these names."""

WHOLE = {"size": 0, "quantise": True}
"""Settings of a task that has them: whole pictures, judged as 8-bit files are."""


@attrs.frozen
class TrainingSettings:
    """The settings of a training that belong to no component."""

    architecture: str | None = setting(
        None, "a reference architecture's name, an architecture.json, or a run's folder"
    )
    seed: int = setting(0, "what all randomness is made from, >= 0", must.ge(0))
    threads: int = setting(0, "threads; 0: as many as there are cores", must.ge(0))
    validation: float = setting(
        0.0,
        "share of the training pictures that are not trained on but watched, in [0, 1); 0: none",
        [must.ge(0), must.lt(1)],
    )


KEYS = (*(field.name for field in attrs.fields(TrainingSettings)), *PICTURES, *PARTS)
"""What can be set."""


@attrs.frozen(eq=False)
class Plan:
    """What is to be trained, and how; `problem` is about the test pictures."""

    architecture: Architecture
    problem: Problem
    settings: TrainingSettings
    names: Mapping[str, str]

    @property
    def evaluator(self) -> TrainingEvaluator:
        """How the network is trained and judged."""
        evaluator = self.problem.evaluator(FULL)
        assert isinstance(evaluator, TrainingEvaluator)
        return evaluator

    def patches(self) -> tuple[Patches, Patches]:
        """The pictures to train on, and those that are watched meanwhile."""
        share = self.settings.validation
        seed = derived_seed(self.problem.seed, "validation")
        watched, rest = divided(self.problem.task.patches(), (share, 1 - share), seed)
        return rest, watched

    def check(self) -> None:
        """Refuse what could not be trained or judged."""
        self.problem.check()
        self.patches()

    @property
    def resolved(self) -> Settings:
        """The resolved settings, every default spelt out."""
        parts = (self.problem.space, self.problem.task, self.evaluator)
        return settings_of_component(self.settings) | {
            kind: {"name": self.names[kind]} | settings_of_component(part)
            for kind, part in zip(PARTS, parts, strict=True)
        }


def plan(words: Sequence[str], settings: Mapping[str, Any]) -> Plan:
    """What words and settings ask for; wrong ones are refused before any work."""
    spelt = read_overrides([text for text in words if "=" in text], settings)
    for word in spelt:
        if word.path[0] not in KEYS:
            raise unknown_name("setting", word.path[0], KEYS)
    runs = expand([_of_task(word) for word in [*_from_files(words), *spelt]], is_list)
    if len(runs) != 1:
        raise SettingsError(f"these words make {len(runs)} trainings: give one value for each")
    tree = merge(runs[0], {})
    own = {key: value for key, value in tree.items() if key not in PARTS}
    wishes = structure(TrainingSettings, own)
    if wishes.architecture is None:
        raise SettingsError(
            "say what to train: architecture=NAME (nasir describe space=NAME), an "
            "architecture.json, or a run's folder"
        )
    ours = make("space", {"name": DEFAULTS["space"]["name"]} | tree.get("space", {}))
    architecture, space = find_architecture(wishes.architecture, ours)
    if space is not ours:
        idle = next((word for word in spelt if word.path[0] == "space"), None)
        if idle is not None:
            raise SettingsError(
                f"{idle.key} is of no use here: {wishes.architecture} has its own space"
            )
        name = architecture.space
        tree["space"] = {"name": name} | settings_of_component(space)
    return _planned(architecture, wishes, tree)


def plan_again(folder: TrainingFolder) -> Plan:
    """What is trained in a folder that is there."""
    tree = folder.settings
    for kind in PARTS:
        if not isinstance(tree.get(kind), dict) or "name" not in tree[kind]:
            raise SettingsError(
                f"the settings of {folder.folder} are damaged: they name no {kind}; put back what "
                "they said"
            )
    own = {key: value for key, value in tree.items() if key not in PARTS}
    wishes = structure(TrainingSettings, own)
    return _planned(folder.found[0], wishes, {kind: tree[kind] for kind in PARTS})


def _from_files(words: Sequence[str]) -> list[Override]:
    """What files and recipes of searches say that holds for a training, too."""
    read = [word for text in words if "=" not in text for word in read_text(text)]
    return [word for word in read if word.path[0] in KEYS]


def _of_task(word: Override) -> Override:
    return attrs.evolve(word, path=("task", *word.path)) if word.path[0] in PICTURES else word


def _planned(architecture: Architecture, wishes: TrainingSettings, tree: Settings) -> Plan:
    evaluator = {"name": "train"} | tree.get("evaluator", {})
    made = experiment(
        {
            "seed": wishes.seed,
            "threads": wishes.threads,
            "references": [],
            "space": {"name": DEFAULTS["space"]["name"]} | tree.get("space", {}),
            "task": _whole({"name": DEFAULTS["task"]["name"]} | tree.get("task", {})),
            "evaluator": evaluator,
            "strategy": {"name": "random"},
        }
    )
    how = made.problem.evaluator(FULL)
    if not isinstance(how, TrainingEvaluator):
        raise SettingsError(f"evaluator={evaluator['name']} trains no network: leave it out")
    if how.has_weights:
        raise SettingsError(
            "evaluator.weights are trained already: judge them with nasir evaluate, or leave them "
            "out"
        )
    wishes = attrs.evolve(wishes, threads=made.settings.threads)
    return Plan(architecture, made.problem.for_test(), wishes, made.names)


def _whole(task: Settings) -> Settings:
    known = {field.name for field in settings_of(registries["task"].load(task["name"]))}
    return (WHOLE if known.issuperset(WHOLE) else {}) | task
