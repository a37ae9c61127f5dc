"""``nasir describe``: explain a component and its settings."""

from __future__ import annotations

import math
import re
import textwrap
import typing
from argparse import ArgumentParser, Namespace
from collections.abc import Mapping, Sequence
from inspect import cleandoc
from itertools import islice, takewhile
from pathlib import Path
from typing import Any

import attrs

from nasir.apps.formatting import as_typed
from nasir.cli.command import Command
from nasir.cli.list import PLURALS, summary
from nasir.cli.tables import print_json, screen_width, stress
from nasir.core.component import settings_of
from nasir.core.domain import Condition, Domain
from nasir.core.errors import SettingsError, unknown_name
from nasir.core.import_strings import load
from nasir.core.registry import KINDS, registries
from nasir.core.search_space import SearchSpace
from nasir.settings.building import is_list_type, make, plain
from nasir.settings.components import chosen_name
from nasir.settings.interfaces import kind_of
from nasir.settings.overrides import Settings, merge, parse_override
from nasir.settings.reader import VerbSettings, read_one, sweep
from nasir.settings.recipes import recipe_comment
from nasir.settings.run_settings import run_settings_class

RUN = "run"

VERBS = {
    RUN: "nasir.settings.run_settings:RunSettings",
    "train": "nasir.apps.train.planning:TrainSettings",
    "restore": "nasir.apps.restore.planning:RestoreSettings",
    "evaluate": "nasir.apps.evaluate.evaluate:EvaluateSettings",
    "score": "nasir.apps.score:ScoreSettings",
    "bench": "nasir.apps.bench.bench:BenchSettings",
}
"""The commands that take settings, and the classes of these."""

PARAGRAPHS = 3
"""So many paragraphs of a docstring are told."""

WIDEST = 100
"""Longest line of text where no terminal says otherwise."""

TYPES = {int: "integer", float: "number", str: "string", bool: "true or false"}
LISTS = {int: "integers", float: "numbers", str: "strings"}


class DescribeCommand(Command):
    """Explain a component: what it is, its settings, and of a space what can be chosen."""

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
        content = described(arguments.words)
        if arguments.json:
            print_json(content)
        else:
            _print(content)
        return 0


def described(words: Sequence[str]) -> dict[str, Any]:
    """What there is to tell of the component, or the run, that `words` name and set."""
    if words[0] in VERBS:
        return _verb(words[0], words[1:])
    kind, name, fields = _read(words)
    entry = registries[kind].entry(name)
    target = entry.load() if kind not in ("recipe", "run_setting") else None
    content: dict[str, Any] = {
        "kind": kind,
        "name": name,
        "summary": summary(kind, entry),
        "owner": entry.owner,
        "text": _text(target) if target else [],
        "settings": [],
    }
    if kind == "recipe":
        return content | {"text": [recipe_comment(Path(entry.target)), f"File: {entry.target}"]}
    if kind == "run_setting":
        settings = _settings(run_settings_class(), "", None)
        return content | {"settings": [one for one in settings if one["key"] == name]}
    if not (isinstance(target, type) and attrs.has(target)):
        return content
    open_fields = [f.name for f in settings_of(target) if f.default is attrs.NOTHING]
    component = None
    if fields or all(field in fields for field in open_fields):
        component = make(kind, {"name": name} | fields)
    content["settings"] = _settings(target, f"{kind}.", component)
    if isinstance(component, SearchSpace):
        content |= _space(component)
    return content


def _verb(name: str, words: Sequence[str]) -> dict[str, Any]:
    """The settings of a verb that belong to no component, and its components."""
    cls = run_settings_class() if name == RUN else load(VERBS[name])
    asked = read_one(cls, words, {})
    return {
        "kind": name,
        "name": name,
        "summary": f"the settings of nasir {name} that belong to no component",
        "owner": None,
        "text": [],
        "settings": _settings(cls, "", asked.own),
        "components": _defaults(cls, asked.settings),
    }


def _defaults(verb: type[VerbSettings], settings: Settings) -> dict[str, str]:
    """The component of each kind that is taken where the user names none."""
    kinds = [kind for kind in verb.components if kind not in ("executor", "method")]
    return {kind: chosen_name(kind, settings, verb.use) for kind in kinds}


