"""What takes part in a bench."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import chain
from typing import Any

import attrs

from nasir.core.errors import SettingsError
from nasir.core.evaluator import Problem
from nasir.core.import_strings import import_string, is_importable
from nasir.core.trial import FULL
from nasir.settings.experiment import Experiment
from nasir.settings.overrides import Override, Settings

RUN_ALONE = ("seed", "trials", "seconds", "workers", "threads", "references", "folder", "name")
"""Settings of a run that say nothing of what a strategy finds."""


@attrs.frozen(eq=False)
class Entrant:
    """A strategy on a problem: their short names, and the settings of its searches."""

    problem: str
    strategy: str
    planned: Experiment

    def check_workers(self, workers: int) -> None:
        """Refuse a class of a component that searches in processes of their own cannot import."""
        parts = (self.planned.problem.space, self.planned.strategy, self.planned.problem.task)
        for part in (*parts, self.planned.problem.evaluator(FULL)):
            if workers > 1 and not is_importable(type(part)):
                raise SettingsError(
                    f"{import_string(type(part))} cannot be imported by other processes: move it "
                    "into a module, or set workers=1"
                )

    @property
    def settings(self) -> Settings:
        """All that decides what is found, besides the seed."""
        return {k: v for k, v in self.planned.resolved.items() if k not in (*RUN_ALONE, "executor")}


def entrants(
    combinations: Sequence[Sequence[Override]], planned: Sequence[Experiment]
) -> list[Entrant]:
    """What takes part, called by what sets it apart: the words that sweep.

    `combinations` are the words of each of `planned`. Refuses one that is there twice.
    """
    given = [{word.path: word.value for word in words} for words in combinations]
    values: dict[tuple[str, ...], set[str]] = {}
    for path, value in chain.from_iterable(one.items() for one in given):
        values.setdefault(path, set()).add(repr(value))
    varied = [path for path, different in values.items() if len(different) > 1]
    found: list[Entrant] = []
    for one, experiment in zip(given, planned, strict=True):
        its = [path for path in varied if path in one]
        fields = [path for path in its if path[0] == "strategy" and len(path) > 1]
        others = [path for path in its if path[0] != "strategy"]
        strategy = [experiment.names["strategy"], *(_spelt(path[1:], one[path]) for path in fields)]
        problem = [_spelt(path, one[path]) for path in others]
        entrant = Entrant(" ".join(problem), " ".join(strategy), experiment)
        if any((e.problem, e.strategy) == (entrant.problem, entrant.strategy) for e in found):
            raise SettingsError(f"strategy={entrant.strategy} is there twice: name each once")
        found.append(entrant)
    return found


def ranking_of(entrant: Entrant) -> list[tuple[float, str]] | None:
    """Every architecture's true score and id, the best first, where the evaluator knows them.

    It knows of no other objective than its score, and of no limits.
    """
    problem = entrant.planned.problem
    ranking: Callable[[Problem], list[tuple[float, str]]] | None
    ranking = getattr(problem.evaluator(FULL), "ranking", None)
    if ranking is None or problem.objectives or problem.limits:
        return None
    return ranking(problem)


def _spelt(path: Sequence[str], value: Any) -> str:
    return f"{'.'.join(path)}={value}"
