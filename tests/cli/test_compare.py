"""``nasir compare``: runs of several seeds, ranks, fronts and pictures."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from nasir.cli.main import main
from nasir.core.architecture import Architecture
from nasir.core.trial import Proposal, Trial
from nasir.runs.run import Run, create, writing

OBJECTIVE = ["psnr", "-parameters"]

Make = Callable[..., Run]


def trial(number: int, psnr: float, parameters: float = 100) -> Trial:
    return Trial(
        number,
        Proposal(Architecture("s", {"size": number})),
        seed=number,
        state="complete",
        score=psnr,
        metrics={"psnr": psnr, "parameters": parameters},
        seconds=1.0,
    )


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """Makes a run's folder whose trials came to these PSNRs (and parameters)."""

    def made(strategy: str, seed: int, *points: float | tuple[float, float], **settings) -> Run:
        parts = {kind: {"name": "x"} for kind in ("space", "task", "evaluator")}
        tree = {**parts, "strategy": {"name": strategy}, "seed": seed, **settings}
        number = len(list((tmp_path / "runs").glob("*")))
        run = create(tmp_path / "runs" / f"{strategy}-{seed}-{number}", tree, {})
        with writing(run) as store, store.transaction():
            for n, point in enumerate(points):
                store.save_trial(trial(n, *(point if isinstance(point, tuple) else (point,))))
            store.save_progress(state="finished", seconds=1.0)
        return run

    return made


def folders(runs: Sequence[Run]) -> list[str]:
    return [str(run.folder) for run in runs]


@pytest.fixture
def seeds(make: Make) -> list[Run]:
    """Two strategies with six seeds each, of which `good` is always better by another amount."""
    good = [make("good", seed, 20, 25 + seed) for seed in range(6)]
    bad = [make("bad", seed, 20 + 0.9 * seed, 10) for seed in range(6)]
    return [*good, *bad]


def test_seeds_of_the_same_settings_form_a_group(seeds, capsys):
    assert main(["compare", *folders(seeds)]) == 0
    out = capsys.readouterr().out
    table = out.split("\n\n")[-2].splitlines()
    assert table[0].split() == ["strategy", "runs", "best", "rank", "p-value"]
    # 27.5 and 22.25; the standard deviation of 0..5 is 1.8708
    assert table[1].split() == ["good", "6", "27.50", "+-", "1.87", "1.00"]
    assert table[2].split() == ["bad", "6", "22.25", "+-", "1.68", "2.00", "0.031"]
    assert "Wilcoxon" in out


def test_the_figures_of_a_group_are_in_the_json_of_its_runs(seeds, capsys):
    assert main(["compare", *folders(seeds), "--json"]) == 0
    content = json.loads(capsys.readouterr().out)
    assert len(content) == 12
    group = content[7]["group"]
    assert group["seeds"] == [0, 1, 2, 3, 4, 5]
    assert group["p_value"] == pytest.approx(2 / 64)
    assert content[0]["group"]["p_value"] is None
    assert content[0]["group"]["mean"] == 27.5


def test_without_common_seeds_there_are_means_but_no_ranks(make, capsys):
    runs = [make("a", 0, 1), make("a", 1, 2), make("b", 2, 3), make("b", 3, 4)]
    assert main(["compare", *folders(runs)]) == 0
    table = capsys.readouterr().out.split("\n\n")[-1].splitlines()
    assert table[0].split() == ["strategy", "runs", "best"]


def test_methods_are_ranked_within_each_task(make, capsys):
    """A task that gives greater scores says nothing about the strategy."""
    runs = [
        make(strategy, seed, score + seed, task={"name": task})
        for task, scores in (("easy", (40, 41)), ("hard", (20, 21)))
        for strategy, score in zip(("a", "b"), scores, strict=True)
        for seed in (0, 1)
    ]
    assert main(["compare", *folders(runs), "--json"]) == 0
    ranks = {
        (one["settings"]["strategy"]["name"], one["group"]["rank"])
        for one in json.loads(capsys.readouterr().out)
    }
    assert ranks == {("a", 2.0), ("b", 1.0)}


def test_runs_without_a_result_have_no_figure(make, capsys):
    assert main(["compare", *folders([make("a", 0), make("a", 1)])]) == 0
    assert capsys.readouterr().out.splitlines()[-1].split() == ["a", "2", "none"]


def test_two_objectives_are_compared_by_hypervolume(make, capsys):
    """In the box of psnr 10..30 and parameters 100..300, by hand."""
    one = make("a", 0, (30, 300), (10, 100), objective=OBJECTIVE)  # corners alone
    two = make("b", 0, (20, 200), (30, 300), objective=OBJECTIVE)  # a quarter
    three = make("c", 0, (30, 200), (20, 100), objective=OBJECTIVE)  # 3 quarters
    assert main(["compare", *folders([one, two, three]), "--json"]) == 0
    content = json.loads(capsys.readouterr().out)
    assert [run["hypervolume"] for run in content] == [0, 0.25, 0.75]
    assert main(["compare", *folders([one, two, three])]) == 0
    out = capsys.readouterr().out
    assert "b-0-1        0.250" in out
    assert "box around all these trials" in out


