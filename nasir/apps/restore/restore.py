"""``nasir.restore``: a better picture from one bad one."""

from __future__ import annotations

import json
import math
import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs

from nasir.apps.restore import files
from nasir.apps.restore.deciding import check_one_task, classical_methods, decide
from nasir.apps.restore.planning import AUTO, RestorationPlan, RestoreSettings
from nasir.core.architecture import Architecture
from nasir.core.errors import SettingsError
from nasir.core.evaluation import use_threads
from nasir.core.task import Sample
from nasir.core.trial import FULL
from nasir.settings.building import settings_of_component
from nasir.settings.components import Choice
from nasir.settings.reader import given, read_one
from nasir.training.evaluator import TrainingEvaluator

if TYPE_CHECKING:
    import numpy as np

    from nasir.apps.restore.diagnosis import Diagnosis
    from nasir.apps.restore.mosaic import FitTerms, Stop
    from nasir.apps.restore.picture_search import SearchResult
    from nasir.apps.restore.risk import Risks
    from nasir.apps.restore.trained import RestorePart
    from nasir.core.evaluator import Evaluator
    from nasir.core.method import Method
    from nasir.core.search_space import SearchSpace
    from nasir.core.strategy import Strategy
    from nasir.core.task import Task

    Array = np.ndarray[Any, np.dtype[np.float32]]

Notify = Callable[..., None]


@attrs.frozen(eq=False)
class Restoration:
    """A restored picture, and how it was got.

    `picture` is ``(H, W, C)`` float32 in [0, 1], as it is in the file `output` but for alpha.
    `strip` is None where none was wanted.
    `chosen` is what was asked for and `architecture` what it came to; `stops` has one stop for
    each tile that a network was fitted to, none where it was trained. `search`, and
    `description`, a file with the architecture, are there after a search.

    `by` says what made the picture: ``fit NAME``, ``training FOLDER``, ``network NAME``,
    ``method NAME``, or ``input`` where nothing was better than the picture itself; a method has no
    architecture. `diagnosis` is what was found in the picture, where it was looked at, and `risks`
    what the candidates were compared by.
    """

    picture: Array
    output: Path
    strip: Path | None
    task: str
    chosen: str
    architecture: Architecture | None
    stops: tuple[Stop, ...]
    seconds: float
    search: SearchResult | None = None
    description: Path | None = None
    by: str = ""
    diagnosis: Diagnosis | None = None
    risks: Risks | None = None

    @property
    def interrupted(self) -> bool:
        """Whether Ctrl-C has cut the fit short."""
        return any(stop.end == "interruption" for stop in self.stops)

    @property
    def mapping(self) -> dict[str, Any]:
        """All but the picture as JSON values."""
        search = self.search
        return {
            "output": str(self.output),
            "strip": self.strip and str(self.strip),
            "task": self.task,
            "chosen": self.chosen,
            "by": self.by,
            "architecture": self.architecture and dict(self.architecture.choices),
            "diagnosis": self.diagnosis and self.diagnosis.mapping,
            "risk": self.risks and dict(self.risks.by_candidate),
            "stops": [
                {"step": stop.step, "iterations": stop.iterations, "end": stop.end}
                for stop in self.stops
            ],
            "seconds": self.seconds,
            "search": search
            and {
                "found": search.architecture is not None,
                "scored": search.scored,
                "fitted": search.fitted,
                "seconds": search.seconds,
                "architecture_file": str(self.description),
            },
        }


