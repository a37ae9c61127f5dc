"""What is shown of work in progress."""

from __future__ import annotations

import io
import re
import sys
from pathlib import Path

import pytest
from rich.console import Console

from nasir.apps.progress import screen
from nasir.apps.progress.displays import (
    SearchDisplay,
    SweepDisplay,
    hooks_of,
    show_search,
    show_sweep,
    show_training,
    show_work,
)
from nasir.apps.progress.screen import Screen
from nasir.apps.search.parallel import RunReport
from nasir.apps.search.tally import Tally
from nasir.cli.restoration_displays import RestorationDisplay, show_restoration
from nasir.core.architecture import Architecture
from nasir.core.progress import report
from nasir.core.trial import Proposal, Trial
from nasir.runs.run import Run, create, writing

PROPOSAL = Proposal(Architecture("s", {"size": 1}))


def complete(number: int, score: float, **metrics: float) -> Trial:
    return Trial(number, PROPOSAL, 0, "complete", score, metrics, seconds=4.2)


def failed(number: int) -> Trial:
    return Trial(number, PROPOSAL, 0, "failed", error="the loss is nan\nTraceback", seconds=0.5)


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return create(tmp_path / "runs" / "one", {"trials": 12, "references": ["hand_made"]}, {})


def test_without_a_terminal_each_evaluation_is_a_line(run: Run, capsys):
    with show_search(12, quiet=False) as notify:
        notify("run_started", run=run)
        for trial in (complete(0, 27.9), failed(1), complete(2, 27.31)):
            notify("trial_started", run=run, trial=trial)
            report(1, 2, psnr=3.0)
            notify("trial_finished", run=run, trial=trial)
        notify("final_started", run=run, name="found", split="test", trial=complete(0, 28.0))
        notify("final_finished", run=run, name="found", split="test", trial=complete(0, 28.0))
        notify("final_finished", run=run, name="hand_made", split="search", trial=failed(1))
        notify("run_finished", run=run)
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.splitlines() == [
        f"run {run.folder}: 12 trials",
        "1/12  trial 0  complete  score 27.90  best 27.90 (trial 0)  4.2 s",
        "2/12  trial 1  failed: the loss is nan  0.5 s",
        "3/12  trial 2  complete  score 27.31  best 27.90 (trial 0)  4.2 s",
        "final found (test pictures)  score 28.00  4.2 s",
        "final hand_made (search pictures)  failed: the loss is nan  0.5 s",
    ]


def test_quiet_prints_nothing(run: Run, capsys):
    with show_search(12, quiet=True) as notify:
        notify("run_started", run=run)
        notify("trial_finished", run=run, trial=complete(0, 1.0))
    assert capsys.readouterr() == ("", "")


def test_a_resumed_run_continues_counting(run: Run, capsys):
    with writing(run) as store, store.transaction():
        for trial in (complete(0, 30.0), failed(1), Trial(2, PROPOSAL, 0)):
            store.save_trial(trial)
    with show_search(12, quiet=False) as notify:
        notify("run_started", run=run)
        notify("trial_finished", run=run, trial=complete(2, 20.0))
    lines = capsys.readouterr().err.splitlines()
    assert lines[0].endswith("12 trials, 2 done before")
    assert lines[1].startswith("3/12  trial 2  complete  score 20.00  best 30.00 (trial 0)")


def test_a_search_outlives_the_pipe_of_its_progress(run: Run, monkeypatch: pytest.MonkeyPatch):
    class Gone:
        def write(self, text: str) -> int:
            raise BrokenPipeError

        def flush(self) -> None:
            raise BrokenPipeError

    with show_search(12, quiet=False) as notify:
        monkeypatch.setattr(sys, "stderr", Gone())
        notify("run_started", run=run)
        notify("trial_finished", run=run, trial=complete(0, 1.0))


def test_a_terminal_shows_the_fit_in_flight_and_cleans_up(
    run: Run, capsys, monkeypatch: pytest.MonkeyPatch
):
    for name, value in {"FORCE_COLOR": "1", "TERM": "xterm", "COLUMNS": "80"}.items():
        monkeypatch.setenv(name, value)
    with show_search(12, quiet=False) as notify:
        notify("run_started", run=run)
        notify("trial_started", run=run, trial=complete(0, 27.9))
        report(120, 300, fit_psnr=23.414)
    said = capsys.readouterr()
    assert said.out == ""
    assert "\x1b[?25l" in said.err
    assert said.err.rstrip().endswith("\x1b[2K")
    plain = re.sub(r"\x1b\[[\d;?]*[a-zA-Z]", "", said.err)
    assert "trial 0  120/300  fit psnr 23.41" in plain


def rendered(shown: Screen, width: int = 100) -> str:
    console = Console(width=width)
    with console.capture() as captured:
        console.print(shown.render())
    return captured.get()