def _read(texts: Sequence[str]) -> tuple[str, str, dict[str, Any]]:
    """Kind, name and fields of the one component that the words speak of."""
    kind = texts[0].partition("=")[0].partition(".")[0]
    if kind not in KINDS:
        raise unknown_name("kind", kind, [*KINDS, *VERBS])
    if "=" not in texts[0]:
        raise SettingsError(f"describe which {kind}? write {kind}=NAME; see: nasir list {kind}")
    tree = _tree(texts)
    for other in tree:
        if other != kind:
            raise SettingsError(f"{other} does not belong to {kind}: describe one thing at a time")
    given = tree[kind]
    fields = dict(given) if isinstance(given, dict) else {"name": given}
    name = fields.pop("name", None)
    if not isinstance(name, str):
        example = f"nasir describe {kind}=NAME {' '.join(texts)}"
        raise SettingsError(f"{kind} wants a name first: {example}; see: nasir list {kind}")
    return kind, name, fields


def _tree(texts: Sequence[str]) -> Settings:
    runs = sweep(run_settings_class(), [parse_override(text) for text in texts])
    if len(runs) != 1:
        raise SettingsError("these words make several: give each setting one value")
    return merge(runs[0], {})


def _settings(cls: type, prefix: str, component: Any) -> list[dict[str, Any]]:
    return [_setting(field, prefix, component) for field in settings_of(cls)]


def _setting(field: attrs.Attribute[Any], prefix: str, component: Any) -> dict[str, Any]:
    content = {
        "key": prefix + field.name,
        "type": _type(field.type),
        "meaning": field.metadata.get("meaning", ""),
        "allowed": _allowed(field.validator),
    }
    default: Any = field.default
    if default is attrs.NOTHING:
        content["required"] = True
    elif not isinstance(default, attrs.Factory):  # type: ignore[arg-type]
        content["default"] = plain(default)
    if component is not None:
        content["value"] = plain(getattr(component, field.name))
    return content


def _space(space: SearchSpace) -> dict[str, Any]:
    domain: Domain = space.domain
    decisions = [
        {
            "name": decision.name,
            "options": list(decision.options),
            "active_if": [_condition(c) for c in decision.active_if],
        }
        for decision in domain.decisions
    ]
    return {
        "architectures": domain.size,
        "decisions": decisions,
        "forbidden": [_condition(c) for c in domain.forbidden],
        "references": list(space.reference()),
        "baseline": space.baseline,
    }


def _condition(condition: Condition) -> dict[str, list[Any]]:
    return {name: list(options) for name, options in condition.items()}


def _type(annotation: Any) -> str:
    """A type in words: ``list of integers``, ``number or none``."""
    if annotation in TYPES:
        return TYPES[annotation]
    kind = kind_of(annotation)
    if kind is not None:
        return kind
    args = typing.get_args(annotation)
    if type(None) in args:
        return " or ".join([*(_type(a) for a in args if a is not type(None)), "none"])
    if is_list_type(annotation):
        kind = kind_of(args[0])
        of = PLURALS[kind] if kind else LISTS.get(args[0])
        return f"list of {of}" if of else "list"
    return str(getattr(annotation, "__name__", annotation))


def _allowed(validator: Any) -> list[Any] | str | None:
    """The options of ``in_``, the bounds of ``ge`` and its like, None where neither is used."""
    for part in _parts(validator):
        if hasattr(part, "options"):
            return list(part.options)
    bounds = [
        f"{p.compare_op} {as_typed(p.bound)}" for p in _parts(validator) if hasattr(p, "bound")
    ]
    return ", ".join(bounds) or None


def _parts(validator: Any) -> list[Any]:
    """A validator's own validators, however ``and_`` and ``optional`` wrap them."""
    inner = getattr(validator, "_validators", None) or getattr(validator, "validator", None)
    if inner is None:
        return [validator]
    inner = inner if isinstance(inner, list | tuple) else [inner]
    return [part for one in inner for part in _parts(one)]


def _text(target: Any) -> list[str]:
    """The first paragraphs of a docstring, before any lists of arguments, without its roles."""
    text = cleandoc(target.__doc__ or "").replace("``", "`")
    text = re.sub(r":[\w:]+:`~?(?:[\w.]*\.)?(\w+)`", r"\1", text)
    paragraphs = [" ".join(paragraph.split()) for paragraph in text.split("\n\n")]
    told = takewhile(lambda paragraph: not paragraph.startswith("Args:"), paragraphs)
    return [paragraph for paragraph in islice(told, PARAGRAPHS) if paragraph]


def _print(content: Mapping[str, Any]) -> None:
    kind, name = content["kind"], content["name"]
    title = name if kind == name else f"{kind}={name}"
    owner = f" (plugin {content['owner']})" if content["owner"] else ""
    _fill(f"{stress(title)}: {content['summary']}{owner}")
    for paragraph in content["text"]:
        print()
        _fill(paragraph)
    if "components" in content:
        picks = " ".join(f"{kind}={name}" for kind, name in content["components"].items())
        print()
        _fill(f"components, unless others are picked: {picks}")
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
    """Print a paragraph, folded at the terminal's width."""
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
