"""What restores a picture: a trained network, a classical method, or a network fitted to it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import attrs

from nasir.apps.restore.choosing import GREY, check_suits, network_for, stabilisation
from nasir.apps.restore.diagnosis import Diagnosis, diagnose
from nasir.apps.restore.planning import Comparison, RestorationPlan
from nasir.apps.restore.settings import RestoreSettings
from nasir.core.architecture import Architecture
from nasir.core.errors import PictureError, SettingsError
from nasir.core.evaluator import Problem
from nasir.core.task import Task
from nasir.networks.network import TrainedNetwork, find_network
from nasir.settings.building import make, name_of
from nasir.settings.components import about_pictures, chosen_class, lay_over, make_components
from nasir.settings.overrides import Settings, is_override, parse_override
from nasir.settings.reader import Request
from nasir.tasks.degradation_task import DegradationTask

TASKS: Mapping[str, Sequence[Settings]] = {
    "white noise": ({"name": "denoise"},),
    "camera noise": (
        {"name": "real_denoise"},
        {"name": "denoise", "noise": "camera"},
        {"name": "denoise"},
    ),
    "JPEG blocks": ({"name": "jpeg"},),
}
"""The tasks that undo a trouble; the first with a network is done, or else the last."""

DENOISE = "denoise"

DIAGNOSED = (DENOISE, "real_denoise", "jpeg")
"""Tasks whose pictures are diagnosed, though the user names the task."""

FOR_HOLES, FOR_OPERATORS = "plug_and_play", "dpir"
"""The methods that fill in missing pixels, and that undo a known linear operator such as a blur."""

FOR_A_FIT = ("space", "evaluator", "strategy")
"""Components that only a fit has."""


class NothingToRestore(PictureError):  # noqa: N818 (it is no mistake)
    """A picture needs nothing."""


def decide(
    picture: Path, asked: Request[RestoreSettings], architecture: Architecture | None = None
) -> RestorationPlan:
    """What is to be done with the picture in a file.

    What the user names is done: a method, a network, or a fit (an architecture, an evaluator). If a
    task alone is named, a trained network for it restores; if nothing is named, one for what
    troubles the picture. Where there is no such network, one is fitted. Raises
    :class:`~nasir.core.errors.NasirError` for what cannot be done, and :class:`NothingToRestore`.
    """
    named = _ways(asked, architecture)
    if len(named) > 1:
        raise SettingsError(
            f"{named[0]} and {named[1]} are two ways to restore a picture: leave one of them out"
        )
    if "method" in asked.components:
        return _by_method(picture, asked)
    if asked.own.network is not None:
        return _by_network(picture, asked, find_network(asked.own.network), asked.own.network)
    if named:
        return _fit(picture, asked, architecture)
    if "task" in asked.components:
        return _by_task(picture, asked)
    return _by_diagnosis(picture, asked)


def check_one_task(words: Sequence[str], settings: Settings) -> None:
    """Refuse words that name two tasks; the reader would take the last."""
    named = [
        one.value
        for one in map(parse_override, filter(is_override, words))
        if one.key in ("task", "task.name") and isinstance(one.value, str)
    ]
    task = settings.get("task")
    given = [*named, *([task] if isinstance(task, str) else [])]
    if len(set(given)) > 1:
        raise SettingsError(
            f"task={given[0]} and task={given[-1]} are two tasks: restore the picture for one, and "
            "the result for the other"
        )


def _ways(asked: Request[RestoreSettings], architecture: Architecture | None) -> list[str]:
    """The ways to restore that the user names, each in a word."""
    own, chosen = asked.own, asked.components
    ways = {
        "method=": "method" in chosen,
        "network=": own.network is not None,
        "architecture=": architecture is not None or own.architecture is not None,
    }
    named = [way for way, is_named in ways.items() if is_named]
    if "architecture=" not in named:
        named += [f"{kind}=" for kind in FOR_A_FIT if kind in chosen][:1]
    return named


def _by_method(picture: Path, asked: Request[RestoreSettings]) -> RestorationPlan:
    """A classical method, on the task that is named, or the default one."""
    made = make_components(("space", "task", "method"), _about(picture, asked), asked.own.use)
    problem = Problem(made["space"], made["task"], {}, asked.own.seed, "test")
    method, comparison = made["method"], _comparison(made["task"])
    return RestorationPlan(
        *(asked.own, problem, None, name_of(method)), method=method, compared_by=comparison
    )


def _by_network(
    picture: Path, asked: Request[RestoreSettings], network: TrainedNetwork, name: str
) -> RestorationPlan:
    """A trained network, on its task with what the user has set of it."""
    fields = asked.components.get("task", {})
    if isinstance(fields, Mapping):
        if "name" in fields and fields["name"] != network.task["name"]:
            check_suits(network, name, _task(picture, asked))
        merged = lay_over({"task": network.task}, {"task": fields})
        asked = attrs.evolve(asked, components={**asked.components, **merged})
    task = _task(picture, asked)
    check_suits(network, name, task)
    if not (isinstance(fields, Mapping) and "color" in fields):
        _check_colours(picture, network, name)
    problem = Problem(network.make_space(), task, {}, asked.own.seed, "test")
    return RestorationPlan(asked.own, problem, network.architecture, name, network=network)


def _check_colours(picture: Path, network: TrainedNetwork, name: str) -> None:
    """Refuse a picture with colours where the network's own task would make it grey."""
    from nasir.tasks.pictures.reading import picture_shape

    if network.signature.in_channels == GREY < picture_shape(picture)[-1]:
        raise SettingsError(
            f"network {name} is for grey pictures, and {picture.name} has colours: take another "
            "(nasir list networks), or task.color=grey for a grey result"
        )


