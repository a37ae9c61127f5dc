"""The page of one run."""

from __future__ import annotations

import json
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from nasir.apps.formatting import (
    capitalised,
    duration,
    figure,
    heading,
    metric_names,
    pictures_in_words,
    scored,
)
from nasir.apps.report import progress
from nasir.apps.report.decisions import decisions
from nasir.apps.report.diagrams import diagram
from nasir.apps.report.gallery import gallery
from nasir.apps.report.markup import Child, Html, joined, tag
from nasir.apps.report.page import FILE, Section, check, page, write
from nasir.apps.report.pictures import pictures_of
from nasir.apps.report.reading import TEST, Reading, read
from nasir.apps.report.reproduction import copied, reproduction
from nasir.apps.report.trial_table import plain_table, trial_table
from nasir.core.trial import FOUND, Trial
from nasir.runs.run import Run

GOES_ON = ("planned", "interrupted", "stopped")
"""States of a run that can be resumed."""


def report(run: Run | str | Path, output: str | Path | None = None) -> Path:
    """Write the page of a run or of its folder; returns the file.

    `output` is ``report.html`` in the run's folder by default, and must end in ``.html``. Raises
    :class:`~nasir.core.errors.NasirError` if there is no run or the page cannot be written.
    """
    run = run if isinstance(run, Run) else Run(run)
    file = run.folder / FILE if output is None else Path(output).expanduser()
    check(file)
    write(file, run_page(run))
    return file


def run_page(run: Run) -> str:
    """The HTML page of a run, in whatever state it is."""
    reading = read(run)
    parts = [
        _pictures(reading),
        Section("Search", "How the search went", _search(reading)),
        _front(reading),
        Section("Decisions", "Which decisions matter", decisions(reading.trials)),
        _architecture(reading),
        _trials(reading),
        Section("Repeat", "Settings and environment", reproduction(reading)),
    ]
    return page(f"{reading.name} \u00b7 nasir", head(reading), [one for one in parts if one])


def head(reading: Reading) -> Html:
    """What a run is about and came to: its state, name and figures."""
    names = [
        str(reading.component(kind).get("name", "?")) for kind in ("strategy", "space", "task")
    ]
    state, given_up = reading.summary["state"], reading.summary.get("given_up")
    resume = f"nasir resume {shlex.quote(str(reading.run.folder))}"
    on = joined(" \u00b7 resume with ", tag("code", resume)) if state in GOES_ON else None
    return joined(
        tag("p", tag("span", state, class_=f"chip {state}"), on, class_="over"),
        tag("p", given_up, class_="reason") if given_up else None,
        tag("h1", reading.name),
        tag("p", tag("b", names[0]), " in ", tag("b", names[1]), " for ", tag("b", names[2])),
        tag("div", _tiles(reading), class_="tiles"),
    )


def _tiles(reading: Reading) -> list[Html]:
    """The figures at the top of the page."""
    trials, best = reading.summary["trials"], reading.best
    done = f"{trials['failed']} failed" if trials["failed"] else "none failed"
    planned = reading.run.planned_trials
    total = trials["complete"] + trials["failed"]
    count = f"{total} of {planned}" if planned > total else str(total)
    tiles = _test_tiles(reading)
    found = ("none", reading.reason)
    if best:
        found = (scored(best.score or 0.0, best.proposal.stage), f"trial {best.number}")
    tiles += [_tile("best score in the search", *found), _tile("trials", count, done)]
    seed = reading.settings.get("seed", "?")
    tiles.append(_tile("time", duration(reading.summary["seconds"]), f"seed {seed}"))
    return tiles


def _test_tiles(reading: Reading) -> list[Html]:
    """The first metric of the found architecture on the test pictures, and of the others."""
    rows = {row["name"]: row["metrics"] for row in reading.summary["results"]}
    found = rows.pop(FOUND, {})
    names = metric_names([found])
    if not names:
        return []
    metric = names[0]
    beside = [f"{n} {figure(metric, m[metric])}" for n, m in rows.items() if metric in m]
    label = f"{heading(metric)} on test pictures"
    return [_tile(label, figure(metric, found[metric]), " \u00b7 ".join(beside))]


def _tile(label: str, value: str, beside: str) -> Html:
    parts = (tag("span", label), tag("b", value), tag("small", beside))
    return tag("div", *parts, class_="tile")


def _pictures(reading: Reading) -> Section | None:
    pictures = pictures_of(reading.run.folder, reading.picture_names)
    results = reading.summary["results"]
    if not pictures.shown and not results:
        return None
    shown = gallery(pictures, reading.by_picture) if pictures.shown else None
    said = pictures_in_words(reading.summary)
    note = tag("p", f"{capitalised(said)}.", class_="note") if said else None
    table = _results(results) if results else None
    return Section("Pictures", "Test pictures", joined(note, shown, table))


def _results(results: Sequence[dict[str, Any]]) -> Html:
    names = metric_names(row["metrics"] for row in results)
    rows: list[list[Child]] = []
    for row in results:
        metrics, seconds = row["metrics"], row.get("seconds")
        error = tag("span", f" {row['error']}", class_="reason") if "error" in row else None
        rows.append(
            [
                joined(tag("b", row["name"]) if row["name"] == FOUND else row["name"], error),
                *(figure(name, metrics[name]) if name in metrics else "" for name in names),
                f"{seconds:.1f}" if seconds is not None else "",
            ]
        )
    return plain_table(["mean over test pictures", *map(heading, names), "seconds"], rows)


def _search(reading: Reading) -> Html:
    if not reading.trials:
        return tag("p", "There are no trials yet.", class_="note")
    return joined(progress.histories(reading), progress.failures(reading.trials))


def _front(reading: Reading) -> Section | None:
    front = reading.front
    if not front:
        return None
    names = [objective.metric for objective in reading.objectives]
    rows: list[list[Child]] = [
        [
            tag("a", f"trial {trial.number}", href=f"#trial-{trial.number}"),
            *(figure(name, trial.metrics[name]) for name in names),
        ]
        for trial in front
    ]
    table = plain_table(["trial", *map(heading, names)], rows)
    return Section("Front", "Pareto front", joined(progress.fronts(reading), table))


def _architecture(reading: Reading) -> Section | None:
    """The found architecture, and folded below it the references."""
    if reading.best is None:
        return None
    found = reading.best.architecture
    space = reading.component("space")
    others = [
        tag(
            "details",
            tag("summary", f"Reference {name}"),
            diagram(trial.architecture, space),
            class_="fold",
        )
        for (name, split), trial in reading.final_evaluations.items()
        if split == TEST and name != FOUND
    ]
    written = json.dumps(found.mapping | {"settings": space}, indent=2)
    source = tag("details", tag("summary", "As JSON"), copied(written), class_="fold")
    lead = tag("p", "Trial ", str(reading.best.number), ", ", tag("code", found.id), class_="note")
    content = joined(lead, diagram(found, space), others, source)
    return Section("Architecture", "Found architecture", content)


def _trials(reading: Reading) -> Section | None:
    if not reading.trials:
        return None
    front = {trial.number for trial in reading.front}
    best = _same(reading.trials, reading.best)
    table = trial_table(reading.trials, best, front)
    note = "Click a column's head to sort, an architecture to see its choices."
    return Section("Trials", "Every trial", joined(tag("p", note, class_="note"), table))


def _same(trials: Sequence[Trial], best: Trial | None) -> Trial | None:
    return next((t for t in trials if best is not None and t.number == best.number), None)
