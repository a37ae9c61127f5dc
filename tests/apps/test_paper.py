"""``nasir paper``: the papers' tables and figures, made again beside the papers' figures."""

from __future__ import annotations

import json
from pathlib import Path

import attrs
import numpy as np
import pytest
from PIL import Image

from nasir.apps.paper.figures import changed, overlap
from nasir.apps.paper.making import AFTER, Made, Step, beside, evaluated, recipe_of, steps
from nasir.apps.paper.papers import Paper, Row, find, papers
from nasir.apps.paper.small import MOST, small_words
from nasir.apps.search import search as api
from nasir.cli.main import main
from nasir.core.architecture import Architecture
from nasir.core.registry import registries
from nasir.core.trial import FULL, Proposal, Trial
from nasir.settings.building import make

DOCUMENT = (Path(__file__).parents[2] / "docs" / "papers.md").read_text()


def in_markdown(row: Row) -> str:
    """The row's line in docs/papers.md."""
    made = row.made + (row.reason and f": {row.reason}")
    return f"| {row.label} | {row.shows} | {row.command}{' ' * bool(row.command)}| {made} |"


@pytest.mark.parametrize("paper", papers().values(), ids=list(papers()))
def test_the_document_has_what_the_command_lists(paper: Paper) -> None:
    section = DOCUMENT.partition(f"\n## {paper.title}\n")[2].partition("\n## ")[0]
    lines = [line for line in section.splitlines() if line.startswith("| ")]
    assert lines[1:] == [in_markdown(row) for row in paper.rows]
    assert paper.note in " ".join(section.split())


def test_each_row_that_is_made_has_recipes_and_each_recipe_of_a_paper_is_in_a_row() -> None:
    rows = [row for paper in papers().values() for row in paper.rows]
    assert all(bool(row.makes) == bool(row.recipes) for row in rows)
    assert all(value.recipe in row.recipes for row in rows for value in row.values)
    in_rows = {recipe for row in rows for recipe in row.recipes}
    of_papers = {r for r in registries["recipe"] if r.startswith(tuple(f"{p}-" for p in papers()))}
    assert {r for r in of_papers - in_rows if "published-program" not in r} == set()


@pytest.mark.parametrize("recipe", registries["recipe"])
def test_any_recipe_is_small(recipe: str) -> None:
    words = small_words([recipe])
    (planned,) = api.plan([recipe, *words], {})
    assert planned.trials <= 12
    settings = planned.resolved
    for kind in ("space", "strategy", "task", "evaluator"):
        for name, most in MOST.items():
            value = settings[kind].get(name, 0)
            assert not isinstance(value, int) or value <= most


def test_a_table_runs_each_recipe_for_each_setting_that_the_paper_has() -> None:
    row = find("hinas-table4")
    assert [step.command for step in steps(row, ["task.images=BSDS500"], small=False)] == [
        f"nasir run hinas-table4-{loss}-denoise task.sigma={sigma} task.images=BSDS500"
        for loss in ("mse", "mse-ssim")
        for sigma in (30, 50, 70)
    ]
    assert len(steps(row, ["task.sigma=30"], small=False)) == 2
    assert [step.verb for step in steps(find("nasdip-table1b"), [], small=True)] == ["evaluate"] * 2


def test_results_stand_beside_the_figures_of_their_own_setting() -> None:
    row = find("hinas-table10")
    settings = {"task": {"name": "denoise", "noise": {"name": "gaussian", "sigma": 50.0}}}
    made = Made(row.recipes[0], "found", {"psnr": 20.0}, settings)
    lines = beside(row, [made])
    theirs = {"psnr": 26.81, "ssim": 0.7649, "parameters": "0.22-0.34 M"}
    assert attrs.asdict(lines[0])["theirs"] == theirs
    assert (lines[0].ours, lines[0].where) == ({"psnr": 20.0}, "task.sigma=50")
    assert [(line.where, line.ours) for line in lines[1:]] == [
        ("task.sigma=30", {}),
        ("task.sigma=70", {}),
    ]


class FakeRun:
    """A run on one picture whose trials have these PSNR."""

    def __init__(self, picture: str, psnr: list[float], space: str = "hinas") -> None:
        architectures = [Architecture("toy", {"kernel": n}) for n in range(len(psnr))]
        self.folder = Path("runs") / picture
        self.settings = {"task": {"name": "denoise"}, "space": {"name": space}, "seed": 0}
        self.trials = [
            Trial(
                number,
                Proposal(architecture, FULL),
                0,
                state="complete",
                metrics={"psnr": value},
                by_picture={picture: {"psnr": value}},
            )
            for number, (architecture, value) in enumerate(zip(architectures, psnr, strict=True))
        ]


