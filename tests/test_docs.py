"""What README.md and docs/ say can be typed, and does what they say."""

from __future__ import annotations

import re
import shlex
from argparse import ArgumentParser
from pathlib import Path

import pytest
import tomli
from doc_links import broken_links

import nasir
from nasir.apps.bench import bench
from nasir.apps.evaluate import evaluate as benchmark
from nasir.apps.search import search as api
from nasir.cli.bench import BenchCommand
from nasir.cli.main import main
from nasir.cli.run import RunCommand
from nasir.cli.train import TrainCommand
from nasir.core.component import settings_of
from nasir.core.registry import registries
from nasir.core.search_space import Signature
from nasir.plugins.builtin.recipes import FOLDER as RECIPES
from nasir.runs import training_folder
from nasir.runs.result import write_result
from nasir.settings.building import make
from nasir.settings.interfaces import INTERFACES
from nasir.settings.run_settings import COMPONENTS

TESTS = Path(__file__).parent
ROOT = TESTS.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
OURS = ("nasdip", "isnas", "hinas", "irnas", "clearer")
"""The papers whose recipes are in docs/papers.md by table."""


def blocks(language: str) -> list[str]:
    """All fenced blocks of a language: ``console`` and ``python`` are run, ``sh`` is checked."""
    pattern = re.compile(rf"^```{language}\n(.*?)^```", re.MULTILINE | re.DOTALL)
    return [found for page in PAGES for found in pattern.findall(page.read_text())]


def commands(language: str) -> list[str]:
    lines = [line for block in blocks(language) for line in block.splitlines()]
    lines = [line.removeprefix("$ ").partition("  #")[0].strip() for line in lines]
    return sorted({line for line in lines if line.startswith("nasir ")})


@pytest.fixture(scope="module")
def named_files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the files, the training and the run that the documents' commands speak of."""
    from PIL import Image
    from safetensors.torch import save_file
    from skimage import data

    folder = tmp_path_factory.mktemp("named")
    photo = Image.fromarray(data.chelsea()[:64, :64])
    named = ("photos/a", "photos/b", "photos/c", "other/d", "FOLDER/e", "FOLDER/f", "scan")
    several = [f"{folder}/{number}" for folder in ("Set5", "Set12") for number in range(12)]
    for name in [*(f"{name}.png" for name in (*named, *several)), "photo.jpg"]:
        (folder / name).parent.mkdir(exist_ok=True)
        photo.crop((0, 0, 32, 32)).save(folder / name)
    for name in ("train/f", "train/g", "test/h"):
        path = folder / "BSDS500" / f"{name}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        photo.save(path)
    (folder / "my.toml").write_text("trials = 50\n")
    architecture = make("space", "hinas").named("all_conv")
    parts = {"space": "hinas", "task": "denoise", "evaluator": "train"}
    tree = {kind: {"name": name} for kind, name in parts.items()}
    there = folder / "trained" / "mine"
    training_folder.create(there, tree, {}, architecture, Signature(3, 3))
    network = nasir.build("all_conv", "hinas", 3, 3)
    save_file(network.state_dict(), there / "weights.safetensors")
    write_result(folder / "RUN" / "best", architecture, tree)
    return folder


