"""From the words of a person to what is to be done with the picture."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import attrs
from attrs import validators as must

from nasir.apps.restore.diagnosis import Diagnosis
from nasir.apps.restore.tiles import SMALLEST_TILE
from nasir.apps.restore.trained import SIDE
from nasir.apps.train.training import Training
from nasir.baselines.denoiser import Denoiser
from nasir.core.architecture import Architecture
from nasir.core.component import setting
from nasir.core.errors import SettingsError, UnknownNameError
from nasir.core.evaluator import Problem
from nasir.core.method import Method
from nasir.core.registry import registries
from nasir.core.search_space import SearchSpace
from nasir.core.strategy import Strategy
from nasir.core.task import Split, Task
from nasir.core.trial import FULL
from nasir.fitting.method import FittingMethod
from nasir.networks.network import TrainedNetwork
from nasir.runs.architecture_file import check_member, read_architecture
from nasir.runs.folder import DESCRIPTION
from nasir.runs.run import Run
from nasir.runs.training_folder import is_training
from nasir.settings.building import make, name_of
from nasir.settings.components import about_pictures, chosen_class, make_components
from nasir.settings.experiment import usable_cores
from nasir.settings.overrides import Settings, merge, overrides_of
from nasir.settings.reader import Request, VerbSettings
from nasir.training.evaluator import TrainingEvaluator

AUTO = "auto"
"""The architecture that is searched for the very picture."""

USUAL_SECONDS = 120.0

TILE = 512
"""Longest side of the parts that a fit is made to, in pixels of the restored picture."""


def _tile(settings: RestoreSettings, field: attrs.Attribute[int], side: int) -> None:
    if side != 0 and side < SMALLEST_TILE:
        raise ValueError(f"'tile' must be 0 or >= {SMALLEST_TILE}: {side}")


@attrs.frozen
class RestoreSettings(VerbSettings):
    """The settings of a restoration that belong to no component."""

    use = "restore"
    components = ("task", "space", "evaluator", "strategy", "method")

    architecture: str | None = setting(
        None,
        "a reference architecture, an architecture.json, a run's folder, the folder of a training, "
        "whose network then restores, or auto: searched for this very picture; none: the published "
        "one for the task",
    )
    network: str | None = setting(
        None,
        "a trained network: a registered one (nasir list networks), or a file of nasir export; "
        "none: the one that fits the task, or else what troubles the picture",
    )
    seconds: float | None = setting(
        None,
        "bound of the fit, >= 0, which then gives what it has; with architecture=auto half of it "
        f"is for the search; none: {USUAL_SECONDS:g} for the search, and no bound for the fit",
        must.optional(must.ge(0)),
    )
    tile: int | None = setting(
        None,
        f"longest side in pixels, >= {SMALLEST_TILE}, of the parts that larger pictures are "
        f"restored in; 0: whole, whatever memory it takes; none: {TILE} for a fit, else {SIDE}",
        must.optional(_tile),
    )
    seed: int = setting(0, "what all randomness is made from, >= 0", must.ge(0))
    threads: int = setting(0, "threads; 0: as many as there are cores", must.ge(0))


@attrs.frozen(eq=False)
class RestorationPlan:
    """What is to be done: `architecture` is None where `strategy` searches one.

    `chosen` is what the user asked for. `fixed` names the settings of the strategy that the user
    has set. `trained` is the training, `network` the trained network, and `method` the classical
    method that restores; None of them: a network is fitted to the picture. `diagnosis` is what was
    found in the picture, if it was looked at; with `compares`, the result is compared with the
    picture itself and with classical methods.
    """

    settings: RestoreSettings
    problem: Problem
    architecture: Architecture | None
    chosen: str
    strategy: Strategy | None = None
    fixed: frozenset[str] = frozenset()
    trained: Training | None = None
    network: TrainedNetwork | None = None
    method: Method | None = None
    diagnosis: Diagnosis | None = None
    compares: bool = False

    @property
    def fits(self) -> bool:
        """Whether a network is fitted to the picture."""
        return self.trained is None and self.network is None and self.method is None

    @property
    def tile(self) -> int:
        """Longest side of a part of the restored picture; 0: it is restored whole."""
        whole = self.method is not None and not isinstance(self.method, Denoiser)
        usual = 0 if whole else TILE if self.fits else SIDE
        return usual if self.settings.tile is None else self.settings.tile

    @property
    def seconds(self) -> float:
        """The bound of a search for the picture."""
        return USUAL_SECONDS if self.settings.seconds is None else self.settings.seconds / 2

    @property
    def threads(self) -> int:
        return self.settings.threads or usable_cores()

    @property
    def task(self) -> str:
        """The task's name."""
        return name_of(self.problem.task)

    @property
    def usual_architecture(self) -> Architecture:
        """What restores the picture where no architecture was asked for, nor found."""
        space = self.problem.space
        return space.named(_usual(space, self.task))


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
            name = _usual(space, name_of(made["task"]))
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
    chosen = merge([*overrides_of({"task": trained.task}), *overrides_of(chosen)], {})
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


def _usual(space: SearchSpace, task: str) -> str:
    """The reference architecture for a task where the user names none."""
    usual = space.usual(task)
    if usual is None:
        raise SettingsError(
            f"space {name_of(space)!r} has no usual architecture: give architecture=FILE, or =auto"
        )
    return usual


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
