"""The importance of decisions, with the scores by option."""

from __future__ import annotations

from collections.abc import Sequence

from nasir.apps.formatting import as_typed, score
from nasir.apps.report.axes import span
from nasir.apps.report.importance import FEWEST, Importance, Option, comparable, importances
from nasir.apps.report.markup import Html, joined, tag
from nasir.core.trial import Trial

BARS, CARDS = 12, 6
"""Decisions that have a bar, and decisions whose options are shown."""

DOTS = 60
"""Scores of one option that are drawn, spread evenly over all."""

SURE = 0.05

METHOD = (
    "The bar is the first-order effect of a decision: \u03c9\u00b2 of a one-way analysis of "
    "variance (Hays 1963) of the ranks of {count} scores, among the trials where the decision "
    "applies; 1 means that it alone decides the order, 0 that it explains nothing. Bold: more than "
    "chance (F-test, Holm-corrected p < 0.05). A search that favours some options gives them more "
    "trials, and the effects of decisions that it changed together cannot be separated."
)


def decisions(trials: Sequence[Trial]) -> Html:
    """A bar for each decision, and for the first of them the scores of each option."""
    compared = comparable(trials)
    found = importances(trials)
    if not found:
        few = f"This needs {FEWEST} comparable trials; there are {len(compared)}."
        same = "In all comparable trials the decisions or the scores are the same."
        return tag("p", few if len(compared) < FEWEST else same, class_="note")
    limits = span([score_ for one in found for o in one.options for score_ in o.scores])
    rest = len(found) - BARS
    more = f" {rest} more decisions matter less." if rest > 0 else ""
    return joined(
        tag("div", [_bar(one) for one in found[:BARS]], class_="bars"),
        tag("p", METHOD.format(count=len(compared)) + more, class_="note"),
        tag("div", [_card(one, limits) for one in found[:CARDS]], class_="cards"),
        tag("p", "A tick is the mean, a line one standard deviation to both sides.", class_="note"),
    )


def _bar(one: Importance) -> Html:
    sure = one.p_value < SURE
    title = f"\u03c9\u00b2 {one.share:.3f}, p {one.p_value:.2g}, {len(one.options)} options"
    return tag(
        "div",
        tag("span", one.decision, class_="name"),
        tag("span", tag("i", style=f"width:{100 * one.share:.1f}%"), class_="track"),
        tag("span", f"{one.share:.2f}", class_="figure"),
        class_="bar sure" if sure else "bar",
        title=title,
    )


def _card(one: Importance, limits: tuple[float, float]) -> Html:
    rows = [_option(option, limits) for option in one.options]
    return tag("div", tag("h4", one.decision), rows, class_="card")


def _option(option: Option, limits: tuple[float, float]) -> Html:
    """A row: the option, its scores on a line, mean and number of trials."""
    mean, deviation = option.mean, option.deviation
    low, high = _place(mean - deviation, limits), _place(mean + deviation, limits)
    every = max(1, -(-len(option.scores) // DOTS))
    dots = [
        tag("i", class_="one", style=f"left:{_place(value, limits):.1f}%")
        for value in sorted(option.scores)[::every]
    ]
    spread = tag("i", class_="spread", style=f"left:{low:.1f}%;width:{max(0.0, high - low):.1f}%")
    tick = tag("i", class_="mean", style=f"left:{_place(mean, limits):.1f}%")
    count = len(option.scores)
    title = f"{as_typed(option.value)}: mean {score(mean)}, deviation {score(deviation)}, n {count}"
    return tag(
        "div",
        tag("span", as_typed(option.value), class_="name"),
        tag("span", dots, spread, tick, class_="track"),
        tag("span", score(mean), class_="figure"),
        tag("span", f"{count}\u00d7", class_="count"),
        class_="option",
        title=title,
    )


def _place(value: float, limits: tuple[float, float]) -> float:
    """Percent of the way from the lower to the upper limit, within them."""
    low, high = limits
    return min(100.0, max(0.0, 100 * (value - low) / (high - low)))
