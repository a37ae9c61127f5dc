"""A plan carried out: the picture that a fit, a trained network or a classical method makes."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs

from nasir.apps.restore.choosing import stabilisation
from nasir.apps.restore.deciding import classical_methods, methods_for_holes
from nasir.apps.restore.planning import AUTO, RestorationPlan
from nasir.core.architecture import Architecture
from nasir.core.errors import SettingsError
from nasir.core.task import Sample, Task
from nasir.core.trial import FULL
from nasir.engine.borrowed import use_threads
from nasir.training.evaluator import TrainingEvaluator

if TYPE_CHECKING:
    import numpy as np

    from nasir.apps.restore.mosaic import FitTerms, Stop
    from nasir.apps.restore.picture_search import SearchResult
    from nasir.apps.restore.risk import Risks
    from nasir.apps.restore.trained import RestorePart

    Array = np.ndarray[Any, np.dtype[np.float32]]

Notify = Callable[..., None]


@attrs.frozen(eq=False)
class Restored:
    """A restored picture ``(H, W, C)`` in [0, 1], what made it, and what that was chosen by.

    `note` says in a line how else than by `risks` it was compared, or that it was not.
    """

    picture: Array
    by: str
    architecture: Architecture | None = None
    stops: tuple[Stop, ...] = ()
    risks: Risks | None = None
    search: SearchResult | None = None
    note: str | None = None


def execute(planned: RestorationPlan, sample: Sample, notify: Notify, terms: FitTerms) -> Restored:
    """The picture of `sample` restored as planned; `terms` are those of its fits, if any."""
    if planned.compared_by == "risk":
        return _compared(planned, sample, notify)
    if planned.compared_by == "hidden pixels":
        return _compared_on_hidden_pixels(planned, sample, notify)
    made = (_fitted if planned.fits else _applied)(planned, sample, notify, terms)
    if planned.compared_by == "removed":
        return _unless_texture(made, planned, sample)
    if planned.compared_by == "operator":
        return _nearest(made, planned, sample)
    return made


def _fitted(planned: RestorationPlan, sample: Sample, notify: Notify, terms: FitTerms) -> Restored:
    """By a network that is fitted to the picture, after a search if one was asked for."""
    from nasir.apps.restore.mosaic import restored
    from nasir.apps.restore.picture_search import search_for

    search = search_for(sample, planned, notify) if planned.chosen == AUTO else None
    used = search.architecture if search else planned.architecture
    used = used or planned.usual_architecture
    picture, stops = restored(
        sample, used, planned.problem, planned.tile, planned.threads, notify, terms
    )
    return Restored(picture, f"fit {planned.chosen}", used, stops, search=search)


def _applied(planned: RestorationPlan, sample: Sample, notify: Notify, _: FitTerms) -> Restored:
    """By the trained network or classical method that was named."""
    from nasir.apps.restore.trained import restored_by

    use_threads(planned.threads)
    by, restore_part = without_fit(planned)
    picture = restored_by(restore_part, sample, planned.problem, planned.tile, notify)
    return Restored(picture, by, planned.architecture)


def _compared(planned: RestorationPlan, sample: Sample, notify: Notify) -> Restored:
    """By what has the least risk: the network, a classical method, or the picture as it is."""
    from nasir.apps.restore.risk import INPUT, risks_of
    from nasir.apps.restore.trained import by_method, restored_by

    assert planned.diagnosis is not None
    use_threads(planned.threads)
    problem, sigma = planned.problem, planned.diagnosis.sigma
    own, restore_part = without_fit(planned)
    candidates = {own: restore_part}
    for name, method in classical_methods(sigma).items():
        candidates[f"method {name}"] = by_method(method, problem.task)
    risks = risks_of(candidates, sample, sigma / 255)
    if risks.best == INPUT:
        return Restored(_unrestored(problem.task, sample), INPUT, risks=risks)
    picture = restored_by(candidates[risks.best], sample, problem, planned.tile, notify)
    architecture = planned.architecture if risks.best == own else None
    return Restored(picture, risks.best, architecture, risks=risks)


def _compared_on_hidden_pixels(
    planned: RestorationPlan, sample: Sample, notify: Notify
) -> Restored:
    """By the method that comes nearest to known pixels that were hidden from it."""
    from nasir.apps.restore.held_out import hidden_risks, hide
    from nasir.apps.restore.trained import by_method, restored_by

    use_threads(planned.threads)
    problem = planned.problem
    best, restore_part = without_fit(planned)
    candidates, risks = {best: restore_part}, None
    for name, method in methods_for_holes().items():
        candidates[f"method {name}"] = by_method(method, problem.task)
    if parts := hide(problem.task, sample):
        risks = hidden_risks(candidates, parts)
        best = risks.best
    picture = restored_by(candidates[best], sample, problem, planned.tile, notify)
    return Restored(picture, best, risks=risks)


def _unless_texture(made: Restored, planned: RestorationPlan, sample: Sample) -> Restored:
    """What was made; the picture as it is, if what was removed may be texture."""
    from nasir.apps.restore.risk import INPUT

    assert planned.diagnosis is not None
    task = planned.problem.task
    plain = _unrestored(task, sample)
    removed = 255 * float(((made.picture - plain) ** 2).mean()) ** 0.5
    if planned.diagnosis.shows_camera_noise(removed):
        return attrs.evolve(made, note="what was removed looks like a camera's noise")
    note = (
        f"what {made.by} would remove may be texture: the picture is left as it is; "
        f"task={planned.task} restores it nevertheless"
    )
    return Restored(plain, INPUT, note=note)


def _nearest(made: Restored, planned: RestorationPlan, sample: Sample) -> Restored:
    """What was made; the picture as it is, if that is nearer to it when it is degraded again."""
    from nasir.apps.restore.consistency import inconsistency
    from nasir.apps.restore.risk import INPUT, Risks

    task = planned.problem.task
    plain = _unrestored(task, sample)
    unmade = INPUT if task.signature.scale == 1 else "bicubic"
    found = Risks(
        {made.by: inconsistency(made.picture, sample), unmade: inconsistency(plain, sample)}
    )
    note = f"degraded again, they differ from the picture by: {found.words}"
    if found.best == made.by:
        return attrs.evolve(made, note=note)
    return Restored(plain, unmade, stops=made.stops, note=note)


def _unrestored(task: Task, sample: Sample) -> Array:
    """The picture as it is, at the size of a restored one."""
    picture: Array = task.unrestored(sample)[0].permute(1, 2, 0).numpy().clip(0, 1)
    return picture


def without_fit(planned: RestorationPlan) -> tuple[str, RestorePart]:
    """What restores parts of the picture, and its name."""
    from nasir.apps.restore import trained

    task = planned.problem.task
    if planned.method is not None:
        return f"method {planned.chosen}", trained.by_method(planned.method, task)
    if planned.network is not None:
        channels = planned.network.signature.in_channels
        module = planned.network.load()
        stabilised = stabilisation(planned.network, task)
        denoiser = module if stabilised is None else partial(stabilised, module)
        return f"network {planned.chosen}", trained.by_network(denoiser, channels, task)
    assert planned.trained is not None
    evaluator = planned.problem.evaluator(FULL)
    assert isinstance(evaluator, TrainingEvaluator)
    module = planned.trained.network()
    return f"training {planned.chosen}", trained.by_training(module, evaluator, task)


def states_of(output: Path) -> Path:
    """The folder of what unfinished fits go on from."""
    return output.with_name(f"{output.stem}-fit")


def fit_terms(began: float, output: Path, resume: bool, planned: RestorationPlan) -> FitTerms:
    """How long fits may take, and where they are left; refuses to continue what is not there."""
    from nasir.apps.restore.mosaic import FitTerms

    states = states_of(output)
    if not planned.fits:
        if resume:
            raise SettingsError(
                f"there is no fit to continue: {planned.chosen} fits nothing; leave resume=True out"
            )
        return FitTerms()
    if resume and planned.chosen == AUTO:
        raise SettingsError(
            "a fit with architecture=auto cannot be continued as such: give architecture="
            f"{output.stem}-architecture.json"
        )
    if resume and not states.is_dir():
        raise SettingsError(f"there is no fit to continue in {states}: leave resume=True out")
    seconds = planned.settings.seconds
    return FitTerms(math.inf if seconds is None else began + seconds, states, resume)
