"""The steps of a search by gradient."""

from __future__ import annotations

from typing import Any

import attrs
import pytest
import torch
from same_bits import check_goes_on_to_the_same_bits
from torch.func import functional_call
from toy_supernet import ToySpace, ToyTask

from nasir.core.errors import EvaluationError, SettingsError
from nasir.core.evaluator import Problem
from nasir.strategies.darts.patches import OnPatches
from nasir.strategies.darts.strategy import Darts
from nasir.training.division import divided
from nasir.training.losses import loss

PROBLEM = Problem(ToySpace(), ToyTask(), {}, seed=3)
SMALL = Darts(epochs=4, steps=3, warmup=1, patch=12, tile=0, validation=0.2, arch_lr=0.1)


def search(**settings: Any) -> OnPatches:
    with torch.random.fork_rng():
        return OnPatches(attrs.evolve(SMALL, **settings), PROBLEM, "cpu")


@pytest.fixture(autouse=True)
def _generator() -> Any:
    with torch.random.fork_rng():
        yield


def pairs(state: OnPatches) -> list[tuple[torch.Tensor, torch.Tensor]]:
    return [p.batch(1, 2, 12) for p in (state.for_weights, state.for_architecture)]


def test_the_three_parts_share_no_picture_and_miss_none() -> None:
    state = search()
    parts = [set(p.names) for p in (state.validation, state.for_weights, state.for_architecture)]
    assert [len(part) for part in parts] == [1, 3, 2] or [len(p) for p in parts] == [1, 2, 3]
    assert set.union(*parts) == set(PROBLEM.task.patches().names)
    assert sum(map(len, parts)) == 6


def test_fewer_pictures_than_parts_are_refused() -> None:
    with pytest.raises(SettingsError, match="2 pictures cannot be divided into 3 parts"):
        divided(ToyTask(pictures=2).patches(), (0.02, 0.49, 0.49), 0)


def test_in_the_warmup_only_weights_move() -> None:
    state = search()
    weights = [w.detach().clone() for w in state.weights]
    state.epoch(0)
    assert torch.equal(state.supernet.table, torch.zeros(2, 3))  # type: ignore[arg-type]
    assert not any(torch.equal(a, b) for a, b in zip(weights, state.weights, strict=True))
    state.epoch(1)
    assert (state.supernet.table != 0).all()  # type: ignore[union-attr]


def test_an_architecture_step_leaves_the_weights_as_they_were() -> None:
    for order in (1, 2):
        state = search(order=order)
        before = [w.detach().clone() for w in state.weights]
        state._architecture_step(*pairs(state))
        assert all(torch.equal(a, b) for a, b in zip(before, state.weights, strict=True))
        assert (state.supernet.table != 0).all()  # type: ignore[union-attr]


def test_a_first_order_step_is_adams_along_the_gradient() -> None:
    state = search(arch_decay=0.0)
    _, (degraded, clean) = pairs(state)
    value = (state.supernet(degraded) - clean).square().mean()
    (gradient,) = torch.autograd.grad(value, state.architecture)
    state._architecture_step(*pairs(state))
    torch.testing.assert_close(state.architecture[0].detach(), -0.1 * gradient.sign())


def test_the_second_order_gradient_is_that_of_the_unrolled_step() -> None:
    """Equation 7 of DARTS differentiated through the weight step, where equation 8 approximates."""
    state = search(order=2, momentum=0.5, decay=0.01, lr=0.5)
    state.supernet.double()
    for degraded, clean in pairs(state):  # some momentum
        state._weight_step(degraded.double(), clean.double())
    train, held = ((d.double(), c.double()) for d, c in pairs(state))
    approximate = state._second_order_gradients(train, held)
    names = [n for n, _ in state.supernet.named_parameters() if n != "table"]
    parameters = dict(state.supernet.named_parameters())
    error = loss(state.settings.loss)
    value = error(state.supernet(train[0]), train[1])
    gradients = torch.autograd.grad(value, [parameters[n] for n in names], create_graph=True)
    moved = {
        n: parameters[n] - 0.5 * (g + 0.01 * parameters[n] + state._momentum(parameters[n]))
        for n, g in zip(names, gradients, strict=True)
    }
    moved["table"] = parameters["table"]
    after = error(functional_call(state.supernet, moved, (held[0],)), held[1])
    (exact,) = torch.autograd.grad(after, [parameters["table"]])
    torch.testing.assert_close(approximate[0], exact, rtol=1e-3, atol=1e-7)
    first = torch.autograd.grad(error(state.supernet(held[0]), held[1]), [parameters["table"]])
    assert not torch.allclose(first[0], exact, rtol=0.05)


def test_the_same_steps_from_a_state_come_to_the_same_bits() -> None:
    for settings in ({}, {"paths": "one"}, {"order": 2}):
        check_goes_on_to_the_same_bits(search(**settings), search(**settings))


def test_training_lowers_the_loss() -> None:
    state = search(lr=0.2)
    first = state.epoch(0)
    for number in range(1, 4):
        last = state.epoch(number)
    assert last < first / 2


def test_a_loss_that_is_not_finite_ends_the_epoch() -> None:
    state = search()
    with torch.no_grad():
        state.weights[0].fill_(torch.nan)
    with pytest.raises(EvaluationError, match=r"loss is nan at step 1: a lower strategy\.lr"):
        state.epoch(0)


def test_the_gradient_of_the_weights_is_clipped() -> None:
    state = search(clip=1e-3, momentum=0.0, decay=0.0, lr=1.0)
    before = [w.detach().clone() for w in state.weights]
    state._weight_step(*pairs(state)[0])
    moved = [(a - b).square().sum() for a, b in zip(before, state.weights, strict=True)]
    assert sum(moved).sqrt().item() == pytest.approx(1e-3, rel=1e-3)
