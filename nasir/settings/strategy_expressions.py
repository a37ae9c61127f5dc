"""Strategies that hold strategies, as words and files write them.

``a+b`` is a chain of two, and ``strategy.a.field`` sets a field of the strategy ``a`` wherever
it is: alone, in a chain, or deeper.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from nasir.core.errors import SettingsError
from nasir.core.registry import registries
from nasir.settings.interfaces import JOINED
from nasir.settings.overrides import Override, merge

PARTS = "parts"
"""The field of the strategy that joins others, for these."""

Pick = dict[str, Any]
"""A strategy as settings have it: its name, its fields, and fields of others by their names."""


def joining() -> str:
    """The name of the strategy that ``a+b`` means; it is registered as the default for ``join``."""
    name = registries["strategy"].default("join")
    if name is None:
        raise SettingsError("no strategy joins others: write one, without +")
    return name


def expand_expression(pick: Mapping[str, Any]) -> Pick:
    """`pick` with ``a+b`` as a strategy of parts, and the fields of each strategy in its place.

    Raises :class:`~nasir.core.errors.SettingsError` for fields of a strategy that is not there.
    """
    own = {key: value for key, value in pick.items() if not _addresses(key, value)}
    addressed = {key: value for key, value in pick.items() if _addresses(key, value)}
    placed: set[str] = set()
    whole = _placed(own, addressed, placed)
    for name in addressed:
        if name not in placed:
            there = ", ".join(dict.fromkeys(names_in(whole)))
            raise SettingsError(
                f"strategy.{name} cannot be set: there is no {name} among the strategies {there}"
            )
    return whole


def parts_of(name: str) -> list[str]:
    """The strategies of a sum ``a+b``; one alone is its own only part.

    Raises :class:`~nasir.core.errors.SettingsError` where one is missing.
    """
    parts = name.split(JOINED)
    if len(parts) > 1 and not all(parts):
        raise SettingsError(
            f"strategy={name} is a chain with a part that is missing: write strategy=FIRST+SECOND"
        )
    return parts


def names_in(pick: Any) -> Iterator[str]:
    """The names of the strategies in a pick, from the outside in."""
    if isinstance(pick, str):
        yield from [joining(), *parts_of(pick)] if JOINED in pick else [pick]
    elif isinstance(pick, list | tuple):
        for one in pick:
            yield from names_in(one)
    elif isinstance(pick, Mapping):
        yield from names_in(pick.get("name", []))
        for field, value in pick.items():
            if field != "name" and _holds_strategies(value):
                yield from names_in(value)


def without_absent(sweep: Sequence[Sequence[Override]]) -> list[list[Override]]:
    """The runs of a sweep, each without the fields of strategies that only other runs have.

    Runs that become equal are one.
    """
    picks = [merge(overrides, {}).get("strategy", {}) for overrides in sweep]
    present = [set(_own_names(pick)) for pick in picks]
    anywhere = set().union(*present)
    runs: dict[Any, list[Override]] = {}
    for number, (overrides, here) in enumerate(zip(sweep, present, strict=True)):
        kept = [one for one in overrides if _addressed(one) not in anywhere - here]
        key = tuple((one.path, repr(one.value)) for one in kept)
        runs[number if len(kept) == len(overrides) else key] = kept
    return list(runs.values())


def _own_names(pick: Any) -> Iterator[str]:
    """The names of the strategies in a pick, without those that are only addressed by name."""
    if not isinstance(pick, Mapping):
        return names_in(pick)
    return names_in({key: value for key, value in pick.items() if not _addresses(key, value)})


def _addressed(override: Override) -> str | None:
    """The strategy, wherever it is, of which an override sets a field; None for others."""
    if override.path[0] != "strategy" or len(override.path) == 1:
        return None
    key = override.path[1]
    return key if _addresses(key, override.value if len(override.path) == 2 else {}) else None


def _addresses(key: str, value: Any) -> bool:
    """Whether a field is the name of a strategy, with fields of it."""
    return isinstance(value, Mapping) and key in registries["strategy"]


def _placed(pick: Any, addressed: Mapping[str, Any], placed: set[str]) -> Any:
    """A pick with all fields of the strategies in it."""
    if isinstance(pick, str):
        pick = {"name": pick}
    if not isinstance(pick, Mapping):
        return pick
    fields = dict(pick)
    name = fields.get("name")
    if isinstance(name, str) and JOINED in name:
        fields = {PARTS: parts_of(name), **fields, "name": joining()}
        name = joining()
    if isinstance(name, str) and name in addressed:
        placed.add(name)
        fields = {**fields, **addressed[name]}
    return {
        key: _nested(value, addressed, placed) if key != "name" else value
        for key, value in fields.items()
    }


def _nested(value: Any, addressed: Mapping[str, Any], placed: set[str]) -> Any:
    if not _holds_strategies(value):
        return value
    if isinstance(value, list | tuple):
        return [_placed(one, addressed, placed) for one in value]
    return _placed(value, addressed, placed)


def _holds_strategies(value: Any) -> bool:
    """Whether a field's value is a pick of a strategy, or several."""
    if isinstance(value, list | tuple):
        return bool(value) and all(map(_holds_strategies, value))
    name = value.get("name") if isinstance(value, Mapping) else value
    return isinstance(name, str) and all(
        part in registries["strategy"] for part in name.split(JOINED)
    )
