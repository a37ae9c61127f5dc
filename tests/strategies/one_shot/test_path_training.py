"""Epochs on paths, and paths evaluated with what was trained."""

from __future__ import annotations

import copy
from collections import Counter
from pathlib import Path
from typing import Any

import attrs
import numpy as np
import pytest
import torch
from scipy.stats import chisquare
from toy_plugin import ToySpace as Conditional
from toy_supernet import OPTIONS, ToySpace, ToyTask

from nasir.core.architecture import Architecture
from nasir.core.errors import EvaluationError, NasirError
from nasir.core.evaluator import Evaluation, Problem
from nasir.core.search_space import SearchSpace
from nasir.core.seeds import derived_seed
from nasir.core.trial import Proposal
from nasir.search_spaces.clearer.space import Clearer
from nasir.search_spaces.hinas.space import HiNas
from nasir.strategies.one_shot.path_training import PathTraining
from nasir.strategies.one_shot.rsws import RandomWeightSharing
from nasir.strategies.one_shot.spos import SinglePathOneShot, uniform_path
from nasir.strategies.one_shot.strategy import EPOCH, SHARED
from nasir.testing.strategies import DomainAlone, NeverAsked
from nasir.training.division import divided
from nasir.training.supernet_file import load_supernet

SMALL = RandomWeightSharing(epochs=3, steps=3, patch=12, tile=0, validation=0.2, calibration=2)
SPACES = {
    "toy": ToySpace(),
    "clearer": Clearer(channels=2, cells=1, columns=2),
    "hinas": HiNas(layers=2, nodes=2, search_width=2, operations=("conv_3", "sep_3", "skip")),
}


def problem(folder: Path | None = None, space: SearchSpace = SPACES["toy"]) -> Problem:
    return Problem(space, ToyTask(), {}, 3, checkpoints=folder)


def evaluate(stage: str, epochs: int, folder: Path | None = None, how: Any = SMALL) -> Evaluation:
    path = ToySpace().domain.architecture({"layer0": "conv", "layer1": "gain"})
    proposal = Proposal(path, stage, epochs / how.epochs)
    return how.stages(NeverAsked())[stage].evaluate(proposal, problem(folder), seed=0)


def figures(evaluation: Evaluation) -> Any:
    return evaluation.score, dict(evaluation.metrics)


def training(space: SearchSpace = SPACES["toy"], **changed: Any) -> PathTraining:
    with torch.random.fork_rng():
        return PathTraining(attrs.evolve(SMALL, **changed), problem(space=space), "cpu")


def test_paths_are_drawn_uniformly() -> None:
    """Also where some walks through the decisions are shorter than others."""
    domain = Conditional().domain
    alone = Problem(DomainAlone(domain), None, {}, seed=1)  # type: ignore[arg-type]
    how = RandomWeightSharing(steps=1000)
    times = Counter(path.id for epoch in range(5) for path in how.paths(alone, epoch))
    assert len(times) == domain.size
    assert chisquare(list(times.values())).pvalue > 1e-3


def test_every_choice_of_a_single_path_is_uniform_among_what_is_open() -> None:
    """Against the product over the decisions of one over the number of open options."""
    domain = Conditional().domain
    alone = Problem(DomainAlone(domain), None, {}, seed=1)  # type: ignore[arg-type]
    how = SinglePathOneShot(steps=1000)
    times = Counter(path.id for epoch in range(5) for path in how.paths(alone, epoch))
    expected = {}
    for path in domain:
        prefix, chance = (), 1.0
        for value in domain.prefix(path):
            chance /= len(domain.options(prefix)) or 1
            prefix = (*prefix, value)
        expected[path.id] = 5000 * chance
    assert sum(expected.values()) == pytest.approx(5000)
    assert max(expected.values()) > 2 * min(expected.values()), "not uniform over architectures"
    assert chisquare([times[i] for i in expected], list(expected.values())).pvalue > 1e-3


def test_epochs_have_paths_of_their_own_and_the_same_each_time() -> None:
    for how in (SMALL, SinglePathOneShot(steps=20)):
        first, second = (how.paths(problem(), epoch) for epoch in (0, 1))
        assert first == how.paths(problem(), 0)
        assert first != second
        assert all(path in ToySpace().domain for path in first)


@pytest.mark.parametrize("space", SPACES)
def test_a_step_leaves_the_weights_off_its_path_as_they_are(space: str) -> None:
    """Also those that earlier steps on other paths gave momentum."""
    state = training(SPACES[space], lr=0.1, decay=0.1)
    rng = np.random.default_rng(0)
    domain = SPACES[space].domain
    batch = [torch.rand(2, 1, 12, 12) for _ in range(2)]
    named = dict(state.supernet.named_parameters())
    still = 0
    for step in range(4):
        path = uniform_path(domain, rng)
        reached = _reached(state, path, batch[0])
        before = {name: weight.detach().clone() for name, weight in named.items()}
        state.step(step, path, *batch)
        assert {name for name in named if not torch.equal(before[name], named[name])} == reached
        still += len(named) - len(reached)
    assert still > 0


def _reached(state: PathTraining, path: Architecture, x: torch.Tensor) -> set[str]:
    """The parameters that what a path gives depends on."""
    twin = copy.deepcopy(state.supernet).train()
    twin(x, path).square().sum().backward()
    reached = ((name, p.grad) for name, p in twin.named_parameters() if p.grad is not None)
    return {name for name, gradient in reached if gradient.abs().max() > 0}


