"""Following a run from another terminal."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import attrs
import pytest
import rich.console  # noqa: F401 (before a test is nobody, who may not be able to read it)
from toy_plugin import WORDS

from nasir.apps.search import search as api
from nasir.apps.search.follower import Follower
from nasir.cli import watch
from nasir.cli.main import main
from nasir.core.architecture import Architecture
from nasir.core.trial import Proposal, Trial
from nasir.runs.run import Run, create, writing
from nasir.runs.store import RunStore

TRIAL = Trial(0, Proposal(Architecture("s", {"size": 1})), 0)


def watch_words(run: Run, *more: str) -> list[str]:
    return ["watch", str(run.folder), *more]


def ended(number: int, score: float) -> Trial:
    return attrs.evolve(TRIAL, number=number, state="complete", score=score, seconds=1.0)


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return create(tmp_path / "runs" / "one", {"trials": 12}, {})


def save(store: RunStore, *trials: Trial) -> None:
    with store.transaction():
        for trial in trials:
            store.save_trial(trial)


def test_a_follower_reports_each_event_once(run: Run):
    heard: list[tuple[Any, ...]] = []

    def notify(hook: str, run: Run, trial: Trial | None = None, name: str = "", **_: Any) -> None:
        heard.append((hook, name or (trial and trial.number)))

    def looked() -> list[tuple[Any, ...]]:
        heard.clear()
        assert follower.look() == "running"
        return list(heard)

    follower = Follower(run, notify)
    running = [attrs.evolve(TRIAL, number=number) for number in range(4)]
    with writing(run) as store:
        save(store, ended(0, 1.0), running[1], running[2])
        assert looked() == [("run_started", None)]
        assert looked() == [("trial_started", 1), ("trial_started", 2)]
        assert looked() == []
        save(store, ended(2, 2.0))
        assert looked() == [("trial_finished", 2)]
        save(store, ended(1, 3.0), ended(3, 1.0))
        assert looked() == [("trial_finished", 1), ("trial_started", 3), ("trial_finished", 3)]
        with store.transaction():
            store.save_final_evaluation("found", "test", ended(0, 5.0))
        assert looked() == [("final_finished", "found")]
        assert looked() == []


def test_only_trials_that_may_have_changed_are_read_again(run: Run, monkeypatch):
    starts: list[int] = []
    trials_from = Run.trials_from

    def counting(self: Run, number: int) -> list[Trial]:
        starts.append(number)
        return trials_from(self, number)

    monkeypatch.setattr(Run, "trials_from", counting)
    follower = Follower(run, lambda hook, **_: None)
    with writing(run) as store:
        save(store, *(ended(number, 1.0) for number in range(50)))
        follower.look()
        save(store, ended(50, 1.0))
        follower.look()
        follower.look()
    assert starts == [50, 51]


@pytest.fixture
def begun(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Run]:
    """A search in a thread that waits after trial 2 until its test lets it go on."""
    monkeypatch.setattr(watch, "EVERY", 0.05)
    go_on, threads = threading.Event(), []

    def begin(*words: str) -> Run:
        reached = threading.Event()

        def notify(hook: str, trial: Trial | None = None, **_: Any) -> None:
            if hook == "trial_finished" and trial and trial.number == 2:
                reached.set()
                go_on.wait(60)

        def search() -> None:
            (planned,) = api.plan([*WORDS, "trials=6", "name=live", *words], {})
            api.start(planned, notify)

        thread = threading.Thread(target=search)
        threads.append(thread)
        thread.start()
        assert reached.wait(60)
        return Run("runs/live")

    begin.go_on = go_on.set  # type: ignore[attr-defined]
    yield begin
    go_on.set()
    for thread in threads:
        thread.join()


def test_a_run_is_followed_in_plain_lines_until_it_ends(begun, monkeypatch, capsys):
    run = begun()
    looks: list[str] = []
    look = Follower.look

    def looking(follower: Follower) -> str:
        looks.append(look(follower))
        begun.go_on()
        return looks[-1]

    monkeypatch.setattr(Follower, "look", looking)
    assert main(watch_words(run)) == 0
    said = capsys.readouterr()
    assert said.err == ""
    first, *lines, last = said.out.splitlines()
    assert first == f"run {run.folder}: 6 trials, 3 done before"
    trials = [line.split("  ")[:2] for line in lines if not line.startswith("final")]
    assert trials == [[f"{n + 1}/6", f"trial {n}"] for n in (3, 4, 5)]
    finals = [line.split(" (")[0] for line in lines if line.startswith("final")]
    assert finals == ["final found", "final smallest"]
    assert last == f"finished; see it with: nasir show {run.folder}"


def test_once_prints_the_state_and_exits(begun, capsys):
    run = begun()
    assert main(watch_words(run, "--once")) == 0
    (line,) = capsys.readouterr().out.splitlines()
    assert line.startswith(f"{run.folder}: running  3/6  best ")
    assert line.endswith("in flight: trial 3")


def test_watching_writes_nothing(toy, readable_only, capsys):
    run = toy(f"folder={readable_only.folder}", "name=first", "trials=2")
    with readable_only():
        assert main(watch_words(run)) == 0
        assert main(watch_words(run, "--once")) == 0
    assert "finished; see it with" in capsys.readouterr().out


def test_an_active_run_can_be_watched_in_a_read_only_folder(readable_only, capsys):
    run = create(readable_only.folder / "first", {"trials": 3}, {})
    with writing(run) as store:
        save(store, ended(0, 1.0), attrs.evolve(TRIAL, number=1))
        with readable_only():
            assert main(watch_words(run, "--once")) == 0
        said = capsys.readouterr().out
        assert "first: running  1/3  best 1 (trial 0)  in flight: trial 1" in said


def test_a_run_whose_process_died_shows_how_to_resume(run: Run, capsys):
    with writing(run) as store, store.transaction():
        store.save_progress(state="running")
    assert main(watch_words(run)) == 1
    assert capsys.readouterr().out.splitlines() == [
        f"run {run.folder}: 12 trials",
        f"stopped: its process died; continue with: nasir resume {run.folder}",
    ]


def test_a_stopped_run_shows_the_reason(toy, capsys):
    run = toy("trials=5", "evaluator.every=1", "stop_after=2")
    assert main(watch_words(run)) == 1
    assert "stopped: 2 trials in a row failed, trial 1 with: " in capsys.readouterr().out


def test_a_missing_run_is_refused(tmp_path: Path, capsys):
    assert main(["watch", str(tmp_path / "none")]) == 2
    assert capsys.readouterr().err.startswith("nasir: there is no run folder")
