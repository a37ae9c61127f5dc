"""The contracts refuse implementations that break them."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import attrs
import numpy as np
import pytest
import torch
from torch import Tensor, nn

from nasir.core.architecture import Architecture
from nasir.core.domain import Decision, Domain
from nasir.core.evaluator import Problem
from nasir.core.search_space import SearchSpace, Signature
from nasir.core.strategy import Strategy
from nasir.core.task import Sample, Split, Task
from nasir.core.trial import Proposal, Trial
from nasir.testing import SearchSpaceContract, StrategyContract, TaskContract


class Spare(nn.Conv2d):
    """A convolution with a parameter that it never uses."""

    def __init__(self, *channels: int) -> None:
        super().__init__(*channels, 1)
        self.spare = nn.Parameter(torch.zeros(1))


class Shrinking(nn.Conv2d):
    def __init__(self, *channels: int) -> None:
        super().__init__(*channels, 3)


class Unpicklable(nn.Conv2d):
    def __init__(self, *channels: int) -> None:
        super().__init__(*channels, 1)
        self.hook = lambda: None


class Seeded(nn.Conv2d):
    """Its weights do not come from torch's generator."""

    def __init__(self, *channels: int) -> None:
        super().__init__(*channels, 1)
        nn.init.constant_(self.weight, random.SystemRandom().random())


@attrs.define
class Space(SearchSpace):
    layer: Any = nn.Conv2d

    @property
    def domain(self) -> Domain:
        return Domain("space", [Decision("a", (1, 2))])

    def build(self, architecture: Architecture, signature: Signature) -> nn.Module:
        return self.layer(signature.in_channels, signature.out_channels)


@pytest.mark.parametrize(
    ("layer", "case"),
    [
        (Spare, "test_gradients_reach_every_parameter"),
        (Shrinking, "test_networks_take_every_size_and_number_of_channels"),
        (Unpicklable, "test_networks_pickle_and_their_weights_need_none"),
        (Seeded, "test_the_same_seed_of_torch_gives_the_same_weights"),
    ],
)
def test_a_space_that_breaks_its_contract_fails(layer: type[nn.Module], case: str) -> None:
    space = Space(layer)
    test, named = getattr(SearchSpaceContract(), case), {"one": space.domain.decode([0])}
    with pytest.raises((AssertionError, AttributeError, TypeError, RuntimeError)):
        test(space, named)


def test_a_space_that_ignores_decisions_fails() -> None:
    space = Space(lambda *channels: nn.Conv2d(*channels, 1))
    with pytest.raises(pytest.fail.Exception):
        SearchSpaceContract().test_unknown_and_missing_decisions_are_refused(
            space, [space.domain.decode([0])]
        )


@attrs.define
class Drawing(Strategy):
    """Draws with a generator that it keeps in its state, unless a setting says otherwise."""

    forgets: bool = False
    hoards: bool = False
    uses_global: bool = False
    learns_nothing_of_its_seed: bool = False
    rng: Any = attrs.field(init=False)
    domain: Any = attrs.field(init=False)
    trials: list[str] = attrs.field(init=False, factory=list)

    def bind(self, problem: Problem) -> None:
        self.domain = problem.domain
        seed = 0 if self.learns_nothing_of_its_seed else problem.seed
        self.rng = np.random.default_rng(seed)

    def ask(self) -> Proposal:
        if self.uses_global:
            return Proposal(
                self.domain.decode(np.random.randint(9, size=len(self.domain.decisions)))
            )
        return Proposal(self.domain.sample(self.rng))

    def tell(self, trial: Trial) -> None:
        if self.hoards:
            self.trials.append(3 * trial.architecture.json)

    def state_dict(self) -> dict[str, Any]:
        rng = {} if self.forgets else self.rng.bit_generator.state
        return {"rng": rng, "trials": self.trials}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.trials = state["trials"]
        if state["rng"]:
            self.rng.bit_generator.state = state["rng"]


@pytest.mark.parametrize(
    ("vice", "case", "arguments"),
    [
        ("forgets", "test_a_restored_state_goes_on_with_the_same_proposals", (2, 5)),
        ("hoards", "test_the_state_hardly_grows", ()),
        ("uses_global", "test_the_global_generators_are_left_alone", ()),
        ("learns_nothing_of_its_seed", "test_another_seed_gives_other_proposals", ()),
    ],
)
def test_a_strategy_that_breaks_its_contract_fails(
    vice: str, case: str, arguments: tuple[int, ...]
) -> None:
    def contract(**settings: bool) -> StrategyContract:
        kept = StrategyContract()
        kept.make = lambda: Drawing(**settings)  # type: ignore[method-assign]
        return kept

    getattr(contract(), case)(*arguments)
    with pytest.raises(AssertionError):
        getattr(contract(**{vice: True}), case)(*arguments)


def _clean() -> Tensor:
    return torch.linspace(0, 1, 64).reshape(1, 1, 8, 8)


def _fixed_noise() -> Tensor:
    return torch.full((1, 1, 8, 8), 0.1)


def _fresh_noise() -> Tensor:
    return torch.randn(1, 1, 8, 8)


def _fidelity(output: Tensor, sample: Sample) -> Tensor:
    return (output - sample.degraded).square().sum()


def _peeping(output: Tensor, sample: Sample) -> Tensor:
    target = sample.degraded if sample.clean is None else sample.clean
    return (output - target).square().sum()


@attrs.define
class Noisy(Task):
    noise: Callable[[], Tensor] = _fixed_noise
    fidelity: Callable[[Tensor, Sample], Tensor] = _fidelity

    signature = Signature(1, 1)

    def samples(self, split: Split) -> list[Sample]:
        return [Sample(split, _clean() + self.noise(), _clean())]

    def loss(self, output: Tensor, sample: Sample) -> Tensor:
        return self.fidelity(output, sample)

    def metrics(self, restored: Tensor, sample: Sample) -> dict[str, float]:
        return {"error": (restored - sample.clean).square().mean().item()}


def test_a_task_whose_noise_is_drawn_anew_fails() -> None:
    contract = TaskContract()
    contract.make = lambda: Noisy(noise=_fresh_noise)  # type: ignore[method-assign]
    with pytest.raises(AssertionError):
        contract.test_a_picture_is_degraded_alike_every_time(contract.make())
    with pytest.raises(AssertionError, match="torch's global generator"):
        contract.test_the_global_generators_are_left_alone()


def test_a_task_whose_loss_looks_at_the_ground_truth_fails() -> None:
    task = Noisy(fidelity=_peeping)
    with pytest.raises(AssertionError):
        TaskContract().test_the_loss_never_sees_the_ground_truth(task, task.samples("search"))


def test_a_metric_that_is_least_where_it_is_best_must_be_named() -> None:
    task, contract = Noisy(), TaskContract()
    with pytest.raises(AssertionError, match="error"):
        contract.test_the_ground_truth_has_the_best_metrics(task, task.samples("search"))
    contract.lower_is_better = frozenset({"error"})
    contract.test_the_ground_truth_has_the_best_metrics(task, task.samples("search"))
