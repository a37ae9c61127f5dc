"""The steps of a search by gradient as CUDA graphs, without a GPU."""

from __future__ import annotations

from collections import Counter
from typing import Any

import attrs
import pytest
import torch
from made_tasks import denoise
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from toy_supernet import ToySpace, ToyTask

from nasir.core.errors import SettingsError
from nasir.core.evaluator import Problem
from nasir.core.search_space import SearchSpace
from nasir.kernels import graphs
from nasir.search_spaces.clearer.space import Clearer
from nasir.search_spaces.hinas.space import HiNas
from nasir.search_spaces.irnas.space import IrNas
from nasir.search_spaces.nasdip.space import NasDip
from nasir.strategies.darts import bilevel
from nasir.strategies.darts.bilevel import Bilevel
from nasir.strategies.darts.patches import OnPatches
from nasir.strategies.darts.pixels import OnPixels
from nasir.strategies.darts.strategy import Darts
from nasir.testing.strategies import NeverAsked
from nasir.training.randomness import repeatable

SPACES: dict[str, SearchSpace] = {
    "hinas": HiNas(layers=2, nodes=2, search_width=2, operations=("conv_3", "sep_3", "skip")),
    "irnas": IrNas(layers=2, nodes=2, search_width=2),
    "clearer": Clearer(channels=4, cells=2, columns=2),
    "nasdip": NasDip(depth=1, width=4, input_channels=2, kernel=(3,), dilation=(1,)),
}
SMALL = Darts(epochs=2, steps=5, warmup=1, patch=8, tile=0, crop=8, validation=0.2, complexity=0.1)


def begun(space: SearchSpace, kind: type[Bilevel], device: str = "cpu", **settings: Any) -> Bilevel:
    color = "rgb" if isinstance(space, NasDip) else "grey"
    problem = Problem(space, denoise(size=16, color=color, search=2), {}, seed=3)
    state = kind(attrs.evolve(SMALL, **settings), problem, device)
    state.module.train()
    return state


class Reads(TorchDispatchMode):
    """Counts what would wait for the device, or copy to it."""

    def __init__(self) -> None:
        super().__init__()
        self.found: Counter[str] = Counter()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        name = func.__name__.partition(".")[0]
        index = name == "lift_fresh" and args[0].ndim > 0  # a number fills without a copy
        if index or name in ("_local_scalar_dense", "nonzero", "masked_select"):
            self.found[name] += 1
        if name == "_to_copy" and (kwargs or {}).get("device") is not None:
            self.found[name] += 1
        return func(*args, **(kwargs or {}))


@pytest.mark.parametrize("name", SPACES)
def test_a_step_in_a_graph_reads_nothing_and_comes_to_the_same_bits(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    kind = OnPixels if name == "nasdip" else OnPatches
    ends = []
    for in_graph in (False, True):
        with torch.random.fork_rng():
            state = begun(SPACES[name], kind)
            with state._batches() as (for_weights, for_architecture):
                batches = for_weights(0), for_architecture(0)
            state._first_order_step(*batches[1])  # constants come to the device
            with monkeypatch.context() as patch:
                if in_graph:
                    patch.setattr(graphs, "capturing", lambda x: True)
                    patch.setattr(Tensor, "tolist", _refused)
                with Reads() as reads:
                    losses = state._first_order_step(*batches[1]), state._weight_step(*batches[0])
        assert bool(reads.found) <= (not in_graph)
        ends.append([*losses, *(p.detach() for p in state.module.parameters())])
    assert all(torch.equal(a, b) for a, b in zip(*ends, strict=True))


def _refused(self: Tensor) -> None:
    raise AssertionError("a value is read in a graph")


class Recorded:
    """In place of :class:`~nasir.training.captured.Captured`: counts what a graph would do."""

    calls: Counter[str]

    def __init__(self, step: Any, must: bool) -> None:
        self.step = step

    def __call__(self, *inputs: Any) -> Tensor:
        self.calls[self.step.__name__] += 1
        loss: Tensor = self.step(*inputs)
        return loss


@pytest.mark.parametrize("on", [OnPatches, OnPixels])
def test_both_steps_are_captured_and_come_to_what_plain_ones_do(
    on: type[Bilevel], monkeypatch: pytest.MonkeyPatch
) -> None:
    space = SPACES["nasdip"] if on is OnPixels else SPACES["clearer"]
    with torch.random.fork_rng():
        plain = begun(space, on)
        plain_losses = [plain.epoch(0), plain.epoch(1)]
    monkeypatch.setattr(Darts, "captures", lambda self, device: True)
    monkeypatch.setattr(Recorded, "calls", Counter(), raising=False)
    monkeypatch.setattr(bilevel, "Captured", Recorded)
    monkeypatch.setattr(bilevel, "LOOK_EVERY", 4)  # as on a GPU, losses are seen late
    with torch.random.fork_rng():
        captured = begun(space, on)
        assert [captured.epoch(0), captured.epoch(1)] == pytest.approx(plain_losses, rel=1e-4)
        assert Recorded.calls == {"_weight_step": 10, "_first_order_step": 5}
        captured.tune(0, 2)  # the mixture changes there
    assert Recorded.calls["_weight_step"] == 10
    for table, other in zip(plain.architecture, captured.architecture, strict=True):
        assert torch.allclose(table, other, atol=1e-3)


@pytest.mark.parametrize(
    ("settings", "device", "reason"),
    [
        ({}, "cpu", "steps on the device cpu cannot be captured"),
        ({"paths": "one"}, "cuda", "whose options change"),
    ],
)
def test_what_is_never_captured_is_refused_where_it_must_be(
    settings: dict[str, Any], device: str, reason: str
) -> None:
    assert not Darts(**settings).captures(device)
    with pytest.raises(SettingsError, match=rf"{reason}.* take strategy\.capture=auto"):
        Darts(capture="always", **settings).captures(device)


def test_a_gpu_is_asked_for_before_the_search() -> None:
    search = Darts(capture="always", device="cpu", patch=12, tile=0, validation=0.2)
    problem = Problem(ToySpace(), ToyTask(), {})
    with pytest.raises(SettingsError, match=r"take strategy\.capture=auto"):
        search.stages(NeverAsked())["supernet"].check(problem)


@pytest.mark.gpu
@pytest.mark.parametrize("name", SPACES)
def test_captured_epochs_are_the_plain_ones_and_the_same_each_time(name: str) -> None:
    kind = OnPixels if name == "nasdip" else OnPatches
    losses = []
    for capture in ("never", "always", "always"):
        with repeatable("cuda"):
            state = begun(SPACES[name], kind, "cuda", capture=capture)
            losses.append([state.epoch(0), state.epoch(1)])
    assert losses[1] == losses[2]
    assert losses[1] == pytest.approx(losses[0], rel=1e-2)


def test_steps_on_a_gpu_are_captured_unless_never() -> None:
    assert Darts().captures("cuda:0")
    assert Darts(order=2).captures("cuda")  # the weight step alone
    assert not Darts(capture="never").captures("cuda")
