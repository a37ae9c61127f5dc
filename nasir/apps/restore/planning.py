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
from nasir.core.component import setting
from nasir.core.errors import SettingsError, UnknownNameError
from nasir.core.evaluator import Problem
from nasir.core.registry import registries
from nasir.core.search_space import SearchSpace
from nasir.core.strategy import Strategy
from nasir.core.task import Split, Task
from nasir.core.trial import FULL
from nasir.fitting.method import FittingMethod
from nasir.runs.architecture_file import check_member, read_architecture
from nasir.runs.folder import DESCRIPTION
from nasir.runs.run import Run
from nasir.runs.training_folder import is_training
from nasir.settings.building import make, name_of
from nasir.settings.components import chosen_class, make_components
from nasir.settings.experiment import usable_cores
from nasir.settings.overrides import Settings, merge, overrides_of, with_fields
from nasir.settings.reader import Request, VerbSettings
from nasir.training.evaluator import TrainingEvaluator

AUTO = "auto"
"""The architecture that is searched for the very picture."""

USUAL_SECONDS = 120.0


def _tile(settings: RestoreSettings, field: attrs.Attribute[int], side: int) -> None:
    if side != 0 and side < SMALLEST_TILE:
        raise ValueError(f"'tile' must be 0 or >= {SMALLEST_TILE}: {side}")


@attrs.frozen
class RestoreSettings(VerbSettings):
    """The settings of a restoration that belong to no component."""

    use = "restore"
    components = ("task", "space", "evaluator", "strategy")

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
    """What is to be done: `architecture` is None where it is searched by `strategy`."""

    settings: RestoreSettings
    problem: Problem
    architecture: Architecture | None
    chosen: str
    strategy: Strategy | None = None
    fixed: frozenset[str] = frozenset()
    """The strategy's settings that were asked for."""
    trained: Training | None = None
    """The training whose network restores; None: one is fitted to the picture."""

    @property
    def seconds(self) -> float:
        """The bound of a search for the picture."""
        return USUAL_SECONDS if self.settings.seconds is None else self.settings.seconds

    @property
    def threads(self) -> int:
        return self.settings.threads or usable_cores()

    @property
    def task(self) -> str:
        """The task's name."""
        return name_of(self.problem.task)


def plan(
    picture: Path, asked: Request[RestoreSettings], architecture: Architecture | None = None
) -> Plan:
    """Make all components; refuses unknown names, fields and values.

    `picture` is a file that the task can read. `architecture` comes before the one that is asked
    for.
    """
    own, chosen = asked.own, asked.components
    automatic = architecture is None and own.architecture == AUTO
    _check_asked(chosen, own, automatic)
    trained = None if automatic or architecture is not None else _trained(chosen, own)
    if trained is not None:
        return _by_trained(picture, asked, trained)
    name = own.architecture if architecture is None else "given"
    if architecture is None and name is not None and not automatic:
        architecture, found_in = _from_file(name)
        if found_in:
            chosen = {**chosen, "space": _space_of(found_in, chosen)}
    chosen = _about(picture, chosen)
    kinds = ["space", "task", "evaluator", *(["strategy"] if automatic else [])]
    made = make_components(kinds, chosen, own.use)
    full, strategy, space = made["evaluator"], made.get("strategy"), made["space"]
    if not isinstance(full, FittingMethod):
        raise SettingsError(
            f"evaluator={name_of(full)} fits no network to a single picture: take evaluator="
            f"{registries['evaluator'].default(own.use)}"
        )
    stages = strategy.stages(full) if strategy else {}
    split: Split = strategy.split if strategy else "search"
    problem = Problem(space, made["task"], {FULL: full, **stages}, own.seed, split)
    name = name or usual_name(problem)
    if not automatic:
        architecture = _member(architecture, name, space)
    return Plan(own, problem, architecture, name, strategy, frozenset(_fields(chosen, "strategy")))


def _trained(chosen: Settings, own: RestoreSettings) -> Training | None:
    """The training whose network is asked for; none where one is fitted to the picture."""
    if own.architecture is None or not is_training(own.architecture):
        return None
    training = Training(own.architecture)
    name = _fields(chosen, "evaluator").get("name", training.evaluator)
    return training if name == training.evaluator else None