def test_the_overlap_counts_the_architectures_among_both_best_ten() -> None:
    rising = [float(n) for n in range(30)]  # the best: 20..29
    other = [float((n + 6) % 30) for n in range(30)]  # the best: 14..23
    figure = overlap([FakeRun("lena", rising), FakeRun("boat", other)])  # type: ignore[list-item]
    assert figure.rows == [["denoise", "lena", "boat", "4", "10"]]
    (panel,) = figure.panels
    assert panel.shared == [[10, 4], [4, 10]]  # type: ignore[attr-defined]


def test_changed_cells_list_the_decisions_that_a_rule_changes() -> None:
    space = make("space", "hinas")
    run = FakeRun("a", [])
    run.best = Trial(0, Proposal(space.named("all_conv"), FULL), 0)  # type: ignore[attr-defined]
    rows = changed([run]).rows  # type: ignore[list-item]
    first = [row for row in rows if row[1] == "R1"]
    assert first
    assert all("conv" in row[3] and row[4].startswith(("sep", "dil")) for row in first)


def test_table_1_of_isnas_averages_100_initialisations_against_both_pictures(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[object] = []
    monkeypatch.setattr("nasir.apps.correlate.correlations", lambda *how: asked.append(how) or [])
    run, find_table = FakeRun("a", []), find("isnas-table1")
    AFTER[find_table.makes](find_table.recipes[0], run, False)  # type: ignore[arg-type]
    proxies = ("psd_db_mse", "psd_db_strip_mse", "psd_strip_hist_emd", "bandwidth_99")
    assert asked == [(run, proxies, 100, True, False)]


@pytest.mark.parametrize("plot", ["overlap.svg", "histogram.svg", "speed.svg"])
def test_figures_are_drawn(plot: str, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    from nasir.apps.compare.plots import draw
    from nasir.apps.paper.panels import Histogram, Overlap, Speed

    panel = {
        "overlap": Overlap("denoise", ["a", "b"], [[10, 2], [2, 10]]),
        "histogram": Histogram("a", [20.0, 21.0, 25.0], {"best of 5": 21.0, "best of 15": 25.0}),
        "speed": Speed("PSNR", {"width 10": (0.1, 29.0, 1e5)}),
    }[plot.partition(".")[0]]
    draw(tmp_path / plot, [panel])
    assert (tmp_path / plot).stat().st_size > 1000


def test_a_run_s_recipe_is_the_one_with_most_of_its_settings() -> None:
    row = find("hinas-table1")
    (planned,) = api.plan(["hinas-table1-residual-denoise"], {})
    run = FakeRun("a", [])
    run.settings = planned.resolved
    assert recipe_of(row, run) == "hinas-table1-residual-denoise"  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["hinas-table99"], "hinas-table99"),
        (["nasdip-figure2"], "they show no result"),
        (["hinas-table1", "runs/none"], "neither key=value nor the folder of a run"),
        (["hinas-table1", "-o", "a.png"], "-o is for figures, not for table 1"),
        (["nasdip-figure10", "-o", "/"], "name a new folder after -o"),
        (["isnas-figure1", "-o", "a.doc"], "name a file that ends in .png"),
        (["irnas-figure6", "-o", "a.png"], "name a file that ends in .html"),
    ],
)
def test_a_wrong_word_is_refused_in_one_line(
    words: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["paper", *words]) == 2
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1


def test_the_list_has_all_and_a_plan_runs_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["paper"]) == 0
    listed = capsys.readouterr().out
    assert all(
        name in listed for paper in papers().values() for r in paper.rows for name in r.names
    )
    assert main(["paper", "nasdip-table1b", "--plan"]) == 0
    planned = capsys.readouterr().out
    assert "nasir evaluate nasdip-table1b-denoise" in planned
    assert "PSNR 31.42" in planned
    assert not Path("runs").exists()


@pytest.fixture
def tiny(tmp_path: Path) -> list[str]:
    """Words for a fit of one step on one picture of 32 x 32."""
    values = np.random.default_rng(0).integers(0, 256, (32, 32, 3), np.uint8)
    Image.fromarray(values).save(tmp_path / "a.png")
    return ["space.width=4", "evaluator.iterations=1", f"images={tmp_path / 'a.png'}"]


def test_a_figure_s_pictures_are_saved(tiny: list[str], tmp_path: Path) -> None:
    step = Step("nasdip-table1b-denoise", "evaluate", (*tiny, "architecture=deep_image_prior"))
    (made,) = evaluated(step, tmp_path)
    assert made.error is None
    saved = Image.open(tmp_path / step.recipe / "deep_image_prior" / "a.png")
    assert saved.size == (32, 32)


def test_a_table_is_made_small_beside_the_paper(
    tiny: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["paper", "nasdip-table1b-denoise", "--small", "--json", *tiny]) == 0
    lines = json.loads(capsys.readouterr().out)
    assert [(line["name"], line["theirs"]) for line in lines] == [
        ("deep_image_prior", {"psnr": 30.43}),
        ("nasdip_denoising", {"psnr": 31.42}),
    ]
    assert all(5 < line["ours"]["psnr"] < 30 for line in lines)
