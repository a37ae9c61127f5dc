"""The papers' figures of runs: numbers for a table, and diagrams."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import attrs

from nasir.apps.compare.plots import Panel
from nasir.apps.correlate import computed_proxies
from nasir.apps.fitted import Fitted, fitted
from nasir.apps.formatting import as_typed, figure
from nasir.apps.paper.panels import Histogram, Overlap, Speed
from nasir.core.errors import NasirError
from nasir.runs.run import Run
from nasir.settings.building import make

BEST = 10
"""Architectures of a picture that are compared with those of another, of many."""

SELECTED = (5, 15)
PROXY = "psd_db_strip_mse"
"""The proxy that selects architectures in ISNAS-DIP's figure 4."""


@attrs.frozen(eq=False)
class Figure:
    """A figure as a table, with what is to be drawn."""

    header: Sequence[str]
    rows: Sequence[Sequence[str]]
    panels: Sequence[Panel] = ()


def overlap(runs: Sequence[Run]) -> Figure:
    """How many of the best ten architectures every two pictures share (ISNAS-DIP, figure 1).

    Of fewer than twenty architectures, it is the better half. One panel a task.
    """
    by_task: dict[str, dict[str, list[str]]] = {}
    for run in runs:
        task = run.settings["task"]["name"]
        for picture, ranking in _rankings(run).items():
            by_task.setdefault(task, {})[picture] = ranking
    rows, panels = [], []
    for task, rankings in by_task.items():
        names = list(rankings)
        best = {n: set(r[: min(BEST, len(r) // 2)]) for n, r in rankings.items()}
        shared = [[len(best[one] & best[other]) for other in names] for one in names]
        among = len(best[names[0]])
        panels.append(Overlap(f"{task}: shared of the best {among}", names, shared))
        rows += [
            [task, one, other, str(shared[i][j]), str(len(best[one]))]
            for i, one in enumerate(names)
            for j, other in enumerate(names)
            if i < j
        ]
    if not rows:
        raise NasirError("an overlap is of two pictures: name runs on several, task.picture=0..9")
    return Figure(["task", "picture", "picture", "shared", "of best"], rows, panels)


def _rankings(run: Run) -> dict[str, list[str]]:
    """The ids of the run's architectures by picture, the one with the greatest PSNR first."""
    found = fitted(run.trials)
    pictures = dict.fromkeys(picture for one in found for picture in one.psnr)
    if len(pictures) > 1:
        pictures.pop(None, None)  # the mean over all
    return {
        picture or _only_picture(run): [
            one.id for one in sorted(found, key=lambda one: -one.psnr[picture])
        ]
        for picture in pictures
    }


def _only_picture(run: Run) -> str:
    """The picture of a run on one."""
    names = dict.fromkeys(name for trial in run.trials for name in trial.by_picture)
    return next(iter(names), run.folder.name)


def histogram(runs: Sequence[Run]) -> Figure:
    """The PSNR of all architectures, and the best of the 5 and 15 that a proxy selects.

    ISNAS-DIP, figure 4; the proxy is the error of power spectra in a ring, on the degraded picture.
    """
    rows, panels = [], []
    for run in runs:
        found = fitted(run.trials)
        values = computed_proxies(run, [one.architecture for one in found], [PROXY], 1)
        order = sorted(found, key=lambda one: values[one.id].metrics[PROXY])
        best = {f"best of {n}": max(_mean(one) for one in order[:n]) for n in SELECTED}
        psnr = [_mean(one) for one in found]
        title = f"{run.settings['task']['name']}, {_only_picture(run)}"
        panels.append(Histogram(title, psnr, best))
        figures = [min(psnr), sum(psnr) / len(psnr), *best.values(), max(psnr)]
        rows.append([title, str(len(psnr)), *(figure("psnr", value) for value in figures)])
    header = ["", "architectures", "worst", "mean", *(f"best of {n}" for n in SELECTED), "best"]
    return Figure(header, rows, panels)


def _mean(one: Fitted) -> float:
    return one.psnr[None] if None in one.psnr else sum(one.psnr.values()) / len(one.psnr)


def speed(runs: Sequence[Run]) -> Figure:
    """Accuracy, seconds a picture and parameters of what each run found (HiNAS, figure 14)."""
    points, rows = {}, []
    for run in runs:
        metrics = _timed(run)
        name = f"width {run.settings['space'].get('width', '')}".strip()
        points[name] = metrics
        names = ("psnr", "ssim", "seconds", "parameters")
        rows.append([name, *(figure(n, metrics[n]) if n in metrics else "" for n in names)])
    panels = []
    for metric in ("psnr", "ssim"):
        of = {n: (m["seconds"], m[metric], m["parameters"]) for n, m in points.items()}
        panels.append(Speed(metric, of))
    return Figure(["", "PSNR", "SSIM", "seconds a picture", "parameters"], rows, panels)


def _timed(run: Run) -> Mapping[str, float]:
    """The metrics of the run's result with its weights, and seconds of restoring alone."""
    from nasir.apps.evaluate.evaluate import plan

    folder, settings = str(run.folder), run.settings
    evaluator = {**settings["evaluator"], "weights": folder}
    chosen: dict[str, Any] = {"task": settings["task"], "evaluator": evaluator}
    (entry,) = plan([], {"architecture": folder, **chosen}).entries
    result = entry.evaluate()
    if result.error is not None:
        raise NasirError(f"{folder} cannot be evaluated: {result.error}")
    return result.metrics


def changed(runs: Sequence[Run]) -> Figure:
    """What the rules R1 and R2 change of what each run found (HiNAS 10, 11; IR-NAS 6)."""
    rows = []
    for run in runs:
        space = make("space", run.settings["space"])
        found = run.best.architecture
        for rule in space.rules:
            other = space.changed(found, rule, run.settings["seed"]).choices
            rows += [
                [run.folder.name, rule, name, as_typed(value), as_typed(other[name])]
                for name, value in found.choices.items()
                if other.get(name) != value
            ]
    return Figure(["run", "rule", "decision", "found", "changed"], rows)


def cells_page(runs: Sequence[Run]) -> str:
    """A page that draws what each run found, and it changed by the rules."""
    from nasir.apps.report.diagrams import diagram
    from nasir.apps.report.markup import tag
    from nasir.apps.report.page import Section, page

    sections = []
    for run in runs:
        settings = run.settings["space"]
        space, found = make("space", settings), run.best.architecture
        drawn = {"found": found}
        drawn |= {rule: space.changed(found, rule, run.settings["seed"]) for rule in space.rules}
        for name, architecture in drawn.items():
            title = f"{run.folder.name}, {name}"
            sections.append(Section(title, title, diagram(architecture, settings)))
    return page("Found and changed cells", tag("h1", "Found and changed cells"), sections)


FIGURES: Mapping[str, Callable[[Sequence[Run]], Figure]] = {
    "overlap": overlap,
    "histogram": histogram,
    "speed": speed,
    "changed": changed,
}
"""How a row is made of runs, by its ``makes``."""