def _by_task(picture: Path, asked: Request[RestoreSettings]) -> RestorationPlan:
    """A network for the task that is named, or a method where it has one, or else a fit."""
    task = _task(picture, asked)
    diagnosis = diagnose(picture) if name_of(task) in DIAGNOSED else None
    if diagnosis is not None and asked.components["task"] in (DENOISE, {"name": DENOISE}):
        (settings, *_) = _tasks("white noise", diagnosis)
        task = _task(
            picture, attrs.evolve(asked, components={**asked.components, "task": settings})
        )
    network = network_for(task, diagnosis.sigma if diagnosis else None)
    if network is not None:
        by_risk = name_of(task) == DENOISE and diagnosis is not None
        comparison = _comparison(task, network, diagnosis if by_risk else None)
        return _automatic(asked, task, network, diagnosis, comparison)
    if task.conceals:
        filled = _by_method(picture, _with_method(asked, FOR_HOLES))
        return attrs.evolve(filled, compared_by="hidden pixels")
    comparison = _comparison(task)
    if comparison == "operator" and _is_linear(task, picture):
        undone = _by_method(picture, _with_method(asked, FOR_OPERATORS))
        return attrs.evolve(undone, automatic=True)
    return attrs.evolve(_fit(picture, asked), compared_by=comparison, automatic=True)


def _with_method(asked: Request[RestoreSettings], name: str) -> Request[RestoreSettings]:
    return attrs.evolve(asked, components={**asked.components, "method": {"name": name}})


def _is_linear(task: Task, picture: Path) -> bool:
    """Whether what degraded the picture is a linear operator that is known, and white noise."""
    import numpy as np

    from nasir.tasks.pictures.reading import picture_shape

    assert isinstance(task, DegradationTask)
    degradation = task.degrading()
    if any(noise.variance() is None for noise in degradation.noises):
        return False
    height, width = (task.factor * side for side in picture_shape(picture)[:2])
    return degradation.operator_for((height, width), np.random.default_rng(0)).has_adjoint


def _by_diagnosis(picture: Path, asked: Request[RestoreSettings]) -> RestorationPlan:
    """A network for what troubles the picture, or else a fit for it."""
    diagnosis = diagnose(picture)
    trouble = _only_trouble(picture, diagnosis)
    for settings in _tasks(trouble, diagnosis):
        chosen = attrs.evolve(asked, components={**asked.components, "task": settings})
        task = _task(picture, chosen)
        network = network_for(task, diagnosis.sigma)
        if network is not None:
            comparison = _comparison(task, network, diagnosis)
            if trouble == "camera noise":
                comparison = "removed"
            return _automatic(asked, task, network, diagnosis, comparison)
    return attrs.evolve(_fit(picture, chosen), diagnosis=diagnosis, automatic=True)


