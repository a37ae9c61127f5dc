"""The tables of ``nasir compare``: a row a run, and a row for all seeds of the same settings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Any, NamedTuple

from nasir.apps.formatting import (
    ALWAYS_SHOWN,
    FIRST,
    as_typed,
    capitalised,
    differing,
    flat,
    heading,
    metric_names,
    scored,
)
from nasir.cli.bench_tables import p_value
from nasir.cli.tables import greatest, metric_cell, screen_width, table, without_stress

RUN = "run"
"""The head of the column of the runs' names."""

if TYPE_CHECKING:
    from nasir.apps.compare.comparison import Comparison
    from nasir.runs.run import Run


class Shown(NamedTuple):
    """A table: figures behind `texts` columns of words; `bold` cells by row and column."""

    header: list[str]
    rows: list[list[str]]
    texts: int
    bold: list[tuple[int, int]]


def print_runs(comparison: Comparison) -> None:
    """Print the comparison of runs, and that of their groups where one has several seeds."""
    by_front = comparison.by_front  # first: runs of different objectives are refused
    _print_each(comparison.folders)
    if by_front and not comparison.several_seeds:
        rows = [
            [one.run.folder.name, comparison.figure(one.value, "none")] for one in comparison.runs
        ]
        print(f"\n{table(['run', 'hypervolume'], rows, right=(1,))}")
    if comparison.several_seeds:
        print(f"\n{_fitting(_groups(comparison))}")
    if by_front:
        print("\nhypervolume: of the Pareto front, as a share of the box around all these trials")
    if comparison.ranked:
        print(
            f"\nrank: the mean over the seeds that all have, by {comparison.measure}; p-value: "
            "against the best\nrank (Wilcoxon signed-rank, two-sided, Holm-corrected)"
        )


def print_latex(comparison: Comparison) -> None:
    """Print a table for LaTeX: of the groups where one has several seeds, else of the runs."""
    from nasir.cli.latex import as_printed, escaped, latex_table

    shown = _groups(comparison) if comparison.several_seeds else _each(comparison.folders)[0]
    head = [escaped(capitalised(name)) for name in shown.header]
    rows = as_printed(shown.rows, shown.bold)
    print(latex_table(_caption(comparison), head, rows, shown.texts))


def _caption(comparison: Comparison) -> str:
    if not comparison.several_seeds:
        return "The found architecture of each run on the test pictures."
    what = f"{capitalised(comparison.measure)} of each search"
    spread = rf"{what}: mean $\pm$ standard deviation over the seeds."
    tested = " p-value: against the least rank (Wilcoxon, Holm)." if comparison.ranked else ""
    return spread + tested


def _groups(comparison: Comparison) -> Shown:
    """A row for each group: what sets it apart, its mean +- standard deviation, its rank."""
    keys, ranked = comparison.keys, comparison.ranked
    measure = comparison.measure.removesuffix(" score")
    header = [*keys, "runs", measure, *(["rank", "p-value"] if ranked else [])]
    rows = []
    for group, tree in zip(comparison.groups, comparison.group_settings, strict=True):
        mean = comparison.figure(group.mean, "none")
        row = [*(as_typed(tree.get(key)) for key in keys), str(len(group.runs))]
        spread = comparison.deviation(group)
        row.append(f"{mean} +- {spread}" if spread else mean)
        if ranked:
            row += [f"{group.rank:.2f}" if group.rank else "", p_value(group.p_value)]
        rows.append(row)
    measured, ranks = len(keys) + 1, len(keys) + 2
    bold = _first([None if g.mean is None else -g.mean for g in comparison.groups], measured)
    bold += _first([g.rank for g in comparison.groups], ranks)
    return Shown(header, rows, len(keys), bold)


def _first(values: Sequence[float | None], column: int) -> list[tuple[int, int]]:
    """The cells of a column with the least of the values; none if there is only one."""
    known = [value for value in values if value is not None]
    return [(r, column) for r, v in enumerate(values) if len(known) > 1 and v == min(known)]


