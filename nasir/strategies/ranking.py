"""Architectures ranked by proxies, one or several."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from statistics import fmean
from typing import Any

import attrs

from nasir.core.evaluator import Evaluator
from nasir.core.registry import registries
from nasir.settings.building import make

PROXY = "proxy"
"""The stage at which architectures are scored by proxies."""

REVERSED = "-"
"""Before a proxy's name: it ranks in reverse order."""


def bare(proxy: str) -> str:
    """The name of a proxy without :data:`REVERSED`."""
    return proxy.removeprefix(REVERSED)


def bare_names(proxies: Iterable[str]) -> list[str]:
    """The different names of proxies without :data:`REVERSED`, in order."""
    return list(dict.fromkeys(map(bare, proxies)))


def registered(strategy: Any, field: attrs.Attribute[Any], names: Sequence[str]) -> None:
    """A validator: at least one proxy, as NAME or, if less is better, -NAME."""
    if not names:
        raise ValueError(f"strategy.{field.name} needs at least one proxy (nasir list proxies)")
    for name in names:
        registries["proxy"].entry(bare(name))


def scoring(full: Evaluator, proxies: Sequence[str], initialisations: int, side: int) -> Evaluator:
    """The evaluator of proxies: that of the full stage if it knows their values."""
    names = bare_names(proxies)
    known = full.scoring(names, initialisations, side)
    if known is not None:
        return known
    settings = {"proxies": names, "initialisations": initialisations, "side": side}
    usual = registries["evaluator"].default("score")
    made: Evaluator = make("evaluator", {"name": usual, **settings})
    return made


def ranks(values: Sequence[Mapping[str, float]], proxies: Sequence[str]) -> list[dict[str, float]]:
    """For each network, its rank by each proxy, from the proxies' `values` of all networks."""
    from scipy.stats import rankdata

    rows: list[dict[str, float]] = [{} for _ in values]
    for proxy in proxies:
        name = bare(proxy)
        larger_is_better = registries["proxy"].load(name).larger_is_better
        sign = -1 if larger_is_better == (name == proxy) else 1
        signed = [sign * of[name] for of in values]
        places = rankdata([value if math.isfinite(value) else math.inf for value in signed])
        for row, place in zip(rows, places, strict=True):
            row[proxy] = float(place)
    return rows


def mean_ranks(values: Sequence[Mapping[str, float] | None], proxies: Sequence[str]) -> list[float]:
    """The mean over the proxies of each one's rank, 1 for the best; equal values share theirs.

    An architecture without values (None) ranks behind all others.
    """
    scored = [row for row in values if row is not None]
    means = iter(fmean(row.values()) for row in ranks(scored, proxies))
    return [float(len(values)) if row is None else next(means) for row in values]
