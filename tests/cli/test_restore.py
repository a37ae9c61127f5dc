"""``nasir restore`` at the command line."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from nasir.apps.restore.mosaic import Stop
from nasir.cli.main import main
from nasir.cli.restore import end_of_fit

TINY = ("space.depth=2", "space.width=4", "evaluator.iterations=3", "threads=1")


@pytest.fixture(autouse=True)
def _picture(tmp_path: Path) -> None:
    values = np.random.default_rng(0).integers(0, 256, (24, 20, 3), np.uint8)
    Image.fromarray(values).save("cat.png")


def test_the_result_names_files_architecture_and_stop(capsys):
    assert main(["restore", "cat.png", *TINY, "--quiet"]) == 0
    said = capsys.readouterr()
    assert said.err == ""
    assert re.search(r"^restored +cat-restored\.png$", said.out, re.M)
    assert re.search(r"^strip +cat-restored-strip\.png$", said.out, re.M)
    assert re.search(r"^architecture +nasdip_denoising$", said.out, re.M)
    assert re.search(r"^fit +3 steps, all that it may take: more", said.out, re.M)
    assert Path("cat-restored.png").is_file()


@pytest.mark.parametrize(
    ("stop", "words"),
    [
        (Stop(12, 18, 20, "rule"), "18 of at most 20 steps; the picture is that of step 12"),
        (Stop(20, 20, 20, "steps"), "20 steps"),
        (
            Stop(5, 9, 20, "time"),
            "9 of at most 20 steps, where the time was over: more may be better; the picture is "
            "that of step 5",
        ),
    ],
)
def test_the_end_of_a_fit_is_said_beside_the_steps_that_were_asked_for(stop, words):
    assert end_of_fit(stop) == words


def test_json_is_the_whole_of_what_is_printed(capsys):
    words = ["architecture=auto", "strategy.pool=4", "strategy.keep=3", "seconds=600"]
    assert main(["restore", "cat.png", "-o", "out.tif", "--json", *TINY, *words]) == 0
    said = capsys.readouterr()
    assert said.err == ""
    content = json.loads(said.out)
    assert content["output"] == "out.tif"
    assert content["strip"] == "out-strip.png"
    assert content["stops"] == [{"step": 3, "iterations": 3, "limit": 3, "end": "limit"}]
    assert content["search"]["scored"] == 4
    assert content["search"]["fitted"] == 3
    described = json.loads(Path(content["search"]["architecture_file"]).read_text())
    assert described["choices"] == content["architecture"]


def test_without_a_terminal_each_tile_is_a_line(capsys):
    Image.fromarray(np.zeros((70, 24), np.uint8)).save("dog.png")
    assert main(["restore", "dog.png", "tile=64", *TINY]) == 0
    assert capsys.readouterr().err.splitlines() == [
        "restoring tile 1 of 2",
        "restoring tile 2 of 2",
    ]


@pytest.mark.parametrize(
    "argv",
    [
        ["restore", "dog.png"],
        ["restore", "cat.png", "architecture=nobody"],
        ["restore", "cat.png", "-o", "cat.png", "--force"],
        ["restore", "cat.png", "task=frobnicate"],
        ["restore"],
    ],
)
def test_a_mistake_is_one_line_and_exit_code_2(argv, capsys):
    assert main(argv) == 2
    said = capsys.readouterr()
    assert re.fullmatch(r"nasir: [^\n]+\n", said.err)
    assert said.out == ""


def test_existing_files_are_overwritten_only_with_force(capsys):
    Path("cat-restored.png").write_text("mine")
    assert main(["restore", "cat.png", "--quiet", *TINY]) == 2
    assert "--force" in capsys.readouterr().err
    assert Path("cat-restored.png").read_text() == "mine"
    assert main(["restore", "cat.png", "--quiet", "--force", *TINY]) == 0
    assert Image.open("cat-restored.png").size == (20, 24)


def test_ctrl_c_leaves_no_files_and_exits_with_130(capsys, monkeypatch):
    def interrupted(*arguments: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("nasir.fitting.dip.DeepImagePrior.fit", interrupted)
    assert main(["restore", "cat.png", *TINY]) == 130
    assert [path.name for path in Path().iterdir()] == ["cat.png"]


# Several pictures


@pytest.fixture
def dog() -> None:
    Image.open("cat.png").save("dog.png")


def test_several_pictures_are_summed_up(dog, capsys):
    Path("bad.png").write_text("no picture")
    words = ["restore", "cat.png", TINY[0], "dog.png", "bad.png", *TINY[1:], "-o", "out"]
    assert main(words) == 1
    said = capsys.readouterr()
    bad = "bad.png is no picture, or of a kind that cannot be read"
    assert said.out.splitlines() == [
        "restored  2 of 3, in out",
        "failed    1",
        f"          {bad}",
    ]
    lines = said.err.splitlines()
    assert re.fullmatch(
        r"1/3  cat\.png  fit nasdip_denoising  [\d.]+ s  about \d:\d\d:\d\d left", lines[0]
    )
    assert re.fullmatch(r"2/3  dog\.png  fit nasdip_denoising  [\d.]+ s  about .*", lines[1])
    assert lines[2:] == [f"3/3  bad.png  failed: {bad}"]
    assert main(["restore", "cat.png", "dog.png", *TINY, "-o", "out", "--quiet"]) == 0
    said = capsys.readouterr()
    assert said.out.splitlines() == [
        "restored  0 of 2, in out",
        "skipped   2: the results are there; --force makes them anew",
    ]
    assert said.err == ""


def test_a_mistake_in_the_settings_of_a_component_is_one_line_for_all(dog, capsys):
    words = ["restore", "cat.png", "dog.png", "space.depht=2", "-o", "out", "--quiet"]
    assert main(words) == 2
    said = capsys.readouterr().out.splitlines()
    assert said[:2] == ["restored  0 of 2, in out", "failed    2"]
    assert said[2].startswith("          2 pictures: unknown setting")
    assert len(said) == 3
    assert not Path("out").exists()


def test_json_has_each_of_several_pictures(dog, capsys):
    assert main(["restore", "*.png", *TINY, "-o", "out", "--json"]) == 0
    said = capsys.readouterr()
    assert said.err == ""
    pictures = json.loads(said.out)["pictures"]
    assert [one["output"] for one in pictures] == ["out/cat.png", "out/dog.png"]


def test_one_picture_goes_into_a_folder_that_is_named_as_one(capsys):
    assert main(["restore", "cat.png", *TINY, "-o", "out/", "--quiet"]) == 0
    assert [path.name for path in Path("out").iterdir()] == ["cat.png"]


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["*.png"], "add -o FOLDER"),
        (["cat.png", "dog.png"], "add -o FOLDER"),
        (["cat.png", "dog.png", "-o", "cat.png"], "cat.png is a file"),
        (["cat.png", "dog.png", "-o", "out", "--continue"], "--continue goes on with the fit of"),
        (["cat.png", "--compare", "--continue"], "--continue goes on with the fit of one picture"),
        (["cat.png", "--compare", "-o", "dog.png"], "dog.png is a file: several results need a"),
        (["task=sr"], "name a picture"),
        (["cat.png", "missing.toml"], "settings file missing.toml"),
        (["task=sr.png"], "name a picture"),
    ],
)
def test_what_cannot_start_is_one_line_and_exit_code_2(argv, message, dog, capsys):
    assert main(["restore", *argv]) == 2
    said = capsys.readouterr()
    assert re.fullmatch(r"nasir: [^\n]+\n", said.err)
    assert message in said.err
    assert said.out == ""


def test_a_picture_whose_name_reads_as_a_setting_is_given_with_its_folder():
    Path("cat.png").rename("task=sr.png")
    assert main(["restore", "./task=sr.png", *TINY, "--quiet"]) == 0
    assert Path("task=sr-restored.png").is_file()


# A look at it


@pytest.fixture
def addresses(monkeypatch) -> list[str]:
    """What is opened in the browser."""
    opened: list[str] = []
    monkeypatch.setattr("webbrowser.open", lambda address: not opened.append(address))
    return opened


def test_open_shows_before_and_after_in_the_browser(addresses, capsys):
    assert main(["restore", "cat.png", *TINY, "--quiet", "--open"]) == 0
    page = Path("cat-restored.html")
    assert addresses == [page.absolute().as_uri()]
    assert re.search(r"^page +cat-restored\.html$", capsys.readouterr().out, re.M)
    assert page.read_text().count("data:image/png;base64,") == 2


def test_open_shows_all_of_several_pictures_on_one_page(dog, addresses):
    assert main(["restore", "cat.png", "dog.png", *TINY, "--quiet", "--open", "-o", "out"]) == 0
    assert addresses == [Path("out/restored.html").absolute().as_uri()]
    assert Path("out/restored.html").read_text().count("data:image/png;base64,") == 4


def test_compare_prints_each_way_and_its_page(addresses, capsys):
    assert main(["restore", "--compare", "cat.png", *TINY, "--quiet", "--open"]) == 0
    said = capsys.readouterr()
    assert said.err == ""
    assert re.search(r"^way +expected PSNR +seconds$", said.out, re.M)
    assert re.search(r"^nlm .* [\d.]+$", said.out, re.M)
    assert re.search(r"^bicubic +left out: .*task=sr", said.out, re.M)
    assert re.search(r"^page +cat-compared/compare\.html$", said.out, re.M)
    assert addresses == [Path("cat-compared/compare.html").absolute().as_uri()]


def test_compare_takes_one_picture(dog, capsys):
    assert main(["restore", "--compare", "cat.png", "dog.png"]) == 2
    assert "--compare takes one picture" in capsys.readouterr().err


def test_an_oracle_is_refused_for_want_of_a_truth(capsys):
    assert main(["restore", "cat.png", "task=denoise", "evaluator.stop=oracle", *TINY]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "evaluator.stop=oracle needs the ground truth, and" in line
    assert "take evaluator.stop=wmv" in line
    assert not list(Path().glob("*restored*"))


@pytest.mark.parametrize(
    ("words", "said", "unsaid"),
    [
        ([], "name a picture", "WORD"),
        (["task=inpaint"], "name a picture", "required"),
        (["cat.png", "task=inpaint"], "say which pixels are missing: task.mask=FILE", "degraded"),
    ],
)
def test_what_is_missing_is_said_in_words_that_were_typed(words, said, unsaid, capsys):
    Image.fromarray(np.full((24, 24, 3), 128, np.uint8)).save("cat.png")
    assert main(["restore", *words]) == 2
    line = capsys.readouterr().err
    assert said in line
    assert unsaid not in line
