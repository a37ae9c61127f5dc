"""Any search space: its decisions and what was chosen, by the first part of their names."""

from __future__ import annotations

from collections.abc import Mapping

from nasir.apps.report.markup import Html, tag
from nasir.apps.report.spelling import spelt
from nasir.core.architecture import Value


def listing(choices: Mapping[str, Value]) -> Html:
    """The choices as a list, those of one part of a network together (``layer0.node1``)."""
    parts: dict[str, list[tuple[str, Value]]] = {}
    for name, value in choices.items():
        part, dot, rest = name.rpartition(".")
        parts.setdefault(part, []).append((rest if dot else name, value))
    return tag("div", [_part(name, rows) for name, rows in parts.items()], class_="parts")


def _part(name: str, rows: list[tuple[str, Value]]) -> Html:
    pairs = [tag("div", tag("dt", n), tag("dd", spelt(value))) for n, value in rows]
    return tag("div", tag("h4", name) if name else None, tag("dl", pairs, class_="choices"))
