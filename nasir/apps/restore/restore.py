"""``nasir.restore``: a better picture from one bad one."""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nasir.apps.progress.displays import shown_in_notebook
from nasir.apps.restore import files
from nasir.apps.restore.deciding import check_one_task, decide
from nasir.apps.restore.execution import execute, fit_terms
from nasir.apps.restore.planning import RestorationPlan
from nasir.apps.restore.restoration import Restoration
from nasir.apps.restore.settings import AUTO, RestoreSettings
from nasir.core.architecture import Architecture
from nasir.settings.building import settings_of_component
from nasir.settings.components import Choice
from nasir.settings.reader import given, read_one

if TYPE_CHECKING:
    import numpy as np

    from nasir.core.evaluator import Evaluator
    from nasir.core.method import Method
    from nasir.core.search_space import SearchSpace
    from nasir.core.strategy import Strategy
    from nasir.core.task import Task

    Array = np.ndarray[Any, np.dtype[np.float32]]

Notify = Callable[..., None]


@shown_in_notebook("fit")
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
    Ctrl-C in the middle of a fit, or while holes are filled, what there is by then is written.
    `notify` is called with the hooks ``search_started(trials, seconds)``, ``trial_finished(run,
    trial)``, ``diagnosed(diagnosis)`` and ``tile_started(number, tiles)``. Raises
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
        paths = _paths(source, output, strip, planned)
        files.check_target(paths[0], source, photograph, force or resume)
        for path in paths[1:]:
            files.check_free(path, source, force or resume)
        if planned.diagnosis is not None:
            notify("diagnosed", diagnosis=planned.diagnosis)
        task = planned.problem.task
        (sample,) = task.samples("test")
        before = task.unrestored(sample)[0].permute(1, 2, 0).numpy()
        files.check_size(paths[0], *before.shape[:2])
        remarks = (*photograph.remarks, *task.remarks())
        terms = fit_terms(began, paths[0], resume, planned)
    made = execute(planned, sample, notify, terms)
    with ThreadPoolExecutor() as pool:  # compression runs beside other code
        contents = [pool.submit(files.encoded, made.picture, photograph, paths[0].suffix)]
        if strip:
            shown = (before.clip(0, 1), made.picture, photograph.alpha)
            contents.append(pool.submit(files.encoded_strip, *shown))
        if made.search:
            assert made.architecture is not None
            contents.append(pool.submit(_described, made.architecture, planned))
    files.write({path: content.result() for path, content in zip(paths, contents, strict=True)})
    strip_file, description = paths[1] if strip else None, paths[-1] if made.search else None
    return Restoration(
        *(made.picture, paths[0], strip_file, planned.task, planned.chosen),
        made.architecture,
        made.stops,
        time.monotonic() - began,
        made.search,
        description,
        made.by,
        planned.diagnosis,
        made.risks,
        before,
        made.note or _uncompared(planned),
        remarks,
        made.end,
    )


def _uncompared(planned: RestorationPlan) -> str | None:
    """That a result was not compared, if nobody named what made it."""
    if planned.compared_by is not None or not planned.automatic:
        return None
    found = planned.diagnosis
    where = " in a JPEG file" if found is not None and found.quality is not None else ""
    return f"not compared: for task={planned.task}{where} there is no estimate without the truth"


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


def _described(architecture: Architecture, planned: RestorationPlan) -> bytes:
    """An ``architecture.json``: all that is needed to build it again."""
    space = settings_of_component(planned.problem.space)
    return json.dumps(architecture.mapping | {"settings": space}, indent=2).encode()
