"""What a user can do wrong: one line that says what to do, or a failed trial with its reason."""

from __future__ import annotations

import json
import os
import re
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from PIL import Image
from toy_plugin import WORDS

import nasir
from nasir.cli.main import main
from nasir.core.registry import registries
from nasir.plugins.manager import plugins
from nasir.runs.run import Run
from nasir.runs.sweep import Sweep

Refused = Callable[..., str]

DIP = ("strategy=random", "space.depth=1", "space.width=4", "threads=1", "evaluator.iterations=2")
"""A real search that is over at once."""


@pytest.fixture
def refused(capsys: pytest.CaptureFixture[str]) -> Refused:
    """Checks that the command line refuses words in one line, and returns the line."""

    def refuse(*argv: str) -> str:
        code = main(list(argv))
        said = capsys.readouterr()
        assert code == 2, said.err
        assert re.fullmatch(r"nasir: [^\n]+\n", said.err)
        assert said.out == ""
        return said.err.removeprefix("nasir: ").rstrip("\n")

    return refuse


def run_words(*words: str) -> list[str]:
    return ["run", "--quiet", *WORDS, *words]


@pytest.mark.parametrize(
    ("argv", "printed"),
    [
        (["frobnicate"], r"unknown command 'frobnicate'.*known: .*run"),
        (["rnu"], "did you mean 'run'"),
        (["--frob"], "--frob"),
        (["-p"], "-p no:PLUGIN"),
        (["-p", "toy", "list"], "-p no:PLUGIN"),
        (["run", "--frob"], r"--frob; see: nasir run --help"),
        (["resume"], "there is no run in runs: say which"),
        (["resume", "runs/x", "--trials", "many"], r"--trials.*'many'"),
    ],
)
def test_a_wrong_command_line_is_refused(refused: Refused, argv: list[str], printed: str):
    assert re.search(printed, refused(*argv))


