"""A plan carried out: the picture that a fit, a trained network or a classical method makes."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs

from nasir.apps.restore.choosing import stabilisation
from nasir.apps.restore.deciding import classical_methods, methods_for_holes
from nasir.apps.restore.planning import RestorationPlan
from nasir.apps.restore.settings import AUTO
from nasir.core.architecture import Architecture
from nasir.core.errors import SettingsError
from nasir.core.method import Method
from nasir.core.progress import ending
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

    `note` says in a line how else than by `risks` it was compared, or that it was not. `end` says
    what ended it before it was finished: "time", "interruption", or nothing.
    """

    picture: Array
    by: str
    architecture: Architecture | None = None
    stops: tuple[Stop, ...] = ()
    risks: Risks | None = None
    search: SearchResult | None = None
    note: str | None = None
    end: str = ""


def execute(planned: RestorationPlan, sample: Sample, notify: Notify, terms: FitTerms) -> Restored:
    """The picture of `sample` restored as planned; `terms` are those of its fits, if any."""
    if planned.compared_by == "risk":
        return _compared(planned, sample, notify, terms)
    if planned.compared_by == "hidden pixels":
        return _compared_on_hidden_pixels(planned, sample, notify, terms)
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


def _applied(planned: RestorationPlan, sample: Sample, notify: Notify, terms: FitTerms) -> Restored:
    """By the trained network or classical method that was named."""
    use_threads(planned.threads)
    by, restore_part = without_fit(planned)
    picture, end = _in_time(restore_part, planned.method, planned, sample, notify, terms)
    return Restored(picture, by, planned.architecture, end=end)


def _in_time(
    restore_part: RestorePart,
    method: Method | None,
    planned: RestorationPlan,
    sample: Sample,
    notify: Notify,
    terms: FitTerms,
) -> tuple[Array, str]:
    """What `restore_part` makes of the picture within its time, and what ended it before its end.

    If it is that of a `method` that ends early, it gives what it has, also after Ctrl-C.
    """
    from nasir.apps.restore.time_limit import BoundedParts, ended_early
    from nasir.apps.restore.trained import restored_by

    if method is not None and method.ends_early:
        with ended_early(terms.deadline) as end:
            picture = restored_by(restore_part, sample, planned.problem, planned.tile, notify)
        return picture, end.by
    if planned.settings.seconds is not None:
        notify = BoundedParts(planned.settings.seconds, notify)
    return restored_by(restore_part, sample, planned.problem, planned.tile, notify), ""


def _compared(
    planned: RestorationPlan, sample: Sample, notify: Notify, terms: FitTerms
) -> Restored:
    """By what has the least risk: the network, a classical method, or the picture as it is."""
    from nasir.apps.restore.risk import INPUT, risks_of
    from nasir.apps.restore.trained import by_method

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
    picture, _ = _in_time(candidates[risks.best], None, planned, sample, notify, terms)
    architecture = planned.architecture if risks.best == own else None
    return Restored(picture, risks.best, architecture, risks=risks)


def _compared_on_hidden_pixels(
    planned: RestorationPlan, sample: Sample, notify: Notify, terms: FitTerms
) -> Restored:
    """By what comes nearest to known pixels that were hidden from it, or makes up texture well."""
    from nasir.apps.restore.held_out import hidden_risks, hide, is_wide, texture_instead
    from nasir.apps.restore.time_limit import EarlyEnd
    from nasir.apps.restore.trained import by_method

    use_threads(planned.threads)
    problem = planned.problem
    assert sample.mask is not None
    own, restore_part = without_fit(planned)
    best, candidates, risks, note = own, {own: restore_part}, None, None
    others = {
        f"method {name}": method for name, method in methods_for_holes(is_wide(sample.mask)).items()
    }
    candidates |= {name: by_method(method, problem.task) for name, method in others.items()}
    if parts := hide(problem.task, sample):
        now = time.monotonic()
        with ending(EarlyEnd(now + (terms.deadline - now) / 2)):
            risks = hidden_risks(candidates, parts)
        best = risks.best
        if textured := texture_instead(risks, others):
            best, note = textured, f"{textured} makes up texture, where {risks.best} blurs"
    method = others.get(best, planned.method)
    picture, end = _in_time(candidates[best], method, planned, sample, notify, terms)
    return Restored(picture, best, risks=risks, note=note, end=end)


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
    """What was made, with how near it comes to the picture when it is degraded again.

    If nobody named what made it, and the picture as it is comes nearer, the picture as it is.
    """
    from nasir.apps.restore.consistency import inconsistency
    from nasir.apps.restore.risk import INPUT, Risks

    task = planned.problem.task
    plain = _unrestored(task, sample)
    unmade = INPUT if task.signature.scale == 1 else "bicubic"
    found = Risks(
        {made.by: inconsistency(made.picture, sample), unmade: inconsistency(plain, sample)}
    )
    note = f"degraded again, they differ from the picture by: {found.words}"
    if found.best == made.by or not planned.automatic:
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

    states, seconds = states_of(output), planned.settings.seconds
    deadline = math.inf if seconds is None else began + seconds
    if not planned.fits:
        if resume:
            raise SettingsError(
                f"there is no fit to continue: {planned.chosen} fits nothing; leave resume=True out"
            )
        return FitTerms(deadline)
    if resume and planned.chosen == AUTO:
        raise SettingsError(
            "a fit with architecture=auto cannot be continued as such: give architecture="
            f"{output.stem}-architecture.json"
        )
    if resume and not states.is_dir():
        raise SettingsError(f"there is no fit to continue in {states}: leave resume=True out")
    return FitTerms(deadline, states, resume)
