"""Errors speak of Python's arguments in Python, and of options on the command line."""

from __future__ import annotations

import ast
import json
import re
from argparse import ArgumentParser
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import attrs
import numpy as np
import pytest
from toy_plugin import WORDS

import nasir
from nasir.cli import messages
from nasir.cli.main import main
from nasir.core.evaluator import Problem
from nasir.core.registry import registries
from nasir.core.strategy import Strategy
from nasir.core.trial import Proposal, Trial

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


def test_no_message_is_longer_than_a_screen(capsys):
    assert main(["run", f"seed={'9' * 100_000}"]) == 2
    words = capsys.readouterr().err
    assert len(words) < 4100
    assert "characters]" in words


@attrs.define(slots=False)
class Noisy(Strategy):
    """Prints, and raises in the method that is named."""

    raises: str = ""
    limit: int = attrs.field(default=0, validator=attrs.validators.le(0))

    def __getattribute__(self, name: str) -> Any:
        if name in ("bind", "ask", "tell", "state_dict", "recommend"):
            print(name)
        return super().__getattribute__(name)

    def ask(self) -> Proposal | None:
        if self.raises == "ask":
            return {}["missing"]
        return Proposal(self.problem.space.domain.sample(np.random.default_rng(0)))

    def bind(self, problem: Problem) -> None:
        self.problem = problem

    def tell(self, trial: Trial) -> None:
        if self.raises == "tell":
            raise RuntimeError("x" * 10_000)

    def state_dict(self) -> dict[str, Any]:
        return {}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        pass


RUN = ("run", "--json", *WORDS, f"strategy={__name__}:Noisy", "trials=2")


def test_what_a_strategy_prints_is_not_in_the_result(capsys):
    assert main([*RUN]) == 0
    said = capsys.readouterr()
    assert json.loads(said.out)["trials"] == {"complete": 2, "failed": 0}
    assert set(said.err.split()) >= {"bind", "ask", "tell", "state_dict", "recommend"}


@pytest.mark.parametrize(
    ("method", "raised"), [("ask", "KeyError: 'missing'"), ("tell", "RuntimeError: xxx")]
)
def test_what_a_plugin_raises_is_a_line_about_it(method: str, raised: str, capsys, monkeypatch):
    words = [*RUN, f"strategy.raises={method}"]
    assert main(words) == 2
    (line,) = (x for x in capsys.readouterr().err.splitlines() if x.startswith("nasir: "))
    assert f"strategy {__name__}:Noisy: {method}() raised {raised}" in line
    assert f"({__file__}, line " in line
    assert line.endswith("with NASIR_STRICT_PLUGINS=1 its traceback is shown")
    monkeypatch.setenv("NASIR_STRICT_PLUGINS", "1")
    with pytest.raises((KeyError, RuntimeError)):
        main(words)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["run", "threads=100000"], "nasir: 'threads' must be from 0 to "),
        (["score", "threads=100000"], "nasir: 'threads' must be from 0 to "),
        (["run", *WORDS, f"strategy={__name__}:Noisy", "strategy.limit=1"], "nasir: strategy: "),
    ],
)
def test_no_class_of_settings_is_named(words: list[str], said: str, capsys):
    assert main(words) == 2
    assert capsys.readouterr().err.startswith(said)


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