def restore(
    image: str | Path,
    *words: str,
    task: Choice[Task] | None = None,
    network: str | Path | None = None,
    method: Choice[Method] | None = None,
    architecture: Architecture | str | Path | None = None,
    evaluator: Choice[Evaluator] | None = None,
    space: Choice[SearchSpace] | None = None,
    strategy: Choice[Strategy] | None = None,
    seconds: float | None = None,
    tile: int | None = None,
    seed: int | None = None,
    threads: int | None = None,
    output: str | Path | None = None,
    strip: bool = True,
    force: bool = False,
    resume: bool = False,
    notify: Notify = lambda hook, **arguments: None,
    **more: Any,
) -> Restoration:
    """Restore a picture file, and write the result and a `strip` of before and after beside it.

    With nothing named, the trained network for what troubles the picture restores it; with a
    `task`, that for the task. `network` and `method` name one, `architecture`, `evaluator` and
    others a fit. A network that was not named is compared with classical methods and with the
    picture itself where their risk can be estimated, and the best result is written.

    Components, `words` and `more` are as for a search; ``nasir describe restore`` explains the
    others. `output` is IMAGE-restored.png by default; what exists is overwritten only with
    `force`. A fit that the limit of its steps, `seconds` or Ctrl-C has ended leaves what it goes
    on from in the folder OUTPUT-fit; with `resume` it goes on, and the result is overwritten. After
    Ctrl-C in the middle of a fit the best so far is written. `notify` is called with the hooks
    ``search_started(trials, seconds)``, ``trial_finished(run, trial)``, ``diagnosed(diagnosis)``
    and ``tile_started(number, tiles)``. Raises
    :class:`~nasir.core.errors.NasirError` for what cannot be done as it is asked; then, and after
    Ctrl-C at any other time, nothing has been written.
    """
    settings = given(locals(), without=("image", "output", "strip", "force", "resume", "notify"))
    began = time.monotonic()
    member = settings.pop("architecture") if isinstance(architecture, Architecture) else None
    check_one_task(words, settings)
    asked = read_one(RestoreSettings, words, settings)
    source = Path(image).expanduser()
    with tempfile.TemporaryDirectory(prefix="nasir-") as folder:
        photograph = files.read(source, Path(folder))
        planned = decide(photograph.colours, asked, member)
        if planned.diagnosis is not None:
            notify("diagnosed", diagnosis=planned.diagnosis)
        paths = _paths(source, output, strip, planned)
        files.check_target(paths[0], source, photograph, force or resume)
        for path in paths[1:]:
            files.check_free(path, source, force or resume)
        task = planned.problem.task
        (sample,) = task.samples("test")
        before = task.unrestored(sample)[0].permute(1, 2, 0).numpy()
        files.check_size(paths[0], *before.shape[:2])
    search = _search(sample, planned, notify)
    made = _restored(sample, search, planned, notify, _terms(began, paths[0], resume, planned))
    picture = made.picture
    contents = [files.encoded(picture, photograph, paths[0].suffix)]
    if strip:
        contents.append(files.encoded_strip(before.clip(0, 1), picture, photograph.alpha))
    if search:
        assert made.architecture is not None
        contents.append(_described(made.architecture, planned))
    files.write(dict(zip(paths, contents, strict=True)))
    strip_file, description = paths[1] if strip else None, paths[-1] if search else None
    seconds = time.monotonic() - began
    return Restoration(
        *(picture, paths[0], strip_file, planned.task, planned.chosen),
        made.architecture,
        made.stops,
        seconds,
        search,
        description,
        made.by,
        planned.diagnosis,
        made.risks,
    )


def _paths(
    source: Path, output: str | Path | None, strip: bool, planned: RestorationPlan
) -> list[Path]:
    """The files to be written: the picture, the strip, and after a search the architecture."""
    if output is None:
        path = source.with_name(f"{source.stem}-restored.png")
    else:
        path = Path(output).expanduser()
    ends = ["-strip.png"] if strip else []
    ends += ["-architecture.json"] if planned.chosen == AUTO else []
    return [path, *(path.with_name(path.stem + end) for end in ends)]


def _search(sample: Sample, planned: RestorationPlan, notify: Notify) -> SearchResult | None:
    """Search an architecture; None where one was named."""
    if planned.chosen != AUTO:
        return None
    from nasir.apps.restore.picture_search import search_for

    return search_for(sample, planned, notify)


def states_of(output: Path) -> Path:
    """The folder of what unfinished fits go on from."""
    return output.with_name(f"{output.stem}-fit")


