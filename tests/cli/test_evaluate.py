"""``nasir evaluate``: what it says of methods and architectures, and what it refuses."""

from __future__ import annotations

import csv
import io
import json
import re
from pathlib import Path

import attrs
import numpy as np
import pytest
from PIL import Image
from skimage import data
from skimage.metrics import peak_signal_noise_ratio

from nasir.apps.evaluate.evaluate import evaluate, plan
from nasir.cli.main import main
from nasir.core.errors import NasirError
from nasir.core.method import Method
from nasir.core.registry import Entry, registries
from nasir.core.search_space import Signature
from nasir.runs import training_folder
from nasir.runs.run import Run
from nasir.settings.building import make

TOY = ("space=toy", "evaluator=toy", "task=toy")
DIP = ("space.depth=1", "space.width=4", "evaluator.iterations=2", "threads=1", "task.size=16")


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """Three grey pictures of 32 x 40 pixels."""
    folder = tmp_path / "pictures"
    folder.mkdir()
    for number, name in enumerate(("cat", "dog", "owl")):
        part = data.camera()[150 + 40 * number :, 220:260][:32]
        Image.fromarray(part).save(folder / f"{name}.png")
    return folder


def printed(capsys: pytest.CaptureFixture[str], *argv: str):
    assert main(["evaluate", *argv, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_every_picture_is_evaluated_whole_and_the_mean_is_over_them(pictures: Path, capsys):
    content = printed(capsys, "method=degraded", "task=denoise", f"images={pictures}", "-o", "out")
    assert (content["task"]["size"], content["task"]["search"]) == (0, 0)
    (result,) = content["results"]
    assert list(result["by_picture"]) == ["cat", "dog", "owl"]
    for picture, row in result["by_picture"].items():
        clean = np.asarray(Image.open(pictures / f"{picture}.png"))
        saved = np.asarray(Image.open(f"out/degraded/{picture}.png"))
        assert saved.shape == (32, 40)
        assert row["psnr"] == pytest.approx(peak_signal_noise_ratio(clean, saved), abs=1e-6)
    for metric in ("psnr", "ssim", "seconds"):
        mean = np.mean([row[metric] for row in result["by_picture"].values()])
        assert result["metrics"][metric] == pytest.approx(mean)


def test_quantisation_is_the_protocol_unless_it_is_set(pictures: Path, capsys):
    words = ("method=degraded", "task=denoise", f"images={pictures}")
    assert printed(capsys, *words)["task"]["quantise"] is True
    assert printed(capsys, *words, "task.quantise=false")["task"]["quantise"] is False


def test_bicubic_enlargement_of_the_luma_is_that_of_the_saved_picture(tmp_path: Path, capsys):
    from skimage.color import rgb2ycbcr

    Image.fromarray(data.astronaut()[:64, 180:260]).save(tmp_path / "a.png")
    content = printed(
        capsys, "method=bicubic", "task=sr", "task.scale=2", "images=a.png", "-o", "out"
    )
    (result,) = content["results"]
    inside = (slice(2, -2), slice(2, -2))
    clean, saved = (
        rgb2ycbcr(np.asarray(Image.open(path)))[(*inside, 0)]
        for path in ("a.png", "out/bicubic/a.png")
    )
    expected = peak_signal_noise_ratio(clean, saved, data_range=255)
    assert result["by_picture"]["a"]["psnr"] == pytest.approx(expected, abs=2e-3)


def test_methods_and_architectures_are_in_one_table(pictures: Path, capsys):
    words = ("method=tv,nlm", "architecture=deep_image_prior,nasdip_denoising", *DIP)
    assert main(["evaluate", *words, "task=denoise", f"images={pictures}", "-o", "out"]) == 0
    printed = capsys.readouterr()
    assert "\r" not in printed.err
    assert re.findall(r"^(\w+) +cat ", printed.out, re.M) == [
        "tv",
        "nlm",
        "deep_image_prior",
        "nasdip_denoising",
    ]
    assert len(re.findall(r"^ +mean +\d+\.\d\d +[\d.-]+ +\d+\.\d\d$", printed.out, re.M)) == 4
    means = printed.out.partition("\n\n")[2]
    assert re.match(r"mean +PSNR +SSIM +seconds\ntv ", means)
    saved = {str(path.relative_to("out")) for path in Path("out").rglob("*.png")}
    names = ("tv", "nlm", "deep_image_prior", "nasdip_denoising")
    assert saved == {f"{name}/{p}.png" for name in names for p in ("cat", "dog", "owl")}


def test_seconds_of_an_architecture_are_those_of_restoring_alone(pictures: Path, capsys):
    """Not of training: a network that is trained longer restores in the same time."""
    words = ("space=unet", "architecture=dncnn", "task=denoise", f"images={pictures}")
    small = ("task.search=2", "evaluator.batch=2", "evaluator.patch=16", "threads=1")
    (result,) = printed(capsys, *words, *small, "evaluator.iterations=8", "evaluator.device=cpu")[
        "results"
    ]
    (picture,) = result["by_picture"].values()
    assert 0 < picture["seconds"] < 1
    assert result["metrics"]["seconds"] == picture["seconds"]
    assert picture.get("peak_memory", 0) >= 0


def test_csv_has_the_figures_of_json(pictures: Path, capsys):
    words = ("method=degraded,tv", "task=denoise", f"images={pictures}")
    expected = printed(capsys, *words)["results"]
    assert main(["evaluate", *words, "--csv"]) == 0
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert [(row["name"], row["picture"]) for row in rows] == [
        (name, picture) for name in ("degraded", "tv") for picture in ("cat", "dog", "owl", "mean")
    ]
    figures = [[*result["by_picture"].values(), result["metrics"]] for result in expected]
    for row, wanted in zip(rows, [f for several in figures for f in several], strict=True):
        assert (float(row["psnr"]), float(row["ssim"])) == (wanted["psnr"], wanted["ssim"])


def test_results_are_reproducible_and_depend_on_the_seed(pictures: Path, capsys):
    words = ("architecture=deep_image_prior", *DIP, "task=denoise", f"images={pictures}")

    def figures(*more: str) -> list[float]:
        (result,) = printed(capsys, *words, *more)["results"]
        return [row["psnr"] for row in result["by_picture"].values()]

    assert figures() == figures("seed=0") != figures("seed=1")


def test_a_run_folder_gives_its_best_architecture_with_its_final_figures(toy, capsys):
    run = toy("seed=3", "name=r", "space.kernels=1,3")
    final = run.final_evaluations["found", "test"]
    content = printed(capsys, "architecture=runs/r", "evaluator=toy", "task=toy", "seed=3")
    (result,) = content["results"]
    assert result["metrics"]["psnr"] == final.metrics["psnr"]
    assert result["architecture_id"] == final.architecture.id
    described = printed(
        capsys, "architecture=runs/r/best/architecture.json", "evaluator=toy", "task=toy", "seed=3"
    )
    assert described["results"][0]["metrics"]["psnr"] == result["metrics"]["psnr"]


def test_a_file_defines_the_settings_of_its_space(toy):
    toy("name=r", "space.kernels=1,7")
    words = ("architecture=runs/r/best/architecture.json,smallest", *TOY, "space.kernels=3")
    ours, named = plan(words, {}).entries
    assert ours.problem.space.kernels == (1, 7)
    assert named.problem.space.kernels == (3,)


def test_an_architecture_that_fails_is_reported_and_the_others_are_evaluated(
    pictures: Path, capsys
):
    words = ("evaluator.every=1", "evaluator.trouble=memory", "architecture=smallest", *TOY)
    assert main(["evaluate", *words]) == 1
    assert "smallest failed: out of memory" in capsys.readouterr().out
    content = evaluate("method=degraded", "task=denoise", images=str(pictures))
    assert content[0].error is None


def test_python_takes_lists(pictures: Path):
    results = evaluate("task=denoise", method=["degraded", "tv"], images=[pictures / "cat.png"])
    assert [(r.name, list(r.by_picture)) for r in results] == [
        ("degraded", ["cat"]),
        ("tv", ["cat"]),
    ]
    assert results[0].restored["cat"].shape == (32, 40, 1)


def test_a_method_never_gets_the_ground_truth(pictures: Path, monkeypatch: pytest.MonkeyPatch):
    seen = []

    @attrs.define
    class Curious(Method):
        def restore(self, sample, task):
            seen.append(sample.clean)
            return sample.degraded

    entry = Entry("curious", Curious, "looks", "test")
    monkeypatch.setitem(registries["method"]._entries, "curious", entry)
    (result,) = evaluate("method=curious", "task=denoise", images=str(pictures))
    assert seen == [None, None, None]
    assert result.metrics["psnr"] > 0


def test_pictures_given_degraded_are_restored_without_figures(pictures: Path, capsys):
    words = ("method=tv", "task=denoise", "task.degraded=true", f"images={pictures}")
    (result,) = printed(capsys, *words, "-o", "out")["results"]
    assert set(result["metrics"]) == {"seconds"}
    assert len(list(Path("out/tv").iterdir())) == 3


def test_a_setting_of_a_method_is_set_for_it(pictures: Path, capsys):
    words = ("method=tv", "task=denoise", f"images={pictures}")
    usual = printed(capsys, *words)["results"][0]["metrics"]["psnr"]
    strong = printed(capsys, *words, "method.weight=2.0")["results"][0]["metrics"]["psnr"]
    assert strong < usual


def test_saved_pictures_are_overwritten_only_on_request(pictures: Path, capsys):
    words = ["evaluate", "method=degraded", "task=denoise", f"images={pictures}", "-o", "out"]
    assert main(words) == 0
    before = Path("out/degraded/cat.png").read_bytes()
    assert main([*words, "task.sigma=60"]) == 2
    assert "out is not empty" in capsys.readouterr().err
    assert Path("out/degraded/cat.png").read_bytes() == before
    assert main([*words, "task.sigma=60", "--overwrite"]) == 0
    assert Path("out/degraded/cat.png").read_bytes() != before


def test_an_interruption_shows_what_is_done(
    pictures: Path, capsys, monkeypatch: pytest.MonkeyPatch
):
    from nasir.baselines.tv import TotalVariation

    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(TotalVariation, "restore", interrupted)
    words = ("method=degraded,tv", "task=denoise", f"images={pictures}")
    assert main(["evaluate", *words]) == 130
    printed = capsys.readouterr()
    assert re.search(r"^degraded +cat ", printed.out, re.M)
    assert "interrupted" in printed.err


@pytest.mark.parametrize(
    ("words", "printed"),
    [
        ([], r"say what to evaluate: method=NAME \(.*tv"),
        (["method=tvv"], "unknown method 'tvv': did you mean 'tv'"),
        (["architecture=deep_image_prio"], "did you mean 'deep_image_prior'"),
        (["method=tv", "task=denoize"], "did you mean 'denoise'"),
        (["architecture=trained/mine", "evaluator.tile=64"], "no folder or file trained/mine"),
        (["method=tv", "trials=3"], "unknown setting 'trials'"),
        (["method=tv", "image=x"], "did you mean 'images'"),
        (["method=tv", "task.sigm=3"], "did you mean 'task.sigma'"),
        (["method=tv", "method.wight=3"], "did you mean 'method.weight'"),
        (["method=3"], "method wants a name, a mapping or an instance of Method, got 3"),
        (["method=tv", "images.x=3"], r"images.x: 'images' has no fields"),
        (["method=tv", "task.sigma=15,25"], "task.sigma wants one value here"),
        (["method=tv", "method.weight=1,2"], "method.weight wants one value here"),
        (
            ["method.weight=1", "architecture=deep_image_prior"],
            "method.weight is a setting of a method: add method=NAME",
        ),
        (
            ["method=tv", "evaluator.iterations=3"],
            "evaluator is for architectures: add architecture=NAME",
        ),
        (["method=tv", "space.depth=3"], "space cannot be set here"),
        (["method=tv", "images=nowhere"], "there is no picture or folder"),
        (["method=bicubic", "task.size=16"], "task=sr"),
        (["method=degraded,biharmonic", "task.size=16"], "take task=inpaint"),
        (["method=tv", "task=inpaint", "task.size=16"], "method=biharmonic"),
        (["architecture=nowhere/architecture.json"], "cannot read architecture"),
        (["architecture=."], "has no best/architecture.json"),
        (["method=tv", "-o", "/dev/null"], "no folder"),
        (["method=tv", "--json", "--csv"], "not allowed with"),
    ],
)
def test_bad_input_to_evaluate_is_refused_in_one_line(words: list[str], printed: str, capsys):
    assert main(["evaluate", *words]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert re.fullmatch(r"nasir: [^\n]+\n", said.err)
    assert re.search(printed, said.err)


def test_an_architecture_file_that_is_damaged_or_of_another_space_is_refused(tmp_path: Path):
    damaged = tmp_path / "architecture.json"
    damaged.write_text("{")
    with pytest.raises(NasirError, match="is damaged"):
        plan([f"architecture={damaged}"], {})
    damaged.write_text('{"space": "toy", "choices": {"operation": "cnv"}}')
    with pytest.raises(NasirError, match="cnv"):
        plan([f"architecture={damaged}"], {})


def test_a_folder_that_cannot_be_written_is_refused(readable_only, pictures: Path, capsys):
    words = ["evaluate", "method=degraded", "task=denoise", f"images={pictures}", "-o"]
    assert main([*words, "writable"]) == 0
    with readable_only():
        assert main([*words, str(readable_only.folder / "out")]) == 2
    assert "cannot write to" in capsys.readouterr().err


def test_a_run_that_found_nothing_has_nothing_to_evaluate(toy):
    run = toy("name=r", "evaluator.every=1", "trials=2")
    assert not Run(run.folder).final_evaluations
    with pytest.raises(NasirError, match=r"runs/r has no best/architecture.json"):
        plan([f"architecture={run.folder}"], {})


CELLS = ("space=hinas", "space.layers=1", "space.nodes=2", "space.width=2", "architecture=all_conv")
SHORT = ("evaluator.iterations=1", "evaluator.patch=8", "task=denoise", "task.size=16", "threads=1")


def test_an_architecture_is_trained_beside_what_rules_make_of_it(capsys):
    content = printed(capsys, *CELLS, *SHORT, "rules=R1,R2")
    rows = {result["name"]: result for result in content["results"]}
    assert list(rows) == ["all_conv", "all_conv, R1", "all_conv, R2"]
    assert len({row["architecture_id"] for row in rows.values()}) == 3
    first, *others = ({*row["architecture"]["choices"].values()} for row in rows.values())
    assert "conv_3" in first & others[1] - others[0]
    sizes = [row["metrics"]["parameters"] for row in rows.values()]
    assert sizes[0] == sizes[2] != sizes[1]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("method=tv", "rules=R1"), "rules are for architectures: add architecture=NAME"),
        ((*CELLS, "rules=R3"), "unknown rule 'R3'"),
        ((*CELLS, "space.nodes=1", "rules=R2"), "R2 does not apply to this architecture"),
        (("space=clearer", "architecture=alternating", "rules=R1"), "'clearer' has no rules"),
    ],
)
def test_rules_that_do_not_apply_are_refused(words: tuple[str, ...], message: str):
    with pytest.raises(NasirError, match=message) as refused:
        plan([*words, *SHORT] if "method=tv" not in words else list(words), {})
    assert "\n" not in str(refused.value)


def test_trained_weights_are_not_those_of_a_changed_architecture(tmp_path: Path):
    space = {"name": "hinas", "layers": 1, "nodes": 2, "width": 2}
    tree = {"space": space, "task": {"name": "denoise"}, "evaluator": {"name": "train"}}
    architecture = make("space", space).named("all_conv")
    training_folder.create(tmp_path / "mine", tree, {}, architecture, Signature(3, 3))
    (tmp_path / "mine" / "weights.safetensors").write_bytes(b"")
    with pytest.raises(NasirError, match=r"give .*mine/architecture\.json"):
        plan([f"architecture={tmp_path / 'mine'}", "rules=R1"], {})