@pytest.mark.parametrize(
    ("words", "printed"),
    [
        ("task.noise=gaussian task.noise.peak=30", r"'task\.noise\.peak': .*task\.noise\.sigma"),
        ("task.peak=30", r"unknown setting 'task\.peak': .*task\.sigma"),
        ("task.noise=poison", "did you mean 'poisson'"),
        ("task.noise=blur", r"task\.noise takes noise, and GaussianBlur is a forward operator"),
        ("task.sigma=5 task.noise.sigma=6", r"task\.sigma is short for task\.noise\.sigma"),
        ("task=deblur task.blur=gaussian", "'gaussian' is no forward operator"),
        ("task=deblur task.blur=kernel_blur task.file=black.png", "black.png is black: its sum is"),
        ("task=deblur task.blur=kernel_blur task.file=nowhere.png", "nowhere.png: No such file"),
        ("task=deblur task.width=20", "kernel of 161 x 161 pixels is larger than .* 64 x 64"),
        ("task=jpeg task.quality=0", "'quality' must be >= 1"),
        ("task=jpeg task.quality=101", "'quality' must be <= 100"),
        ("task=jpeg task.qualities=[50,10]", r"a least and a greatest in \[1, 100\]"),
        (
            "task=degraded task.degradation=gaussian+blur",
            "GaussianBlur cannot follow Gaussian",
        ),
        ("task=degraded task.degradation=mask+bicubic", "Bicubic cannot follow Mask"),
        ("task=degraded task.degradation=bicubic+blur task.width=5", "larger than .* 16 x 16"),
        (
            "task=degraded task.degradation=mask task.degraded=true",
            r"task\.mask=FILE",
        ),
        ("task=sr task.downsampling=jpeg", "makes no picture smaller"),
    ],
)
def test_a_degradation_that_does_not_fit_is_refused(
    refused: Refused, words: str, printed: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(tmp_path)
    Image.new("L", (5, 5)).save("black.png")
    assert re.search(printed, refused("run", "--quiet", *DIP, *words.split()))


@pytest.mark.parametrize(
    ("word", "printed"),
    [
        ("strategy=rll", "unknown strategy 'rll': did you mean 'rl'"),
        ("space=nasdop", "unknown space 'nasdop': did you mean 'nasdip'"),
        ("task=denoize", "did you mean 'denoise'"),
        ("evaluator=dop", "did you mean 'dip'"),
        ("executor=procces", "did you mean 'process'"),
        ("strategy=random,rll", "unknown strategy 'rll'"),
        ("trails=3", "did you mean 'trials'"),
        ("trails=3,4", "did you mean 'trials'"),
        ("space.dpeth=4", "'space.dpeth'.*known: space.kernels"),
        ("space.kernel=1,2", "did you mean 'space.kernels'"),
        ("evaluator.sleep.more=1", "evaluator.sleep"),
        ("seed.x=3", "'seed' has no fields"),
        ("trials=0", "trials.*>= 1.*0"),
        ("trials=-3", "trials.*>= 1"),
        ("trials=2.5", "trials: wants an integer, got 2.5"),
        ("trials=many", "trials: wants an integer, got 'many'"),
        ("trials=true", "trials: wants an integer"),
        ("trials=2020-01-01", "trials: wants an integer"),
        ("seconds=-1", "seconds"),
        ("seconds=nan", "seconds"),
        ("workers=0", "workers"),
        ("space.weight=0", "weight"),
        ("space.weight=1" + "0" * 400, "space.weight"),
        ("space.kernels=1,x", "space.kernels: wants an integer, got 'x'"),
        ("evaluator.trouble=odd", "trouble"),
        ("references=nothing", "unknown reference architecture 'nothing'.*smallest"),
        ("name=..", "name="),
        ("name=a/b", "name="),
        ("name=" + "x" * 300, "name"),
        ("space.name=3", "space"),
        ("space.name=[1]", "space"),
        ("space=3", "space wants a name"),
        ("space=", "space= has no value"),
        ("seed=1,", "empty place"),
        ("seed=[1", "not TOML"),
        ("seed=5..1", "seed=1..5"),
        ("seed=0..99999999999", "seed"),
        ("executor.timeout=1,x", "executor.timeout"),
        ("executor.timeout=1,2", "executor.timeout"),
        ("4=4", "key=value"),
        ("nasdip-table1b-denois", "neither key=value.*nasdip-table1b-denoise"),
        ("../recipes/nasdip-table1b-denoise", "neither key=value"),
        ("missing.toml", "cannot read settings file missing.toml"),
        ("folder=a_file/runs", "folder=PATH"),
        ("folder=~nobody_of_that_name/runs", "folder"),
    ],
)
def test_a_wrong_setting_is_refused_before_anything_is_made(
    refused: Refused, tmp_path: Path, word: str, printed: str
):
    Path("a_file").write_text("")
    assert re.search(printed, refused(*run_words(word)))
    assert [path.name for path in tmp_path.iterdir() if path.name != "configuration"] == ["a_file"]


@pytest.mark.parametrize(
    ("text", "printed"),
    [
        ("seed = [", "settings file mine.toml is damaged"),
        ("seed = 1\nseed = 2\n", "settings file mine.toml is damaged"),
        ("seed = 'x'\n", "seed: wants an integer"),
        ("trails = 3\n", "did you mean 'trials'"),
        ("space = 3\n", "space wants a name"),
        ("[space]\nname = 3\n", "space wants a name"),
        ("[space]\ndpeth = 3\n", "space.dpeth"),
        ("[spaec]\nname = 'toy'\n", "did you mean 'space'"),
        ("[seed]\nx = 1\n", "seed"),
    ],
)
def test_a_wrong_settings_file_is_refused(refused: Refused, text: str, printed: str):
    Path("mine.toml").write_text(text)
    assert re.search(printed, refused(*run_words("mine.toml")))
    assert not Path("runs").exists()


def test_a_settings_file_that_cannot_be_read_is_refused(refused: Refused):
    Path("mine.toml").write_bytes(b"\xff\xfe\x00")
    Path("folder.toml").mkdir()
    assert "mine.toml is damaged" in refused("run", "mine.toml")
    assert "cannot read settings file folder.toml" in refused("run", "folder.toml")


def picture(path: str, mode: str = "RGB", size: tuple[int, int] = (20, 16)) -> Path:
    channels = len(Image.new(mode, (1, 1)).getbands())
    values = np.random.default_rng(0).integers(0, 255, (size[1], size[0], channels), np.uint8)
    Image.frombytes(mode, size, values.tobytes()).save(path)
    return Path(path)


def denoise(*words: str) -> list[str]:
    return ["run", "--quiet", *DIP, "trials=1", *words]


def test_a_truncated_picture_is_refused(refused: Refused):
    whole = picture("whole.png", size=(64, 64)).read_bytes()
    Path("cut.png").write_bytes(whole[: len(whole) // 2])
    assert "cut.png" in refused(*denoise("task.images=cut.png"))
    assert "cut.png" in refused(*denoise("task.images=whole.png", "task.test_images=cut.png"))


@pytest.mark.parametrize("content", [b"", b"no picture", b"\x89PNG\r\n\x1a\n"])
def test_a_file_that_is_no_picture_is_refused(refused: Refused, content: bytes):
    Path("text.png").write_bytes(content)
    assert "text.png" in refused(*denoise("task.images=text.png"))


def test_a_missing_picture_and_a_folder_without_pictures_are_refused(refused: Refused):
    Path("empty").mkdir()
    Path("empty", "notes.txt").write_text("no picture")
    assert "missing.png" in refused(*denoise("task.images=missing.png"))
    assert "empty" in refused(*denoise("task.images=empty"))
    assert "*.png" in refused(*denoise("task.images=*.png"))
    assert "nobody" in refused(*denoise("task.images=~nobody_of_that_name/a.png"))
    assert "xxx" in refused(*denoise(f"task.images={'x' * 300}.png"))


def test_a_picture_that_cannot_be_opened_is_refused(refused: Refused, capsys, readable_only):
    path = picture(str(readable_only.folder / "closed.png"))
    assert main(denoise(f"task.images={path}")) == 0  # so that all is imported
    capsys.readouterr()
    path.chmod(0)
    with readable_only.as_nobody():
        assert "closed.png: Permission denied" in refused(*denoise(f"task.images={path}"))


@pytest.mark.parametrize("size", [(1, 1), (1, 64), (64, 15)])
def test_a_tiny_picture_is_refused_with_its_size(refused: Refused, size: tuple[int, int]):
    picture("tiny.png", size=size)
    line = refused(*denoise("task.images=tiny.png"))
    assert "tiny" in line
    assert f"{size[1]} x {size[0]}" in line


@pytest.mark.parametrize("mode", ["RGBA", "LA"])
def test_a_transparent_picture_is_refused(refused: Refused, mode: str):
    picture("glass.png", mode)
    line = refused(*denoise("task.images=glass.png"))
    assert "glass.png" in line
    assert "transparent" in line


def test_a_space_too_deep_for_the_picture_is_refused_with_both_sizes(refused: Refused):
    picture("small.png", size=(40, 32))
    line = refused(*denoise("task.images=small.png", "space.depth=8"))
    assert re.search(r"32 x 40.*128 x 128.*depth", line)
    assert not Path("runs").exists()


def test_crops_that_are_too_small_are_refused(refused: Refused):
    picture("big.png", size=(64, 64))
    assert re.search("size|16 x 16", refused(*denoise("task.images=big.png", "task.size=8")))


def test_a_missing_device_is_refused(refused: Refused):
    picture("a.png")
    for device in ("cuda:99", "tpu", "meta", ""):
        line = refused(*denoise("task.images=a.png", f"evaluator.device='{device}'"))
        assert "evaluator.device" in line


def test_nan_in_the_fit_is_a_failed_trial_and_the_run_is_whole(capsys):
    picture("a.png")
    words = ("task.images=a.png", "evaluator.lr=1e30", "evaluator.iterations=8", "name=bad")
    assert main(["run", "--json", *DIP, "trials=2", *words]) == 1
    content = json.loads(capsys.readouterr().out)
    assert content["trials"] == {"complete": 0, "failed": 2}
    assert "the loss is" in content["reason"]
    run = Run("runs/bad")
    assert run.state == "finished"
    assert all(re.match(r"the loss is (nan|inf) at step", t.reason) for t in run.trials)


def test_a_run_without_any_result_says_why_and_the_next_of_a_sweep_is_run(capsys):
    words = ("evaluator.trouble=error,no_number", "evaluator.every=1", "trials=2")
    assert main(run_words(*words)) == 1
    (folder,) = Path("runs").iterdir()
    assert [run.state for run in Sweep(folder).runs] == ["finished", "finished"]
    capsys.readouterr()
    assert main(run_words("evaluator.every=1")) == 1
    assert "ValueError: made to fail" in capsys.readouterr().out


@pytest.mark.parametrize("trouble", ["error", "no_number", "exit", "memory", "undecodable"])
def test_an_evaluation_that_raises_is_a_failed_trial_with_its_reason(capsys, trouble: str):
    code = main(["run", *WORDS, "trials=8", "evaluator.every=3", f"evaluator.trouble={trouble}"])
    said = capsys.readouterr()
    assert code == 0
    assert re.search(r"trial \d+  failed: \w+", said.err)
    assert "Traceback" not in said.err + said.out
    (folder,) = Path("runs").iterdir()
    assert {t.state for t in Run(folder).trials} == {"complete", "failed"}


def test_a_read_only_runs_folder_is_refused(refused: Refused, unwritable: Path):
    assert "folder=PATH" in refused(*run_words(f"folder={unwritable}"))


def test_a_folder_that_is_no_run_is_refused(refused: Refused):
    Path("empty").mkdir()
    assert "see: nasir runs" in refused("resume", "empty")
    assert "see: nasir runs" in refused("resume", "missing")
    assert "see: nasir runs" in refused("resume", "x" * 300)


@pytest.mark.parametrize("limit", ["--trials=0", "--trials=-1", "--seconds=-1", "--seconds=nan"])
def test_a_limit_out_of_range_is_refused(refused: Refused, toy, limit: str):
    run = toy("trials=1")
    assert limit[2:8] in refused("resume", "--quiet", str(run.folder), limit)


def test_a_run_in_use_by_another_process_is_refused(refused: Refused, toy):
    run = toy("trials=1")
    holds = (
        "import sys; from nasir.runs.run import Run, writing\n"
        "with writing(Run(sys.argv[1])): print('held', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", holds, run.folder], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as other:
        assert other.stdout
        assert other.stdout.readline() == b"held\n"
        assert run.state == "finished"
        assert "in use by another process" in refused("resume", "--quiet", str(run.folder))
        other.communicate()


@pytest.mark.parametrize("content", [b"", b"no trials", None])
def test_a_run_whose_trials_are_damaged_is_refused(refused: Refused, toy, content: bytes | None):
    run = toy("trials=30")
    path = run.folder / "run.sqlite"
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2] if content is None else content)
    line = refused("resume", "--quiet", str(run.folder))
    assert "run.sqlite" in line


def test_a_run_whose_strategys_state_is_damaged_is_refused(refused: Refused, toy):
    run = toy("trials=1")
    connection = sqlite3.connect(run.folder / "run.sqlite")
    connection.execute("UPDATE strategy SET value = X'00'")
    connection.commit()
    connection.close()
    line = refused("resume", "--quiet", str(run.folder), "--trials=2")
    assert re.search(r"run\.sqlite is damaged", line)


@pytest.mark.parametrize("text", ["", "seed = [", "trials = 3\n", "\0"])
def test_a_run_whose_settings_are_damaged_is_refused(refused: Refused, toy, text: str):
    run = toy("trials=1")
    (run.folder / "settings.toml").write_text(text)
    assert "settings.toml" in refused("resume", "--quiet", str(run.folder))


def test_a_run_of_a_missing_plugin_is_refused(refused: Refused, toy):
    run = toy("trials=1")
    settings = run.folder / "settings.toml"
    settings.write_text(settings.read_text().replace('name = "toy"', 'name = "gone"'))
    assert "unknown space 'gone'" in refused("resume", "--quiet", str(run.folder))


@contextmanager
def plugin(**functions: Callable[..., None]) -> Iterator[str]:
    """A plugin of this process with functions as its hooks."""
    name = f"made-{time.monotonic_ns()}"
    module = ModuleType("made")
    for hook, function in functions.items():
        setattr(module, hook, nasir.hookimpl(function))
    plugins().add(name, module, registries)
    try:
        yield name
    finally:
        manager = plugins()._pm
        if manager.has_plugin(name):
            manager.unregister(name=name)
        for registry in registries.values():
            registry.forget(name)
        plugins().records.pop(name, None)


@pytest.mark.parametrize("error", [RuntimeError("broken"), SystemExit(3)])
@pytest.mark.parametrize("hook", ["run_started", "trial_started", "trial_finished", "run_finished"])
def test_a_plugin_that_raises_in_a_hook_is_reported_and_the_run_continues(
    capsys, caplog, hook: str, error: BaseException
):
    def on_run(run: Run) -> None:
        raise error

    def on_trial(trial: object) -> None:
        raise error

    with plugin(**{hook: on_run if hook.startswith("run") else on_trial}) as name:
        assert main(run_words("name=hooked")) == 0
        assert plugins().records[name].status == "failed"
    assert Run("runs/hooked").state == "finished"
    assert [name in message and hook in message for message in caplog.messages] == [True]


def test_a_hook_under_another_name_is_called_once_for_each_event():
    started = []

    def note(run: Run) -> None:
        started.append(run.folder)

    module = ModuleType("renamed")
    module.note = nasir.hookimpl(specname="run_started")(note)
    plugins().add("renamed", module, registries)
    try:
        main(run_words("trials=1"))
    finally:
        plugins()._pm.unregister(module)
        plugins().records.pop("renamed")
    assert len(started) == 1


NOT_COMPONENTS = {
    "no_attrs_class": type("Plain", (), {}),
    "function": lambda: None,
    "missing_module": "no_such_module:Thing",
    "missing_class": "toy_plugin:Thing",
    "wrong_kind": "toy_plugin:ToyTask",
    "abstract": "nasir.core.search_space:SearchSpace",
}


@pytest.mark.parametrize("target", NOT_COMPONENTS)
def test_a_registered_object_that_is_no_component_is_refused_by_name(refused: Refused, target: str):
    def register_search_spaces(register: Callable[..., None]) -> None:
        register("made", NOT_COMPONENTS[target], "")

    with plugin(register_search_spaces=register_search_spaces) as name:
        assert re.search(f"{name}|made", refused(*run_words("space=made")))


def test_a_strategy_that_raises_leaves_a_resumable_run(monkeypatch, capsys):
    """A defect of the strategy's, with its traceback; nothing that was evaluated is lost."""
    from nasir.strategies.random import RandomSearch

    ask = RandomSearch.ask

    def broken(self: RandomSearch) -> object:
        if list(Path("runs").glob("*/run.sqlite")) and len(Run("runs/broken").trials) == 3:
            raise ZeroDivisionError("a defect")
        return ask(self)

    with monkeypatch.context() as patch:
        patch.setattr(RandomSearch, "ask", broken)
        with pytest.raises(ZeroDivisionError):
            main(run_words("name=broken"))
    assert (Run("runs/broken").folder / "best" / "architecture.json").is_file()
    assert main(["resume", "--quiet", "runs/broken"]) == 0
    assert [t.state for t in Run("runs/broken").trials] == ["complete"] * 6


def in_a_process(*argv: str, **environment: str) -> subprocess.CompletedProcess[str]:
    program = "import sys; from nasir.cli.main import main; sys.exit(main())"
    return subprocess.run(
        [sys.executable, "-c", program, *argv],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=60,
    )


@pytest.fixture
def broken_plugin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A distribution whose plugin cannot be imported."""
    info = tmp_path / "site" / "broken_dist-2.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: broken-dist\nVersion: 2.0\n")
    (info / "entry_points.txt").write_text("[nasir]\nbroken = broken_module\n")
    (tmp_path / "site" / "broken_module.py").write_text("raise RuntimeError('no licence')\n")
    path = os.pathsep.join([str(tmp_path / "site"), os.environ["PYTHONPATH"]])
    monkeypatch.setenv("PYTHONPATH", path)
    return "broken"


def test_a_plugin_that_raises_at_import_is_reported_and_left_out(broken_plugin: str):
    done = in_a_process("run", "--quiet", "strategy=rll")
    assert done.returncode == 2
    lines = done.stderr.splitlines()
    assert len(lines) == 2
    assert re.search(r"'broken' of broken-dist: .*RuntimeError: no licence.*left out", lines[0])
    assert "did you mean 'rl'" in lines[1]


def test_a_broken_plugin_is_fatal_in_strict_mode(broken_plugin: str):
    done = in_a_process("--help", NASIR_STRICT_PLUGINS="1")
    assert done.returncode == 2
    traceback, _, line = done.stderr.rstrip("\n").rpartition("\n")
    assert traceback.startswith("Traceback")
    assert traceback.endswith("RuntimeError: no licence")
    assert re.fullmatch(r"nasir: .*'broken'.*-p no:broken", line)


def test_a_broken_plugin_can_be_disabled(broken_plugin: str):
    done = in_a_process("-p", "no:broken", "--help")
    assert (done.returncode, done.stderr) == (0, "")


def test_disabling_an_unknown_plugin_is_refused():
    done = in_a_process("-p", "no:brokn", "--help")
    assert done.returncode == 2
    assert re.fullmatch(r"nasir: .*'brokn'.*\n", done.stderr)


@pytest.mark.parametrize("text", ["disabled = [", "disabled = 3\n", "disabled = [3]\n"])
def test_a_damaged_list_of_disabled_plugins_is_refused(tmp_path: Path, text: str):
    (tmp_path / "configuration").mkdir()
    (tmp_path / "configuration" / "plugins.toml").write_text(text)
    done = in_a_process("--help")
    assert done.returncode == 2
    assert re.fullmatch(r"nasir: .*plugins\.toml.*correct or remove it\n", done.stderr)


def test_a_closed_output_is_no_error():
    program = "import sys; from nasir.cli.main import main; sys.exit(main(['--help']))"
    done = subprocess.run(
        ["bash", "-c", f'"{sys.executable}" -c "{program}" | true; exit ${{PIPESTATUS[0]}}'],
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_several_values_inside_what_is_no_component_are_refused(refused: Refused):
    assert "space wants a name" in refused(*run_words("space.weight=1,2", "space=3"))