def _comparison(
    task: Task, network: TrainedNetwork | None = None, diagnosis: Diagnosis | None = None
) -> Comparison | None:
    """What a result can be compared by without the truth."""
    if network is not None and diagnosis is not None and diagnosis.has_known_noise:
        return "risk" if stabilisation(network, task) is None else None
    if isinstance(task, DegradationTask) and task.degrading().operators and not task.conceals:
        return "operator"
    return None


def _tasks(trouble: str, diagnosis: Diagnosis) -> Sequence[Settings]:
    """The tasks that undo a trouble, the first of them with photon noise where it was found."""
    photons = diagnosis.photons
    if photons is None or not diagnosis.has_known_noise:
        return TASKS[trouble]
    noise = {"name": "poisson", "peak": photons.peak}
    if photons.sigma >= 1:
        parts = {"poisson": {"peak": photons.peak}, "gaussian": {"sigma": photons.sigma}}
        noise = {"name": "poisson+gaussian", **parts}
    return [{"name": DENOISE, "noise": noise}, *TASKS[trouble]]


def _only_trouble(picture: Path, diagnosis: Diagnosis) -> str:
    """The one trouble of a picture; refuses none and several."""
    if not diagnosis.troubles:
        raise NothingToRestore(
            f"{picture.name} needs nothing: {diagnosis.words}; to restore it nevertheless, name a "
            "task= or a network="
        )
    if len(diagnosis.troubles) > 1:
        tasks = " or ".join(f"task={TASKS[one][-1]['name']}" for one in diagnosis.troubles)
        raise PictureError(
            f"{picture.name} has {' and '.join(diagnosis.troubles)} ({diagnosis.words}): say what "
            f"to begin with, {tasks}"
        )
    return diagnosis.troubles[0]


def _fit(
    picture: Path, asked: Request[RestoreSettings], architecture: Architecture | None = None
) -> RestorationPlan:
    from nasir.apps.restore.fit_planning import plan  # runs and trainings: slow to import

    return plan(picture, asked, architecture)


def _automatic(
    asked: Request[RestoreSettings],
    task: Task,
    network: TrainedNetwork,
    diagnosis: Diagnosis | None,
    comparison: Comparison | None,
) -> RestorationPlan:
    """A network that nobody named: it is compared where that can be done."""
    problem = Problem(network.make_space(), task, {}, asked.own.seed, "test")
    return RestorationPlan(
        *(asked.own, problem, network.architecture, network.path.stem),
        network=network,
        diagnosis=diagnosis,
        compared_by=comparison,
        automatic=True,
    )


def _task(picture: Path, asked: Request[RestoreSettings]) -> Task:
    """The task that is asked for, about the picture."""
    task: Task = make_components(("task",), _about(picture, asked), asked.own.use)["task"]
    return task


def _about(picture: Path, asked: Request[RestoreSettings]) -> Settings:
    """The components that are asked for, with a task about the picture."""
    chosen: dict[str, Any] = dict(asked.components)
    given = chosen.get("task", {})
    fields = given if isinstance(given, Mapping) else {}
    cls = chosen_class("task", chosen, asked.own.use)
    assert issubclass(cls, Task)
    for name in fields:
        if name in cls.picture_settings:
            raise SettingsError(f"task.{name} cannot be set: the picture is the one to be restored")
    return about_pictures(chosen, asked.own.use, [str(picture)], degraded=True, asked=fields)


def classical_methods(sigma: float) -> dict[str, Any]:
    """The classical denoiser to compare with, for noise of `sigma` of 255: the best fast one.

    Total variation and wavelets are 1 to 3 dB behind it on photographs (docs/results.md).
    """
    return {"nlm": make("method", "nlm", sigma=sigma)}


def methods_for_holes(wide: bool) -> dict[str, Any]:
    """The methods to compare with where pixels are missing; in `wide` holes texture is missed."""
    return {name: make("method", name) for name in (*(["exemplar"] if wide else []), "biharmonic")}
