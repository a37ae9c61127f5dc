"""What fits a network to a picture, or restores it by the network of a training."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from nasir.apps.restore.planning import RestorationPlan, usual_name
from nasir.apps.restore.settings import AUTO, RestoreSettings
from nasir.apps.train.training import Training
from nasir.core.architecture import Architecture
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
from nasir.settings.components import about_pictures, chosen_class, lay_over, make_components
from nasir.settings.overrides import Settings
from nasir.settings.reader import Request
from nasir.training.evaluator import TrainingEvaluator


def plan(
    picture: Path, asked: Request[RestoreSettings], architecture: Architecture | None = None
) -> RestorationPlan:
    """What fits a network to the picture, or restores it by a training's network.

    Refuses unknown names, fields and values. `picture` is a file that the task can read.
    `architecture` comes before the one that is asked for.
    """
    own, chosen = asked.own, asked.components
    automatic = architecture is None and own.architecture == AUTO
    _check_asked(chosen, own, automatic)
    if architecture is None and not automatic and (trained := _trained(chosen, own)):
        return _by_trained(picture, asked, trained)
    name = AUTO if automatic else "given"
    if architecture is None and not automatic and own.architecture is not None:
        name = own.architecture
        architecture, found_in = _from_file(name)
        if found_in:
            chosen = {**chosen, "space": _space_of(found_in, chosen)}
    fields = _fields(chosen, "task")
    chosen = about_pictures(chosen, own.use, [str(picture)], degraded=True, asked=fields)
    kinds = ["space", "task", "evaluator", *(["strategy"] if automatic else [])]
    made = make_components(kinds, chosen, own.use)
    space, full, strategy = made["space"], made["evaluator"], made.get("strategy")
    if not isinstance(full, FittingMethod):
        raise SettingsError(
            f"evaluator={name_of(full)} fits no network to a single picture: take evaluator="
            f"{registries['evaluator'].default(own.use)}"
        )
    if automatic:
        _check_blind(made["strategy"], full)
    else:
        if architecture is None and own.architecture is None:
            name = usual_name(space, name_of(made["task"]))
        architecture = _member(architecture, name, space)
    split: Split = strategy.split if strategy else "test"
    problem = Problem(space, made["task"], {FULL: full}, own.seed, split)
    fixed = frozenset(_fields(chosen, "strategy"))
    return RestorationPlan(own, problem, architecture, name, strategy, fixed)


def _trained(chosen: Settings, own: RestoreSettings) -> Training | None:
    """The training whose network is asked for; None where one is fitted to the picture."""
    if own.architecture is None or not is_training(own.architecture):
        return None
    training = Training(own.architecture)
    cls = _evaluator_class(chosen, own, training)
    return training if issubclass(cls, TrainingEvaluator) else None


def _evaluator_class(chosen: Settings, own: RestoreSettings, training: Training) -> type:
    """The class of the evaluator that is chosen, or of the one that has trained."""
    return chosen_class("evaluator", _with_evaluator(chosen, training), own.use)


def _with_evaluator(chosen: Settings, training: Training) -> Settings:
    fields = chosen.get("evaluator", {})
    if not isinstance(fields, Mapping):
        return chosen
    return {**chosen, "evaluator": {"name": training.evaluator, **fields}}


def _by_trained(
    picture: Path, asked: Request[RestoreSettings], trained: Training
) -> RestorationPlan:
    """What is to be done where a trained network restores; its task is the usual one."""
    own, chosen = asked.own, asked.components
    cls: Any = _evaluator_class(chosen, own, trained)
    for name in _fields(chosen, "evaluator").keys() - {"name", *cls.restoring_settings}:
        raise SettingsError(
            f"evaluator.{name} cannot be set: {trained.folder} is trained; what can be set is "
            + " and ".join(f"evaluator.{one}" for one in sorted(cls.restoring_settings))
        )
    if "space" in chosen:
        raise SettingsError(f"space cannot be set: {trained.folder} has its own")
    architecture, space = trained.found
    fields = _fields(chosen, "task")
    chosen = lay_over({"task": trained.task}, chosen)
    chosen = about_pictures(chosen, own.use, [str(picture)], degraded=True, asked=fields)
    chosen = _with_evaluator({**chosen, "space": space}, trained)
    made = make_components(("space", "task", "evaluator"), chosen, own.use)
    trained.check_signature(made["task"].signature)
    problem = Problem(space, made["task"], {FULL: made["evaluator"]}, own.seed, "test")
    return RestorationPlan(own, problem, architecture, str(own.architecture), trained=trained)


def _fields(chosen: Settings, kind: str) -> Settings:
    """The fields of a component that are chosen; none of one that is made already."""
    fields = chosen.get(kind, {})
    return dict(fields) if isinstance(fields, dict) else {}


def _check_asked(chosen: Settings, own: RestoreSettings, automatic: bool) -> None:
    """Refuse what would otherwise be ignored."""
    cls = chosen_class("task", chosen, own.use)
    assert issubclass(cls, Task)
    given = cls.picture_settings or cls.given([""], degraded=True).keys()
    for name in _fields(chosen, "task"):
        if name in given:
            raise SettingsError(f"task.{name} cannot be set: the picture is the one to be restored")
    if automatic:
        return
    if "strategy" in chosen:
        raise SettingsError("strategy is for architecture=auto only: add that, or leave it out")


def _check_blind(strategy: Strategy, full: FittingMethod) -> None:
    """Refuse a search that would need ground truth."""
    if strategy.split != "test" and full.reward != "heldout":
        raise SettingsError(
            f"strategy={name_of(strategy)} needs ground truth, which the picture has not: take "
            "another, or evaluator.reward=heldout"
        )


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


def _member(architecture: Architecture | None, chosen: str, space: SearchSpace) -> Architecture:
    """The architecture itself, or by name; refuses one that is none of the space."""
    if architecture is None:
        try:
            return space.named(chosen)
        except UnknownNameError as error:
            raise SettingsError(f"{error}; or a file, a run's folder, or auto") from None
    check_member(architecture, space)
    return architecture
