"""Makes a paper's table again: runs its recipes, and puts the results beside the paper's."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs

from nasir.apps.formatting import as_typed
from nasir.apps.paper.papers import Row, Value
from nasir.apps.paper.small import small_words
from nasir.core.errors import SettingsError
from nasir.runs.folder import is_folder
from nasir.runs.run import Run
from nasir.settings.building import make
from nasir.settings.overrides import is_override
from nasir.settings.recipes import overrides_in

if TYPE_CHECKING:
    from nasir.apps.evaluate.evaluate import Benchmark
    from nasir.settings.experiment import Experiment


@attrs.frozen
class Step:
    """One recipe of a row with all its words; `verb` is the command that does the same."""

    recipe: str
    verb: str
    words: tuple[str, ...]

    @property
    def command(self) -> str:
        return " ".join(("nasir", self.verb, self.recipe, *self.words))


@attrs.frozen
class Made:
    """A row of a result: `name` is an architecture, method or proxy; `settings` are the run's."""

    recipe: str
    name: str
    metrics: Mapping[str, float]
    settings: Mapping[str, Any]
    error: str | None = None


@attrs.frozen
class Line:
    """A result beside the paper's; either may be missing."""

    recipe: str
    name: str
    where: str
    ours: Mapping[str, float]
    theirs: Mapping[str, float | str]


def steps(row: Row, words: Sequence[str], small: bool) -> list[Step]:
    """What is to be run, in order; refuses a row that nothing here makes.

    At the paper's size a recipe runs once for each setting that the paper has figures for, unless
    `words` set it; made small, once.
    """
    if not row.makes:
        why = f": {row.reason}" if row.made == "not" else ""
        other = f"; see: {row.command}" if row.command else ""
        raise SettingsError(f"{row.label} is made by no command of its own{why}{other}")
    for word in words:
        if not is_override(word):
            raise SettingsError(f"{word!r} is neither key=value nor the folder of a run")
    found = []
    for recipe in row.recipes:
        cut = small_words([recipe]) if small else []
        for where in [] if small else _wheres(row.values, recipe, words):
            found.append(_step(row, recipe, [*cut, *row.words, *where, *words]))
        if small:
            found.append(_step(row, recipe, [*cut, *row.words, *words]))
    return found


def _step(row: Row, recipe: str, words: Sequence[str]) -> Step:
    if row.makes != "evaluate":
        return Step(recipe, "run", tuple(words))
    return Step(recipe, "evaluate", tuple(w for w in words if not w.startswith(OF_SEARCHES)))


OF_SEARCHES = ("trials=", "limit=", "strategy.", "executor.")
"""Words of searches, which an evaluation does not take."""


def _wheres(values: Sequence[Value], recipe: str, words: Sequence[str]) -> list[list[str]]:
    keys = {word.partition("=")[0] for word in words}
    of = dict.fromkeys(one.where for one in values if one.recipe == recipe)
    chosen = [w for w in of if w is None or w.partition("=")[0] not in keys]
    return [[where] if where else [] for where in chosen] or [[]]


def experiments(step: Step) -> list[Experiment]:
    """The runs of a step, planned."""
    from nasir.apps.search import search as api

    return api.plan([step.recipe, *step.words], {})


def evaluated(step: Step, folder: Path | None = None) -> list[Made]:
    """The results of a step that is an evaluation, with its pictures in FOLDER/RECIPE."""
    from nasir.apps.evaluate.evaluate import plan
    from nasir.apps.evaluate.output import check_output

    planned = plan([step.recipe, *step.words], {})
    if folder is not None:
        folder = folder / step.recipe
        check_output(folder, overwrite=False)
    return _evaluated(step.recipe, planned, folder)


def _evaluated(recipe: str, planned: Benchmark, folder: Path | None = None) -> list[Made]:
    from nasir.apps.evaluate.output import save

    results = []
    for entry in planned.entries:
        results.append(entry.evaluate())
        if folder is not None:
            save(folder, results[-1])
    tree = planned.settings
    return [Made(recipe, one.name, one.metrics, tree, one.error) for one in results]


