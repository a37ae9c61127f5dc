"""A folder from elsewhere: no link in it, and no name, has anything written outside of it."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from toy_plugin import WORDS
from toy_trained import trained

import nasir
from nasir.apps.bench.results import ResultsFolder, SearchResult
from nasir.apps.serve.pages import Pages
from nasir.cli.main import main
from nasir.core.architecture import Architecture
from nasir.core.errors import PluginError, RunFolderError
from nasir.core.evaluator import RestoredPicture
from nasir.core.registry import Entry, Registry
from nasir.runs.result import file_name, write_result
from nasir.runs.run import Run

Toy = Callable[..., Run]

GO_ON = ("--quiet", "--trials", "4")

OUTSIDE = ("file.txt", "picture.png", "weights.safetensors", "run.sqlite")
"""What a stranger's link could have written over or deleted."""


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    folder = tmp_path / "outside"
    folder.mkdir()
    for name in OUTSIDE:
        (folder / name).write_text(f"the content of {name}")
    return folder


def untouched(outside: Path) -> bool:
    content = {path.name: path.read_text() for path in outside.iterdir()}
    return content == {name: f"the content of {name}" for name in OUTSIDE}


def linked(link: Path, target: Path) -> None:
    """Put a link in the place of a file or folder."""
    if link.is_dir() and not link.is_symlink():
        shutil.rmtree(link)
    link.unlink(missing_ok=True)
    link.symlink_to(target)


def refused(capsys: pytest.CaptureFixture[str], *argv: str) -> str:
    capsys.readouterr()
    assert main(list(argv)) == 2
    message = capsys.readouterr().err
    assert re.fullmatch(r"nasir: [^\n]+\n", message)
    return message


@pytest.mark.parametrize(
    ("link", "target"),
    [
        ("run.lock", "file.txt"),
        ("run.owner", "file.txt"),
        ("best", ""),
        ("references", ""),
        ("checkpoints", ""),
        ("tensorboard", ""),
        ("best/.architecture.json.partial", "file.txt"),
        ("best/weights.safetensors", "weights.safetensors"),
        ("run.sqlite-wal", "file.txt"),
        ("new", "nothing-yet"),
    ],
)
@pytest.mark.parametrize("more", [(), ("--take-over",)])
def test_a_run_with_a_link_that_leads_out_is_not_gone_on_with(
    toy: Toy, capsys, outside: Path, link: str, target: str, more: tuple[str, ...]
):
    run = toy("trials=2")
    linked(run.folder / link, outside / target)
    line = refused(capsys, "resume", str(run.folder), *GO_ON, *more)
    assert link in line
    assert "leads out of" in line
    assert untouched(outside)


def test_a_run_whose_trials_are_a_link_to_those_of_another_does_not_write_there(
    toy: Toy, capsys, tmp_path: Path
):
    run, other = toy("trials=2"), toy("trials=2", "seed=1")
    before = (other.folder / "run.sqlite").read_bytes()
    linked(run.folder / "run.sqlite", other.folder.absolute() / "run.sqlite")
    assert "leads out of" in refused(capsys, "resume", str(run.folder), *GO_ON)
    assert (other.folder / "run.sqlite").read_bytes() == before


def test_a_run_reached_by_a_link_and_links_inside_it_are_fine(toy: Toy, tmp_path: Path):
    run = toy("trials=2")
    (run.folder / "best" / "same.json").symlink_to("architecture.json")
    Path("link").symlink_to(run.folder)
    assert main(["resume", "link", *GO_ON]) == 0
    assert len(run.trials) == 4


READERS: tuple[tuple[str, ...], ...] = (
    *(("show", "RUN"), ("watch", "RUN", "--once"), ("compare", "RUN"), ("correlate", "RUN")),
    *(
        ("report", "RUN"),
        ("export", "RUN", "-o", "study.db"),
        ("tabulate", "RUN", "-o", "t.safetensors"),
    ),
    ("run", *WORDS, "strategy=evolution", "history=RUN"),
    ("evaluate", "architecture=RUN", "images=a.png"),
)


@pytest.mark.parametrize(
    "link",
    [
        "best/a-clean.png",
        "best/weights.safetensors",
        "best/architecture.json",
        "run.sqlite",
        "settings.toml",
        "environment.json",
        "report.html",
        "references",
    ],
)
def test_no_command_reads_what_a_link_leads_to(toy: Toy, capsys, tmp_path: Path, link: str):
    run, secret = toy("trials=2"), tmp_path / "secret"
    Image.new("L", (20, 20)).save("a.png")
    place = run.folder / link
    if place.exists():
        place.rename(secret)
    else:
        secret.write_text("of somebody else")
    place.symlink_to(secret)
    for argv in READERS:
        line = refused(capsys, *(word.replace("RUN", str(run.folder)) for word in argv))
        assert "leads out of" in line, argv
    for read in (nasir.load, nasir.compare):
        with pytest.raises(RunFolderError, match="leads out of"):
            read(run.folder)
    page = Pages(run.folder.parent).run(run.folder.name)
    assert "leads out of" in page
    assert "of somebody else" not in page


def test_another_user_reads_a_run_and_writes_its_page_elsewhere(toy: Toy, capsys, readable_only):
    run = str(toy("trials=2", folder=readable_only.folder).folder)
    with tempfile.TemporaryDirectory() as theirs:
        os.chmod(theirs, 0o777)
        reading = ("report", run, "-o", f"{theirs}/page.html"), ("show", run), ("watch", run)
        writing = ("report", run), ("resume", run, "--quiet")
        for argv in (*reading, *writing):  # all is imported, which others may not be able to read
            assert main([*argv]) == 0
        with readable_only():
            for argv in reading:
                assert main([*argv]) == 0
            for argv in writing:
                assert "Permission denied" in refused(capsys, *argv)


