"""``nasir.score``: architectures ranked by proxies, before any is trained."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs
from attrs import validators as must

from nasir.apps.progress.displays import shown_in_notebook
from nasir.apps.ranking import RankedArchitecture, ranked
from nasir.core.architecture import Architecture
from nasir.core.component import setting
from nasir.core.errors import RunFolderError, SettingsError
from nasir.core.evaluator import Problem
from nasir.core.limits import limits
from nasir.core.progress import report
from nasir.core.seeds import derived_seed
from nasir.core.trial import FULL, Proposal
from nasir.engine.borrowed import borrowed, use_threads
from nasir.engine.evaluation import describe
from nasir.runs.architecture_file import find_architecture
from nasir.settings.components import Choice, about_pictures, make_components
from nasir.settings.machine import few_threads, usable_cores
from nasir.settings.overrides import Settings, with_fields
from nasir.settings.reader import Request, VerbSettings, given, read_one
from nasir.strategies.ranking import bare_names

if TYPE_CHECKING:
    from nasir.core.evaluator import Evaluator
    from nasir.core.search_space import SearchSpace
    from nasir.core.task import Task

DRAWS = 1000
"""Draws of no new architecture, one after another, after which there is none."""


def _some(given: Sequence[str] | None) -> tuple[str, ...] | None:
    """Names, each once."""
    return None if given is None else tuple(dict.fromkeys(given))


@attrs.frozen
class ScoreSettings(VerbSettings):
    """The settings of ``nasir score`` that belong to no component."""

    use = "score"
    components = ("task", "space", "evaluator")
    from_files = ("task", "space", "seed", "threads")

    architecture: tuple[str, ...] = setting(
        (),
        "reference architectures (nasir describe space=NAME), files architecture.json, or folders "
        "of runs",
        converter=_some,
    )
    pool: int | None = setting(
        None, "how many random architectures of the space, >= 1", must.optional(must.ge(1))
    )
    proxies: tuple[str, ...] | None = setting(
        None, "what scores (nasir list proxies); -NAME ranks the other way round", converter=_some
    )
    images: tuple[str, ...] = setting((), "the degraded pictures: files, folders")
    limit: tuple[str, ...] | None = setting(None, "bounds on the pool, such as parameters<1e6")
    seed: int = setting(0, "what the networks and the pool are drawn from, >= 0", must.ge(0))
    threads: int = setting(0, "threads; 0: as many as there are cores", few_threads)


@attrs.frozen(eq=False)
class Scoring:
    """Architectures to score, each with its problem, and the proxies that score them."""

    candidates: Mapping[str, tuple[Architecture, Problem]]
    proxies: Sequence[str]
    threads: int

    def ranked(self) -> list[RankedArchitecture]:
        """All architectures, the best mean rank first; those that cannot be scored at the end.

        All get the same random numbers. Progress is reported by
        :func:`~nasir.core.progress.report`.
        """
        scored = []
        with borrowed("scoring"):
            use_threads(self.threads)
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


@shown_in_notebook("architectures")
def score(
    *words: str,
    architecture: str | Path | Sequence[str | Path] | None = None,
    pool: int | None = None,
    proxies: str | Sequence[str] | None = None,
    images: str | Path | Sequence[str | Path] | None = None,
    space: Choice[SearchSpace] | None = None,
    task: Choice[Task] | None = None,
    evaluator: Choice[Evaluator] | None = None,
    limit: str | Sequence[str] | None = None,
    seed: int | None = None,
    threads: int | None = None,
    **more: Any,
) -> list[RankedArchitecture]:
    """Rank architectures by proxies: ``score(pool=20, proxies=["synflow", "naswot"])``.

    Components, `words` and `more` are as for a search; ``nasir describe score`` explains the
    others. Raises :class:`~nasir.core.errors.NasirError` for what cannot be scored as it is given.
    """
    return plan(words, given(locals())).ranked()


def plan(words: Sequence[str], settings: Settings) -> Scoring:
    """What words and settings ask for; wrong ones are refused before any work."""
    asked = read_one(ScoreSettings, words, settings)
    own, problem = asked.own, _problem(asked)
    if not own.architecture and own.pool is None:
        raise SettingsError(
            "say what to score: architecture=NAME, an architecture.json or a run's folder, or "
            "several with commas; or pool=N random ones of the space"
        )
    found = {name: find_architecture(name, problem.space) for name in own.architecture}
    drawn = {one.id: (one, problem.space) for one in _distinct(problem, own.pool or 0)}
    _check_used(asked, any(space is problem.space for _, space in found.values()))
    candidates = {
        name: (architecture, attrs.evolve(problem, space=space))
        for name, (architecture, space) in (found | drawn).items()
    }
    for _, its in candidates.values():
        its.check()
    evaluator: Any = problem.evaluator(FULL)
    return Scoring(candidates, own.proxies or evaluator.proxies, own.threads or usable_cores())


def _problem(asked: Request[ScoreSettings]) -> Problem:
    """The space, the task and the evaluator that scores; all pictures where nothing is said."""
    own, chosen = asked.own, asked.components
    if own.proxies is not None:
        chosen = with_fields(chosen, "evaluator", {"proxies": bare_names(own.proxies)})
    chosen = about_pictures(chosen, own.use, own.images)
    made = make_components(ScoreSettings.components, chosen, ScoreSettings.use)
    if not hasattr(made["evaluator"], "proxies"):
        raise SettingsError(
            "architectures are scored by proxies: leave evaluator out, or set proxies=NAMES"
        )
    return Problem(
        made["space"],
        made["task"],
        {FULL: made["evaluator"]},
        seed=own.seed,
        split="test",
        limits=limits(own.limit or ()),
    )


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


def _check_used(asked: Request[ScoreSettings], in_space: bool) -> None:
    """Refuse settings that would be ignored; `in_space`: an architecture is of the chosen space."""
    own = asked.own
    if own.limit is not None and own.pool is None:
        raise SettingsError("limit is a bound on the pool: add pool=N, or leave it out")
    if "space" in asked.components and own.pool is None and not in_space:
        raise SettingsError(
            "space cannot be set here: an architecture.json or a run's folder has its own space"
        )


def check_writable(file: Path) -> None:
    try:
        file.open("a").close()
    except OSError as error:
        raise RunFolderError(f"cannot write {file}: {error.strerror}") from None


def write_csv(file: Path, scored: Sequence[RankedArchitecture], proxies: Sequence[str]) -> None:
    """Write a row for each architecture, with its choices as JSON."""
    ranks = [f"{proxy}_rank" for proxy in proxies]
    names = bare_names(proxies)
    header = ["architecture", "architecture_id", *names, *ranks, "mean_rank", "error", "choices"]
    with file.open("w", encoding="utf-8", newline="") as opened:
        writer = csv.writer(opened, lineterminator="\n")
        writer.writerow(header)
        for one in scored:
            values = [one.values.get(name, "") for name in names]
            places = [one.ranks.get(proxy, "") for proxy in proxies]
            mean = one.mean_rank if one.error is None else ""
            choices = json.dumps(dict(one.architecture.choices))
            row = [one.name, one.architecture.id, *values, *places, mean, one.error or "", choices]
            writer.writerow(row)
