"""What the papers show: their tables and figures with the papers' figures, from ``papers.toml``."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

import attrs
import tomli

from nasir.core.errors import unknown_name
from nasir.core.packaged import packaged
from nasir.core.registry import registries

FILE = packaged("apps/paper") / "papers.toml"

NO_METRICS = ("recipe", "row", "where", "on")
"""What a value says about itself beside its metrics."""


@attrs.frozen
class Value:
    """Figures of a paper: by `recipe`, and by the `row` of its result that shows the same.

    `where` is the setting, ``key=value``, and `on` the pictures that they are for.
    """

    recipe: str
    row: str
    metrics: Mapping[str, float | str]
    where: str | None = None
    on: str | None = None


@attrs.frozen
class Row:
    """A table or figure, or some that are made together.

    `made` is ``there``, ``partly`` or ``not``, for a `reason`. `command` is Markdown. `makes` says
    how it is made of `recipes` with `words`: one of :data:`nasir.apps.paper.making.MAKERS`.
    """

    paper: str
    label: str
    shows: str
    made: str
    command: str = ""
    reason: str = ""
    makes: str = ""
    words: tuple[str, ...] = ()
    values: tuple[Value, ...] = ()
    recipes: tuple[str, ...] = ()

    @property
    def names(self) -> list[str]:
        """By what it is asked for: ``hinas-table11`` and ``hinas-table12`` of tables 11, 12."""
        kind, _, numbers = self.label.partition(" ")
        if not numbers:
            return [f"{self.paper}-{kind}"]
        kind = kind.removesuffix("s")
        return [f"{self.paper}-{kind}{number}" for number in numbers.split(", ")]


@attrs.frozen
class Paper:
    """A paper with its rows, in its own order."""

    name: str
    title: str
    reference: str
    rows: Sequence[Row]
    note: str = ""


@cache
def papers() -> Mapping[str, Paper]:
    """The five papers by name."""
    tree = tomli.loads(FILE.read_text(encoding="utf-8"))
    return {
        name: Paper(
            name,
            content["title"],
            content["reference"],
            [_row(name, row) for row in content["rows"]],
            content.get("note", ""),
        )
        for name, content in tree.items()
    }


def _row(paper: str, content: Mapping[str, Any]) -> Row:
    lists = ("words", "values", "recipes")
    row = Row(paper, **{key: value for key, value in content.items() if key not in lists})
    recipes = tuple(content.get("recipes", ())) or _recipes(row.names)
    values = tuple(_value(row.names, one) for one in content.get("values", ()))
    return attrs.evolve(row, recipes=recipes, values=values, words=tuple(content.get("words", ())))


def _recipes(names: Sequence[str]) -> tuple[str, ...]:
    """The recipes of a row: those whose names begin with one of its own."""
    beginnings = tuple(f"{name}-" for name in names)
    return tuple(name for name in registries["recipe"] if name.startswith(beginnings))


def _value(names: Sequence[str], content: Mapping[str, Any]) -> Value:
    """A value; its recipe is written without the row's name, or whole."""
    recipe = content["recipe"]
    whole = next((r for n in names if (r := f"{n}-{recipe}") in registries["recipe"]), recipe)
    metrics = {key: value for key, value in content.items() if key not in NO_METRICS}
    return Value(whole, content["row"], metrics, content.get("where"), content.get("on"))


def find(name: str) -> Row:
    """The row called `name`, or the row of the recipe called so, with this recipe alone."""
    rows = [row for paper in papers().values() for row in paper.rows]
    found = next((row for row in rows if name in row.names), None)
    if found is not None:
        return found
    made = [row for row in rows if name in row.recipes and row.makes]
    made.sort(key=lambda row: not name.startswith(tuple(row.names)))  # its own row first
    if made:
        return attrs.evolve(made[0], recipes=(name,))
    if name in registries["recipe"]:
        return Row("", name, "", "there", makes="run", recipes=(name,))
    known = [name for row in rows for name in row.names]
    raise unknown_name("table or figure", name, [*known, *papers(), *registries["recipe"]])


def order(name: str) -> tuple[str | int, ...]:
    """A key that sorts table10 after table2."""
    return tuple(int(part) if part.isdigit() else part for part in re.split(r"(\d+)", name))