def _results(recipe: str, run: Run, small: bool) -> list[Made]:
    """The results of a run."""
    from nasir.runs.summary import results

    settings = run.settings
    found = results(run)
    return [Made(recipe, r["name"], r["metrics"] or {}, settings, r.get("error")) for r in found]


def _by_rules(recipe: str, run: Run, small: bool) -> list[Made]:
    """What a run found, and it changed by each rule, trained and tested alike."""
    from nasir.apps.evaluate.evaluate import plan

    settings, rules = run.settings, make("space", run.settings["space"]).rules
    chosen = {kind: settings[kind] for kind in ("task", "evaluator")}
    given = {"architecture": str(run.folder), "rules": list(rules), "seed": settings["seed"]}
    made = _evaluated(recipe, plan([], given | chosen))
    names = ["found", *rules]  # in place of the folder's
    return [attrs.evolve(one, name=name) for one, name in zip(made, names, strict=True)]


def _correlated(recipe: str, run: Run, small: bool, best_step: bool = False) -> list[Made]:
    """Kendall's tau of each proxy (ISNAS-DIP, table 1)."""
    from nasir.apps.correlate import correlations

    found = correlations(run, PROXIES, 2 if small else INITIALISATIONS, True, best_step)
    settings = run.settings
    return [
        Made(recipe, one.predictor, {"tau": one.tau} if one.tau is not None else {}, settings)
        for one in found
        if one.picture is None
    ]


PROXIES = ("psd_db_mse", "psd_db_strip_mse", "psd_strip_hist_emd", "bandwidth_99")
INITIALISATIONS = 100

AFTER: Mapping[str, Callable[[str, Run, bool], list[Made]]] = {
    "run": _results,
    "rules": _by_rules,
    "correlate": _correlated,
    "best-step": partial(_correlated, best_step=True),
}
"""What is made of each run of a row, by its ``makes``; less of it, if small."""


def recipe_of(row: Row, run: Run) -> str:
    """The recipe of a row that a run is of: the one with most of its settings."""

    def alike(recipe: str) -> int:
        of = overrides_in(recipe)
        tree = run.settings
        return sum(
            tree.get(one.path[0], {}).get(one.path[1]) == one.value for one in of if one.path[1:]
        )

    return max(row.recipes, key=alike)


def runs_among(words: Sequence[str]) -> tuple[list[Run], list[str]]:
    """The runs that words name by their folders, and the other words."""
    folders = [word for word in words if not is_override(word) and is_folder(Path(word))]
    return [Run(folder) for folder in folders], [word for word in words if word not in folders]


def beside(row: Row, results: Sequence[Made]) -> list[Line]:
    """Each result beside the paper's figures for it, then those that were not made."""
    lines, used = [], set()
    for one in results:
        theirs = [value for value in row.values if _is_of(value, one)]
        used |= {id(value) for value in theirs}
        if not theirs:
            lines.append(Line(one.recipe, one.name, "", one.metrics, {}))
        lines += [_line(value, one.metrics) for value in theirs]
    recipes = {one.recipe for one in results}
    lines += [_line(v, {}) for v in row.values if id(v) not in used and v.recipe in recipes]
    return lines


def _line(value: Value, ours: Mapping[str, float]) -> Line:
    where = ", ".join(filter(None, (value.where, value.on)))
    return Line(value.recipe, value.row, where, ours, value.metrics)


def _is_of(value: Value, made: Made) -> bool:
    """Whether a value of the paper is of this result."""
    own = made.name.rpartition(", ")[2]  # "FOLDER, R1"
    if value.recipe != made.recipe or value.row not in (made.name, own):
        return False
    if value.where is None:
        return True
    key, _, wanted = value.where.partition("=")
    kind, _, field = key.partition(".")
    found = _setting(made.settings.get(kind, {}), field)
    return found is not None and as_typed(found) == wanted


def _setting(component: Mapping[str, Any], field: str) -> Any:
    """A setting of a component, or of one in it: ``sigma`` of its noise; None if there is none."""
    if field in component:
        return component[field]
    inner = (value for value in component.values() if isinstance(value, Mapping))
    return next((one[field] for one in inner if field in one), None)