def _terms(began: float, output: Path, resume: bool, planned: RestorationPlan) -> FitTerms:
    """How long fits may take, and where they are left; what an earlier one has left is removed."""
    from nasir.apps.restore.mosaic import FitTerms

    states = states_of(output)
    if not planned.fits:
        if resume:
            raise SettingsError(
                f"there is no fit to continue: {planned.chosen} fits nothing; leave --continue out"
            )
        return FitTerms()
    if resume and planned.chosen == AUTO:
        raise SettingsError(
            "a fit with architecture=auto cannot be continued as such: give architecture="
            f"{output.stem}-architecture.json"
        )
    if resume and not states.is_dir():
        raise SettingsError(f"there is no fit to continue in {states}: leave --continue out")
    if not resume:
        shutil.rmtree(states, ignore_errors=True)
    seconds = planned.settings.seconds
    return FitTerms(math.inf if seconds is None else began + seconds, states, resume)


@attrs.frozen(eq=False)
class _Made:
    """A restored picture ``(H, W, C)``, what made it, and what that was chosen by."""

    picture: Array
    by: str
    architecture: Architecture | None = None
    stops: tuple[Stop, ...] = ()
    risks: Risks | None = None


def _restored(
    sample: Sample,
    search: SearchResult | None,
    planned: RestorationPlan,
    notify: Notify,
    terms: FitTerms,
) -> _Made:
    if planned.fits:
        return _fitted(sample, search, planned, notify, terms)
    use_threads(planned.threads)
    own, restore_part = without_fit(planned)
    best, risks = own, None
    candidates = {own: restore_part}
    if planned.compares and planned.diagnosis is not None:
        from nasir.apps.restore.risk import INPUT, risks_of
        from nasir.apps.restore.trained import by_method

        sigma, task = planned.diagnosis.sigma, planned.problem.task
        for name, method in classical_methods(sigma).items():
            candidates[f"method {name}"] = by_method(method, task)
        risks = risks_of(candidates, sample, sigma / 255)
        best = risks.best
        if best == INPUT:
            picture = planned.problem.task.unrestored(sample)[0].permute(1, 2, 0).numpy()
            return _Made(picture.clip(0, 1), INPUT, risks=risks)
    from nasir.apps.restore.trained import restored_by

    problem = planned.problem
    picture = restored_by(candidates[best], sample, problem, planned.tile, notify)
    architecture = planned.architecture if best == own else None
    return _Made(picture, best, architecture, risks=risks)


def _fitted(
    sample: Sample,
    search: SearchResult | None,
    planned: RestorationPlan,
    notify: Notify,
    terms: FitTerms,
) -> _Made:
    """The picture that a network comes to which is fitted to it."""
    from nasir.apps.restore.mosaic import restored

    used = search.architecture if search else planned.architecture
    used = used or planned.usual_architecture
    picture, stops = restored(
        sample, used, planned.problem, planned.tile, planned.threads, notify, terms
    )
    return _Made(picture, f"fit {planned.chosen}", used, stops)


def without_fit(planned: RestorationPlan) -> tuple[str, RestorePart]:
    """What restores parts of the picture, and its name."""
    from nasir.apps.restore import trained

    task = planned.problem.task
    if planned.method is not None:
        return f"method {planned.chosen}", trained.by_method(planned.method, task)
    if planned.network is not None:
        channels = planned.network.signature.in_channels
        module = planned.network.load()
        return f"network {planned.chosen}", trained.by_network(module, channels, task)
    assert planned.trained is not None
    evaluator = planned.problem.evaluator(FULL)
    assert isinstance(evaluator, TrainingEvaluator)
    module = planned.trained.network()
    return f"training {planned.chosen}", trained.by_training(module, evaluator, task)


def _described(architecture: Architecture, planned: RestorationPlan) -> bytes:
    """An ``architecture.json``: all that is needed to build it again."""
    space = settings_of_component(planned.problem.space)
    return json.dumps(architecture.mapping | {"settings": space}, indent=2).encode()
