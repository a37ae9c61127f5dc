"""HTML that is escaped by construction: only :func:`tag` makes markup of text."""

from __future__ import annotations

import re
from collections.abc import Iterable
from html import escape
from typing import Any

_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f]")

VOID = ("br", "hr", "img", "input", "link", "meta")


class Html(str):
    """Text that is HTML already; every other string is escaped on its way into a page."""

    __slots__ = ()


Child = str | int | float | None | Iterable[Any]
"""The content of an element: text, numbers, nothing, or several of these."""


def tag(name: str, /, *children: Child, **attributes: Any) -> Html:
    """The element called `name`.

    ``class_`` becomes ``class``, and every other underscore a hyphen. An attribute that is True has
    no value; one that is None or False is left out.
    """
    words = [_attribute(key, value) for key, value in attributes.items()]
    head = "".join(word for word in words if word)
    if name in VOID:
        return Html(f"<{name}{head}>")
    return Html(f"<{name}{head}>{joined(*children)}</{name}>")


def joined(*children: Child) -> Html:
    """The children one after another."""
    return Html("".join(map(_child, children)))


def number(value: float) -> str:
    """A coordinate, to a hundredth of a pixel."""
    return f"{value:.2f}".rstrip("0").rstrip(".")


def _child(child: Child) -> str:
    if child is None:
        return ""
    if isinstance(child, Html):
        return child
    if isinstance(child, str):
        return _escaped(child)
    if isinstance(child, int | float):
        return number(child)
    return "".join(map(_child, child))


def _attribute(key: str, value: Any) -> str:
    if value is None or value is False:
        return ""
    name = key.rstrip("_").replace("_", "-")
    if value is True:
        return f" {name}"
    return f' {name}="{_escaped(value if isinstance(value, str) else number(value))}"'


def _escaped(text: str) -> str:
    """`text` without markup; characters that UTF-8 does not have become escape sequences."""
    whole = text.encode("utf-8", "backslashreplace").decode()
    return escape(_CONTROL.sub("\ufffd", whole))
