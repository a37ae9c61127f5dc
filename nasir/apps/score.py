"""Architectures ranked before any is trained, by one or several proxies."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

import attrs

from nasir.core.architecture import Architecture
from nasir.core.component import settings_of
from nasir.core.errors import SettingsError, unknown_name
from nasir.core.evaluation import describe, use_threads
from nasir.core.evaluator import Problem
from nasir.core.progress import report
from nasir.core.ranking import RankedArchitecture, bare_names, ranked
from nasir.core.registry import registries
from nasir.core.seeds import derived_seed
from nasir.core.trial import FULL, Proposal
from nasir.runs.architecture_file import find_architecture
from nasir.settings.experiment import DEFAULTS, Experiment, experiment, is_list
from nasir.settings.overrides import Alternatives, Override, Settings, expand, merge
from nasir.settings.recipes import read_overrides

PROXY = "proxy"
"""The evaluator that scores."""

SHORT = {"proxies": ("evaluator", "proxies"), "images": ("task", "images")}
"""Keys that stand for longer ones."""

KEYS = ("architecture", "pool", *SHORT, "task", "space", "evaluator", "limit", "seed", "threads")
"""What can be set."""

DRAWS = 1000
"""Draws of no new architecture, one after another, after which there is none."""

OF_SEARCHES = ("task", "space", "seed", "threads")
"""What is taken from a settings file or a recipe of a search."""


@attrs.frozen(eq=False)
class Scoring:
    """Architectures to score, each with the problem that it is an answer to, and by what."""

    candidates: Mapping[str, tuple[Architecture, Problem]]
    proxies: Sequence[str]
    threads: int

    def ranked(self) -> list[RankedArchitecture]:
        """All architectures, the best mean rank first; those that cannot be scored at the end.

        All get the same random numbers. Progress is told by
        :func:`~nasir.core.progress.report`.
        """
        use_threads(self.threads)
        scored = []
        for number, name in enumerate(self.candidates, start=1):
            scored.append(self._scored(name))
            report(number, len(self.candidates))
        return ranked(scored, self.proxies)

    def _scored(self, name: str) -> RankedArchitecture:
        architecture, problem = self.candidates[name]
        seed = derived_seed(problem.seed, "score")
        try:
            evaluation = problem.evaluator(FULL).evaluate(Proposal(architecture), problem, seed)
        except Exception as error:
            return RankedArchitecture(name, architecture, error=describe(error).partition("\n")[0])
        values = {name: float(evaluation.metrics[name]) for name in bare_names(self.proxies)}
        return RankedArchitecture(name, architecture, values)


def score(*words: str, **settings: Any) -> list[RankedArchitecture]:
    """Rank architectures by proxies: ``score("pool=20", "proxies=synflow,naswot")``.

    Words and settings as for a search, with ``architecture`` (a reference's name, an
    ``architecture.json``, a run's folder; one or several), ``pool`` (how many random ones of the
    space) and ``proxies`` (``-NAME`` ranks the other way round). Raises
    :class:`~nasir.core.errors.NasirError` for what cannot be scored as it is given.
    """
    return plan(words, settings).ranked()


def plan(words: Sequence[str], settings: Settings) -> Scoring:
    """What words and settings ask for; wrong ones are refused before any work."""
    own, shared = _parted(_given(words, settings))
    planned = _experiment(shared)
    problem = attrs.evolve(planned.problem, split="test")
    names: list[str] = own.get("architecture", [])
    pool: int = own.get("pool", 0)
    if not names and not pool:
        raise SettingsError(
            "say what to score: architecture=NAME, an architecture.json or a run's folder, or "
            "several with commas; or pool=N random ones of the space"
        )
    found = {name: find_architecture(name, problem.space) for name in names}
    drawn = {one.id: (one, problem.space) for one in _distinct(problem, pool)}
    _check_used(shared, pool, any(space is problem.space for _, space in found.values()))
    candidates = {
        name: (architecture, attrs.evolve(problem, space=space))
        for name, (architecture, space) in (found | drawn).items()
    }
    for _, its in candidates.values():
        its.check()
    proxies = own.get("proxies", planned.resolved["evaluator"]["proxies"])
    return Scoring(candidates, list(dict.fromkeys(proxies)), planned.settings.threads)


def _given(words: Sequence[str], settings: Settings) -> list[Override]:
    files = [text for text in words if "=" not in text]
    spelt = [text for text in words if "=" in text]
    read = [word for word in read_overrides(files, {}) if word.path[0] in OF_SEARCHES]
    return [*read, *read_overrides(spelt, settings)]


def _parted(words: Sequence[Override]) -> tuple[Settings, list[Override]]:
    """What only scoring has, such as the size of the pool; and what a search has, too."""
    own: Settings = {}
    shared = [Override(("evaluator",), PROXY)]
    for word in words:
        key, *field = word.path
        if key not in KEYS:
            raise unknown_name("setting", key, KEYS)
        if key in ("architecture", "pool", *SHORT) and field:
            raise SettingsError(f"{word.key}: {key!r} has no fields; set {key}=VALUE")
        if key == "architecture":
            own[key] = _names(word)
        elif key == "pool":
            own[key] = _count(word)
        elif key == "proxies":
            own[key] = _names(word)
            shared.append(Override(SHORT[key], bare_names(own[key])))
        elif word.path == ("evaluator",) and word.value != PROXY:
            raise SettingsError(
                "architectures are scored by proxies: leave evaluator out, or set proxies=NAMES"
            )
        elif key == "images":
            shared.append(Override(SHORT[key], _names(word)))
        else:
            shared.append(attrs.evolve(word, path=SHORT.get(key, word.path)))
    return own, shared


def _names(word: Override) -> list[str]:
    value = word.value.values if isinstance(word.value, Alternatives) else word.value
    several = list(value) if isinstance(value, list | tuple) else [value]
    if not several or not all(isinstance(one, str | os.PathLike) for one in several):
        raise SettingsError(f"{word.key} wants names, got {value!r}")
    return list(dict.fromkeys(map(os.fspath, several)))


def _count(word: Override) -> int:
    if type(word.value) is not int or word.value < 1:
        raise SettingsError(f"pool wants how many architectures to draw, >= 1: {word.value!r}")
    return word.value


def _experiment(words: list[Override]) -> Experiment:
    """The parts of a search with these words, on all pictures where nothing else is said."""
    combinations = expand(words, is_list)
    if len(combinations) > 1:
        first = merge(combinations[0], {})
        several = (word for word in words if isinstance(word.value, Alternatives))
        swept = next(word for word in several if not is_list(word, first))
        raise SettingsError(f"{swept.key} wants one value here: only architectures are several")
    tree = merge(combinations[0], {})
    name = tree.get("task", {}).get("name", DEFAULTS["task"]["name"])
    if "search" in {field.name for field in settings_of(registries["task"].load(name))}:
        tree["task"] = {"search": 0} | tree.get("task", {})
    return experiment(tree)


def _distinct(problem: Problem, wanted: int) -> list[Architecture]:
    """So many different architectures, drawn uniformly."""
    import numpy as np

    domain, rng = problem.domain, np.random.default_rng(derived_seed(problem.seed, "score", "pool"))
    if domain.size <= 2 * wanted:
        every = list(domain)
        if len(every) < wanted:
            raise _too_many(wanted, len(every))
        return [every[place] for place in rng.permutation(len(every))[:wanted]]
    pool: dict[str, Architecture] = {}
    draws = 0
    while len(pool) < wanted:
        architecture = domain.sample(rng)
        draws = 0 if pool.setdefault(architecture.id, architecture) is architecture else draws + 1
        if draws == DRAWS:
            raise _too_many(wanted, len(pool))
    return list(pool.values())


def _too_many(wanted: int, there: int) -> SettingsError:
    return SettingsError(f"pool={wanted}: found {there} different architectures: take fewer")


def _check_used(words: Sequence[Override], pool: int, named: bool) -> None:
    """Refuse settings that nothing would look at."""
    for word in words:
        if word.path[0] == "limit" and not pool:
            raise SettingsError("limit is of no use without pool=N")
        if word.path[0] == "space" and not pool and not named:
            raise SettingsError(
                f"{word.key} is of no use here: an architecture.json or a run's folder has its own "
                "space"
            )
