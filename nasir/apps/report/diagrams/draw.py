"""The diagram of an architecture, by the name of its space."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from nasir.apps.report.diagrams import cells, clearer, nasdip
from nasir.apps.report.diagrams.choices import listing
from nasir.apps.report.markup import Html
from nasir.core.architecture import Architecture, Value
from nasir.core.errors import NasirError

Diagram = Callable[[Mapping[str, Value], Mapping[str, Any]], Html]

DIAGRAMS: Mapping[str, Diagram] = {
    "nasdip": nasdip.diagram,
    "hinas": cells.diagram,
    "irnas": cells.diagram,
    "clearer": clearer.diagram,
}


MOST = 100
"""Levels, layers, nodes or cells beyond which nothing is drawn: no network has as many."""


def drawn(architecture: Architecture, settings: Mapping[str, Any]) -> Html:
    """The diagram of an architecture with its space's settings.

    A list of its choices where the space is a stranger's, or the choices are none of its own.
    """
    draw = DIAGRAMS.get(architecture.space)
    if draw is None or not _sensible(settings):
        return listing(architecture.choices)
    try:
        return draw(architecture.choices, settings)
    except (NasirError, LookupError, ValueError, TypeError, OverflowError):
        return listing(architecture.choices)


def _sensible(settings: Mapping[str, Any]) -> bool:
    sizes = [settings.get(name, 1) for name in ("depth", "layers", "nodes", "cells")]
    return all(isinstance(size, int) and 1 <= size <= MOST for size in sizes)
