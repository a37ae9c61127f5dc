"""The entries of a bench: strategies on problems."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import chain
from typing import Any

import attrs

from nasir.core.errors import SettingsError
from nasir.core.evaluator import Problem
from nasir.core.import_strings import import_string, is_importable, loaded
from nasir.core.trial import FULL
from nasir.settings.experiment import Experiment
from nasir.settings.overrides import Override, Settings

RUN_ALONE = ("seed", "trials", "seconds", "workers", "threads", "references", "folder", "name")
"""Settings of a run that do not change what a strategy finds."""


@attrs.frozen(eq=False)
class BenchEntry:
    """A strategy on a problem: their short names, and the settings of its searches."""

    problem: str
    strategy: str
    planned: Experiment

    def check_classes(self, workers: int) -> None:
        """Refuse a component whose class cannot be imported where searches are made."""
        problem = self.planned.problem
        parts = (problem.space, problem.task, problem.evaluator(FULL), self.planned.strategy)
        for cls in map(type, parts):
            name = import_string(cls)
            if not (is_importable(cls) if workers > 1 else loaded(name) is cls):
                raise SettingsError(
                    f"{name} cannot be imported, and each search of a bench is made from its "
                    "settings: move the class into a module"
                )

    @property
    def settings(self) -> Settings:
        """All settings that decide what is found, without the seed."""
        return {k: v for k, v in self.planned.resolved.items() if k not in (*RUN_ALONE, "executor")}


def bench_entries(
    combinations: Sequence[Sequence[Override]], planned: Sequence[Experiment]
) -> list[BenchEntry]:
    """The entries, named by the words that sweep.

    `combinations` are the words of each of `planned`. Refuses the same entry twice.
    """
    given = [{word.path: word.value for word in words} for words in combinations]
    values: dict[tuple[str, ...], set[str]] = {}
    for path, value in chain.from_iterable(one.items() for one in given):
        values.setdefault(path, set()).add(repr(value))
    varied = [path for path, different in values.items() if len(different) > 1]
    found: list[BenchEntry] = []
    for one, experiment in zip(given, planned, strict=True):
        its = [path for path in varied if path in one]
        fields = [path for path in its if path[0] == "strategy" and len(path) > 1]
        others = [path for path in its if path[0] != "strategy"]
        strategy = [experiment.names["strategy"], *(_word(path[1:], one[path]) for path in fields)]
        problem = [_word(path, one[path]) for path in others]
        entry = BenchEntry(" ".join(problem), " ".join(strategy), experiment)
        if any((e.problem, e.strategy) == (entry.problem, entry.strategy) for e in found):
            raise SettingsError(f"strategy={entry.strategy} is named twice: name each once")
        found.append(entry)
    return found


def ranking_of(entry: BenchEntry) -> list[tuple[float, str]] | None:
    """Every architecture's true score and id, the best first, where the evaluator knows them.

    None with objectives or limits, which the evaluator does not know.
    """
    problem = entry.planned.problem
    ranking: Callable[[Problem], list[tuple[float, str]]] | None
    ranking = getattr(problem.evaluator(FULL), "ranking", None)
    if ranking is None or problem.objectives or problem.limits:
        return None
    return ranking(problem)


def _word(path: Sequence[str], value: Any) -> str:
    return f"{'.'.join(path)}={value}"
