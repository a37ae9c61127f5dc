"""How `make docs` builds the site: Sphinx, MyST for Markdown and notebooks, furo as theme."""

from __future__ import annotations

import json
from typing import Any

import attrs
from docutils.nodes import document
from myst_parser.parsers.sphinx_ import MystParser

import nasir

project = "nasir"
release = nasir.__version__
copyright = "the authors of nasir"
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
source_suffix = {".md": "markdown", ".ipynb": "notebook"}

myst_heading_anchors = 3  # the anchors that links have in a repository's view, too

default_role = "code"
autodoc_default_options = {"members": True, "member-order": "bysource"}
autodoc_typehints = "signature"
autodoc_typehints_format = "short"
autodoc_class_signature = "separated"
autodoc_preserve_defaults = True
maximum_signature_line_length = 90
python_use_unqualified_type_names = True

html_theme = "furo"
html_title = f"nasir {release}"
html_copy_source = False
html_show_sphinx = False


def settings_as_parameters(
    app: Any, what: str, name: str, obj: Any, options: Any, lines: list[str]
) -> None:
    """Append what each setting of a component means: the fields made by `nasir.setting`."""
    if what != "class" or not attrs.has(obj):
        return
    fields = [field for field in attrs.fields(obj) if "meaning" in field.metadata]
    lines += [""] * bool(fields)
    lines += [f":param {field.name}: {field.metadata['meaning']}" for field in fields]


class NotebookParser(MystParser):  # type: ignore[misc]
    """A notebook as a page: its text and its code; the notebooks here hold no outputs."""

    supported = ("notebook",)

    def parse(self, inputstring: str, document: document) -> None:
        cells = [(c["cell_type"], "".join(c["source"])) for c in json.loads(inputstring)["cells"]]
        parts = [text if kind == "markdown" else f"```python\n{text}\n```" for kind, text in cells]
        super().parse("\n\n".join(parts), document)


def setup(app: Any) -> None:
    app.add_source_parser(NotebookParser)
    app.connect("autodoc-process-docstring", settings_as_parameters)
