"""``nasir train``: what it says, and what it refuses."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import toy_trained

from nasir.cli.main import main


@pytest.fixture
def words(tmp_path: Path) -> list[str]:
    return toy_trained.words(tmp_path, "evaluator.iterations=20")


def test_a_training_ends_with_a_table_and_what_to_do_next(words: list[str], capsys):
    assert main(["train", *words, "-o", "toy"]) == 0
    said = capsys.readouterr()
    assert re.search(r"^test pictures +PSNR +SSIM$", said.out, re.M)
    assert re.findall(r"^(d|e|mean|degraded, mean) +\d", said.out, re.M) == [
        "d",
        "e",
        "mean",
        "degraded, mean",
    ]
    assert "nasir restore IMAGE architecture=toy" in said.out
    assert said.err.startswith("to continue after any kind of end: nasir train toy\n")
    assert re.search(r"^step 20/20  loss \d", said.err, re.M)


def test_a_finished_training_prints_its_result_again(words: list[str], capsys):
    assert main(["train", *words, "-o", "toy", "--quiet"]) == 0
    first = capsys.readouterr()
    assert first.err == ""
    assert main(["train", "toy", "--quiet"]) == 0
    assert capsys.readouterr().out == first.out


def test_json_has_settings_and_figures(words: list[str], capsys):
    assert main(["train", *words, "--json"]) == 0
    content = json.loads(capsys.readouterr().out)
    assert re.fullmatch(r"trained/\d{8}-\d{6}-toy-denoise", content["folder"])
    assert content["state"] == "finished"
    assert content["metrics"]["steps"] == 20
    assert content["settings"]["evaluator"]["patch"] == 12
    assert list(content["by_picture"]) == ["d", "e"]


def test_an_interrupted_training_is_continued(words: list[str], capsys, monkeypatch):
    from nasir.apps.train import conduct

    def interrupted(*_, **__) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(conduct, "report", interrupted)
        assert main(["train", *words, "-o", "toy"]) == 130
    assert not Path("toy/weights.safetensors").exists()
    assert main(["train", "toy", "--json"]) == 0
    said = capsys.readouterr().out
    assert main(["train", *words, "-o", "whole", "--json"]) == 0
    ours, whole = (json.loads(text) for text in (said, capsys.readouterr().out))
    assert ours["by_picture"] == whole["by_picture"]
    weights = [Path(name, "weights.safetensors").read_bytes() for name in ("toy", "whole")]
    assert weights[0] == weights[1]


@pytest.mark.parametrize(
    ("argv", "printed"),
    [
        ([], "say what to train"),
        (["architecture=nobody"], "unknown reference architecture 'nobody'"),
        (["architecture=deep_image_prior", "epochs=3"], "unknown setting 'epochs'"),
        (["architecture=deep_image_prior", "evaluator.iteration=3"], "evaluator.iterations"),
        (["nowhere"], "'nowhere' is neither key=value"),
        (["."], "is no training's folder"),
    ],
)
def test_bad_input_to_train_is_refused_in_one_line(argv: list[str], printed: str, capsys):
    assert main(["train", *argv]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert re.fullmatch(r"nasir: [^\n]+\n", said.err)
    assert printed in said.err


@pytest.mark.parametrize(("more", "warned"), [([], 1), (["task.search=3"], 0)])
def test_it_says_where_most_pictures_are_tested_on(tmp_path: Path, more, warned, caplog):
    """Of one folder, the first task.search pictures are trained on, 2 by default."""
    images, test = (word.split("=")[1] for word in toy_trained.pictures(tmp_path))
    words = [f"architecture={toy_trained.described(tmp_path)}", f"images={images},{test}"]
    settings = [*toy_trained.SETTINGS, "evaluator.iterations=1"]
    assert main(["train", *words, *settings, *more, "-o", "toy", "--quiet"]) == 0
    assert [r.message[:29] for r in caplog.records] == [
        "training on 2 of 5 pictures, "[:29]
    ] * warned