def test_only_the_options_of_the_path_are_trained() -> None:
    state = training(lr=0.1, decay=0.1)
    batch = [torch.rand(2, 1, 12, 12) for _ in range(2)]
    every = ("conv", "gain"), ("gain", "conv"), ("skip", "gain")
    for step, (first, second) in enumerate(every):
        before = copy.deepcopy(state.supernet.state_dict())
        state.step(
            step, ToySpace().domain.architecture({"layer0": first, "layer1": second}), *batch
        )
        now = state.supernet.state_dict()
        moved = {name for name in now if not torch.equal(now[name], before[name])}
        layers = {f"layers.{row}.{OPTIONS.index(o)}" for row, o in enumerate((first, second))}
        assert {name.rpartition(".")[0] for name in moved} == layers - {"layers.0.2"}


def test_the_architecture_parameters_take_no_part() -> None:
    state = training()
    logits = [p.detach().clone() for p in state.supernet.architecture_parameters()]
    state.epoch(0, SMALL.paths(problem(), 0))
    for before, now in zip(logits, state.supernet.architecture_parameters(), strict=True):
        assert torch.equal(before, now)


def test_validation_pictures_are_not_trained_on() -> None:
    shares = (SMALL.validation, 1 - SMALL.validation)
    validation, rest = divided(ToyTask().patches(), shares, derived_seed(3, "validation"))
    assert list(training().patches.names) == list(rest.names)
    assert not set(rest.names) & set(validation.names)


def test_training_on_one_path_learns_it() -> None:
    """The task halves the brightness: a 1x1 convolution or gains make it 2 again."""
    path = ToySpace().domain.architecture({"layer0": "gain", "layer1": "skip"})
    state = training(lr=0.5, lr_end=0.5, epochs=1, steps=60, momentum=0.5, decay=0.0)
    batch = state.patches.batch(0, 2, 12)
    with torch.random.fork_rng():
        for step in range(60):
            state.step(step, path, *batch)
    gain = state.supernet.layers[0][1].gain  # type: ignore[index, union-attr]
    assert gain.item() == pytest.approx(2.0, abs=0.02)


def test_an_epoch_is_the_same_with_and_without_the_state_before(tmp_path: Path) -> None:
    evaluate(EPOCH, 1, tmp_path)
    evaluate(EPOCH, 2, tmp_path)
    with_state = figures(evaluate(EPOCH, 3, tmp_path))
    assert with_state == figures(evaluate(EPOCH, 3)) == figures(evaluate(EPOCH, 3, tmp_path))
    assert with_state != figures(evaluate(EPOCH, 2))


def test_a_path_has_the_same_score_with_and_without_its_supernet(tmp_path: Path) -> None:
    for epochs in (1, 2):
        epoch = evaluate(EPOCH, epochs, tmp_path)
        there = evaluate(SHARED, epochs, tmp_path)
        assert figures(there) == figures(evaluate(SHARED, epochs))
        assert there.score == epoch.score, "it is the epoch's own path"
    for file in tmp_path.rglob("*.safetensors"):
        file.write_bytes(file.read_bytes()[:100])
    assert figures(evaluate(SHARED, 2, tmp_path)) == figures(there)


def test_a_supernet_of_another_search_is_not_used(tmp_path: Path) -> None:
    other = attrs.evolve(SMALL, lr=0.2)
    evaluate(EPOCH, 1, tmp_path)
    assert figures(evaluate(SHARED, 1, tmp_path, other)) == figures(evaluate(SHARED, 1, how=other))


def test_the_last_epochs_supernets_stay_on_disk_and_the_last_is_the_runs(tmp_path: Path) -> None:
    for epochs in (1, 2, 3):
        evaluate(EPOCH, epochs, tmp_path)
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == ["supernet-epoch-2", "supernet-epoch-3", "supernet.safetensors"]
    found = load_supernet(tmp_path, problem()).state_dict()
    state = training()
    for epoch in range(3):
        with torch.random.fork_rng():
            state.epoch(epoch, SMALL.paths(problem(), epoch))
    for name, value in state.supernet.state_dict().items():
        assert torch.equal(found[name], value)


def test_a_loss_that_is_no_number_fails_with_the_step() -> None:
    state = training()
    with torch.no_grad():
        for weight in state.weights:
            weight.fill_(float("nan"))
    paths = [ToySpace().domain.architecture({"layer0": "conv", "layer1": "conv"})]
    with torch.random.fork_rng(), pytest.raises(EvaluationError, match=r"loss is nan at step 4"):
        state.epoch(1, paths)


def test_a_space_without_supernet_is_refused_before_the_first_trial() -> None:
    stage = SMALL.stages(NeverAsked())[EPOCH]
    with pytest.raises(NasirError, match=r"space 'toy' has no supernet: choose a strategy"):
        stage.check(Problem(Conditional(), ToyTask(), {}))


def test_patches_larger_than_the_pictures_are_refused() -> None:
    stage = attrs.evolve(SMALL, patch=17).stages(NeverAsked())[EPOCH]
    with pytest.raises(NasirError, match=r"strategy.patch=17 is larger than .*: take 16 or less"):
        stage.check(problem())


def test_the_global_generators_are_left_alone() -> None:
    before = torch.get_rng_state()
    evaluate(EPOCH, 1)
    evaluate(SHARED, 1)
    SMALL.stages(NeverAsked())[EPOCH].check(problem())
    assert torch.equal(torch.get_rng_state(), before)