@pytest.mark.parametrize("command", ["show", "report", "watch", "resume", "compare", "runs"])
def test_a_pipe_in_a_run_is_refused_and_not_waited_for(toy: Toy, capsys, command: str):
    run = toy("trials=2")
    for name in ("environment.json", "run.owner"):
        (run.folder / name).unlink(missing_ok=True)
        os.mkfifo(run.folder / name)
    capsys.readouterr()
    place = run.folder.parent if command == "runs" else run.folder
    code = main([command, str(place)])
    said = capsys.readouterr()
    assert "neither a file nor a folder" in said.err + said.out
    assert code == (0 if command == "runs" else 2)


@pytest.mark.parametrize(
    ("link", "target"),
    [
        ("training.lock", "file.txt"),
        ("training.csv", "file.txt"),
        ("checkpoints", ""),
        (".weights.safetensors.partial", "weights.safetensors"),
    ],
)
def test_a_training_with_a_link_that_leads_out_is_not_gone_on_with(
    training: Path, capsys, tmp_path: Path, outside: Path, link: str, target: str
):
    folder = tmp_path / "copied"
    shutil.copytree(training, folder)
    (folder / "result.json").unlink()
    (folder / "weights.safetensors").unlink()
    linked(folder / link, outside / target)
    assert "leads out of" in refused(capsys, "train", "--quiet", str(folder))
    assert untouched(outside)


@pytest.fixture(scope="module")
def training(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return trained(tmp_path_factory.mktemp("trained"), "evaluator.iterations=2").folder


def test_a_bench_with_a_link_that_leads_out_is_not_gone_on_with(outside: Path):
    folder = ResultsFolder("bench", {"full": 1}).folder
    linked(folder / "results.jsonl", outside / "file.txt")
    with pytest.raises(RunFolderError, match="leads out of"):
        ResultsFolder(folder, {"full": 1}).add(SearchResult(0, 0, 1.0, 0, 0, None, ()))
    assert untouched(outside)


def test_pictures_are_not_written_over_a_link_that_leads_out(capsys, outside: Path):
    values = np.random.default_rng(0).integers(0, 256, (20, 20), np.uint8)
    Image.fromarray(values).save("a.png")
    words = ["evaluate", "method=tv", "images=a.png", "-o", "evaluated", "--overwrite"]
    Path("evaluated").mkdir()
    linked(Path("evaluated/tv"), outside)
    assert "leads out of" in refused(capsys, *words)
    linked(Path("evaluated/tv"), Path("elsewhere.png").absolute())  # which is not there
    assert "leads out of" in refused(capsys, *words)
    assert untouched(outside)


def test_a_restored_picture_takes_the_place_of_a_link(outside: Path):
    values = np.random.default_rng(0).integers(0, 256, (20, 20), np.uint8)
    Image.fromarray(values).save("a.png")
    Path("out.png").symlink_to(outside / "picture.png")
    nasir.restore(
        *("a.png", "space=toy", "evaluator.iterations=1", "evaluator.device=cpu", "threads=1"),
        output="out.png",
        force=True,
    )
    assert untouched(outside)
    assert not Path("out.png").is_symlink()


NAMES = ("../../x", "/etc/passwd", "a/b", "a\\b", "a\0b", "..", "", "a\nb", "x" * 400, "é" * 200)


@pytest.mark.parametrize("name", NAMES)
def test_pictures_of_any_name_stay_in_the_folder(tmp_path: Path, name: str):
    array = np.zeros((2, 2, 3))
    pictures = {name: RestoredPicture(array, array, array)}
    folder = tmp_path / "run" / "best"
    write_result(folder, Architecture("toy", {"a": 1}), {}, pictures)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["run"]
    assert sorted(path.name for path in (tmp_path / "run").iterdir()) == ["best"]
    made = sorted(path.name for path in folder.glob("*.png"))
    assert [name.rpartition("-")[2] for name in made] == [
        "clean.png",
        "degraded.png",
        "restored.png",
    ]
    stems = {name.removesuffix(".png").rpartition("-")[0] for name in made}
    assert len(stems) == 1


def test_long_names_that_differ_stay_different():
    names = ["x" * 300 + end for end in ("a-clean", "b-clean", "a-restored")]
    assert len({file_name(name) for name in names}) == 3
    assert all(len(file_name(name)) < 200 for name in names)


@given(st.lists(st.text(max_size=8), unique=True))
def test_no_two_names_become_one_file(names: list[str]):
    files = [file_name(name) for name in names]
    assert len(set(files)) == len(names)
    assert all(Path(file).name == file and not file.startswith(".") for file in files)


@pytest.mark.parametrize("name", ["IMG_2041", "x y", "x-y", "Größe (2)", "a+b,c=1@2.5"])
def test_a_plain_name_stays_as_it_is(name: str):
    assert file_name(name) == name


@pytest.mark.parametrize("name", ["../x", "a/b", "/x", ".", "..", "", "a b", "a+b", "a\nb", "-x"])
def test_a_plugin_cannot_register_what_is_no_name(name: str):
    with pytest.raises(PluginError, match="is no name: begin with"):
        Registry("space").register(Entry(name, "m:C", "", "stranger"))
