"""Results as text: folded and emphasised on a terminal, plain and unbroken in a pipe."""

from __future__ import annotations

import json
import math
import os
import shlex
import shutil
import sys
import textwrap
from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import zip_longest
from typing import TYPE_CHECKING, Any

from nasir.apps.formatting import (
    FIRST,
    choices_in_words,
    figure,
    heading,
    metric_names,
    scored,
    value_of,
    visible,
)

if TYPE_CHECKING:
    from nasir.runs.run import Run

NARROWEST = 24
"""Characters that a folded column has at least."""


def print_summary(run: Run) -> None:
    """Print the result of a run, and the command for the next step."""
    from nasir.runs.summary import summary

    content = summary(run)
    folder = shlex.quote(content["folder"])
    stopped = content["state"] in ("planned", "interrupted", "stopped")
    follow = f"nasir resume {folder}" if stopped else f"nasir show {folder}"
    print_result(content, [("next", follow)])


def print_result(content: Mapping[str, Any], more: Iterable[tuple[str, str]] = ()) -> None:
    """Print a :func:`~nasir.runs.summary.summary`: the table of test pictures, and the best."""
    results = content["results"]
    if results:
        print(_result_table(results), end="\n\n")
    best, trials = content["best"], content["trials"]
    pairs = [(f"{r['name']} failed", r["error"]) for r in results if "error" in r]
    if best:
        pairs.append(
            ("found", f"trial {best['trial']}, score {scored(best['score'], best['stage'])}")
        )
        pairs.append(("", choices_in_words(best["architecture"])))
        if "highest" in content:
            pairs.append(("", _chosen_otherwise(content["highest"])))
    else:
        pairs.append(("found", f"nothing: {content['reason']}"))
    count = f"{trials['complete']} complete, {trials['failed']} failed"
    pairs.append(("trials", f"{count}, {content['seconds']:.1f} s"))
    pairs += [("went on", f"though {'; '.join(one['what'])}") for one in content.get("changes", ())]
    if "given_up" in content:
        pairs.append(("stopped", content["given_up"]))
    pairs.append(("run", f"{content['folder']} ({content['state']})"))
    print(table((), [*pairs, *more], fold=1))


def _chosen_otherwise(highest: Mapping[str, Any]) -> str:
    score = scored(highest["score"], highest["stage"])
    return (
        f"chosen by the strategy's own rule (nasir describe strategy): the highest score was that "
        f"of trial {highest['trial']}, {score}"
    )


def print_json(content: Any) -> None:
    """Print data as JSON, which has no NaN or infinity: those become null."""
    print(json.dumps(_finite(content), indent=2))


def table(
    header: Sequence[str],
    rows: Iterable[Sequence[str]],
    *,
    right: Collection[int] = (),
    fold: int | None = None,
    bold: Collection[tuple[int, int]] = (),
) -> str:
    """Columns as wide as they need, two spaces apart.

    `right` are the columns of figures, `fold` is the column whose text is broken if the
    terminal is too narrow, `bold` are the cells to emphasise, by row and column.
    """
    cells = [list(map(visible, row)) for row in ((header, *rows) if header else rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    screen = screen_width()
    if fold is not None and screen:
        others = sum(widths) - widths[fold] + 2 * (len(widths) - 1)
        widths[fold] = min(widths[fold], max(screen - others, NARROWEST))
    lines = []
    for number, row in enumerate(cells, start=-1 if header else 0):
        parts = [_folded(text, widths[c]) if c == fold else [text] for c, text in enumerate(row)]
        for line in zip_longest(*parts, fillvalue=""):
            padded = []
            for c, text in enumerate(line):
                stressed = stress(text) if number < 0 or (number, c) in bold else text
                space = " " * (widths[c] - len(text))
                padded.append(space + stressed if c in right else stressed + space)
            lines.append("  ".join(padded).rstrip())
    return "\n".join(lines)


def screen_width() -> int | None:
    """Columns of the terminal, None without a terminal."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None


def stress(text: str) -> str:
    """`text` in bold, if the terminal can show that."""
    plain = os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb"
    return text if plain or not text or not sys.stdout.isatty() else f"\x1b[1m{text}\x1b[0m"


def without_stress(text: str) -> str:
    """`text` without what :func:`stress` adds."""
    return text.replace("\x1b[1m", "").replace("\x1b[0m", "")


def _result_table(results: Sequence[Mapping[str, Any]]) -> str:
    names = metric_names(row["metrics"] for row in results)
    rows = [
        [
            row["name"],
            *(metric_cell(name, row["metrics"]) for name in names),
            f"{row['seconds']:.1f}" if row.get("seconds") is not None else "",
        ]
        for row in results
    ]
    bold = [cell for c, name in enumerate(names, 1) if name in FIRST for cell in greatest(rows, c)]
    header = ["test pictures", *map(heading, names), "seconds"]
    return table(header, rows, right=range(1, len(header)), bold=bold)


def metric_cell(metric: str, metrics: Mapping[str, float]) -> str:
    return figure(metric, metrics[metric]) if metric in metrics else ""


def greatest(rows: Sequence[Sequence[str]], column: int) -> list[tuple[int, int]]:
    """The cells of a column with its greatest figure; none if there is only one row.

    None either where figures are of different stages: ``20.18 (supernet)`` beside ``27.10``.
    """
    figures = {r: row[column] for r, row in enumerate(rows) if row[column] not in ("", "none")}
    if len({figure.partition(" ")[2] for figure in figures.values()}) > 1:
        return []
    values = {r: value_of(figure.partition(" ")[0]) for r, figure in figures.items()}
    best = max(values.values(), default=math.nan)
    return [(r, column) for r, value in values.items() if value == best and len(values) > 1]


def _folded(text: str, width: int) -> list[str]:
    return textwrap.wrap(text, width) if len(text) > width else [text]


def _finite(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _finite(below) for key, below in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(below) for below in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
