"""Tables for LaTeX, with the package booktabs."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

ESCAPED = {"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"}
ESCAPED |= {character: f"\\{character}" for character in "&%$#_{}"}
"""What LaTeX reads for each of its own characters."""


def latex_table(
    caption: str, head: Sequence[str], rows: Sequence[Sequence[str]], words: int = 1
) -> str:
    """A ``table`` of cells that are LaTeX; the first `words` columns are flush left."""
    return "\n".join(_lines(caption, head, rows, words))


def _lines(
    caption: str, head: Sequence[str], rows: Sequence[Sequence[str]], words: int
) -> Iterator[str]:
    yield r"\begin{table}"
    yield r"\centering"
    yield rf"\caption{{{caption}}}"
    yield rf"\begin{{tabular}}{{{'l' * words}{'r' * (len(head) - words)}}}"
    yield r"\toprule"
    yield _row(head)
    yield r"\midrule"
    yield from map(_row, rows)
    yield r"\bottomrule"
    yield r"\end{tabular}"
    yield r"\end{table}"


def _row(cells: Sequence[str]) -> str:
    return " & ".join(cells) + r" \\"


def in_bold(figure: str, wanted: bool = True) -> str:
    return rf"\textbf{{{figure}}}" if wanted else figure


def as_printed(rows: Sequence[Sequence[str]], bold: Collection[tuple[int, int]]) -> list[list[str]]:
    """The cells of a printed table as LaTeX; `bold` are those to emphasise, by row and column."""
    return [
        [_as_latex(cell, (r, c) in bold) for c, cell in enumerate(row)]
        for r, row in enumerate(rows)
    ]


def _as_latex(cell: str, bold: bool) -> str:
    mean, sign, spread = cell.partition(" +- ")
    if cell.startswith("< "):
        return f"${cell}$"
    return in_bold(escaped(mean), bold) + (rf" $\pm$ {spread}" if sign else "")


def escaped(text: str) -> str:
    """`text` as LaTeX prints it."""
    return "".join(ESCAPED.get(character, character) for character in text)
