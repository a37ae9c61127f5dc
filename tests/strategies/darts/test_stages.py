"""Epochs and selection as trials."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import attrs
import numpy as np
import pytest
import torch
from toy_supernet import OPTIONS, ToySpace, ToySupernet, ToyTask

from nasir.core.architecture import Architecture
from nasir.core.errors import SettingsError
from nasir.core.evaluator import Evaluation, Problem
from nasir.core.search_space import Signature
from nasir.core.task import Patches
from nasir.core.trial import Proposal, Trial
from nasir.search_spaces.clearer.space import Clearer
from nasir.strategies.darts import perturbation
from nasir.strategies.darts.patches import divided_patches
from nasir.strategies.darts.stages import begin
from nasir.strategies.darts.strategy import EPOCH, SELECTION, Darts
from nasir.testing.strategies import NeverAsked
from nasir.training.supernet_file import load_supernet, save_supernet

SMALL = Darts(epochs=4, steps=3, warmup=1, patch=12, tile=0, validation=0.2, arch_lr=0.1)


def problem(folder: Path | None = None, seed: int = 0) -> Problem:
    return Problem(ToySpace(), ToyTask(), {}, seed, checkpoints=folder)


def epoch(number: int, how: Darts = SMALL, folder: Path | None = None) -> Evaluation:
    stage = how.stages(NeverAsked())[EPOCH]
    first = ToySpace().domain.sample(np.random.default_rng(0))
    return stage.evaluate(Proposal(first, EPOCH, number / how.epochs), problem(folder), seed=0)


def figures(evaluation: Evaluation) -> Any:
    return evaluation.score, dict(evaluation.metrics), evaluation.architecture


def test_an_epoch_is_the_same_with_and_without_the_state_before(tmp_path: Path) -> None:
    for number in (1, 2, 3):
        epoch(number, folder=tmp_path)
    assert figures(epoch(4, folder=tmp_path)) == figures(epoch(4)) == figures(epoch(4))


@attrs.define(slots=False)
class Apart(ToyTask):
    """Keeps its last two pictures apart for validation."""

    def patches(self) -> Patches:
        everything = ToyTask.patches(self)
        return everything.only(list(everything.names)[:-2])

    def validation_patches(self) -> Patches:
        everything = ToyTask.patches(self)
        return everything.only(list(everything.names)[-2:])


@pytest.mark.parametrize(
    ("task", "share", "sizes"),
    [
        (ToyTask(pictures=10), 0.5, [2, 4, 4]),
        (ToyTask(pictures=10), 0.25, [2, 6, 2]),
        (ToyTask(pictures=10), 0.0, [2, 8, 2]),
        (Apart(pictures=10), 0.5, [2, 4, 4]),
        (Apart(pictures=10), 0.0, [2, 8, 2]),
    ],
)
def test_weights_and_architecture_have_pictures_of_their_own(
    task: ToyTask, share: float, sizes: list[int]
) -> None:
    """Two partitions as in CLEARER with share 0, else three as in HiNAS."""
    how = attrs.evolve(SMALL, architecture_share=share)
    parts = divided_patches(how, Problem(ToySpace(), task, {}))
    assert [len(part.names) for part in parts] == sizes
    validation, weights, architecture = (set(part.names) for part in parts)
    assert validation | weights | architecture == set(ToyTask(pictures=10).patches().names)
    assert not weights & (validation | architecture)
    assert validation == architecture if share == 0 else not validation & architecture
    if isinstance(task, Apart):
        assert validation == set(task.validation_patches().names)


def test_a_search_may_be_on_another_task_than_the_run() -> None:
    other = ToyTask(pictures=4)
    searched = epoch(2, attrs.evolve(SMALL, task=other))
    assert figures(searched) != figures(epoch(2))
    stage = SMALL.stages(NeverAsked())[EPOCH]
    first = ToySpace().domain.sample(np.random.default_rng(0))
    there = Problem(ToySpace(), other, {})
    assert figures(searched) == figures(stage.evaluate(Proposal(first, EPOCH, 0.5), there, seed=0))


def test_an_epoch_done_again_is_the_same(tmp_path: Path) -> None:
    epoch(1, folder=tmp_path)
    first = figures(epoch(2, folder=tmp_path))
    assert figures(epoch(2, folder=tmp_path)) == first


def test_a_stage_can_be_sent_to_another_process() -> None:
    stage = SMALL.stages(NeverAsked())[EPOCH]
    assert pickle.loads(pickle.dumps(stage)) == stage


def test_a_damaged_state_and_that_of_another_search_are_not_used(tmp_path: Path) -> None:
    epoch(1, folder=tmp_path)
    epoch(2, folder=tmp_path)
    for file in tmp_path.iterdir():
        file.write_bytes(file.read_bytes()[:100])
    assert figures(epoch(3, folder=tmp_path)) == figures(epoch(3))
    other = attrs.evolve(SMALL, lr=0.1)
    assert figures(epoch(4, other, tmp_path)) == figures(epoch(4, other))


def test_only_the_last_states_stay_on_disk(tmp_path: Path) -> None:
    for number in (1, 2, 3, 4):
        epoch(number, folder=tmp_path)
    names = sorted(path.name for path in tmp_path.glob("supernet-epoch-*"))
    assert names == ["supernet-epoch-3.safetensors", "supernet-epoch-4.safetensors"]


def test_the_best_supernet_is_on_disk(tmp_path: Path) -> None:
    scores = [epoch(number, folder=tmp_path).score for number in (1, 2, 3, 4)]
    supernet = load_supernet(tmp_path, problem(tmp_path))
    best = 2 + int(np.argmax(scores[1:]))
    assert supernet.derive() == epoch(best).architecture


def test_a_supernet_of_another_task_or_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="there is no trained supernet"):
        load_supernet(tmp_path, problem())
    epoch(2, folder=tmp_path)
    file = tmp_path / "supernet.safetensors"
    file.write_bytes(file.read_bytes()[:50])
    with pytest.raises(SettingsError, match="is damaged"):
        load_supernet(tmp_path, problem())


def test_the_criterion_says_what_is_best() -> None:
    for criterion, expected in (
        ("psnr", lambda m: m["psnr"]),
        ("ssim", lambda m: m["ssim"]),
        ("psnr+ssim", lambda m: m["ssim"] + m["psnr"] / 100),
    ):
        made = epoch(1, attrs.evolve(SMALL, criterion=criterion))
        assert made.score == expected(made.metrics)


def test_the_global_generators_are_left_alone() -> None:
    before = torch.get_rng_state()
    epoch(2)
    assert torch.equal(torch.get_rng_state(), before)


def _trials(scores: list[float], how: Darts, skips: dict[int, float] | None = None) -> list[Trial]:
    domain = ToySpace().domain
    architectures = list(domain)
    return [
        Trial(
            i,
            Proposal(architectures[i], EPOCH, (i + 1) / how.epochs),
            0,
            "complete",
            score,
            {"skips": (skips or {}).get(i, 0)},
        )
        for i, score in enumerate(scores)
    ]


def test_the_best_epoch_from_keep_from_on_is_recommended() -> None:
    how = attrs.evolve(SMALL, keep_from=2)
    trials = _trials([9.0, 8.0, 1.0, 2.0], how)
    assert how.recommend(trials).number == 3
    assert how.recommend(trials[:2]).number == 1
    assert SMALL.recommend(trials).number == 1, "the first is of the warm-up"
    assert SMALL.recommend(trials[:1]).number == 0


def test_too_many_skips_end_the_search_and_are_not_recommended() -> None:
    how = attrs.evolve(SMALL, max_skips=2)
    how.bind(problem())
    trials = _trials([1.0, 2.0, 9.0], how, {2: 2.0})
    for trial in trials:
        assert how.ask() is not None
        how.tell(trial)
    assert how.ask() is None
    assert how.recommend(trials).number == 1


def test_the_selection_is_the_last_trial() -> None:
    how, stages = attrs.evolve(SMALL, selection="perturbation"), []
    how.bind(problem())
    while (proposal := how.ask()) is not None:
        how.tell(Trial(len(stages), proposal, 0, "complete", 1.0))
        stages.append(proposal.stage)
    assert stages == [*[EPOCH] * SMALL.epochs, SELECTION]


def test_a_failed_epoch_ends_the_search() -> None:
    how = attrs.evolve(SMALL)
    how.bind(problem())
    first = how.ask()
    assert first is not None
    how.tell(Trial(0, first, 0, "failed", error="diverged"))
    assert how.ask() is None


def test_a_warmup_as_long_as_the_search_is_refused() -> None:
    with pytest.raises(SettingsError, match=r"leaves no epoch for the architecture"):
        Darts(epochs=5, warmup=5)


def test_without_tuning_the_selection_keeps_what_is_missed_most() -> None:
    """Against a literal search over the options of the same supernet, in the same order."""
    how = attrs.evolve(SMALL, selection="perturbation", tuning=0)
    with torch.random.fork_rng():
        state = begin(how, problem(), "cpu")
        state.epoch(0)
        state.epoch(1)
        state.epoch(2)
    assert isinstance(state.supernet, ToySupernet)
    shut: dict[int, int] = {}
    order = np.random.default_rng(perturbation.derived_seed(0, "selection")).permutation(2)
    for row in order:
        drops = []
        for option in range(3):
            masks = torch.zeros(2, 3, dtype=torch.bool)
            for other, kept in shut.items():
                masks[other] = True
                masks[other, kept] = False
            masks[row, option] = True
            state.supernet.close({"ops": masks})
            drops.append(state.validate()["psnr"])
        shut[int(row)] = int(np.argmin(drops))
    state.supernet.close({})
    with torch.random.fork_rng():
        perturbation.select(state)
    expected = {f"layer{row}": OPTIONS[kept] for row, kept in shut.items()}
    assert state.supernet.derive() == Architecture("toy", dict(sorted(expected.items())))


def test_a_selected_architecture_is_recommended(tmp_path: Path) -> None:
    how = attrs.evolve(SMALL, selection="perturbation", tuning=1)
    assert how.usual_trials == 5
    stage = how.stages(NeverAsked())[SELECTION]
    first = ToySpace().domain.sample(np.random.default_rng(0))
    proposal = Proposal(first, SELECTION)
    alone = stage.evaluate(proposal, problem(), 0)
    for number in range(1, 5):
        epoch(number, how, tmp_path)
    assert figures(stage.evaluate(proposal, problem(tmp_path), 0)) == figures(alone)
    assert alone.architecture is not None
    chosen = Trial(4, Proposal(alone.architecture, SELECTION), 0, "complete", alone.score)
    assert how.recommend([*_trials([99.0], how), chosen]) is chosen


def test_a_supernet_that_does_not_fit_is_refused_with_its_settings(tmp_path: Path) -> None:
    save_supernet(tmp_path, ToySpace().supernet(Signature(1, 1)), problem(), 1)
    colour = attrs.evolve(problem(), task=ColourTask())
    with pytest.raises(SettingsError, match=r"channels and scale \[1, 1, 1\], the task has \[3, 3"):
        load_supernet(tmp_path, colour)
    other = attrs.evolve(problem(), space=Clearer(channels=2, cells=1, columns=1))
    with pytest.raises(SettingsError, match=r"other settings of the space: give space=toy"):
        load_supernet(tmp_path, other)
    wide = attrs.evolve(other, space=Clearer(channels=4, cells=1, columns=1))
    supernet = wide.space.supernet(Signature(1, 1))
    save_supernet(tmp_path, supernet, wide, 1)
    with pytest.raises(SettingsError, match=r"give space\.channels=4$"):
        load_supernet(tmp_path, other)


class ColourTask(ToyTask):
    @property
    def signature(self) -> Signature:
        return Signature(3, 3)


def test_the_time_of_all_epochs_is_that_of_their_steps_and_validations(monkeypatch):
    """A clock on which a step of warm-up takes 1 s, one with both 3 s, and a validation 10 s."""
    ticks = iter([0, 1, 1, 4, 4, 14])
    monkeypatch.setattr("time.perf_counter", lambda: next(ticks))
    assert SMALL.seconds_before_full(problem()) == 3 * (1 * 1 + 3 * 3) + 4 * 10
