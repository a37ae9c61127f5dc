"""From the words of a person to what is to be done with the picture."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import attrs
from attrs import validators as must

from nasir.apps.restore.tiles import SMALLEST_TILE
from nasir.apps.train.training import Training
from nasir.core.architecture import Architecture
from nasir.core.component import setting, settings_of
from nasir.core.errors import SettingsError, UnknownNameError
from nasir.core.evaluator import Problem
from nasir.core.registry import registries
from nasir.core.search_space import SearchSpace
from nasir.core.strategy import Strategy
from nasir.core.task import Split
from nasir.core.trial import FULL
from nasir.fitting.dip import DeepImagePrior
from nasir.runs.architecture_file import check_member, read_architecture
from nasir.runs.folder import DESCRIPTION
from nasir.runs.run import Run
from nasir.runs.training_folder import is_training
from nasir.settings.building import name_of
from nasir.settings.components import chosen_name, make_components
from nasir.settings.experiment import usable_cores
from nasir.settings.overrides import Settings, merge, overrides_of, with_fields
from nasir.settings.reader import Request, VerbSettings

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
    name = AUTO if automatic else "given"
    trained = None if automatic or architecture is not None else _trained(chosen, own)
    if trained is not None:
        return _by_trained(picture, asked, trained)
    if architecture is None and not automatic:
        kinds = [chosen_name(kind, chosen, own.use) for kind in ("task", "space")]
        name = own.architecture or _usual(*kinds)
        architecture, found_in = _from_file(name)
        if found_in:
            chosen = {**chosen, "space": _space_of(found_in, chosen)}
    chosen = _about(picture, _with_usual(chosen))
    kinds = ["space", "task", "evaluator", *(["strategy"] if automatic else [])]
    made = make_components(kinds, chosen, own.use)
    full, strategy = made["evaluator"], made.get("strategy")
    if not isinstance(full, DeepImagePrior):
        raise SettingsError("a picture without ground truth is restored with evaluator=dip only")
    stages = strategy.stages(full) if strategy else {}
    split: Split = strategy.split if strategy else "search"
    problem = Problem(made["space"], made["task"], {FULL: full, **stages}, own.seed, split)
    if not automatic:
        architecture = _member(architecture, name, problem.space)
    fixed = frozenset(_fields(chosen, "strategy"))
    return Plan(own, problem, architecture, name, strategy, fixed)


def _trained(chosen: Settings, own: RestoreSettings) -> Training | None:
    """The training whose network is asked for; none where one is fitted to the picture."""
    if own.architecture is None or not is_training(own.architecture):
        return None
    if _fields(chosen, "evaluator").get("name", TRAINED) != TRAINED:
        return None
    return Training(own.architecture)


def _by_trained(picture: Path, asked: Request[RestoreSettings], trained: Training) -> Plan:
    """What is to be done where a trained network restores; its task is the usual one."""
    own, chosen = asked.own, asked.components
    for name in _fields(chosen, "evaluator").keys() - {"name", *OF_TRAINED}:
        raise SettingsError(
            f"evaluator.{name} cannot be set: {trained.folder} is trained; what can be set is "
            + " and ".join(f"evaluator.{one}" for one in OF_TRAINED)
        )
    if "space" in chosen:
        raise SettingsError(f"space cannot be set: {trained.folder} has its own")
    usual = {k: v for k, v in trained.task.items() if k != "color"}
    chosen = merge([*overrides_of({"task": usual}), *overrides_of(chosen)], {})
    architecture, space = trained.found
    chosen = {**chosen, "space": space}
    chosen["evaluator"] = {"name": TRAINED} | _fields(chosen, "evaluator")
    made = make_components(("space", "task", "evaluator"), _about(picture, chosen), own.use)
    trained.check_signature(made["task"].signature)
    problem = Problem(space, made["task"], {FULL: made["evaluator"]}, own.seed)
    return Plan(own, problem, architecture, str(own.architecture), trained=trained)


def _fields(chosen: Settings, kind: str) -> Settings:
    """The fields of a component that are chosen; none of one that is made already."""
    fields = chosen.get(kind, {})
    return dict(fields) if isinstance(fields, dict) else {}


def _check_asked(chosen: Settings, own: RestoreSettings, automatic: bool) -> None:
    """Refuse what would otherwise be ignored."""
    for name in OURS:
        if name in _fields(chosen, "task"):
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
    space = planned.problem.space
    return space.named(_usual(planned.task, name_of(space)))


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


def _space_of(found_in: Settings, chosen: Settings) -> Settings:
    """The space that an architecture was found in, with the settings asked for."""
    asked = _fields(chosen, "space")
    if asked.get("name", found_in["name"]) != found_in["name"]:
        raise SettingsError(
            f"the architecture is of space {found_in['name']!r}: leave space={asked['name']} out"
        )
    return found_in | asked


def _with_usual(chosen: Settings) -> Settings:
    """With the settings of a space and an evaluator that restore a picture well in minutes."""
    for kind in ("space", "evaluator"):
        fields = chosen.get(kind, {})
        name = chosen_name(kind, chosen, RestoreSettings.use)
        if isinstance(fields, dict):
            chosen = {**chosen, kind: {**USUAL.get(name, {}), "name": name, **fields}}
    return chosen


def _about(picture: Path, chosen: Settings) -> Settings:
    """With the task's settings for a picture that is degraded already, whole."""
    ours = {"images": str(picture), "search": 0, "size": 0, "degraded": True}
    name = chosen_name("task", chosen, RestoreSettings.use)
    known = {field.name for field in settings_of(registries["task"].load(name))}
    if not known.issuperset(ours):
        raise SettingsError(f"task {name!r} cannot restore a single degraded picture")
    return with_fields(chosen, "task", ours)


def _member(architecture: Architecture | None, chosen: str, space: SearchSpace) -> Architecture:
    """The architecture itself, or by name; refuses one that is none of the space."""
    if architecture is None:
        try:
            return space.named(chosen)
        except UnknownNameError as error:
            raise SettingsError(f"{error}; or a file, a run's folder, or auto") from None
    check_member(architecture, space)
    return architecture
