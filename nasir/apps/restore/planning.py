"""From the words of a person to what is to be done with the picture."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import attrs
from attrs import validators as must

from nasir.apps.restore.tiles import SMALLEST_TILE
from nasir.apps.train.training import Training
from nasir.core.architecture import Architecture
from nasir.core.component import setting, settings_of
from nasir.core.errors import SettingsError, UnknownNameError
from nasir.core.registry import registries
from nasir.core.search_space import SearchSpace
from nasir.fitting.dip import DeepImagePrior
from nasir.runs.architecture_file import check_member, read_architecture
from nasir.runs.folder import DESCRIPTION
from nasir.runs.run import Run
from nasir.runs.training_folder import is_training
from nasir.settings.building import settings_of_component, structure
from nasir.settings.experiment import DEFAULTS, Experiment, experiment, is_list
from nasir.settings.overrides import COMPONENTS, Settings, expand, merge
from nasir.settings.recipes import read_overrides

AUTO = "auto"
"""The architecture that is searched for the very picture."""

USUAL_SECONDS = 120.0

PUBLISHED = {
    "denoise": "nasdip_denoising",
    "inpaint": "nasdip_inpainting",
    "sr": "nasdip_super_resolution",
}
"""The architecture that NAS-DIP found for a task."""

OTHERWISE = "nasdip_denoising"
"""The architecture of the space nasdip for all other tasks."""

USUAL: Mapping[str, Settings] = {
    "nasdip": {"depth": 5, "width": 16},
    "dip": {"iterations": 400, "averaging": 0.95, "input_noise": 0.003, "stop": "wmv"},
}
"""The settings of a space and an evaluator that restore a picture well in minutes.

A small network fitted for few steps takes up little noise; perturbing its input as much as NAS-DIP
does, for thousands of steps, would only slow it down.
"""

TRAINED = "train"
"""The evaluator that takes trained weights."""

OF_TRAINED = ("device", "ensemble")
"""Its settings that say how a trained network restores."""

OURS = ("images", "test_images", "picture", "search", "size", "degraded", "noisy")
"""Settings of a task that say which pictures it is about."""


def _tile(settings: Wishes, field: attrs.Attribute[int], side: int) -> None:
    if side != 0 and side < SMALLEST_TILE:
        raise ValueError(f"'tile' must be 0 or >= {SMALLEST_TILE}: {side}")


@attrs.frozen
class Wishes:
    """The settings of a restoration that belong to no component."""

    architecture: str | None = setting(
        None,
        "a reference architecture, an architecture.json, a run's folder, the folder of a training, "
        "whose network then restores, or auto: searched for this very picture; none: the published "
        "one for the task",
    )
    seconds: float | None = setting(
        None,
        f"bound of the search of architecture=auto, >= 0; none: {USUAL_SECONDS:g}",
        must.optional(must.ge(0)),
    )
    tile: int = setting(
        512,
        f"longest side in pixels, >= {SMALLEST_TILE}, of the parts that larger pictures are "
        "restored in; 0: whole, whatever memory it takes",
        _tile,
    )
    seed: int = setting(0, "what all randomness is made from, >= 0", must.ge(0))
    threads: int = setting(0, "threads; 0: as many as there are cores", must.ge(0))


@attrs.frozen(eq=False)
class Plan:
    """What is to be done: `architecture` is None where it is searched."""

    experiment: Experiment
    architecture: Architecture | None
    chosen: str
    tile: int
    seconds: float
    fixed: frozenset[str]
    """The strategy's settings that were asked for."""
    trained: Training | None = None
    """The training whose network restores; None: one is fitted to the picture."""

    @property
    def task(self) -> str:
        """The task's name."""
        return self.experiment.names["task"]


def read_words(words: tuple[str, ...] | list[str], settings: Mapping[str, Any]) -> Settings:
    """What words and settings ask for, as a tree; refuses several values for one setting."""
    runs = expand(read_overrides(words, settings), is_list)
    if len(runs) != 1:
        raise SettingsError(f"these words make {len(runs)} restorations: give one value for each")
    return merge(runs[0], {})


def plan(picture: Path, tree: Settings, architecture: Architecture | None = None) -> Plan:
    """Make all components; refuses unknown names, fields and values.

    `picture` is a file that the task can read. `architecture` comes before that of the tree.
    """
    wishes = structure(Wishes, {k: v for k, v in tree.items() if k not in COMPONENTS})
    automatic = architecture is None and wishes.architecture == AUTO
    _check_asked(tree, wishes, automatic)
    task = {"name": DEFAULTS["task"]["name"]} | tree.get("task", {})
    space = {"name": DEFAULTS["space"]["name"]} | tree.get("space", {})
    chosen = "given"
    trained = None if automatic or architecture is not None else _trained(tree, wishes)
    if trained is not None:
        return _by_trained(picture, tree, wishes, trained)
    if architecture is None and not automatic:
        chosen = wishes.architecture or _usual(task["name"], space["name"])
        architecture, found_in = _from_file(chosen)
        space = _space_of(found_in, tree) if found_in else _with_usual(space)
    else:
        space = _with_usual(space)
    planned = experiment(
        {
            "seed": wishes.seed,
            "threads": wishes.threads,
            "references": [],
            "space": space,
            "task": _about(picture, task),
            "evaluator": _with_usual({"name": "dip"} | tree.get("evaluator", {})),
            "strategy": {"name": "isnas"} | tree.get("strategy", {}) if automatic else _NONE,
        }
    )
    if not isinstance(planned.problem.evaluators["full"], DeepImagePrior):
        raise SettingsError("a picture without ground truth is restored with evaluator=dip only")
    if automatic:
        chosen = AUTO
    else:
        architecture = _member(architecture, chosen, planned.problem.space)
    seconds = USUAL_SECONDS if wishes.seconds is None else wishes.seconds
    fixed = frozenset(tree.get("strategy", {}))
    return Plan(planned, architecture, chosen, wishes.tile, seconds, fixed)


