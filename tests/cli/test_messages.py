"""Errors speak of Python's arguments in Python, and of options on the command line."""

from __future__ import annotations

import ast
import re
from argparse import ArgumentParser
from collections.abc import Iterator
from pathlib import Path

import pytest

import nasir
from nasir.cli import messages
from nasir.core.registry import registries

SOURCES = Path(nasir.__file__).parent
OPTION = re.compile(r"(?<!\S)(?:--[a-z][a-z-]+|-o)\b")
A_COMMAND = re.compile(r"(nasir [a-z]+|ray start|dask scheduler)( \S+)* $")


def parser_of(command: str) -> ArgumentParser:
    parser = ArgumentParser(prog=command)
    registries["command"].entry(command).load()().configure(parser)
    return parser


def strings_outside_cli() -> Iterator[tuple[Path, str]]:
    """The texts in the sources, but for docstrings; a value in one is a word."""
    for path in sorted(SOURCES.rglob("*.py")):
        if path.is_relative_to(SOURCES / "cli"):
            continue
        source = path.read_text(encoding="utf-8")
        if not OPTION.search(source.replace('"', " ")):
            continue
        tree = ast.parse(source)
        formatted = [n.values for n in ast.walk(tree) if isinstance(n, ast.JoinedStr)]
        other = {id(part) for values in formatted for part in values}
        other |= {id(n.value) for n in ast.walk(tree) if isinstance(n, ast.Expr)}
        for node in ast.walk(tree):
            if isinstance(node, ast.JoinedStr):
                parts = [p.value if isinstance(p, ast.Constant) else "VALUE" for p in node.values]
                yield path, "".join(map(str, parts))
            elif isinstance(node, ast.Constant) and id(node) not in other:
                yield path, str(node.value)


def test_no_message_of_a_verb_names_an_option_outside_a_whole_command():
    found = [
        (path.name, text)
        for path, text in strings_outside_cli()
        for match in OPTION.finditer(text)
        if " " in text.strip() and not A_COMMAND.search(text[: match.start()])
    ]
    assert found == []


@pytest.mark.parametrize(
    ("command", "message", "shown"),
    [
        ("restore", "a.png exists: overwrite it with force=True", "--force"),
        ("restore", "leave resume=True out", "--continue"),
        ("restore", "choose output=OUT", "-o OUT"),
        ("export", "say under which licence: licence=TEXT", "--licence TEXT"),
        ("evaluate", "or add overwrite=True", "--overwrite"),
        ("correlate", "compute some with proxies=psd,flops", "--proxies psd,flops"),
        ("resume", "or go on with accept_changes=True, which", "--accept-changes"),
        ("resume", "trials=0: a run has 1 or more", "--trials 0"),
        ("train", "choose another with output=FOLDER", "-o FOLDER"),
        ("run", "trials=0: wants 1 or more", "trials=0"),
        ("restore", "evaluator.output=x", "evaluator.output=x"),
    ],
)
def test_a_command_shows_its_own_options(command: str, message: str, shown: str):
    found = messages.as_options(message, parser_of(command))
    assert shown in found
    assert "=" not in found or shown == found or "=" in shown


def test_a_terminal_breaks_long_messages_between_words(monkeypatch, capsys):
    words = "a-long-word " * 20 + "x" * 120
    messages.print_error(words)
    assert capsys.readouterr().err == f"nasir: {words}\n"
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    messages.print_error(words)
    lines = capsys.readouterr().err.splitlines()
    assert " ".join(line.strip() for line in lines) == f"nasir: {words}"
    assert all(len(line) <= 100 for line in lines[:-1])
