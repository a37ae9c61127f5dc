"""Components, commands and recipes explained, as JSON values."""

from __future__ import annotations

import re
import typing
from collections.abc import Sequence
from difflib import get_close_matches
from inspect import cleandoc
from itertools import islice, takewhile
from pathlib import Path
from typing import Any

import attrs

from nasir.apps.formatting import as_typed
from nasir.apps.listing import FILES, summary
from nasir.apps.verbs import PLURALS, RUN, VERBS
from nasir.core.component import settings_of
from nasir.core.domain import Condition, Domain
from nasir.core.errors import SettingsError, UnknownNameError, unknown_name
from nasir.core.import_strings import load
from nasir.core.registry import KINDS, registries
from nasir.core.search_space import SearchSpace
from nasir.networks.network import TrainedNetwork, read_network
from nasir.settings.building import is_list_type, make, plain
from nasir.settings.components import chosen_name
from nasir.settings.interfaces import kind_of, name_of
from nasir.settings.overrides import Settings, merge, parse_override
from nasir.settings.reader import VerbSettings, read_one, sweep
from nasir.settings.recipes import recipe_comment
from nasir.settings.run_settings import run_settings_class

PARAGRAPHS = 3
"""Paragraphs of a docstring that are shown."""

TYPES = {int: "integer", float: "number", str: "string", bool: "true or false"}
LISTS = {int: "integers", float: "numbers", str: "strings"}


def _network_text(network: TrainedNetwork) -> list[str]:
    """A network in paragraphs."""
    figures = ", ".join(f"{name} {as_typed(value)}" for name, value in network.figures.items())
    return [
        f"{network.summary}. {network.made}".strip(),
        f"Figures: {figures or 'none'}",
        f"Licence: {network.licence}",
        f"Task: {as_typed(dict(network.task))}",
        f"Architecture: {network.architecture.json}",
        f"File: {network.path}",
    ]


def describe(words: Sequence[str]) -> dict[str, Any]:
    """The component, command or recipe that `words` name and set."""
    if words[0] in VERBS:
        return _verb(words[0], words[1:])
    words = [_with_kind(words[0]), *words[1:]]
    kind, name, fields = _read(words)
    if "+" in name:
        parts = " and ".join(f"{kind}={part}" for part in name.split("+"))
        raise SettingsError(f"{kind}={name} is of several parts: describe each, {parts}")
    entry = registries[kind].entry(name)
    target = entry.load() if kind not in (*FILES, "run_setting") else None
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
    if kind == "network":
        return content | {"text": _network_text(read_network(entry.target))}
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


def _with_kind(word: str) -> str:
    """``KIND=NAME`` of a name alone, if only one kind has it."""
    kinds = [kind for kind in KINDS if word in registries[kind]]
    if "=" in word or "." in word or word in KINDS:
        return word
    if not kinds:
        kinds = [kind for kind in KINDS if kind != "command"]
        names = {name for kind in kinds for name in registries[kind]}
        nearest = get_close_matches(word, sorted({*names, *VERBS}), n=1, cutoff=0.5)
        hint = f"did you mean {nearest[0]!r}? " if nearest else ""
        raise UnknownNameError(f"nothing is called {word!r}: {hint}see all names with: nasir list")
    if len(kinds) > 1:
        choices = " or ".join(f"{kind}={word}" for kind in kinds)
        raise SettingsError(f"{word!r} is several things: say {choices}")
    return f"{kinds[0]}={word}"


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
    """Kind, name and fields of the one component that words name."""
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
        raise SettingsError(f"{kind} needs a name first: {example}; see: nasir list {kind}")
    return kind, name, fields


def _tree(texts: Sequence[str]) -> Settings:
    runs = sweep(run_settings_class(), [parse_override(text) for text in texts])
    if len(runs) != 1:
        raise SettingsError("give each setting one value")
    return merge(runs[0], {})


def _settings(cls: type, prefix: str, component: Any) -> list[dict[str, Any]]:
    own_first = sorted(settings_of(cls), key=lambda field: bool(getattr(field, "inherited", False)))
    rows = []
    for field in own_first:
        rows.append(_setting(field, prefix, component))
        if field.metadata.get("open"):
            held = field.default if component is None else getattr(component, field.name)
            rows += _settings_held(held, f"{prefix}{field.name}.")
    return rows


def _settings_held(held: Any, prefix: str) -> list[dict[str, Any]]:
    """The settings of the component in an open field, or of those that ``+`` joins in it."""
    parts = getattr(held, "parts", (held,))
    return [
        row
        for part in parts
        if kind_of(type(part))
        for row in _settings(
            type(part), prefix if len(parts) == 1 else f"{prefix}{name_of(part)}.", part
        )
    ]


def _setting(field: attrs.Attribute[Any], prefix: str, component: Any) -> dict[str, Any]:
    content = {
        "key": prefix + field.name,
        "type": _type(_annotation(field)),
        "meaning": field.metadata.get("meaning", ""),
        "allowed": _allowed(field.validator),
    }
    shown = _name_or_value if field.metadata.get("open") else plain
    default: Any = field.default
    if default is attrs.NOTHING:
        content["required"] = True
    elif not isinstance(default, attrs.Factory):  # type: ignore[arg-type]
        content["default"] = shown(default)
    if component is not None:
        content["value"] = shown(getattr(component, field.name))
    return content


def _name_or_value(value: Any) -> Any:
    return name_of(value) if kind_of(type(value)) else value


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


def _annotation(field: attrs.Attribute[Any]) -> Any:
    """The type of a field, or where a plugin gave none, that of its default."""
    default: Any = field.default
    unknown = default in (None, attrs.NOTHING) or isinstance(default, attrs.Factory)  # type: ignore[arg-type]
    return field.type if field.type is not None or unknown else type(default)


def _type(annotation: Any) -> str:
    """A type in words: ``list of integers``, ``number or none``."""
    if annotation is None:
        return "any value"
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
    """The options of ``in_``, the bounds of ``ge`` and similar validators, or None."""
    for part in _parts(validator):
        if hasattr(part, "options"):
            return list(part.options)
    bounds = [
        f"{p.compare_op} {as_typed(p.bound)}" for p in _parts(validator) if hasattr(p, "bound")
    ]
    return ", ".join(bounds) or None


def _parts(validator: Any) -> list[Any]:
    """The validators inside ``and_`` and ``optional``."""
    inner = getattr(validator, "_validators", None) or getattr(validator, "validator", None)
    if inner is None:
        return [validator]
    inner = inner if isinstance(inner, list | tuple) else [inner]
    return [part for one in inner for part in _parts(one)]


def _text(target: Any) -> list[str]:
    """The first paragraphs of a docstring, up to the list of arguments, without roles."""
    text = cleandoc(target.__doc__ or "").replace("``", "`")
    text = re.sub(r":[\w:]+:`~?(?:[\w.]*\.)?(\w+)`", r"\1", text)
    paragraphs = [" ".join(paragraph.split()) for paragraph in text.split("\n\n")]
    shown = takewhile(lambda paragraph: not paragraph.startswith("Args:"), paragraphs)
    return [paragraph for paragraph in islice(shown, PARAGRAPHS) if paragraph]
