"""What is told of a search while it runs."""

from __future__ import annotations

import re
import sys
import tracemalloc
from pathlib import Path

import pytest

from nasir.cli.live import Display, Tally, watched
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
    with watched(12, quiet=False) as notify:
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


def test_quiet_says_nothing(run: Run, capsys):
    with watched(12, quiet=True) as notify:
        notify("run_started", run=run)
        notify("trial_finished", run=run, trial=complete(0, 1.0))
    assert capsys.readouterr() == ("", "")


def test_a_resumed_run_goes_on_counting(run: Run, capsys):
    with writing(run) as store, store.transaction():
        for trial in (complete(0, 30.0), failed(1), Trial(2, PROPOSAL, 0)):
            store.save_trial(trial)
    with watched(12, quiet=False) as notify:
        notify("run_started", run=run)
        notify("trial_finished", run=run, trial=complete(2, 20.0))
    lines = capsys.readouterr().err.splitlines()
    assert lines[0].endswith("12 trials, 2 done before")
    assert lines[1].startswith("3/12  trial 2  complete  score 20.00  best 30.00 (trial 0)")


def test_a_search_outlives_the_pipe_it_told_its_progress_to(
    run: Run, monkeypatch: pytest.MonkeyPatch
):
    class Gone:
        def write(self, text: str) -> int:
            raise BrokenPipeError

        def flush(self) -> None:
            raise BrokenPipeError

    with watched(12, quiet=False) as notify:
        monkeypatch.setattr(sys, "stderr", Gone())
        notify("run_started", run=run)
        notify("trial_finished", run=run, trial=complete(0, 1.0))


def test_a_terminal_shows_the_fit_in_flight_and_cleans_up(
    run: Run, capsys, monkeypatch: pytest.MonkeyPatch
):
    for name, value in {"FORCE_COLOR": "1", "TERM": "xterm", "COLUMNS": "80"}.items():
        monkeypatch.setenv(name, value)
    with watched(12, quiet=False) as notify:
        notify("run_started", run=run)
        notify("trial_started", run=run, trial=complete(0, 27.9))
        report(120, 300, fit_psnr=23.414)
    said = capsys.readouterr()
    assert said.out == ""
    assert "\x1b[?25l" in said.err
    assert said.err.rstrip().endswith("\x1b[2K")
    plain = re.sub(r"\x1b\[[\d;?]*[a-zA-Z]", "", said.err)
    assert "trial 0  120/300  fit psnr 23.41" in plain


def rendered(display: Display) -> str:
    from rich.console import Console

    console = Console(width=80)
    with console.capture() as captured:
        console.print(display.render())
    return captured.get()


def test_the_display_counts_trials_failures_and_finals(run: Run):
    display = Display(Tally(12))
    assert "getting ready" in rendered(display)
    display.run_started(run)
    display.trial_started(run, complete(0, 27.9))
    display.trial_started(run, failed(1))
    assert "trial 0, trial 1" in rendered(display)
    display.trial_finished(run, failed(1))
    display.trial_finished(run, complete(0, 27.9))
    out = rendered(display)
    assert "2/12  best 27.90 (trial 0)  1 failed" in out
    assert "\nfit " not in out
    display.final_started(run, "found", "test", complete(0, 27.9))
    display.hear(0, 0, {})
    assert "final found" in rendered(display)


def test_the_time_left_is_that_of_what_is_to_come():
    tally = Tally(planned=10, references=1)
    assert tally.left(5.0, share=0.0) is None
    # 10 s for half a trial: 20 s each; 9.5 trials, the found architecture and one reference
    assert tally.left(10.0, share=0.5) == pytest.approx(20 * (10 + 2 - 0.5))
    tally.add(complete(0, 1.0))
    assert tally.left(20.0, share=0.0) == pytest.approx(20 * (9 + 2))
    # where a stop is searched, the reference is judged on the search pictures too
    tally.add(complete(1, 2.0, stop=0.9))
    assert tally.left(40.0, share=0.0) == pytest.approx(20 * (8 + 3))
    tally.judging, tally.judged = True, 1
    assert tally.left(60.0, share=0.5) == pytest.approx(60 / 3.5 * (2 - 0.5))


def test_the_time_left_knows_of_a_limit_in_seconds():
    tally = Tally(planned=1000, seconds=30.0)
    tally.add(complete(0, 1.0))
    # 10 s a trial: 20 s of search are left, then the found architecture
    assert tally.left(10.0, share=0.0) == pytest.approx(20 + 10)
    assert tally.left(40.0, share=0.0) == pytest.approx(40)


def test_trials_done_before_do_not_count_for_the_rate(run: Run):
    with writing(run) as store, store.transaction():
        for number in range(6):
            store.save_trial(complete(number, 1.0))
    tally = Tally(planned=12)
    tally.begin(run)
    assert tally.left(5.0, share=0.0) is None
    tally.add(complete(6, 1.0))
    assert tally.left(5.0, share=0.0) == pytest.approx(5 * (5 + 2))


def test_partial_fidelity_never_beats_a_full_trial():
    tally = Tally(planned=3)
    tally.add(complete(0, 20.0))
    tally.add(Trial(1, Proposal(PROPOSAL.architecture, "full", 0.5), 0, "complete", 99.0))
    tally.add(Trial(2, Proposal(PROPOSAL.architecture, "proxy"), 0, "complete", 99.0))
    assert str(tally) == "best 20.00 (trial 0)"


def test_memory_does_not_grow_with_the_trials():
    tally = Tally(planned=10**6)
    tracemalloc.start()
    for number in range(2000):
        tally.add(complete(number, float(number), psnr=1.0))
    size, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert size < 50_000
