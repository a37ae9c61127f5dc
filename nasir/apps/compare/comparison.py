"""Runs side by side: their groups, what sets these apart, and their curves and fronts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import attrs

from nasir.apps.bench.effort import full_evaluations, is_full, spent
from nasir.apps.compare import plots
from nasir.apps.compare.curves import best_so_far, mean_curve, points_up_to
from nasir.apps.compare.groups import ComparedRun, Group, group_runs, objectives_of, read_runs
from nasir.apps.compare.plots import Curves, Fronts
from nasir.apps.formatting import as_typed, differing, flat, score, score_axis
from nasir.core.objectives import Objective
from nasir.runs.run import Run
from nasir.runs.summary import summary


@attrs.frozen(eq=False, slots=False)
class Comparison:
    """Runs with the groups that they form; each group has the runs of one method on one problem.

    Raises :class:`~nasir.core.errors.NasirError` for runs of different objectives.
    """

    folders: Sequence[Run]

    @cached_property
    def objectives(self) -> tuple[Objective, ...]:
        return objectives_of(self.folders)

    @cached_property
    def runs(self) -> list[ComparedRun]:
        return read_runs(self.folders)

    @cached_property
    def groups(self) -> list[Group]:
        return group_runs(self.runs)

    @property
    def by_front(self) -> bool:
        """Whether runs are compared by the hypervolume of their fronts: of two objectives."""
        return len(self.objectives) == 2

    @property
    def measure(self) -> str:
        """What runs are compared by."""
        return "hypervolume" if self.by_front else "best score"

    @property
    def ranked(self) -> bool:
        return any(group.rank is not None for group in self.groups)

    @property
    def several_seeds(self) -> bool:
        """Whether a group has more than one run."""
        return len(self.groups) < len(self.runs)

    @cached_property
    def group_settings(self) -> list[dict[str, Any]]:
        """The settings of each group by the words that set them."""
        return [flat(group.settings) for group in self.groups]

    @cached_property
    def keys(self) -> list[str]:
        """The settings in which groups differ."""
        return differing(self.group_settings) or ["strategy"]

    @property
    def names(self) -> list[str]:
        """Each group by the settings that set it apart; where none do, by its folder, too."""
        words = [" ".join(_word(key, tree) for key in self.keys) for tree in self.group_settings]
        folders = [group.runs[0].run.folder for group in self.groups]
        return [
            name if words.count(name) == 1 else f"{name} ({folder})"
            for name, folder in zip(words, folders, strict=True)
        ]

    def figure(self, value: float | None, none: str = "") -> str:
        """A value of the measure."""
        if value is None:
            return none
        return f"{value:.3f}" if self.by_front else score(value)

    def deviation(self, group: Group) -> str:
        """The standard deviation of a group with as many decimals as its mean; empty if none."""
        mean, value = self.figure(group.mean), group.deviation
        if value is None:
            return ""
        decimals = len(mean.partition(".")[2])
        return f"{value:.{decimals}f}" if mean[-1].isdigit() and decimals else self.figure(value)

    @property
    def panels(self) -> list[Curves | Fronts]:
        """The curves of the groups, and their fronts where there are two objectives."""
        return [self._curves, self._fronts] if self.by_front else [self._curves]

    @property
    def mappings(self) -> list[dict[str, Any]]:
        """Each run's summary and settings as JSON values, with its group if one has several."""
        group_of = {id(one): group for group in self.groups for one in group.runs}
        contents = []
        for one in self.runs:
            content = summary_with_settings(one.run)
            if one.front:
                content["hypervolume"] = one.value
            if self.several_seeds:
                content["group"] = group_of[id(one)].mapping
            contents.append(content)
        return contents

    def draw(self, file: Path) -> None:
        """Draw curves and fronts into a picture file."""
        plots.check(file)
        plots.draw(file, self.panels)

    @property
    def _curves(self) -> Curves:
        curves = {}
        for name, group in zip(self.names, self.groups, strict=True):
            points = points_up_to(min(spent(one.trials) for one in group.runs))
            each = [best_so_far(full_evaluations(one.trials), points) for one in group.runs]
            curves[name] = mean_curve(each, points)
        of = score_axis(t for one in self.runs for t in one.trials if is_full(t))
        several = any(curve.runs > 1 for curve in curves.values())
        return Curves("mean over seeds" if several else "", curves, f"best {of} so far")

    @property
    def _fronts(self) -> Fronts:
        first, second = self.objectives
        fronts = {
            name: [(first.sign * a, second.sign * b) for a, b in group.front]
            for name, group in zip(self.names, self.groups, strict=True)
        }
        return Fronts("Pareto fronts", (first.metric, second.metric), fronts)


def summary_with_settings(run: Run) -> dict[str, Any]:
    """The summary of a run with its name and settings."""
    return {"run": run.folder.name} | summary(run) | {"settings": run.settings}


def _word(key: str, tree: Mapping[str, Any]) -> str:
    value = as_typed(tree.get(key))
    return value if key == "strategy" else f"{key}={value}"
