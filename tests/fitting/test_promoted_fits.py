"""Fits and trainings that go on from shorter ones."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import attrs
import numpy as np
import pytest
from killed import KILLED, die, exit_code, needs_forks, one_thread
from made_tasks import denoise
from toy_training import Small, Waves

from nasir.core.evaluator import Evaluation, Evaluator, Problem
from nasir.core.task import Split, Task
from nasir.core.trial import FULL, Proposal
from nasir.evaluators.train import Train
from nasir.fitting import descent
from nasir.fitting.dip import DeepImagePrior
from nasir.search_spaces.nasdip.space import NasDip
from nasir.tasks.denoise import Denoise
from nasir.training import trainer

ITERATIONS = 18
SPACE = NasDip(depth=1, width=4, input_channels=4)
ARCHITECTURE = SPACE.domain.sample(np.random.default_rng(3))
WAYS: dict[str, dict[str, Any]] = {
    "search": {"stops": 6},
    "fixed": {"stop": "fixed"},
    "curve": {"stop": "fixed", "curve": 4},
    "wmv": {"stop": "wmv", "window": 3, "patience": 4},
    "wmv to the end": {"stop": "wmv"},
    "emv": {"stop": "emv", "patience": 2, "forgetting": 0.5},
    "heldout": {"stop": "heldout", "reward": "heldout"},
    "collapse": {"stop": "fixed", "lr": 0.5, "check_every": 4, "rollback": 0.1},
}


def small(pictures: int = 2) -> Denoise:
    return denoise(size=16, color="grey", search=pictures)


@pytest.fixture
def task() -> Denoise:
    return small()


def dip(**chosen: Any) -> DeepImagePrior:
    return DeepImagePrior(**{"iterations": ITERATIONS, "device": "cpu"} | chosen)


def evaluate(
    evaluator: Evaluator,
    task: Task,
    fidelity: float = 1.0,
    folder: Path | None = None,
    split: Split = "search",
    seed: int = 1,
    artifacts: bool = False,
) -> Evaluation:
    trains = isinstance(evaluator, Train)
    space, architecture = (Small(), None) if trains else (SPACE, ARCHITECTURE)
    if architecture is None:
        architecture = space.domain.architecture({"width": 3})
    problem = Problem(space, task, {FULL: evaluator}, 0, split, artifacts, folder)
    return evaluator.evaluate(Proposal(architecture, fidelity=fidelity), problem, seed)


def same(first: Evaluation, second: Evaluation) -> bool:
    """Whether figures, pictures and weights are the same to the bit."""
    assert first.weights.keys() == second.weights.keys()
    assert first.restored.keys() == second.restored.keys()
    pairs = [(first.weights[name], second.weights[name]) for name in first.weights]
    pairs += [(first.restored[n].restored, second.restored[n].restored) for n in first.restored]
    arrays = all(np.array_equal(one, other) for one, other in pairs)
    names = ("score", "metrics", "by_picture", "curve", "stop")
    return arrays and all(getattr(first, name) == getattr(second, name) for name in names)


@pytest.fixture
def steps(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Grows by one with each step of a fit or training."""
    done: list[int] = []
    for owner in (descent.Descent, trainer._State):
        advance = owner.advance

        def counted(self: Any, *given: Any, advance: Any = advance) -> Any:
            done.append(1)
            return advance(self, *given)

        monkeypatch.setattr(owner, "advance", counted)
    return done


@pytest.mark.parametrize("way", WAYS)
def test_a_promoted_fit_comes_to_the_bits_of_an_unbroken_one(way: str, tmp_path: Path) -> None:
    evaluator, task = dip(**WAYS[way]), small(2 if way in ("search", "fixed") else 1)
    for fidelity in (1 / 9, 1 / 3):
        alone = evaluate(evaluator, task, fidelity)
        assert same(evaluate(evaluator, task, fidelity, tmp_path), alone)
        assert list(tmp_path.glob("fit-*"))
    whole = evaluate(evaluator, task, artifacts=True)
    assert whole.restored
    assert whole.weights
    assert same(evaluate(evaluator, task, 1.0, tmp_path, artifacts=True), whole)
    assert not list(tmp_path.iterdir())


