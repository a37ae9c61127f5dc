"""What runs come to side by side: a row a run, and a row for all seeds of the same settings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nasir.cli.bench_tables import p_value
from nasir.cli.tables import compared, differing, flat, print_comparison, score, spelt, table
from nasir.core.objectives import Objective

if TYPE_CHECKING:
    from nasir.apps.compare.groups import Group
    from nasir.apps.compare.plots import Curves, Fronts
    from nasir.runs.run import Run


def print_runs(runs: Sequence[Run]) -> None:
    """Print the comparison of runs, and that of their groups where one has several seeds."""
    from nasir.apps.compare.groups import grouped, judged, objectives_of

    wanted = objectives_of(runs)
    print_comparison(runs)
    read = judged(runs)
    groups = grouped(read)
    if len(wanted) == 2 and len(groups) == len(runs):
        rows = [[one.run.folder.name, _value(one.value, wanted)] for one in read]
        print(f"\n{table(['run', 'hypervolume'], rows, right=(1,))}")
    if len(groups) < len(runs):
        print(f"\n{group_table(groups, wanted)}")
    if len(wanted) == 2:
        print("\nhypervolume: of the Pareto front, as a share of the box around all these trials")
    if any(group.rank is not None for group in groups):
        what = "hypervolume" if len(wanted) == 2 else "best score"
        print(
            f"\nrank: the mean over the seeds that all have, by {what}; p-value: against the best"
        )
        print("rank (Wilcoxon signed-rank, two-sided, Holm-corrected)")


def group_table(groups: Sequence[Group], wanted: Sequence[Objective]) -> str:
    """A row for each group: what sets it apart, its mean +- standard deviation, its rank."""
    trees = [flat(group.settings) for group in groups]
    keys = differing(trees) or ["strategy"]
    ranked = any(group.rank is not None for group in groups)
    figure = "hypervolume" if len(wanted) == 2 else "best"
    header = [*keys, "runs", figure, *(["rank", "p-value"] if ranked else [])]
    rows = []
    for group, tree in zip(groups, trees, strict=True):
        mean, deviation = _value(group.mean, wanted), _value(group.deviation, wanted)
        row = [*(spelt(tree.get(key)) for key in keys), str(len(group.runs))]
        row.append(mean if group.deviation is None else f"{mean} +- {deviation}")
        if ranked:
            row += [f"{group.rank:.2f}" if group.rank else "", p_value(group.p_value)]
        rows.append(row)
    return table(header, rows, right=range(len(keys), len(header)))


def mappings(runs: Sequence[Run]) -> list[dict[str, Any]]:
    """Each run's summary and settings, with what its group came to where that has several runs."""
    from nasir.apps.compare.groups import grouped, judged

    read = judged(runs)
    groups = grouped(read)
    group_of = {id(one): group for group in groups for one in group.runs}
    several = len(groups) < len(runs)
    contents = []
    for one in read:
        content = compared(one.run)
        if one.front:
            content["hypervolume"] = one.value
        contents.append(content | ({"group": group_of[id(one)].mapping} if several else {}))
    return contents


def draw_runs(file: Path, runs: Sequence[Run]) -> None:
    """Draw best-so-far curves of the groups and, of two objectives, their Pareto fronts."""
    from nasir.apps.compare import plots

    plots.check(file)
    plots.draw(file, panels_of(runs))


def panels_of(runs: Sequence[Run]) -> list[Curves | Fronts]:
    """What is drawn: the curves of the groups, and the fronts where there are two objectives."""
    from nasir.apps.compare.groups import grouped, judged, objectives_of

    wanted = objectives_of(runs)
    groups = grouped(judged(runs))
    trees = [flat(group.settings) for group in groups]
    keys = differing(trees) or ["strategy"]
    names = [" ".join(_word(key, tree) for key in keys) for tree in trees]
    named = dict(zip(names, groups, strict=True))
    curves = _curves(named, wanted)
    return [curves, _fronts(named, wanted)] if len(wanted) == 2 else [curves]


def _curves(groups: Mapping[str, Group], wanted: Sequence[Objective]) -> Curves:
    from nasir.apps.bench.effort import found, spent
    from nasir.apps.compare.curves import best_so_far, mean_curve, points_up_to
    from nasir.apps.compare.plots import Curves

    curves = {}
    for name, group in groups.items():
        points = points_up_to(min(spent(one.trials) for one in group.runs))
        each = [best_so_far(found(one.trials), points) for one in group.runs]
        curves[name] = mean_curve(each, points)
    of = f"best {wanted[0]} so far" if wanted else "best score so far"
    return Curves("mean over seeds" if any(c.runs > 1 for c in curves.values()) else "", curves, of)


def _fronts(groups: Mapping[str, Group], wanted: Sequence[Objective]) -> Fronts:
    from nasir.apps.compare.plots import Fronts

    signs = [objective.sign for objective in wanted]
    fronts = {
        name: [(signs[0] * first, signs[1] * second) for first, second in group.front]
        for name, group in groups.items()
    }
    return Fronts("Pareto fronts", (wanted[0].metric, wanted[1].metric), fronts)


def _word(key: str, tree: Mapping[str, Any]) -> str:
    return spelt(tree.get(key)) if key == "strategy" else f"{key}={spelt(tree.get(key))}"


def _value(value: float | None, wanted: Sequence[Objective]) -> str:
    if value is None:
        return "none"
    return f"{value:.3f}" if len(wanted) == 2 else score(value)
