"""Objects that a notebook shows as HTML."""

from __future__ import annotations

from typing import ClassVar

from nasir.core.import_strings import load


class HtmlView:
    """An object that a notebook shows as HTML, made by the function that `html_view` names.

    That function is imported only then, so that its class knows nothing of pages.
    """

    __slots__ = ()

    html_view: ClassVar[str]
    """The import string of a function that returns the HTML of the object."""

    def _repr_html_(self) -> str:
        return str(load(self.html_view)(self))
