"""The page of several runs."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from typing import Any

from nasir.apps.compare.groups import Group, Judged, grouped, judged, objectives_of
from nasir.apps.compare.plots import Curves, Fronts
from nasir.apps.report.comparison_charts import curves, fronts
from nasir.apps.report.markup import Child, Html, joined, tag
from nasir.apps.report.page import Section, page
from nasir.apps.report.spelling import (
    FIRST,
    differing,
    duration,
    figure,
    flat,
    heading,
    metric_names,
    score,
    spelt,
)
from nasir.apps.report.trial_table import Cell, plain_table, sortable
from nasir.core.trial import FOUND
from nasir.runs.run import Run
from nasir.runs.summary import summary

RANKS = (
    "Rank: the mean over the seeds that all have. p-value: against the best rank (Wilcoxon "
    "signed-rank, two-sided, Holm-corrected)."
)
SHARE = "hypervolume"

HYPERVOLUME = (
    "Hypervolume: of the Pareto front, as a share of the box around all trials of these runs."
)


def comparison_page(runs: Sequence[Run], panels: Sequence[Curves | Fronts]) -> str:
    """The HTML page of runs side by side; `panels` are its diagrams.

    Raises :class:`~nasir.core.errors.NasirError` for runs of different objectives.
    """
    wanted = objectives_of(runs)
    read = judged(runs)
    groups = grouped(read)
    measure = SHARE if len(wanted) == 2 else "best score"
    sections = [
        Section("Groups", "Side by side", _groups(groups, measure)),
        *map(_drawn, panels),
        Section("Runs", "Every run", _runs(read, measure)),
    ]
    folders = " ".join(shlex.quote(str(run.folder)) for run in runs)
    head = joined(
        tag("p", "comparison", class_="over"),
        tag("h1", f"{len(runs)} runs in {len(groups)} group{'s' * (len(groups) > 1)}"),
        tag("p", tag("code", f"nasir compare {folders}")),
    )
    return page(f"{len(runs)} runs \u00b7 nasir", head, sections)


def _drawn(panel: Curves | Fronts) -> Section:
    if isinstance(panel, Fronts):
        turned = {name: [(b, a) for a, b in front] for name, front in panel.fronts.items()}
        up, across = panel.objectives
        return Section("Fronts", panel.title, fronts(turned, heading(across), heading(up)))
    note = "The mean over the runs of a group" if panel.title else "One run a line"
    band = ", in a 95 % bootstrap band of whole runs." if panel.title else "."
    content = joined(curves(panel), tag("p", note + band, class_="note"))
    return Section("Curves", panel.of.capitalize(), content)


def _groups(groups: Sequence[Group], measure: str) -> Html:
    """A row for each group of runs that differ in nothing but the seed."""
    trees = [flat(group.settings) for group in groups]
    keys = differing(trees) or ["strategy"]
    ranked = any(group.rank is not None for group in groups)
    header = [*keys, "runs", measure, "\u00b1", *(["rank", "p-value"] if ranked else [])]
    rows: list[list[Child]] = []
    for group, tree in zip(groups, trees, strict=True):
        figures = [str(len(group.runs))]
        figures += [_value(value, measure) for value in (group.mean, group.deviation)]
        if ranked:
            figures.append(f"{group.rank:.2f}" if group.rank is not None else "")
            figures.append("" if group.p_value is None else f"{group.p_value:.2g}")
        rows.append([*(spelt(tree.get(key)) for key in keys), *figures])
    same = _same([flat(one.settings) for group in groups for one in group.runs])
    notes = [RANKS if ranked else "", HYPERVOLUME if measure == SHARE else ""]
    return joined(
        plain_table(header, rows, figures=len(keys)),
        tag("p", " ".join(filter(None, notes)), class_="note") if any(notes) else None,
        tag("p", "All runs: ", tag("code", same), class_="note") if same else None,
    )


def _same(trees: Sequence[dict[str, Any]]) -> str:
    """The components that all runs have."""
    kinds = ("strategy", "space", "task", "evaluator")
    return " ".join(
        f"{kind}={spelt(trees[0][kind])}"
        for kind in kinds
        if kind in trees[0] and all(tree.get(kind) == trees[0][kind] for tree in trees)
    )


def _runs(runs: Sequence[Judged], measure: str) -> Html:
    summaries = [summary(one.run) for one in runs]
    found = [_found(content) for content in summaries]
    names = metric_names(found)
    metrics = [name for name in names if name in FIRST] or names[:1]
    trees = [flat(one.settings) for one in runs]
    keys = differing(trees)
    told = [f"{heading(name)} on test" for name in metrics]
    header = ["run", *keys, "state", "trials", measure, *told, "time"]
    rows = []
    for one, content, of, tree in zip(runs, summaries, found, trees, strict=True):
        done = content["trials"]["complete"] + content["trials"]["failed"]
        row = [
            Cell(one.run.folder.name, one.run.folder.name),
            *(Cell(spelt(tree[key]), spelt(tree[key])) for key in keys),
            Cell(tag("span", content["state"], class_="chip"), content["state"]),
            Cell(str(done), done, True),
            Cell(_value(one.value, measure), one.value, True),
            *(_metric(name, of) for name in metrics),
            Cell(duration(content["seconds"]), content["seconds"], True),
        ]
        rows.append((row, None, None))
    first = len(keys) + 2
    return sortable(header, range(first, len(header)), rows)


def _found(content: dict[str, Any]) -> dict[str, float]:
    rows = [row["metrics"] for row in content["results"] if row["name"] == FOUND]
    return rows[0] if rows else {}


def _metric(name: str, metrics: dict[str, float]) -> Cell:
    if name not in metrics:
        return Cell("", None, True)
    return Cell(figure(name, metrics[name]), metrics[name], True)


def _value(value: float | None, measure: str) -> str:
    if value is None:
        return ""
    return f"{value:.3f}" if measure == SHARE else score(value)
