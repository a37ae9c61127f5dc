"""Sweeps: runs that were planned together, and go on together."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable
from contextlib import nullcontext, suppress
from pathlib import Path

import pytest
from PIL import Image
from processes import complete
from toy_plugin import WORDS, outcome

import nasir
from nasir.apps.search import search as api
from nasir.apps.search import sweep
from nasir.cli.main import main
from nasir.core.errors import NasirError
from nasir.runs.folder import SWEEP
from nasir.runs.inputs import recorded
from nasir.runs.run import Run
from nasir.runs.sweep import Sweep

NAMES = ["1-toy-random-toy", "2-toy-random-toy-seed1", "3-toy-random-toy-seed2"]


def states(name: str) -> list[str]:
    return [run.state for run in Sweep(name).runs]


def refused(capsys, *argv: str) -> str:
    assert main(list(argv)) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    return said


def test_a_sweep_has_a_name_and_its_runs_are_in_it(toy, capsys):
    assert main(["run", *WORDS, "seed=0,1,2", "name=mine", "--quiet"]) == 0
    assert sorted(path.name for path in Path("runs/mine").glob("[!.]*")) == [*NAMES]
    assert states("mine") == ["finished"] * 3
    for seed, run in enumerate(Sweep("mine").runs):
        assert outcome(run) == outcome(toy(seed=seed, folder="alone"))
        assert "resumed" not in recorded(run)
    capsys.readouterr()
    assert main(["runs"]) == 0
    assert "mine  finished  3 of 3 runs" in capsys.readouterr().out


def ended_in_the_second_run(end: Callable[[], None]) -> None:
    """A sweep of three runs, with `end` called after two trials of the second."""
    made = sweep.create(api.plan([*WORDS, "seed=0,1,2", "name=mine"], {}))

    def notify(hook: str, run: Run, **_: object) -> None:
        if run.settings["seed"] == 1 and hook == "trial_finished" and complete(run.folder) == 2:
            end()

    sweep.conduct(made.runs, show_run=lambda run: nullcontext(notify))


def interrupted() -> None:
    raise KeyboardInterrupt


def killed() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


@pytest.mark.parametrize(("end", "state"), [(interrupted, "interrupted"), (killed, "stopped")])
def test_a_sweep_that_was_ended_goes_on_with_all_of_it(end, state, capsys, toy):
    child = os.fork()
    if not child:
        with suppress(BaseException):
            ended_in_the_second_run(end)
        os._exit(0)
    os.waitpid(child, 0)
    assert states("mine") == ["finished", state, "planned"]
    first = (Path("runs/mine") / NAMES[0] / "run.sqlite").stat().st_mtime_ns
    capsys.readouterr()
    main(["runs"])
    assert "mine  interrupted  1 of 3 runs" in capsys.readouterr().out
    assert main(["resume", "mine", "--json"]) == 0
    assert [one["state"] for one in json.loads(capsys.readouterr().out)] == ["finished"] * 3
    assert (Path("runs/mine") / NAMES[0] / "run.sqlite").stat().st_mtime_ns == first
    for seed, run in enumerate(Sweep("mine").runs):
        assert outcome(run) == outcome(toy(seed=seed, folder="alone"))


@pytest.mark.parametrize("verb", [("run", *WORDS, "seed=0,1", "name=mine"), ("resume", "mine")])
def test_ctrl_c_ends_a_sweep_though_somebody_else_resumes_its_run_at_once(monkeypatch, verb):
    if verb[0] == "resume":
        sweep.create(api.plan([*WORDS, "seed=0,1", "name=mine"], {}))

    def taken(run: Run, *_: object) -> str:
        run.write("run.owner", b'{"token": "t", "host": "h", "machine": "m", "pid": 1}')
        return "interrupted"

    monkeypatch.setattr(api, "go_on", taken)
    assert main([*verb, "--quiet"]) == 130
    assert len(list(Path("runs/mine").glob("*/run.owner"))) == 1


def test_remarks_are_on_the_pictures_of_each_run_of_a_sweep(tmp_path, capsys):
    Image.new("L", (32, 32), 9).save(tmp_path / "photo.png")
    words = ["task=denoise", f"task.images={tmp_path}", "task.size=16,20", "seed=0,1"]
    assert main(["run", *WORDS, *words, "--dry-run"]) == 0
    said = capsys.readouterr().out
    assert [said.count(f"the middle {size} x {size}") for size in (16, 20)] == [1, 1]


def test_new_limits_are_for_every_run_of_a_sweep():
    made = nasir.sweep(*WORDS, name="mine", seed=[0, 1])
    assert nasir.resume_sweep("mine", trials=8).state == "finished"
    assert [len(run.trials) for run in made.runs] == [8, 8]


def test_a_run_that_another_process_has_finished_meanwhile_is_left_alone():
    runs = sweep.create(api.plan([*WORDS, "seed=0,1", "trials=1", "name=mine"], {})).runs
    shown = []

    def show(run: Run) -> nullcontext[None]:
        shown.append(run.folder.name)
        nasir.resume(runs[1].folder)
        return nullcontext()

    sweep.conduct(runs, show_run=show)
    assert shown == NAMES[:1]
    assert states("mine") == ["finished"] * 2


def test_a_run_that_was_removed_is_no_longer_of_the_sweep():
    made = nasir.sweep(*WORDS, name="mine", seed=[0, 1], trials=1)
    made.runs[0].folder.rename("elsewhere")
    assert [run.folder.name for run in Sweep("mine").runs] == ["2-toy-random-toy-seed1"]


def test_a_planned_run_finds_the_files_that_the_sweep_began_with(tmp_path):
    photo = tmp_path / "photo.png"
    Image.new("L", (32, 32), 9).save(photo)
    words = [*WORDS, "task=denoise", "task.size=16", f"task.images={photo}"]
    made = sweep.create(api.plan([*words, "seed=0,1", "trials=2", "name=mine"], {}))
    sweep.conduct(made.runs[:1])
    Image.new("L", (32, 32), 10).save(photo)
    with pytest.raises(NasirError, match=r"changed: photo.png"):
        nasir.resume_sweep("mine")
    done = nasir.resume_sweep("mine", accept_changes=True)
    assert done.state == "finished"


@pytest.mark.parametrize(
    ("words", "what"),
    [
        (("name=a,b",), "one name="),
        (("folder=a,b",), "one folder="),
        (("name=mine", "seed=0,1"), "runs/mine exists"),
        (("name=../out", "seed=0,1"), "no name of a folder"),
    ],
)
def test_what_is_no_sweep_is_refused(capsys, words, what):
    Path("runs/mine").mkdir(parents=True)
    assert what in refused(capsys, "run", *WORDS, *words)
    assert not list(Path("runs/mine").iterdir())


@pytest.mark.parametrize(
    "record", ["", "[]", '{"runs": 3}', '{"runs": ["../out"]}', '{"runs": ["/etc"]}', "[" * 9999]
)
def test_a_damaged_record_is_refused_and_listed_as_damaged(capsys, record):
    nasir.sweep(*WORDS, name="mine", seed=[0, 1], trials=1)
    Path("runs/mine", SWEEP).write_text(record)
    for verb in ("resume", "compare"):
        assert "is damaged" in refused(capsys, verb, "mine")
    main(["runs"])
    assert "damaged" in capsys.readouterr().out


def test_a_sweep_is_compared_whole_and_shown_by_its_runs(capsys):
    nasir.sweep(*WORDS, name="mine", seed=[0, 1], trials=2)
    assert [run.folder.name for run in nasir.compare("mine").folders] == NAMES[:2]
    for verb in ("show", "watch", "report"):
        assert "sweep of several runs" in refused(capsys, verb, "mine")
        assert main([verb, f"mine/{NAMES[0]}"]) == 0
    assert main(["show"]) == 0
    assert main(["resume", "--trials", "3", "--quiet"]) == 0
    assert [len(run.trials) for run in Sweep("mine").runs] == [3, 3]


def test_names_that_runs_shows_are_taken_everywhere(capsys):
    Run(nasir.search(*WORDS, name="one").folder)
    nasir.search(*WORDS, name="two", seed=1)
    for argv in (
        ("show", "one"),
        ("watch", "one"),
        ("report", "one"),
        ("resume", "one", "--trials", "7", "--quiet"),
        ("compare", "one", "two"),
        ("correlate", "one"),
    ):
        code = main([*argv])
        said = capsys.readouterr()
        assert code == 0 or "has 7 architectures" in said.err or "correlat" in said.err, argv
        assert "no run folder" not in said.err


def no_cluster(*_: object) -> None:
    raise NasirError("nothing answers there")


@pytest.mark.parametrize("seeds", ["seed=0", "seed=0,1"])
def test_nothing_is_left_where_the_executor_cannot_start(seeds, monkeypatch, capsys):
    monkeypatch.setattr("nasir.executors.inline.Inline.start", no_cluster)
    assert "nothing answers there" in refused(capsys, "run", *WORDS, seeds, "--quiet")
    assert not list(Path().glob("runs/*"))


def test_a_run_whose_executor_cannot_start_keeps_its_state(toy, monkeypatch, capsys):
    run = toy(trials=2)
    monkeypatch.setattr("nasir.executors.inline.Inline.start", no_cluster)
    refused(capsys, "resume", str(run.folder), "--trials", "3")
    assert (run.state, run.planned_trials, len(run.trials)) == ("finished", 2, 2)
