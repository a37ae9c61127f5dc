"""Every trial in a table that a reader can sort."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import attrs

from nasir.apps.formatting import (
    choices_in_words,
    figure,
    heading,
    metric_names,
    score,
    score_columns,
    score_of,
)
from nasir.apps.report.markup import Child, Html, joined, tag
from nasir.core.trial import FULL, Trial, best_first

MOST = 1000
"""Trials in the table, the best of each stage first; a page of more would open slowly."""

MOST_METRICS = 8


@attrs.frozen
class Cell:
    """A cell: its content, what it is sorted by (None comes last), and whether it is a figure."""

    content: Child
    order: str | float | None = None
    right: bool = False


def trial_table(
    trials: Sequence[Trial], best: Trial | None = None, front: Collection[int] = ()
) -> Html:
    """A row a trial: figures and architecture, or why it failed."""
    shown = sorted(best_first(trials)[:MOST], key=lambda trial: trial.number)
    names = metric_names(trial.metrics for trial in shown)[:MOST_METRICS]
    staged = any((t.proposal.stage, t.proposal.fidelity) != (FULL, 1.0) for t in shown)
    stages = ["stage", "fidelity"] if staged else []
    columns = score_columns(shown)
    header = [
        "trial",
        "state",
        *stages,
        *columns.values(),
        *map(heading, names),
        "seconds",
        "architecture",
    ]
    figures = {c for c, name in enumerate(header) if name not in ("state", "stage", "architecture")}
    rows = []
    for trial in shown:
        kinds = [trial.state, "best" if trial is best else "", "on-front" * (trial.number in front)]
        rows.append(
            (
                _cells(trial, names, staged, columns),
                f"trial-{trial.number}",
                " ".join(kinds).strip(),
            )
        )
    note = f"The best {MOST} of {len(trials)} trials." if len(trials) > MOST else None
    table = sortable(header, figures, rows)
    return tag("div", table, tag("p", note, class_="note") if note else None)


def sortable(
    header: Sequence[str],
    figures: Collection[int],
    rows: Sequence[tuple[Sequence[Cell], str | None, str | None]],
) -> Html:
    """A table that a click on a column's head sorts; a row has its cells, an id and a class.

    `figures` are the columns that are aligned right.
    """
    heads = [
        tag(
            "th",
            tag("button", name, type="button"),
            scope="col",
            class_="figure" if c in figures else None,
        )
        for c, name in enumerate(header)
    ]
    body = [tag("tr", [_td(cell) for cell in row], id=id_, class_=look) for row, id_, look in rows]
    table = tag("table", tag("thead", tag("tr", heads)), tag("tbody", body), data_sortable=True)
    return tag("div", table, class_="scroll", tabindex="0")


def plain_table(header: Sequence[str], rows: Sequence[Sequence[Child]], figures: int = 1) -> Html:
    """A table that cannot be sorted; columns from `figures` on are aligned right."""
    head = [
        tag("th", name, scope="col", class_="figure" if c >= figures else None)
        for c, name in enumerate(header)
    ]
    body = [
        tag(
            "tr",
            [
                tag("td", cell, class_="figure" if c >= figures else None)
                for c, cell in enumerate(row)
            ],
        )
        for row in rows
    ]
    table = tag("table", tag("thead", tag("tr", head)), tag("tbody", body))
    return tag("div", table, class_="scroll", tabindex="0")


def trial_title(trial: Trial) -> str:
    """A trial in a few lines, shown when it is pointed at."""
    lines = [f"trial {trial.number}"]
    if (trial.proposal.stage, trial.proposal.fidelity) != (FULL, 1.0):
        lines[0] += f", {trial.proposal.stage} at fidelity {trial.proposal.fidelity:.3g}"
    if trial.score is not None:
        lines.append(f"score {score(trial.score)}")
    for name in metric_names([trial.metrics])[:MOST_METRICS]:
        lines.append(f"{heading(name)} {figure(name, trial.metrics[name])}")
    if trial.state != "complete":
        lines.append(f"{trial.state}: {trial.reason}" if trial.error else trial.state)
    words = choices_in_words(trial.architecture.choices)
    lines.append(words if len(words) < 300 else f"{words[:300]} ...")
    return "\n".join(lines)


def _cells(
    trial: Trial, names: Sequence[str], staged: bool, columns: Mapping[str, str]
) -> list[Cell]:
    proposal = trial.proposal
    scores = ((score_of(trial, stage), stage == proposal.stage) for stage in columns)
    stages = [
        Cell(proposal.stage, proposal.stage),
        Cell(f"{proposal.fidelity:.3g}", proposal.fidelity, True),
    ]
    metrics = [
        Cell(figure(name, trial.metrics[name]), trial.metrics[name], True)
        if name in trial.metrics
        else Cell("", None, True)
        for name in names
    ]
    seconds = trial.seconds
    return [
        Cell(str(trial.number), trial.number, True),
        Cell(tag("span", trial.state, class_="chip"), trial.state),
        *(stages if staged else []),
        *(Cell(words, trial.score if own else None, True) for words, own in scores),
        *metrics,
        Cell(f"{seconds:.1f}" if seconds is not None else "", seconds, True),
        Cell(_architecture(trial), trial.architecture.id),
    ]


def _architecture(trial: Trial) -> Html:
    """The id, which unfolds to the choices in words; lists of all choices would be too large."""
    reason = tag("p", trial.reason, class_="reason") if trial.state == "failed" else None
    summary = tag("summary", tag("code", trial.architecture.id))
    words = tag("p", choices_in_words(trial.architecture.choices), class_="words")
    return joined(reason, tag("details", summary, words))


def _td(cell: Cell) -> Html:
    order = None if cell.order is None else _order(cell.order)
    return tag("td", cell.content, data_order=order, class_="figure" if cell.right else None)


def _order(order: str | float) -> str:
    return order if isinstance(order, str) else repr(float(order))
