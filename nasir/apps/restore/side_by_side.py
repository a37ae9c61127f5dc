"""``nasir.restore_by_all``: one picture restored in every way that applies, side by side."""

from __future__ import annotations

import math
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Literal

import attrs

from nasir.apps.report.markup import Child, Html, joined, tag
from nasir.apps.report.page import Section, page, write
from nasir.apps.report.trial_table import plain_table
from nasir.apps.restore import files
from nasir.apps.restore.deciding import DENOISE, TASKS, decide
from nasir.apps.restore.diagnosis import Diagnosis, diagnose
from nasir.apps.restore.execution import states_of, without_fit
from nasir.apps.restore.looking import BEFORE, slider_of
from nasir.apps.restore.restoration import Restoration
from nasir.apps.restore.restore import restore
from nasir.apps.restore.risk import psnr, risks_of
from nasir.apps.restore.settings import RestoreSettings
from nasir.core.errors import NasirError, PictureError, SettingsError
from nasir.core.registry import registries
from nasir.networks.network import find_network
from nasir.settings.reader import Request, read_one

Notify = Callable[..., None]

Kind = Literal["method", "network", "fit"]

FIT_ONLY = ("architecture", "evaluator", "space", "strategy", "seconds")
"""Settings that only a fit has."""

BOUND = "evaluator.iterations=150"
"""A fit for a look has so many steps, unless the user says how many."""

SECONDS = 60.0
"""How long a way may take, unless the user says ``seconds=``."""

LARGEST_FIT = 2**20
"""Pixels of a picture up to which a network is fitted to it for a look."""

PAGE = "compare.html"

EXPECTED = "expected psnr"

INPUT = "degraded"
"""The method that gives the picture as it is: it is shown already."""


@attrs.frozen
class Way:
    """A way to restore the picture, and what came of it.

    `words` are those that name it to ``nasir restore``. `risk` is the estimated mean squared error
    of values in [0, 1], None where it cannot be estimated. `error` is why there is no picture;
    `cut_short`: it is a fit that the time has ended.
    """

    name: str
    kind: Kind
    words: Sequence[str]
    output: Path | None = None
    seconds: float | None = None
    risk: float | None = None
    error: str | None = None
    cut_short: bool = False

    @property
    def mapping(self) -> dict[str, Any]:
        """All of it as JSON values."""
        output = None if self.output is None else str(self.output)
        return {**attrs.asdict(self), "output": output, "words": list(self.words)}


@attrs.frozen
class Ways:
    """All ways in which a picture was restored, those of the least risk first, and their page."""

    folder: Path
    page: Path
    diagnosis: Diagnosis
    ways: Sequence[Way]

    @property
    def mapping(self) -> dict[str, Any]:
        """All of it as JSON values."""
        ways = [way.mapping for way in self.ways]
        return {"folder": str(self.folder), "page": str(self.page), "ways": ways}


def restore_by_all(
    image: str | Path,
    *words: str,
    output: str | Path | None = None,
    force: bool = False,
    notify: Notify = lambda hook, **arguments: None,
) -> Ways:
    """Restore a picture by all methods and networks that suit the task, and by a short fit.

    The results and a page that lays them side by side are written into the folder `output`, by
    default IMAGE-compared. `words` are as for :func:`~nasir.restore`; those about a fit hold for
    the fit alone. ``seconds=60`` bounds each way: what can gives what it has, another way is left
    out when its parts take too long. `notify` is called with the hooks of `restore` and
    ``way_started(number, total, name)``. Raises :class:`~nasir.core.errors.NasirError` where the
    picture cannot be read.
    """
    source, seconds = Path(image).expanduser(), _seconds(words)
    folder = source.with_name(f"{source.stem}-compared") if output is None else Path(output)
    _check_words(words)
    with tempfile.TemporaryDirectory(prefix="nasir-") as place:
        colours = files.read(source, Path(place)).colours
        diagnosis = diagnose(colours)
        _check_folder(folder, force)
        ways = []
        planned = list(_ways(words, diagnosis))
        for number, way in enumerate(planned):
            notify("way_started", number=number, total=len(planned), name=way.name)
            done = _done(way, source, folder, diagnosis, force, seconds, notify)
            ways.append(_with_risk(done, colours, diagnosis))
    ways.sort(key=lambda way: (way.error is not None, way.risk is None, way.risk or 0.0))
    made = Ways(folder, folder / PAGE, diagnosis, ways)
    write(made.page, page_of(source, made))
    return made


def page_of(source: Path, made: Ways) -> str:
    """The page of all ways: a slider between any two of them, and a table."""
    shown = [way for way in made.ways if way.output is not None]
    views = {BEFORE: source, **{way.name: way.output for way in shown if way.output is not None}}
    figures = {way.name: {source.name: _figures(way)} for way in shown}
    slider = slider_of({source.name: views}, 1, figures, (EXPECTED, "seconds"))
    sections = [
        Section("Pictures", "Side by side", slider),
        Section("Ways", "Every way", _table(source, shown)),
    ]
    if left := [way for way in made.ways if way.error is not None]:
        rows: list[Sequence[Child]] = [(way.name, way.error) for way in left]
        sections.append(Section("Left out", "Left out", plain_table(("", "because"), rows, 2)))
    head = joined(
        tag("p", "restored in every way", class_="over"),
        tag("h1", source.name),
        tag("p", made.diagnosis.words),
    )
    return page(f"{source.name} \u00b7 nasir", head, sections)


