"""``nasir.restore``: a better picture from one bad one."""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs

from nasir.apps.restore import files
from nasir.apps.restore.planning import AUTO, Plan, plan, read_words, usual_architecture
from nasir.core.architecture import Architecture
from nasir.core.evaluation import use_threads
from nasir.core.task import Sample
from nasir.settings.building import settings_of_component

if TYPE_CHECKING:
    import numpy as np

    from nasir.apps.restore.mosaic import Stop
    from nasir.apps.restore.picture_search import Found

    Array = np.ndarray[Any, np.dtype[np.float32]]

Notify = Callable[..., None]


@attrs.frozen(eq=False)
class Restoration:
    """A restored picture, and how it was got.

    `picture` is ``(H, W, C)`` float32 in [0, 1], as it is in the file `output` but for alpha.
    `chosen` is what was asked for and `architecture` what it came to; `stops` has one stop for
    each tile that a network was fitted to, none where it was trained. `found`, and
    `description`, a file with the architecture, are there after a search.
    """

    picture: Array
    output: Path
    strip: Path
    task: str
    chosen: str
    architecture: Architecture
    stops: tuple[Stop, ...]
    seconds: float
    found: Found | None = None
    description: Path | None = None

    @property
    def mapping(self) -> dict[str, Any]:
        """All but the picture as JSON values."""
        found = self.found
        return {
            "output": str(self.output),
            "strip": str(self.strip),
            "task": self.task,
            "chosen": self.chosen,
            "architecture": dict(self.architecture.choices),
            "stops": [{"step": stop.step, "iterations": stop.iterations} for stop in self.stops],
            "seconds": self.seconds,
            "search": found
            and {
                "found": found.architecture is not None,
                "scored": found.scored,
                "fitted": found.fitted,
                "seconds": found.seconds,
                "architecture_file": str(self.description),
            },
        }


def restore(
    image: str | Path,
    *words: str,
    output: str | Path | None = None,
    force: bool = False,
    architecture: Architecture | str | Path | None = None,
    notify: Notify = lambda hook, **arguments: None,
    **settings: Any,
) -> Restoration:
    """Restore a picture file, and write the result and a strip of before and after beside it.

    `words` and `settings` are those of ``nasir restore``: ``"task=sr"`` or ``task="sr"``,
    ``evaluator={"iterations": 500}``. `output` is IMAGE-restored.png by default; what exists is
    overwritten only with `force`. `notify` hears ``search_started(trials, seconds)``,
    ``trial_finished(run, trial)`` and ``tile_started(number, tiles)``. Raises
    :class:`~nasir.core.errors.NasirError` for what cannot be done as it is asked; then, and after
    Ctrl-C, nothing has been written.
    """
    began = time.monotonic()
    given = architecture if isinstance(architecture, Architecture) else None
    if architecture is not None and given is None:
        settings["architecture"] = str(architecture)
    tree = read_words(words, settings)
    source = Path(image).expanduser()
    with tempfile.TemporaryDirectory(prefix="nasir-") as folder:
        photograph = files.read(source, Path(folder))
        planned = plan(photograph.colours, tree, given)
        paths = _paths(source, output, planned)
        files.check_target(paths[0], source, photograph, force)
        for path in paths[1:]:
            files.check_free(path, source, force)
        task = planned.experiment.problem.task
        (sample,) = task.samples("test")
        before = task.unrestored(sample)[0].permute(1, 2, 0).numpy()
        files.check_size(paths[0], *before.shape[:2])
    found = _found(sample, planned, notify)
    member = (found.architecture if found else planned.architecture) or usual_architecture(planned)
    picture, stops = _restored(sample, member, planned, notify)
    strip = files.encoded_strip(before.clip(0, 1), picture, photograph.alpha)
    contents = [files.encoded(picture, photograph, paths[0].suffix), strip]
    if found:
        contents.append(_described(member, planned))
    files.write(dict(zip(paths, contents, strict=True)))
    description = paths[2] if found else None
    seconds = time.monotonic() - began
    return Restoration(
        *(picture, paths[0], paths[1], planned.task, planned.chosen, member, stops, seconds),
        found=found,
        description=description,
    )


def _paths(source: Path, output: str | Path | None, planned: Plan) -> list[Path]:
    """The files to be written: the picture, the strip, and after a search the architecture."""
    if output is None:
        path = source.with_name(f"{source.stem}-restored.png")
    else:
        path = Path(output).expanduser()
    ends = ["-strip.png", *(["-architecture.json"] if planned.chosen == AUTO else [])]
    return [path, *(path.with_name(path.stem + end) for end in ends)]


def _found(sample: Sample, planned: Plan, notify: Notify) -> Found | None:
    """What a search came to; None where an architecture was named."""
    if planned.chosen != AUTO:
        return None
    from nasir.apps.restore.picture_search import found_for

    return found_for(sample, planned, notify)


def _restored(
    sample: Sample, architecture: Architecture, planned: Plan, notify: Notify
) -> tuple[Array, tuple[Stop, ...]]:
    experiment = planned.experiment
    if planned.trained is not None:
        from nasir.apps.restore.trained import restored_by

        use_threads(experiment.settings.threads)
        network = planned.trained.network()
        return restored_by(network, sample, experiment.problem, planned.tile, notify), ()

    from nasir.apps.restore.mosaic import restored

    threads = experiment.settings.threads
    return restored(sample, architecture, experiment.problem, planned.tile, threads, notify)


def _described(architecture: Architecture, planned: Plan) -> bytes:
    """An ``architecture.json``: all that is needed to build it again."""
    space = settings_of_component(planned.experiment.problem.space)
    return json.dumps(architecture.mapping | {"settings": space}, indent=2).encode()
