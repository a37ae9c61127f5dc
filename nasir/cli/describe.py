"""``nasir describe``: explain a component and its settings."""

from __future__ import annotations

import math
import textwrap
from argparse import ArgumentParser, Namespace
from collections.abc import Mapping, Sequence
from typing import Any

from nasir.apps.describe import describe
from nasir.apps.formatting import as_typed
from nasir.cli.command import Command
from nasir.cli.tables import print_json, screen_width, stress

WIDEST = 100
"""Characters of the longest line without a terminal."""


class DescribeCommand(Command):
    """Explain a component and its settings, and the decisions of a space."""

    def configure(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "words",
            metavar="WORD",
            nargs="+",
            help="KIND=NAME, such as space=nasdip, or a command such as run; then settings such as "
            "space.depth=5",
        )
        parser.add_argument("--json", action="store_true", help="print as JSON")

    def run(self, arguments: Namespace) -> int:
        content = describe(arguments.words)
        if arguments.json:
            print_json(content)
        else:
            _print(content)
        return 0


def _print(content: Mapping[str, Any]) -> None:
    kind, name = content["kind"], content["name"]
    title = name if kind == name else f"{kind}={name}"
    owner = f" (plugin {content['owner']})" if content["owner"] else ""
    _fill(f"{stress(title)}: {content['summary']}{owner}")
    for paragraph in content["text"]:
        print()
        _fill(paragraph)
    if content.get("components"):
        picks = " ".join(f"{kind}={name}" for kind, name in content["components"].items())
        print()
        _fill(f"components, unless others are chosen: {picks}")
    if content["settings"]:
        print(f"\n{stress('settings')}")
    for setting in content["settings"]:
        _print_setting(setting)
    if "decisions" in content:
        _print_space(content)


def _print_setting(setting: Mapping[str, Any]) -> None:
    allowed, key = setting["allowed"], setting["key"]
    value = setting.get("value", setting.get("default"))
    word = f"{key}={'VALUE' if 'required' in setting and value is None else as_typed(value)}"
    parts = [setting["type"]]
    if isinstance(allowed, list):
        parts = [" | ".join(map(as_typed, allowed))]
    elif allowed:
        parts.append(allowed)
    if setting.get("required"):
        parts.append("must be given")
    elif value != setting.get("default", value):
        parts.append(f"default {as_typed(setting['default'])}")
    _fill(f"{stress(word)}  ({', '.join(parts)})", 2)
    _fill(setting["meaning"], 6)


def _print_space(content: Mapping[str, Any]) -> None:
    print(f"\n{stress('decisions')} ({_size(content['architectures'])} architectures)")
    for decision in content["decisions"]:
        _fill(f"{stress(decision['name'])}: {' | '.join(map(as_typed, decision['options']))}", 2)
        if decision["active_if"]:
            _fill(f"if {'; or if '.join(map(_condition_words, decision['active_if']))}", 6)
    for condition in content["forbidden"]:
        _fill(f"never: {_condition_words(condition)}", 2)
    if content["references"]:
        print(f"\n{stress('reference architectures')}")
        for name in content["references"]:
            print(f"  {name}{' (the baseline)' if name == content['baseline'] else ''}")


def _condition_words(condition: Mapping[str, Sequence[Any]]) -> str:
    return " and ".join(
        f"{name} is {' or '.join(map(as_typed, options))}" for name, options in condition.items()
    )


def _size(number: int) -> str:
    return f"{number:,}" if number < 10**15 else f"about 10^{math.log10(number):.1f}"


def _fill(text: str, indent: int = 0) -> None:
    """Print a paragraph, folded at the width of the terminal."""
    margin = " " * indent
    width = min(screen_width() or WIDEST, WIDEST)
    if text:
        print(
            textwrap.fill(
                text,
                width,
                initial_indent=margin,
                subsequent_indent=margin + ("    " if indent == 2 else ""),
                break_on_hyphens=False,
                break_long_words=False,
            )
        )
