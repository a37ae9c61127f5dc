"""The page of several runs."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from nasir.apps.compare.comparison import Comparison
from nasir.apps.compare.plots import Curves, Fronts
from nasir.apps.formatting import (
    FIRST,
    as_typed,
    axis,
    differing,
    duration,
    figure,
    flat,
    heading,
    metric_names,
)
from nasir.apps.report.comparison_charts import curves, fronts
from nasir.apps.report.markup import Child, Html, joined, tag
from nasir.apps.report.page import Section, check, page, write
from nasir.apps.report.trial_table import Cell, plain_table, sortable
from nasir.core.trial import FOUND
from nasir.runs.summary import summary

RANKS = (
    "Rank: the mean over the seeds that all have. p-value: against the best rank (Wilcoxon "
    "signed-rank, two-sided, Holm-corrected)."
)
HYPERVOLUME = (
    "Hypervolume: of the Pareto front, as a share of the box around all trials of these runs."
)


def write_comparison(comparison: Comparison, file: Path) -> None:
    """Write the page of a comparison into a file that ends in .html."""
    check(file)
    write(file, comparison_page(comparison))


def comparison_page(comparison: Comparison) -> str:
    """The HTML page of runs side by side."""
    runs, groups = comparison.folders, comparison.groups
    sections = [
        Section("Groups", "Side by side", _groups(comparison)),
        *map(_section, comparison.panels),
        Section("Runs", "Every run", _runs(comparison)),
    ]
    folders = " ".join(shlex.quote(str(run.folder)) for run in runs)
    head = joined(
        tag("p", "comparison", class_="over"),
        tag("h1", f"{len(runs)} runs in {len(groups)} group{'s' * (len(groups) > 1)}"),
        tag("p", tag("code", f"nasir compare {folders}")),
    )
    return page(f"{len(runs)} runs \u00b7 nasir", head, sections)


def _section(panel: Curves | Fronts) -> Section:
    if isinstance(panel, Fronts):
        turned = {name: [(b, a) for a, b in front] for name, front in panel.fronts.items()}
        up, across = panel.objectives
        return Section("Fronts", panel.title, fronts(turned, axis(across), axis(up)))
    note = "The mean over the runs of a group" if panel.title else "One run a line"
    band = ", in a 95 % bootstrap band of whole runs." if panel.title else "."
    content = joined(curves(panel), tag("p", note + band, class_="note"))
    return Section("Curves", panel.of[0].upper() + panel.of[1:], content)


def _groups(comparison: Comparison) -> Html:
    """A row for each group of runs that differ in nothing but the seed."""
    keys, ranked, measure = comparison.keys, comparison.ranked, comparison.measure
    header = [*keys, "runs", measure, "\u00b1", *(["rank", "p-value"] if ranked else [])]
    rows: list[list[Child]] = []
    for group, tree in zip(comparison.groups, comparison.group_settings, strict=True):
        mean, deviation = comparison.figure(group.mean), comparison.deviation(group)
        figures = [str(len(group.runs)), mean, deviation]
        if ranked:
            figures.append(f"{group.rank:.2f}" if group.rank is not None else "")
            figures.append("" if group.p_value is None else f"{group.p_value:.2g}")
        rows.append([*(as_typed(tree.get(key)) for key in keys), *figures])
    same = _same([flat(one.settings) for one in comparison.runs])
    notes = [RANKS if ranked else "", HYPERVOLUME if comparison.by_front else ""]
    return joined(
        plain_table(header, rows, figures=len(keys)),
        tag("p", " ".join(filter(None, notes)), class_="note") if any(notes) else None,
        tag("p", "All runs: ", tag("code", same), class_="note") if same else None,
    )


def _same(trees: Sequence[dict[str, Any]]) -> str:
    """The components that all runs have."""
    kinds = ("strategy", "space", "task", "evaluator")
    return " ".join(
        f"{kind}={as_typed(trees[0][kind])}"
        for kind in kinds
        if kind in trees[0] and all(tree.get(kind) == trees[0][kind] for tree in trees)
    )


def _runs(comparison: Comparison) -> Html:
    runs = comparison.runs
    summaries = [summary(one.run) for one in runs]
    found = [_found(content) for content in summaries]
    names = metric_names(found)
    metrics = [name for name in names if name in FIRST] or names[:1]
    trees = [flat(one.settings) for one in runs]
    keys = differing(trees)
    on_test = [f"{heading(name)} on test" for name in metrics]
    header = ["run", *keys, "state", "trials", comparison.measure, *on_test, "time"]
    rows = []
    for one, content, of, tree in zip(runs, summaries, found, trees, strict=True):
        done = content["trials"]["complete"] + content["trials"]["failed"]
        row = [
            Cell(one.run.folder.name, one.run.folder.name),
            *(Cell(as_typed(tree[key]), as_typed(tree[key])) for key in keys),
            Cell(tag("span", content["state"], class_="chip"), content["state"]),
            Cell(str(done), done, True),
            Cell(comparison.figure(one.value), one.value, True),
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
