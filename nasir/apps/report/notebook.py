"""What a notebook shows of runs, trials, architectures and restorations."""

from __future__ import annotations

import base64
import io
from typing import Any

from nasir.apps.formatting import duration, figure, heading, metric_names, score
from nasir.apps.report.diagrams import diagram, listing
from nasir.apps.report.markup import Child, Html, tag
from nasir.apps.report.page import asset
from nasir.apps.report.reading import read
from nasir.apps.report.run_page import head
from nasir.apps.report.trial_table import plain_table
from nasir.apps.restore.restoration import Restoration
from nasir.core.architecture import Architecture
from nasir.core.errors import NasirError
from nasir.core.trial import Trial
from nasir.runs.architecture_file import check_member
from nasir.runs.run import Run
from nasir.settings.building import make

LONGEST = 384
"""Pixels of the longest side of a picture that is shown."""

FRAME = """.nasir-view { background: var(--paper); color: var(--ink); padding: 1rem 1.2rem;
border-radius: 8px; font: 15px/1.5 system-ui, sans-serif; max-width: 1060px; }
.nasir-view .pair { display: flex; flex-wrap: wrap; gap: 1rem; }"""


def run_view(run: Run) -> Html:
    """What a run came to, and its best architecture."""
    reading = read(run)
    drawn = diagram(reading.best.architecture, run.settings["space"]) if reading.best else None
    return _framed(head(reading), drawn)


def trial_view(trial: Trial) -> Html:
    """The figures of a trial, and its architecture."""
    names = metric_names([trial.metrics])
    result = score(trial.score) if trial.score is not None else trial.reason
    seconds = duration(trial.seconds) if trial.seconds is not None else ""
    header = ["trial", "state", "score", *map(heading, names), "time"]
    cells = [str(trial.number), trial.state, result]
    row: list[Child] = [*cells, *(figure(n, trial.metrics[n]) for n in names), seconds]
    return _framed(plain_table(header, [row]), _drawn(trial.architecture))


def architecture_view(architecture: Architecture) -> Html:
    """The diagram that a report has of an architecture."""
    words = f"{architecture.space} {architecture.id}"
    return _framed(tag("h3", words), _drawn(architecture))


def restoration_view(restoration: Restoration) -> Html:
    """The picture before and after."""
    pictures = [("before", restoration.before), ("after", restoration.picture)]
    shown = [_figure(name, picture) for name, picture in pictures if picture is not None]
    words = f"{restoration.output}: {restoration.task} by {restoration.by}"
    took = f"{words}, {duration(restoration.seconds)}"
    return _framed(tag("div", shown, class_="pair"), tag("p", took, class_="note"))


def _framed(*content: Child) -> Html:
    """Content with the styles of the report's page, which hold for nothing else."""
    rules = asset("page.css").replace(":root {", "& {", 1)
    style = tag("style", Html(f".nasir-view {{\n{rules}}}\n{FRAME}"))
    return tag("div", style, *content, class_="nasir-view")


def _drawn(architecture: Architecture) -> Html:
    """The drawing of an architecture if its space has it with its usual settings, else a list."""
    try:
        check_member(architecture, make("space", architecture.space))
    except NasirError:
        return listing(architecture.choices)
    return diagram(architecture, {"name": architecture.space})


def _figure(name: str, picture: Any) -> Html:
    import numpy as np
    from PIL import Image

    array = (np.clip(picture, 0, 1) * 255 + 0.5).astype(np.uint8)
    image = Image.fromarray(array[..., 0] if array.shape[-1] == 1 else array)
    image.thumbnail((LONGEST, LONGEST))
    stream = io.BytesIO()
    image.save(stream, "PNG")
    source = f"data:image/png;base64,{base64.b64encode(stream.getvalue()).decode()}"
    return tag("figure", tag("img", src=source, alt=name), tag("figcaption", name))