def test_the_search_display_counts_trials_failures_and_final_evaluations(run: Run):
    shown = Screen()
    display = SearchDisplay(shown, Tally(12))
    assert "getting ready" in rendered(shown)
    display.run_started(run)
    display.trial_started(run, complete(0, 27.9))
    display.trial_started(run, failed(1))
    assert "trial 0, trial 1" in rendered(shown)
    display.trial_finished(run, failed(1))
    display.trial_finished(run, complete(0, 27.9))
    out = rendered(shown)
    assert "2/12  best 27.90 (trial 0)  1 failed" in out
    assert "\nfit " not in out
    display.final_started(run, "found", "test", complete(0, 27.9))
    display.receive(0, 0, {})
    assert "final found" in rendered(shown)


def test_a_terminal_shows_the_percentage_of_any_work(monkeypatch: pytest.MonkeyPatch):
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    terminal = Terminal()
    monkeypatch.setattr("sys.stderr", terminal)
    monkeypatch.setenv("TERM", "xterm")
    with show_work("bicubic"):
        report(3, 4)
    assert re.search("bicubic.* 75%", terminal.getvalue())


def test_without_a_terminal_a_training_prints_figures_now_and_then(capsys, monkeypatch):
    now = [100.0]
    monkeypatch.setattr(screen.time, "monotonic", lambda: now[0])
    with show_training(quiet=False):
        for step, seconds in ((100, 0), (150, 10), (200, 10), (250, 1), (300, 1)):
            now[0] += seconds
            report(step, 300, loss=0.5, validation_psnr=30.123)
    assert capsys.readouterr().err.splitlines() == [
        "step 100/300  loss 0.5  validation psnr 30.12",
        "step 200/300  loss 0.5  validation psnr 30.12  about 0:00:20 left",
        "step 300/300  loss 0.5  validation psnr 30.12",
    ]


def test_a_terminal_shows_a_restoration(capsys, monkeypatch):
    for name, value in {"FORCE_COLOR": "1", "TERM": "xterm", "COLUMNS": "100"}.items():
        monkeypatch.setenv(name, value)
    with show_restoration(quiet=False) as notify:
        notify("tile_started", number=1, tiles=3)
        report(120, 300, fit_psnr=23.414)
    said = capsys.readouterr()
    assert said.out == ""
    plain = re.sub(r"\x1b\[[\d;?]*[a-zA-Z]", "", said.err)
    assert "restoring tile 2 of 3" in plain
    assert "120/300  fit psnr 23.41" in plain


def test_the_time_left_of_a_restoration_is_that_of_all_tiles(monkeypatch):
    now = [100.0]
    monkeypatch.setattr(screen.time, "monotonic", lambda: now[0])
    shown = Screen()
    display = RestorationDisplay(shown)
    display.tile_started(number=0, tiles=4)
    assert "left" not in rendered(shown)
    now[0] += 10
    display.receive(50, 100, {})
    assert "50/100  about 0:01:10 left" in rendered(shown)  # half a tile in 10 s: 3.5 are left
    display.tile_started(number=2, tiles=4)
    now[0] += 30
    display.receive(50, 100, {})
    assert "50/100  about 0:00:24 left" in rendered(shown)  # 2.5 tiles in 40 s: 1.5 are left


def test_a_search_for_one_picture_counts_its_trials():
    shown = Screen()
    display = RestorationDisplay(shown)
    notify = hooks_of(display)
    notify("search_started", trials=9, seconds=60)
    display.receive(3, 5, {"fit_psnr": 20.0})
    for _ in range(4):
        notify("trial_finished", run=None, trial=None)
    out = rendered(shown)
    assert out.startswith("searching for at most 60 s")
    assert out.rstrip().endswith("4/9")


def test_lines_of_a_sweep_name_their_run(capsys):
    with show_sweep(3, quiet=False) as hear:
        hear(1, RunReport("runs/x", 0, 50, "no result yet"))
        hear(1, RunReport("runs/x", 12, 50, "best 27.90 (trial 3)"))
        hear(1, RunReport("runs/x", 50, 50, "best 27.90 (trial 3)", "finished"))
    assert capsys.readouterr().err.splitlines() == [
        "run 2 of 3  runs/x  begun",
        "run 2 of 3  runs/x  12/50  best 27.90 (trial 3)",
        "run 2 of 3  runs/x  finished",
    ]


def test_a_sweep_has_a_bar_for_each_active_run():
    shown = Screen()
    display = SweepDisplay(shown, 4)
    display.receive(0, RunReport("runs/a", 50, 50, "best 1", "finished"))
    display.receive(1, RunReport("runs/b", 12, 50, "best 2"))
    display.receive(2, RunReport("runs/c", 1, 50, "best 3"))
    first, second, third = (" ".join(line.split()) for line in rendered(shown).splitlines())
    assert first.startswith("runs ")
    assert first.endswith(" 1/4")
    assert second.startswith("run 2 ")
    assert second.endswith("12/50 best 2 runs/b")
    assert third.startswith("run 3 ")