def _trained(tree: Settings, wishes: Wishes) -> Training | None:
    """The training whose network is asked for; none where one is fitted to the picture."""
    if wishes.architecture is None or not is_training(wishes.architecture):
        return None
    if tree.get("evaluator", {}).get("name", TRAINED) != TRAINED:
        return None
    return Training(wishes.architecture)


def _by_trained(picture: Path, tree: Settings, wishes: Wishes, trained: Training) -> Plan:
    """What is to be done where a trained network restores; its task is the usual one."""
    for name in tree.get("evaluator", {}).keys() - {"name", *OF_TRAINED}:
        raise SettingsError(
            f"evaluator.{name} is of no use here: {trained.folder} is trained; what can be set is "
            + " and ".join(f"evaluator.{one}" for one in OF_TRAINED)
        )
    if "space" in tree:
        raise SettingsError(f"space is of no use here: {trained.folder} has its own")
    task = {k: v for k, v in trained.task.items() if k != "color"}
    asked = tree.get("task", {})
    if asked.get("name", task["name"]) == task["name"]:
        asked = task | asked
    architecture, space = trained.found
    planned = experiment(
        {
            "seed": wishes.seed,
            "threads": wishes.threads,
            "references": [],
            "space": {"name": architecture.space} | settings_of_component(space),
            "task": _about(picture, asked),
            "evaluator": {"name": TRAINED} | tree.get("evaluator", {}),
            "strategy": _NONE,
        }
    )
    trained.check_signature(planned.problem.task.signature)
    return Plan(
        *(planned, architecture, str(wishes.architecture), wishes.tile, 0.0, frozenset()),
        trained=trained,
    )


_NONE: Settings = {"name": "random"}
"""Stands where no strategy is needed."""


def _check_asked(tree: Settings, wishes: Wishes, automatic: bool) -> None:
    """Refuse what would otherwise be ignored."""
    for name in OURS:
        if name in tree.get("task", {}):
            raise SettingsError(f"task.{name} cannot be set: the picture is the one to be restored")
    if "executor" in tree:
        raise SettingsError("executor cannot be set: one picture is restored in this process")
    if automatic:
        return
    if "strategy" in tree:
        raise SettingsError("strategy is for architecture=auto only: add that, or leave it out")
    if wishes.seconds is not None:
        raise SettingsError(
            "seconds bounds the search of architecture=auto: add that, or set "
            "evaluator.iterations for a shorter fit"
        )


def usual_architecture(planned: Plan) -> Architecture:
    """What restores the picture where no architecture was asked for, nor found."""
    names = planned.experiment.names
    return planned.experiment.problem.space.named(_usual(names["task"], names["space"]))


def _usual(task: str, space: str) -> str:
    """The published architecture for a task; of another space than nasdip, its baseline."""
    if space == "nasdip":
        return PUBLISHED.get(task, OTHERWISE)
    baseline = registries["space"].load(space).baseline
    if baseline is None:
        raise SettingsError(
            f"space {space!r} has no usual architecture: give architecture=FILE, or =auto"
        )
    return str(baseline)


def _from_file(given: str) -> tuple[Architecture | None, Settings]:
    """The architecture in a file or a run's folder, with its space; nothing for a mere name."""
    path = Path(given).expanduser()
    if path.is_dir():
        path = path / DESCRIPTION if (path / DESCRIPTION).is_file() else _best(path)
    elif path.suffix != ".json" and not path.is_file():
        return None, {}
    return read_architecture(path)


def _best(folder: Path) -> Path:
    path = Run(folder).folder / "best" / DESCRIPTION
    if not path.is_file():
        raise SettingsError(f"run {folder} has found no architecture yet: nasir resume {folder}")
    return path


def _space_of(found_in: Settings, tree: Settings) -> Settings:
    """The space that an architecture was found in, with the settings asked for."""
    asked = tree.get("space", {})
    if asked.get("name", found_in["name"]) != found_in["name"]:
        raise SettingsError(
            f"the architecture is of space {found_in['name']!r}: leave space={asked['name']} out"
        )
    return found_in | asked


def _with_usual(part: Settings) -> Settings:
    return USUAL.get(part["name"], {}) | part


def _about(picture: Path, task: Settings) -> Settings:
    """A task's settings for a picture that is degraded already, whole."""
    ours = {"images": str(picture), "search": 0, "size": 0, "degraded": True}
    known = {field.name for field in settings_of(registries["task"].load(task["name"]))}
    if not known.issuperset(ours):
        raise SettingsError(f"task {task['name']!r} cannot restore a single degraded picture")
    return task | ours


def _member(architecture: Architecture | None, chosen: str, space: SearchSpace) -> Architecture:
    """The architecture itself, or by name; refuses one that is none of the space."""
    if architecture is None:
        try:
            return space.named(chosen)
        except UnknownNameError as error:
            raise SettingsError(f"{error}; or a file, a run's folder, or auto") from None
    check_member(architecture, space)
    return architecture