def _by_trained(picture: Path, asked: Request[RestoreSettings], trained: Training) -> Plan:
    """What is to be done where a trained network restores; its task is the usual one."""
    own, chosen = asked.own, asked.components
    if "space" in chosen:
        raise SettingsError(f"space cannot be set: {trained.folder} has its own")
    fields = {"name": trained.evaluator} | _fields(chosen, "evaluator")
    chosen = merge([*overrides_of({"task": trained.task}), *overrides_of(chosen)], {})
    architecture, space = trained.found
    chosen = {**chosen, "space": space, "evaluator": fields}
    settable = _restoring_settings(chosen)
    for name in sorted(fields.keys() - {"name", *settable}):
        raise SettingsError(
            f"evaluator.{name} cannot be set: {trained.folder} is trained; what can be set is "
            + " and ".join(f"evaluator.{one}" for one in sorted(settable))
        )
    made = make_components(("space", "task", "evaluator"), _about(picture, chosen), own.use)
    trained.check_signature(made["task"].signature)
    problem = Problem(space, made["task"], {FULL: made["evaluator"]}, own.seed)
    return Plan(own, problem, architecture, str(own.architecture), trained=trained)


def _restoring_settings(chosen: Settings) -> frozenset[str]:
    cls = chosen_class("evaluator", chosen, RestoreSettings.use)
    return cls.restoring_settings if issubclass(cls, TrainingEvaluator) else frozenset()


def _fields(chosen: Settings, kind: str) -> Settings:
    """The fields of a component that are chosen; none of one that is made already."""
    fields = chosen.get(kind, {})
    return dict(fields) if isinstance(fields, dict) else {}


def _check_asked(chosen: Settings, own: RestoreSettings, automatic: bool) -> None:
    """Refuse what would otherwise be ignored."""
    task = chosen_class("task", chosen, own.use)
    of_pictures = task.picture_settings if issubclass(task, Task) else frozenset()
    for name in sorted(of_pictures & _fields(chosen, "task").keys()):
        raise SettingsError(f"task.{name} cannot be set: the picture is the one to be restored")
    if automatic:
        return
    if "strategy" in chosen:
        raise SettingsError("strategy is for architecture=auto only: add that, or leave it out")
    if own.seconds is not None:
        raise SettingsError(
            "seconds bounds the search of architecture=auto: add that, or set "
            "evaluator.iterations for a shorter fit"
        )


def usual_architecture(planned: Plan) -> Architecture:
    """What restores the picture where no architecture was asked for, nor found."""
    return planned.problem.space.named(usual_name(planned.problem))


def usual_name(problem: Problem) -> str:
    """The reference architecture that the space has for the task."""
    name = problem.space.usual(name_of(problem.task))
    if name is None:
        raise SettingsError(
            f"space {name_of(problem.space)!r} has no usual architecture: give architecture=FILE, "
            "or =auto"
        )
    return name


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


def _space_of(found_in: Settings, chosen: Settings) -> SearchSpace:
    """The space that an architecture was found in, with the settings asked for."""
    asked = _fields(chosen, "space")
    if asked.get("name", found_in["name"]) != found_in["name"]:
        raise SettingsError(
            f"the architecture is of space {found_in['name']!r}: leave space={asked['name']} out"
        )
    space: SearchSpace = make("space", found_in | asked)
    return space


def _about(picture: Path, chosen: Settings) -> Settings:
    """With the task's settings for a picture that is degraded already."""
    task = chosen_class("task", chosen, RestoreSettings.use)
    given: Mapping[str, Any] = {}
    if issubclass(task, Task):
        given = task.given([str(picture)], degraded=True)
    asked = _fields(chosen, "task")
    return with_fields(chosen, "task", {k: v for k, v in given.items() if k not in asked})


def _member(architecture: Architecture | None, chosen: str, space: SearchSpace) -> Architecture:
    """The architecture itself, or by name; refuses one that is none of the space."""
    if architecture is None:
        try:
            return space.named(chosen)
        except UnknownNameError as error:
            raise SettingsError(f"{error}; or a file, a run's folder, or auto") from None
    check_member(architecture, space)
    return architecture