def test_a_promoted_fit_does_the_missing_steps_alone(
    task: Denoise, tmp_path: Path, steps: list[int]
) -> None:
    counts = []
    for fidelity in (1 / 9, 1 / 3, 1 / 3, 1):
        evaluate(dip(), task, fidelity, tmp_path)
        counts.append(len(steps) // 2)
        steps.clear()
    assert counts == [2, 4, 0, 12]


def test_a_fit_that_stopped_itself_does_no_more_steps(
    task: Denoise, tmp_path: Path, steps: list[int]
) -> None:
    evaluator = dip(stop="emv", patience=1, forgetting=0.5, lr=0.1)
    short = evaluate(evaluator, task, 0.9, tmp_path)
    assert short.metrics["iterations"] < 0.9 * ITERATIONS
    steps.clear()
    assert evaluate(evaluator, task, 1.0, tmp_path).metrics == short.metrics
    assert not steps


@pytest.mark.parametrize("way", ["search", "fixed", "curve", "heldout"])
def test_a_fit_of_low_fidelity_is_the_beginning_of_the_full_one(way: str, task: Denoise) -> None:
    """Its picture is that of a full fit with the same marks, where that is looked at then."""
    evaluator = dip(**WAYS[way])
    full, half = (evaluate(evaluator, task, fidelity) for fidelity in (1.0, 0.5))
    if way == "curve":
        assert len(half.curve) == 2
        for picture, curve in half.curve.items():
            assert [share for share, _ in curve] == [pytest.approx(0.25, abs=0.03), 0.5]
            assert full.curve[picture][:2] == curve
    elif way == "search":
        again = evaluate(evaluator, task, full.stop)
        assert again.metrics["psnr"] == full.metrics["psnr"]
    elif way == "fixed":
        curves = evaluate(attrs.evolve(evaluator, curve=2), task).curve
        points = [dict(curve)[0.5] for curve in curves.values()]
        assert half.metrics["psnr"] == pytest.approx(sum(points) / len(points), abs=1e-12)
    else:
        stopped = half.metrics["stopped_at"] == full.metrics["stopped_at"]
        assert stopped == (half.metrics["heldout_psnr"] == full.metrics["heldout_psnr"])


@pytest.mark.parametrize(
    "change",
    [{"seed": 2}, {"split": "test"}, {"task": {"seed": 5}}, {"lr": 0.02}, {"averaging": 0.5}],
)
def test_a_fit_of_another_kind_is_not_gone_on_from(
    change: dict[str, Any], task: Denoise, tmp_path: Path, steps: list[int]
) -> None:
    evaluate(dip(), task, 1 / 3, tmp_path)
    steps.clear()
    given = dict(change)
    other = attrs.evolve(task, **given.pop("task", {}))
    how = {name: given.pop(name) for name in ("seed", "split") if name in given}
    evaluate(dip(**given), other, 1.0, tmp_path, **how)
    assert len(steps) % ITERATIONS == 0
    assert len(list(tmp_path.glob("fit-*"))) == 2


@pytest.mark.parametrize("damage", ["cut", "garbled", "foreign", "empty"])
def test_a_damaged_checkpoint_makes_a_fit_begin_anew(
    damage: str, task: Denoise, tmp_path: Path, steps: list[int]
) -> None:
    evaluate(dip(), task, 1 / 3, tmp_path)
    first, second = sorted(tmp_path.glob("fit-*"))
    content = first.read_bytes()
    broken = {
        "cut": content[: len(content) // 2],
        "garbled": b"\xff" * 40 + content[40:],
        "foreign": second.read_bytes(),
        "empty": b"",
    }
    first.write_bytes(broken[damage])
    steps.clear()
    after = evaluate(dip(), task, 1.0, tmp_path)
    assert len(steps) == ITERATIONS + ITERATIONS - round(ITERATIONS / 3)
    assert same(after, evaluate(dip(), task))


def test_a_full_fit_and_one_without_a_folder_leave_nothing(
    task: Denoise, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    evaluate(dip(), task, 1.0, tmp_path)
    assert not list(tmp_path.iterdir())
    monkeypatch.chdir(tmp_path)
    evaluate(dip(), task, 0.5)
    assert not list(tmp_path.iterdir())


def train(**chosen: Any) -> Train:
    small = {"iterations": 12, "batch": 2, "patch": 12, "device": "cpu", "lr": 0.01}
    return Train(**small | {"checkpoint_every": 1e-9, "schedule_of": "full"} | chosen)


@pytest.mark.parametrize(
    "chosen", [{}, {"ema": 0.9}, {"optimizer": "sgd"}, {"schedule": "constant"}], ids=str
)
def test_a_promoted_training_comes_to_the_bits_of_an_unbroken_one(
    chosen: dict[str, Any], tmp_path: Path, steps: list[int]
) -> None:
    evaluator, counts = train(**chosen), []
    for fidelity in (0.25, 0.5, 0.5, 1.0):
        last = fidelity == 1
        alone = evaluate(evaluator, Waves(), fidelity, artifacts=last)
        steps.clear()
        assert same(evaluate(evaluator, Waves(), fidelity, tmp_path, artifacts=last), alone)
        counts.append(len(steps))
    assert counts == [3, 3, 0, 6]
    assert not list(tmp_path.iterdir())


def test_a_promoted_training_with_its_own_schedule_begins_anew(
    tmp_path: Path, steps: list[int]
) -> None:
    evaluator = train(schedule_of="own")
    evaluate(evaluator, Waves(), 0.5, tmp_path)
    assert not list(tmp_path.iterdir())
    steps.clear()
    assert same(evaluate(evaluator, Waves(), 1.0, tmp_path), evaluate(evaluator, Waves()))
    assert len(steps) == 12 + 12


def test_the_full_schedule_has_the_losses_of_the_full_training(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    whole = train()
    heard: list[list[float]] = []
    original = trainer.train

    def listened(*given: Any, **more: Any) -> trainer.Trained:
        trained = original(*given, **more)
        heard.append(trained.losses)
        return trained

    monkeypatch.setattr("nasir.training.trainer.train", listened)
    for evaluator, fidelity in ((whole, 1.0), (whole, 0.5), (train(schedule_of="own"), 0.5)):
        evaluate(evaluator, Waves(), fidelity)
    full, left, own = heard
    assert left == full[:6]
    assert own[:1] == full[:1]
    assert own != left


class Killed(BaseException):
    """Nothing may be tidied up after it."""


@pytest.mark.parametrize("kind", ["dip", "train"])
def test_a_promoted_trial_that_is_killed_comes_to_the_same_bits(
    kind: str, task: Denoise, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    evaluator, pictures = (dip(), task) if kind == "dip" else (train(), Waves())
    owner = descent.Descent if kind == "dip" else trainer._State
    evaluate(evaluator, pictures, 1 / 3, tmp_path)
    advance, done = owner.advance, []

    def dying(self: Any, *given: Any) -> Any:
        done.append(1)
        if len(done) == 3:
            raise Killed
        return advance(self, *given)

    with monkeypatch.context() as patched, pytest.raises(Killed):
        patched.setattr(owner, "advance", dying)
        evaluate(evaluator, pictures, 2 / 3, tmp_path)
    assert same(
        evaluate(evaluator, pictures, 2 / 3, tmp_path), evaluate(evaluator, pictures, 2 / 3)
    )
    assert same(evaluate(evaluator, pictures, 1.0, tmp_path), evaluate(evaluator, pictures))


@needs_forks
def test_a_fit_that_is_killed_while_it_is_kept_leaves_the_one_before(
    task: Denoise, tmp_path: Path, steps: list[int]
) -> None:
    evaluate(dip(), task, 1 / 3, tmp_path)
    steps.clear()

    def killed() -> None:
        os.replace = Path.replace = die  # type: ignore[assignment, method-assign]
        evaluate(dip(), task, 2 / 3, tmp_path)

    with one_thread():
        assert exit_code(killed) == KILLED
    after = evaluate(dip(), task, 2 / 3, tmp_path)
    assert len(steps) == 2 * (12 - 6)
    assert same(after, evaluate(dip(), task, 2 / 3))