def test_show_prints_the_pareto_front(make, capsys):
    points = [(20, 100), (25, 300), (19, 200), (25, 250), (22, 150)]
    run = make("a", 0, *points, objective=OBJECTIVE)
    assert main(["show", str(run.folder)]) == 0
    out = capsys.readouterr().out
    front = out[out.index("Pareto front of psnr, -parameters") :].split("\n\n")[0]
    rows = [line.split() for line in front.splitlines() if "complete" in line]
    assert [row[0] for row in rows] == ["3", "4", "0"]
    assert main(["show", str(run.folder), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["pareto_front"] == [3, 4, 0]


def test_one_objective_has_no_front(make, capsys):
    run = make("a", 0, 1, 2, objective=["psnr"])
    assert main(["show", str(run.folder)]) == 0
    assert "Pareto" not in capsys.readouterr().out


@pytest.mark.parametrize("ending", ["png", "svg"])
def test_curves_are_drawn(seeds, ending: str, capsys):
    pytest.importorskip("matplotlib")
    assert main(["compare", *folders(seeds), "--plot", f"curves.{ending}"]) == 0
    begin = {"png": b"\x89PNG", "svg": b"<?xml"}[ending]
    assert Path(f"curves.{ending}").read_bytes().startswith(begin)


def test_fronts_are_drawn_beside_the_curves(make):
    pytest.importorskip("matplotlib")
    from nasir.apps.compare.comparison import Comparison

    runs = [
        make("a", 0, (30, 300), (10, 100), objective=OBJECTIVE),
        make("a", 1, (20, 100), objective=OBJECTIVE),
        make("b", 0, (20, 200), objective=OBJECTIVE),
    ]
    curves, fronts = Comparison(runs).panels
    assert set(curves.curves) == {"a", "b"}
    assert curves.curves["a"].mean.tolist() == [25.0]
    assert fronts.objectives == ("psnr", "parameters")
    assert fronts.fronts == {"a": [(30, 300), (20, 100)], "b": [(20, 200)]}
    assert main(["compare", *folders(runs), "--plot", "fronts.png"]) == 0
    assert Path("fronts.png").exists()
    assert labels(curves) == ("full evaluations", "best PSNR (dB) so far")
    assert labels(fronts) == ("PSNR (dB)", "parameters")


def labels(panel) -> tuple[str, str]:
    """What matplotlib writes at the axes of a panel."""
    from matplotlib.figure import Figure

    axes = Figure().subplots()
    panel.draw(axes)
    return axes.get_xlabel(), axes.get_ylabel()


def refused(capsys, *argv: str) -> str:
    assert main(list(argv)) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.count("\n") == 1
    return said.err


def test_runs_of_different_objectives_are_refused(make, capsys):
    runs = [make("a", 0, 1), make("a", 1, (2, 3), objective=OBJECTIVE)]
    printed = refused(capsys, "compare", *folders(runs))
    assert "different objectives: the score" in printed
    assert "psnr,-parameters" in printed


def test_without_matplotlib_drawing_is_refused(seeds, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    printed = refused(capsys, "compare", *folders(seeds), "--plot", "curves.png")
    assert printed == "nasir: drawing needs matplotlib: pip install nasir[plots]\n"


@pytest.mark.parametrize(
    ("file", "printed"),
    [("curves.docx", "ends in .png, .svg, .pdf"), ("missing/curves.png", "no folder missing")],
)
def test_a_bad_plot_file_is_refused(seeds, capsys, file: str, printed: str):
    assert printed in refused(capsys, "compare", *folders(seeds), "--plot", file)


def cells_of(out: str) -> list[list[str]]:
    """The head and the rows of a LaTeX table."""
    return [line.removesuffix(r" \\").split(" & ") for line in out.splitlines() if " & " in line]


def test_a_table_for_latex_has_a_row_for_each_group(seeds, capsys):
    assert main(["compare", *folders(seeds), "--latex"]) == 0
    assert cells_of(capsys.readouterr().out) == [
        ["Strategy", "Runs", "Best", "Rank", "P-value"],
        ["good", "6", r"\textbf{27.50} $\pm$ 1.87", r"\textbf{1.00}", ""],
        ["bad", "6", r"22.25 $\pm$ 1.68", "2.00", "0.031"],
    ]


def test_a_table_for_latex_has_a_row_for_each_run_of_one_seed(make, capsys):
    assert main(["compare", *folders([make("a_b", 0, 20), make("c", 0, 21)]), "--latex"]) == 0
    head, *rows = cells_of(capsys.readouterr().out)
    assert head == ["Run", "Strategy", "Trials", "Best", "Seconds"]
    assert rows[0] == [r"a\_b-0-0", r"a\_b", "1", "20.00", "1.0"]
    assert rows[1][3] == r"\textbf{21.00}"


def test_files_that_are_written_are_named(seeds, capsys, tmp_path):
    page = str(tmp_path / "c.html")
    assert main(["compare", *folders(seeds), "--html", page]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == f"written  {page}"