def _figures(way: Way) -> dict[str, float]:
    known = {} if way.risk is None or way.risk <= 0 else {EXPECTED: -10 * math.log10(way.risk)}
    return known | ({} if way.seconds is None else {"seconds": round(way.seconds, 1)})


def _table(source: Path, ways: Sequence[Way]) -> Html:
    rows: list[Sequence[Child]] = [
        (
            way.name,
            tag("code", f"nasir restore {source.name} {' '.join(way.words)}"),
            "" if way.risk is None else psnr(way.risk),
            seconds_of(way),
        )
        for way in ways
    ]
    note = (
        "Expected PSNR: estimated without the truth, for white noise (Stein's unbiased risk "
        "estimate). Where it is missing, it cannot be estimated."
    )
    table = plain_table(("", "command", "expected PSNR", "seconds"), rows, 2)
    return joined(table, tag("p", note, class_="note"))


def seconds_of(way: Way) -> str:
    """How long a way took, and whether it was cut short."""
    if way.seconds is None:
        return ""
    return f"{way.seconds:.1f}{', cut short' if way.cut_short else ''}"


def _seconds(words: Sequence[str]) -> float:
    """How long a way may take."""
    asked: Request[RestoreSettings] = read_one(RestoreSettings, words, {})
    return SECONDS if asked.own.seconds is None else asked.own.seconds


def _check_words(words: Sequence[str]) -> None:
    for word in words:
        if _key(word) in ("method", "network"):
            raise SettingsError(f"{word} cannot be set: all methods and networks are tried")


def _key(word: str) -> str:
    return word.partition("=")[0].partition(".")[0] if "=" in word else ""


def _check_folder(folder: Path, force: bool) -> None:
    if folder.exists() and not folder.is_dir():
        raise PictureError(f"{folder} is a file: several results need a folder, output=FOLDER")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        taken = any(folder.iterdir())
    except OSError as error:
        raise PictureError(f"cannot write to {folder}: {error.strerror}") from None
    if taken and not force:
        raise PictureError(
            f"{folder} is not empty: add force=True, or choose another with output=FOLDER"
        )


def _ways(words: Sequence[str], diagnosis: Diagnosis) -> Iterator[Way]:
    """Each way, with all its words."""
    common = [word for word in words if _key(word) not in FIT_ONLY]
    if not any(_key(word) == "task" for word in words):
        common = [*_task_words(diagnosis), *common]
    for name in (name for name in registries["method"] if name != INPUT):
        yield Way(name, "method", [*common, f"method={name}"])
    named = (word.partition("=")[2] for word in common if word.startswith(("task=", "task.name=")))
    task = next(named, DENOISE)
    for name in (name for name in registries["network"] if _is_for(name, task)):
        yield Way(name, "network", [*common, f"network={name}"])
    of_fit = [word for word in words if _key(word) in FIT_ONLY]
    evaluator = f"evaluator={registries['evaluator'].default('restore')}"
    bound = [] if any(word.startswith("evaluator.iterations=") for word in of_fit) else [BOUND]
    bound += [] if any(_key(word) == "seconds" for word in of_fit) else [f"seconds={SECONDS:g}"]
    yield Way("fit", "fit", [*common, evaluator, *bound, *of_fit])


def _is_for(network: str, task: str) -> bool:
    """Whether a registered network is for a task; one that cannot be read says so when tried."""
    try:
        return bool(find_network(network).task["name"] == task)
    except NasirError:
        return True


def _task_words(diagnosis: Diagnosis) -> list[str]:
    """The task for what troubles the picture most."""
    if not diagnosis.troubles:
        return [f"task={DENOISE}"]
    task = TASKS[diagnosis.troubles[0]][-1]
    fields = [f"task.{field}={value}" for field, value in task.items() if field != "name"]
    return [f"task={task['name']}", *fields]


def _done(
    way: Way,
    source: Path,
    folder: Path,
    diagnosis: Diagnosis,
    force: bool,
    seconds: float,
    notify: Notify,
) -> Way:
    if way.kind == "fit" and diagnosis.height * diagnosis.width > LARGEST_FIT:
        return attrs.evolve(way, error="too large for a look: name evaluator= to nasir restore")
    output = folder / f"{way.name}.png"
    try:
        done: Restoration = restore(
            *(source, *way.words),
            seconds=None if way.kind == "fit" else seconds,  # the words of a fit have its bound
            output=output,
            strip=False,
            force=force,
            notify=notify,
        )
    except NasirError as error:
        return attrs.evolve(way, error=" ".join(str(error).split()))
    finally:
        shutil.rmtree(states_of(output), ignore_errors=True)  # nobody goes on with a look
    cut_short = done.end == "time" or any(stop.end == "time" for stop in done.stops)
    return attrs.evolve(way, output=output, seconds=done.seconds, cut_short=cut_short)


def _with_risk(way: Way, colours: Path, diagnosis: Diagnosis) -> Way:
    """The way with its estimated risk, where the picture has white noise."""
    if way.output is None or way.kind == "fit" or not diagnosis.has_white_noise:
        return way
    asked: Request[RestoreSettings] = read_one(RestoreSettings, way.words, {})
    planned = decide(colours, asked)
    if planned.task != DENOISE:
        return way
    _, restore_part = without_fit(planned)
    (sample,) = planned.problem.task.samples("test")
    risks = risks_of({way.name: restore_part}, sample, diagnosis.sigma / 255)
    return attrs.evolve(way, risk=risks.by_candidate[way.name])