@pytest.fixture
def among_files(named_files: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is written there: commands are only planned."""
    monkeypatch.chdir(named_files)


@pytest.mark.parametrize("command", commands("console"))
def test_a_console_command_runs(command: str):
    assert main(shlex.split(command)[1:]) == 0


@pytest.mark.parametrize("command", [c for c in commands("sh") if c.startswith("nasir run")])
def test_a_run_command_can_be_planned(command: str, among_files: None):
    parser = ArgumentParser()
    RunCommand().configure(parser)
    for planned in api.plan(parser.parse_args(shlex.split(command)[2:]).words, {}):
        planned.problem.task.samples("search")


@pytest.mark.parametrize("command", [c for c in commands("sh") if c.startswith("nasir bench")])
def test_a_bench_can_be_planned(command: str):
    parser = ArgumentParser()
    BenchCommand().configure(parser)
    assert bench.plan(parser.parse_args(shlex.split(command)[2:]).words).entries


@pytest.mark.parametrize("command", [c for c in commands("sh") if c.startswith("nasir evaluate")])
def test_an_evaluation_can_be_planned(command: str, among_files: None):
    assert benchmark.plan(shlex.split(command)[2:], {}).entries


@pytest.mark.parametrize("command", [c for c in commands("sh") if c.startswith("nasir train")])
def test_a_training_can_be_planned(command: str, among_files: None):
    from nasir.apps.train.planning import plan

    parser = ArgumentParser()
    TrainCommand().configure(parser)
    plan(parser.parse_args(shlex.split(command)[2:]).words, {}).check()


@pytest.mark.parametrize("code", blocks("python"))
def test_a_python_example_runs(code: str, workers_of_a_server: None):
    exec(compile(code, "documentation", "exec"), {"__name__": "documentation"})


def test_a_settings_file_can_be_planned(tmp_path: Path):
    with_space = [block for block in blocks("toml") if "[space]" in block]
    assert with_space
    for block in with_space:
        (tmp_path / "mine.toml").write_text(block)
        api.plan(["mine.toml"], {})


@pytest.mark.parametrize("recipe", sorted(path.stem for path in RECIPES.glob("*.toml")))
def test_a_recipe_can_be_planned(recipe: str):
    assert len(api.plan([recipe], {})) == 1


PAPERS = (ROOT / "docs" / "papers.md").read_text()


@pytest.mark.parametrize("command", sorted(set(re.findall(r"`(nasir run [^`]+)`", PAPERS))))
def test_a_table_s_command_can_be_planned(command: str):
    assert api.plan(shlex.split(command)[2:], {})


@pytest.mark.parametrize(
    "command", sorted(set(re.findall(r"`(nasir evaluate [^`]*BSDS500[^`]*)`", PAPERS)))
)
def test_a_table_s_evaluation_can_be_planned(command: str, among_files: None):
    words = shlex.split(command)[2:]
    words = ["method=nlm" if word == "method=bm3d" else word for word in words]
    assert benchmark.plan(words, {}).entries


@pytest.mark.parametrize(
    "page", [*PAGES, *ROOT.glob("examples/*/README.md"), ROOT / "CHANGELOG.md"]
)
def test_links_lead_to_a_file_and_a_heading(page: Path):
    assert broken_links(page) == []


def test_a_broken_link_or_anchor_is_found(tmp_path: Path):
    (tmp_path / "b.md").write_text("# A `b`, and c\n## Twice\n## Twice\n```\n# no heading\n```\n")
    good = "[b](b.md#a-b-and-c) [t](b.md#twice-1) [self](#top) `[x](code.md)` ![p](b.md)"
    bad = ["gone.md", "b.md#no-heading", "b.md#twice-2", "#none", "."]
    page = tmp_path / "a.md"
    page.write_text(
        f"# Top\n{good} [web](https://example.org)\n" + "".join(f"[x]({t})" for t in bad)
    )
    assert broken_links(page) == bad


def test_each_test_that_is_named_is_there():
    named = re.findall(r"`([\w/]+\.py)::(test_\w+)`", PAPERS)
    assert len(named) > 40
    assert [f"{f}::{t}" for f, t in named if f"def {t}(" not in (TESTS / f).read_text()] == []


def linked_pages(page: Path) -> set[Path]:
    """The pages that the tables of contents of a page name."""
    toctrees = re.findall(r"^```\{toctree\}\n(.*?)^```", page.read_text(), re.MULTILINE | re.DOTALL)
    lines = [line for tree in toctrees for line in tree.splitlines()]
    named = [line for line in lines if line and not line.startswith(":")]
    return {found for name in named for found in page.parent.glob(f"{name}.md")}


def test_every_page_is_in_the_navigation():
    contents = [ROOT / "docs" / name for name in ("index.md", "api/index.md", "decisions/index.md")]
    reached = {contents[0]}.union(*map(linked_pages, contents))
    assert set((ROOT / "docs").rglob("*.md")) == reached


def test_decision_records_are_numbered_in_turn():
    records = sorted((ROOT / "docs" / "decisions").glob("0*.md"))
    assert [int(record.name[:4]) for record in records] == [*range(1, len(records) + 1)]
    for number, record in enumerate(records, 1):
        assert record.read_text().startswith(f"# {number}. ")


def test_every_setting_says_what_it_means():
    for kind in COMPONENTS:
        for name, entry in registries[kind].items():
            if entry.owner.startswith("nasir-"):
                assert type(make(kind, name)).__doc__


def test_every_extra_is_explained():
    project = tomli.loads((ROOT / "pyproject.toml").read_text())["project"]
    rows = re.findall(r"^\| (`.*?) \|", (ROOT / "docs" / "install.md").read_text(), re.MULTILINE)
    explained = [name for row in rows for name in re.findall(r"`(\w+)`", row)]
    assert sorted(explained) == sorted(project["optional-dependencies"])


def test_every_setting_that_is_named_is_there():
    """``task.size`` and ``strategy.evolution.population``: fields, and names of what has them."""
    known = {name for kind in INTERFACES for name in registries[kind]}
    for kind in INTERFACES:
        for entry in registries[kind].values():
            known |= {field.name for field in settings_of(entry.load())}
    pattern = re.compile(rf"(?<![\w./=])(?:{'|'.join(COMPONENTS)})\.([\w.]+)(?=[=\s`,;)]|$)")
    unknown = {
        (page.name, step)
        for page in PAGES
        if page.parent.name != "decisions" and page.name != "results.md"  # what was measured
        for code in re.findall(r"`([^`\n]+)`|^(nasir .*)$", page.read_text(), re.MULTILINE)
        for path in pattern.findall("".join(code))
        for step in path.split(".")
        if step not in known and not path.endswith("py")
    }
    # of the tutorial's own strategy, and what compare calls pictures that differ
    assert unknown == {("plugin.md", "jump"), ("runs.md", "contents")}
