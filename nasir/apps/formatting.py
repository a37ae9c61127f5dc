"""Figures, settings and architectures in words, the same in tables and on pages."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from nasir.core.errors import first_of
from nasir.core.objectives import score_metric
from nasir.core.trial import FULL, Trial

FIRST = ("psnr", "ssim")
"""Metrics that come first in every table; of both, more is better."""

PREFIXES = " kMGT"
"""Of large counts, by powers of a thousand."""

NAMED = 6
"""Pictures that are named in a line; more are counted."""

ALWAYS_SHOWN = ("strategy", "space", "task", "seed")
"""Settings that a comparison shows even where all runs have the same."""


def visible(text: str) -> str:
    """`text` without control characters, which names from elsewhere may have."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() or c in "\n\t" else "\ufffd" for c in text)


def metric_names(rows: Iterable[Mapping[str, float]]) -> list[str]:
    """The metrics that occur, PSNR and SSIM first."""
    names = dict.fromkeys(name for row in rows for name in row)
    return [*(n for n in FIRST if n in names), *(n for n in names if n not in FIRST)]


def heading(metric: str) -> str:
    """The name of a metric at the head of a column."""
    return metric.upper() if metric in FIRST else metric


def axis(metric: str) -> str:
    """A metric with its unit, as at an axis: ``PSNR (dB)``, ``fit time (s)``."""
    words = heading(metric).replace("_", " ")
    if "psnr" in metric:
        return f"{words} (dB)"
    return f"{words.removesuffix('seconds')}time (s)" if metric.endswith("seconds") else words


def score_axis(trials: Iterable[Trial]) -> str:
    """What the scores of `trials` are, as at an axis: a metric with its unit, else ``score``."""
    metric = score_metric(trials)
    if metric is None:
        return "score"
    return f"-{axis(metric.metric)}" if metric.sign < 0 else axis(metric.metric)


def figure(metric: str, value: float) -> str:
    """A metric's value with the digits that mean something: 27.31, 0.8123, 1.25M."""
    if "psnr" in metric:
        return f"{value:.2f}"
    if "ssim" in metric:
        return f"{value:.4f}"
    large = 1e5 <= abs(value) < 1e15
    return _count(value) if large or float(value).is_integer() else f"{value:.4g}"


def score(value: float) -> str:
    """A score, whose unit depends on the evaluator."""
    if 1e5 <= abs(value) < 1e15:
        return _count(value)
    return f"{value:.2f}" if 10 <= abs(value) < 1e5 else f"{value:.4g}"


def score_columns(trials: Iterable[Trial]) -> dict[str, str]:
    """The head of the column of scores for each stage: scores of two stages cannot be compared."""
    stages = dict.fromkeys(trial.proposal.stage for trial in trials if trial.score is not None)
    ordered = sorted(stages, key=lambda stage: stage != FULL) or [FULL]
    return {stage: "score" if stage == FULL else f"{stage} score" for stage in ordered}


def score_of(trial: Trial, stage: str) -> str:
    """The score of a trial in the column of a stage; empty for a trial of another one."""
    own = trial.score is not None and trial.proposal.stage == stage
    return score(trial.score) if own and trial.score is not None else ""


def scored(score_: float, stage: str) -> str:
    """A score, with the stage that it is of where that is not the full one."""
    return score(score_) if stage == FULL else f"{score(score_)} ({stage})"


def as_typed(value: Any) -> str:
    """A setting's value as it is typed after ``key=``."""
    if value is None:
        return "none"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, Mapping):
        return _inline(value)
    if isinstance(value, list | tuple):
        nested = any(isinstance(one, Mapping) for one in value)
        return _inline(value) if nested else ",".join(map(as_typed, value)) or "[]"
    if isinstance(value, str) and _wants_quotes(value):
        return json.dumps(value)
    return str(value)


def _wants_quotes(text: str) -> bool:
    return not text or not text.isprintable() or any(c in text for c in " ,\"'[]{}")


def _inline(value: Any) -> str:
    """As TOML has it within braces."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{name}={_inline(below)}" for name, below in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_inline, value)) + "]"
    return json.dumps(value) if isinstance(value, str) else as_typed(value)


def choices_in_words(choices: Mapping[str, Any]) -> str:
    """An architecture in few words: of yes-or-no decisions, only the names of those with yes."""
    words = [
        name if value is True else f"{name}={as_typed(value)}"
        for name, value in choices.items()
        if value is not False
    ]
    return " ".join(words)


def flat(tree: Mapping[str, Any]) -> dict[str, Any]:
    """Settings by the word that sets them."""
    flat: dict[str, Any] = {}
    for kind in sorted(
        tree, key=lambda key: ALWAYS_SHOWN.index(key) if key in ALWAYS_SHOWN else len(ALWAYS_SHOWN)
    ):
        value = tree[kind]
        if isinstance(value, Mapping):
            flat[kind] = value.get("name")
            flat |= {f"{kind}.{name}": v for name, v in value.items() if name != "name"}
        else:
            flat[kind] = value
    return flat


def differing(trees: Sequence[Mapping[str, Any]]) -> list[str]:
    """The settings that all runs have, and not all the same; limits show in the figures."""
    return [
        key
        for key in trees[0]
        if key not in ("name", "folder", "trials", "seconds")
        and all(key in tree for tree in trees)
        and any(tree[key] != trees[0][key] for tree in trees)
    ]


def duration(seconds: float) -> str:
    """A time in its two largest units: 4.2 s, 3 min 20 s, 2 h 5 min; or ``forever``."""
    if math.isinf(seconds):
        return "forever"
    if seconds < 60:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def size(count: float) -> str:
    """Bytes in binary units."""
    return f"{count / 2**20:.2f} MiB" if count >= 2**20 else f"{count / 2**10:.0f} KiB"


def _count(value: float) -> str:
    if abs(value) < 1000:
        return f"{value:.0f}"
    rounded = float(f"{value:.3g}")
    thousands = min(int(math.log10(abs(rounded))) // 3, 4)
    return f"{rounded / 1000**thousands:#.3g}".rstrip(".") + PREFIXES[thousands]


def value_of(figure: str) -> float:
    """The number that :func:`figure` or :func:`score` made a text of, as exact as the text is."""
    thousands = max(0, PREFIXES.find(figure[-1:]))
    return float(figure.rstrip(PREFIXES)) * 1000**thousands


def capitalised(text: str) -> str:
    """`text` with a capital at its beginning, and no other change."""
    return text[:1].upper() + text[1:]


def pictures_in_words(summary: Mapping[str, Any]) -> str:
    """Which pictures the scores of a run are of, and which ones it was tested on; empty if none."""
    searched = list((summary["best"] or {}).get("by_picture", ()))
    tested = next((list(r["by_picture"]) for r in summary["results"] if "by_picture" in r), [])
    if not searched or not tested:
        return f"scores are of {first_of(searched, NAMED)}" if searched else ""
    if searched == tested:
        return f"scores and test are of the same pictures: {first_of(searched, NAMED)}"
    unseen = "" if {*searched} & {*tested} else ", which the search has not seen"
    return f"scores are of {first_of(searched, NAMED)}; tested on {first_of(tested, NAMED)}{unseen}"
