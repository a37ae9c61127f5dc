"""Strategies get the restored pictures that they look at, after any interruption too."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from concurrent.futures import Executor, Future
from pathlib import Path
from typing import Any

import attrs
import numpy as np
import pytest
from toy_plugin import ToySpace, ToyTask, figures

from nasir.core.evaluator import Evaluation, Evaluator, Problem, RestoredPicture
from nasir.core.executor import InlineExecutor
from nasir.core.seeds import derived_seed
from nasir.core.strategy import Strategy
from nasir.core.trial import FULL, Proposal, Trial
from nasir.engine.loop import Budget, Engine
from nasir.runs.run import Run, create, writing
from nasir.runs.store import RunStore

NUMBER = {derived_seed(0, "trial", number): number for number in range(100)}
"""The number of the trial with a seed, in a run of seed 0."""


@attrs.define
class Blind(Strategy):
    """Proposes architecture after architecture, and records the pictures that it gets."""

    stage: str = FULL
    finished: dict[int, dict[str, Any]] = attrs.field(factory=dict)
    asked: int = 0
    problem: Any = None

    def bind(self, problem: Problem) -> None:
        self.problem = problem

    def ask(self) -> Proposal:
        self.asked += 1
        architecture = self.problem.domain.decode((self.asked, 0, self.asked, 1))
        return Proposal(architecture, self.stage if self.asked % 2 else FULL)

    def tell(self, trial: Trial) -> None:
        self.finished[trial.number] = dict(trial.pictures)

    def state_dict(self) -> dict[str, Any]:
        return {"asked": self.asked}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.asked = state["asked"]


class Looking(Blind):
    """Looks at the pictures of the full stage."""

    looks_at = frozenset((FULL,))


def picture(number: int) -> np.ndarray:
    """What trial `number` restores ``(H, W, C)``, laid out in memory as torch has it."""
    return np.random.default_rng(number).random((3, 4, 5), dtype=np.float32).transpose(1, 2, 0)


@attrs.define
class Restoring(Evaluator):
    """Restores two pictures; if it is not `polite`, also without being asked to."""

    fails: int = -1
    polite: bool = True
    asked_to_keep: list[tuple[int, bool]] = attrs.field(factory=list)

    def evaluate(self, proposal: Proposal, problem: Problem, seed: int) -> Evaluation:
        number = NUMBER[seed]
        self.asked_to_keep.append((number, problem.artifacts))
        if number == self.fails:
            raise ValueError("made to fail")
        if self.polite and not problem.artifacts:
            return Evaluation(float(number))
        made = {"lake": picture(number), "mill/dam": -picture(number)}
        restored = {name: RestoredPicture(None, np.zeros((3, 2, 1)), p) for name, p in made.items()}
        return Evaluation(float(number), restored=restored, weights={"layer": np.ones(5)})


class Held(Executor):
    """Evaluates only the trials that :meth:`end` names, before or after they are submitted."""

    def __init__(self, *ends: int) -> None:
        self._ends = set(ends)
        self._waiting: dict[int, Callable[[], None]] = {}

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        number = args[0].number
        self._waiting[number] = lambda: future.set_result(fn(*args, **kwargs))
        if number in self._ends:
            self._waiting[number]()
        return future

    def end(self, number: int) -> None:
        self._ends.add(number)
        if number in self._waiting:
            self._waiting[number]()


class Killed(BaseException):
    """The process died here."""


def engine(
    store: RunStore,
    run: Run,
    strategy: Strategy,
    evaluator: Evaluator | None = None,
    executor: Executor | None = None,
    **settings: Any,
) -> Engine:
    evaluator = evaluator or Restoring()
    problem = Problem(ToySpace(), ToyTask(), {FULL: evaluator, "quick": evaluator})
    budget = Budget(settings.pop("trials", 6))
    executor = executor or InlineExecutor()
    return Engine(store, problem, strategy, executor, budget, **settings)


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return create(tmp_path / "r", {}, {})


def search(run: Run, strategy: Blind, **settings: Any) -> Blind:
    with writing(run) as store:
        engine(store, run, strategy, **settings).search()
    return strategy


def same(finished: dict[str, Any], number: int) -> bool:
    """Whether `finished` is what trial `number` restored, to the bit."""
    expected = {"lake": picture(number), "mill/dam": -picture(number)}
    return finished.keys() == expected.keys() and all(
        np.array_equal(finished[name], array) and finished[name].dtype == array.dtype
        for name, array in expected.items()
    )


def kept(run: Run) -> list[int]:
    """The trials whose pictures are in the store."""
    connection = sqlite3.connect(run.folder / "run.sqlite")
    rows = connection.execute("SELECT trial FROM pictures ORDER BY trial").fetchall()
    connection.close()
    return [number for (number,) in rows]


def ended_out_of_turn(run: Run) -> Blind:
    """Two workers: trial 1 has ended, trial 0 still runs; then the process is killed."""
    strategy = Looking()

    def killed(hook: str, trial: Trial, **arguments: Any) -> None:
        if hook == "trial_finished":
            assert trial.number == 1
            raise Killed

    with pytest.raises(Killed):
        search(run, strategy, executor=Held(1), workers=2, notify=killed)
    return strategy


@pytest.mark.parametrize("workers", [1, 3])
def test_strategy_gets_the_pictures_that_it_looks_at(run: Run, workers: int):
    strategy = search(run, Looking(), workers=workers)
    assert list(strategy.finished) == list(range(6))
    assert all(same(finished, number) for number, finished in strategy.finished.items())


def test_trials_of_other_stages_have_no_pictures(run: Run):
    evaluator = Restoring()
    strategy = search(run, Looking(stage="quick"), evaluator=evaluator)
    assert [number for number, finished in strategy.finished.items() if finished] == [1, 3, 5]
    assert evaluator.asked_to_keep == [(n, n % 2 == 1) for n in range(6)]


def test_no_pictures_are_made_or_stored_for_a_strategy_that_does_not_look(run: Run):
    evaluator = Restoring()
    strategy = search(run, Blind(), evaluator=evaluator)
    assert strategy.finished == {number: {} for number in range(6)}
    assert evaluator.asked_to_keep == [(number, False) for number in range(6)]
    assert kept(run) == []


def test_strategy_gets_no_pictures_that_it_did_not_want(run: Run):
    strategy = search(run, Blind(), evaluator=Restoring(polite=False))
    assert strategy.finished == {number: {} for number in range(6)}


def test_failed_trial_has_no_pictures(run: Run):
    strategy = search(run, Looking(), evaluator=Restoring(fails=2), workers=2)
    assert strategy.finished[2] == {}
    assert all(same(strategy.finished[number], number) for number in (0, 1, 3, 4, 5))


def test_pictures_are_stored_until_the_strategy_gets_the_trial(run: Run):
    executor, stored = Held(2), {}

    def note(hook: str, trial: Trial, **arguments: Any) -> None:
        if hook == "trial_finished":
            stored[trial.number] = kept(run)
            following = {2: 1, 1: 0, 0: 3}
            if trial.number in following:
                executor.end(following[trial.number])

    strategy = search(run, Looking(), executor=executor, workers=3, notify=note, trials=4)
    assert stored == {2: [2], 1: [1, 2], 0: [], 3: []}
    assert list(strategy.finished) == [0, 1, 2, 3]
    assert all(same(finished, number) for number, finished in strategy.finished.items())


def test_resumed_search_gets_the_stored_pictures(run: Run, tmp_path: Path):
    assert ended_out_of_turn(run).finished == {}
    assert kept(run) == [1]
    assert [trial.state for trial in run.trials] == ["running", "complete"]
    evaluator = Restoring()
    strategy = search(run, Looking(), evaluator=evaluator, workers=2)
    assert [number for number, _ in evaluator.asked_to_keep] == [0, 2, 3, 4, 5]
    assert list(strategy.finished) == list(range(6))
    assert all(same(finished, number) for number, finished in strategy.finished.items())
    assert kept(run) == []
    whole = create(tmp_path / "whole", {}, {})
    search(whole, Looking(), workers=2)
    assert list(map(figures, run.trials)) == list(map(figures, whole.trials))


def test_stored_pictures_survive_several_kills(run: Run):
    ended_out_of_turn(run)
    for _ in range(2):
        with pytest.raises(Killed):
            search(run, Looking(), executor=_Deadly(), workers=2)
        assert kept(run) == [1]
    strategy = search(run, Looking(), workers=2)
    assert all(same(finished, number) for number, finished in strategy.finished.items())


class _Deadly(Executor):
    """A process that submits to it dies."""

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
        raise Killed


def test_unfinished_transaction_stores_no_pictures(run: Run, monkeypatch: pytest.MonkeyPatch):
    save_progress = RunStore.save_progress

    def killed(store: RunStore, **values: Any) -> None:
        if store.pictures(1):
            raise Killed
        save_progress(store, **values)

    with monkeypatch.context() as patched:
        patched.setattr(RunStore, "save_progress", killed)
        with pytest.raises(Killed):
            search(run, Looking(), executor=Held(1), workers=2)
    assert kept(run) == []
    assert [trial.state for trial in run.trials] == ["running", "running"]


def test_trials_that_are_read_from_a_run_have_no_pictures(run: Run):
    ended_out_of_turn(run)
    assert [trial.pictures for trial in run.trials] == [{}, {}]


@attrs.define
class Scribbling(Evaluator):
    """Returns `made` as a restored picture."""

    made: Any

    def evaluate(self, proposal: Proposal, problem: Problem, seed: int) -> Evaluation:
        return Evaluation(1.0, restored={"lake": RestoredPicture(None, None, self.made)})


@pytest.mark.parametrize("made", ["lake", None, [[0.5]], np.array(["lake"])])
def test_restored_picture_that_is_no_array_fails_the_trial(run: Run, made: Any):
    strategy = search(run, Looking(), evaluator=Scribbling(made), trials=2)
    assert [trial.state for trial in run.trials] == ["failed", "failed"]
    assert "'lake'" in run.trials[0].reason
    assert strategy.finished == {0: {}, 1: {}}