def _fitting(wanted: Shown) -> str:
    """A table as wide as the terminal at most.

    If it would be wider, rows get numbers, and the widest words follow the table by number.
    """
    header, rows, texts, bold = wanted
    right = range(texts, len(header))
    whole = table(header, rows, right=right, bold=bold)
    screen = screen_width()
    if screen is None or _width(whole) <= screen:
        return whole
    header, rows = ["", *header], [[str(n), *row] for n, row in enumerate(rows, 1)]
    kept, moved = list(range(len(header))), list[int]()
    shown = whole
    while _width(shown) > screen and len(moved) < texts:
        words = [c for c in kept if 0 < c <= texts]
        widest = max(
            words, key=lambda c: (header[c] not in ALWAYS_SHOWN, max(len(row[c]) for row in rows))
        )
        kept.remove(widest)
        moved.append(widest)
        shown = table(
            [header[c] for c in kept],
            [[row[c] for c in kept] for row in rows],
            right=[place for place, c in enumerate(kept) if c > texts],
            bold=[(r, kept.index(c + 1)) for r, c in bold if c + 1 in kept],
        )
    names = [header[c] for c in sorted(moved)]
    said = [[row[c] for c in sorted(moved)] for row in rows]
    return f"{shown}\n\n{_by_number(names, said)}"


def _width(text: str) -> int:
    return max(len(without_stress(line)) for line in text.splitlines())


def _by_number(names: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """The words of rows with their numbers; rows one after another with the same are one line."""
    lines = []
    for words, same in groupby(enumerate(rows, 1), key=lambda row: row[1]):
        numbers = [number for number, _ in same]
        label = f"{numbers[0]}-{numbers[-1]}" if len(numbers) > 1 else str(numbers[0])
        pairs = zip(names, words, strict=True)
        lines.append((label, " ".join(w if name == RUN else f"{name}={w}" for name, w in pairs)))
    return table((), lines, fold=1)


def _each(runs: Sequence[Run]) -> tuple[Shown, list[str], list[str]]:
    """One row a run: what sets it apart, and its figures on the test pictures.

    Settings are columns where the runs differ. Behind it the settings that are the same in all,
    and the metrics that are columns.
    """
    from nasir.apps.compare.comparison import summary_with_settings

    contents = [summary_with_settings(run) for run in runs]
    trees = [flat(content["settings"]) for content in contents]
    keys = differing(trees)
    same = [
        f"{key}={as_typed(trees[0][key])}"
        for key in ALWAYS_SHOWN
        if key in trees[0] and key not in keys
    ]
    names = metric_names(row["metrics"] for content in contents for row in content["results"])
    metrics = [name for name in names if name in FIRST] or names[:1]
    rows = [
        [c["run"], *(as_typed(tree[key]) for key in keys), *_figures(c, metrics)]
        for c, tree in zip(contents, trees, strict=True)
    ]
    references = ["reference"] if metrics else []
    header = [RUN, *keys, "trials", "best", *map(heading, metrics), *references, "seconds"]
    stressed = [c for c, head in enumerate(header) if head in ("best", "PSNR", "SSIM")]
    bold = [cell for c in stressed for cell in greatest(rows, c)]
    return Shown(header, rows, len(keys) + 1, bold), same, metrics


def _print_each(runs: Sequence[Run]) -> None:
    shown, same, metrics = _each(runs)
    print(_fitting(shown))
    if same:
        print(f"\nall runs: {' '.join(same)}")
    if metrics:
        names = " and ".join(map(heading, metrics))
        print(f"\n{names}: the found architecture on the test pictures")
        print(f"reference: {heading(metrics[0])} of the first reference architecture there")


def _figures(content: Mapping[str, Any], metrics: Sequence[str]) -> list[str]:
    from nasir.core.trial import FOUND

    results = {row["name"]: row["metrics"] for row in content["results"] if "architecture" in row}
    found = results.pop(FOUND, {})
    reference: Mapping[str, float] = next(iter(results.values()), {})
    return [
        str(content["trials"]["complete"] + content["trials"]["failed"]),
        scored(content["best"]["score"], content["best"]["stage"]) if content["best"] else "none",
        *(metric_cell(name, found) for name in metrics),
        *(metric_cell(name, reference) for name in metrics[:1]),
        f"{content['seconds']:.1f}",
    ]
