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
from nasir.apps.restore.planning import AUTO, RestorationPlan, RestoreSettings, plan
from nasir.core.architecture import Architecture
from nasir.core.errors import SettingsError
from nasir.core.evaluation import use_threads
from nasir.core.task import Sample
from nasir.settings.building import settings_of_component
from nasir.settings.components import Choice
from nasir.settings.reader import given, read_one

if TYPE_CHECKING:
    import numpy as np

    from nasir.apps.restore.mosaic import FitTerms, Stop
    from nasir.apps.restore.picture_search import SearchResult
    from nasir.core.evaluator import Evaluator
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
    """

    picture: Array
    output: Path
    strip: Path | None
    task: str
    chosen: str
    architecture: Architecture
    stops: tuple[Stop, ...]
    seconds: float
    search: SearchResult | None = None
    description: Path | None = None

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
            "architecture": dict(self.architecture.choices),
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

    Components, `words` and `more` are as for a search; ``nasir describe restore`` explains the
    others. `output` is IMAGE-restored.png by default; what exists is overwritten only with
    `force`. A fit that the limit of its steps, `seconds` or Ctrl-C has ended leaves what it goes
    on from in the folder OUTPUT-fit; with `resume` it goes on, and the result is overwritten. After
    Ctrl-C in the middle of a fit the best so far is written. `notify` is called with the hooks
    ``search_started(trials, seconds)``, ``trial_finished(run, trial)`` and
    ``tile_started(number, tiles)``. Raises
    :class:`~nasir.core.errors.NasirError` for what cannot be done as it is asked; then, and after
    Ctrl-C at any other time, nothing has been written.
    """
    settings = given(locals(), without=("image", "output", "strip", "force", "resume", "notify"))
    began = time.monotonic()
    member = settings.pop("architecture") if isinstance(architecture, Architecture) else None
    asked = read_one(RestoreSettings, words, settings)
    source = Path(image).expanduser()
    with tempfile.TemporaryDirectory(prefix="nasir-") as folder:
        photograph = files.read(source, Path(folder))
        planned = plan(photograph.colours, asked, member)
        paths = _paths(source, output, strip, planned)
        files.check_target(paths[0], source, photograph, force or resume)
        for path in paths[1:]:
            files.check_free(path, source, force or resume)
        task = planned.problem.task
        (sample,) = task.samples("test")
        before = task.unrestored(sample)[0].permute(1, 2, 0).numpy()
        files.check_size(paths[0], *before.shape[:2])
    search = _search(sample, planned, notify)
    used = search.architecture if search else planned.architecture
    used = used or planned.usual_architecture
    terms = _terms(began, paths[0], resume, planned)
    picture, stops = _restored(sample, used, planned, notify, terms)
    contents = [files.encoded(picture, photograph, paths[0].suffix)]
    if strip:
        contents.append(files.encoded_strip(before.clip(0, 1), picture, photograph.alpha))
    if search:
        contents.append(_described(used, planned))
    files.write(dict(zip(paths, contents, strict=True)))
    strip_file, description = paths[1] if strip else None, paths[-1] if search else None
    seconds = time.monotonic() - began
    return Restoration(
        *(picture, paths[0], strip_file, planned.task, planned.chosen, used, stops, seconds),
        search=search,
        description=description,
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
    if planned.trained is not None:
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


def _restored(
    sample: Sample,
    architecture: Architecture,
    planned: RestorationPlan,
    notify: Notify,
    terms: FitTerms,
) -> tuple[Array, tuple[Stop, ...]]:
    problem, tile, threads = planned.problem, planned.settings.tile, planned.threads
    if planned.trained is not None:
        from nasir.apps.restore.trained import restored_by

        use_threads(threads)
        network = planned.trained.network()
        return restored_by(network, sample, problem, tile, notify), ()

    from nasir.apps.restore.mosaic import restored

    return restored(sample, architecture, problem, tile, threads, notify, terms)


def _described(architecture: Architecture, planned: RestorationPlan) -> bytes:
    """An ``architecture.json``: all that is needed to build it again."""
    space = settings_of_component(planned.problem.space)
    return json.dumps(architecture.mapping | {"settings": space}, indent=2).encode()
