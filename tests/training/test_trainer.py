from __future__ import annotations

import math
from functools import cache
from pathlib import Path
from typing import Any

import attrs
import pytest
import torch
from torch import nn
from toy_training import WavePatches, Waves, network

from nasir.core.errors import EvaluationError, SettingsError
from nasir.core.seeds import derived_seed
from nasir.testing.components import untouched_generators
from nasir.training.hyperparameters import Hyperparameters
from nasir.training.schedules import learning_rate
from nasir.training.trainer import Trained, train

PATCHES = WavePatches(("a", "b", "c"))
USUAL = Hyperparameters(iterations=25, batch=3, patch=12, checkpoint_every=1e-9)
VARIANTS = {
    "adam": USUAL,
    "sgd": attrs.evolve(USUAL, optimizer="sgd", lr=0.05, schedule="polynomial", clip=0.1),
    "ema": attrs.evolve(USUAL, optimizer="adamw", decay=0.1, ema=0.9, loss="l1+0.5*log_ssim"),
    "float16": attrs.evolve(USUAL, precision="float16", clip=1.0),
    "bfloat16": attrs.evolve(USUAL, precision="bfloat16"),
    "warm_up": attrs.evolve(USUAL, warm_up=9),
}


@attrs.frozen
class Interrupted(WavePatches):
    """As if somebody pressed Ctrl-C at one step."""

    step: int = -1

    def batch(self, seed, count, side):  # type: ignore[no-untyped-def]
        if seed == derived_seed(derived_seed(1, "patches"), self.step):
            raise KeyboardInterrupt
        return super().batch(seed, count, side)


def trained(how: Hyperparameters = USUAL, patches: WavePatches = PATCHES, **more: Any) -> Trained:
    return train(network(), patches, how, seed=1, **more)


@cache
def whole(name: str = "adam") -> Trained:
    """The training of a variant, uninterrupted; read only."""
    return trained(VARIANTS[name])


def same(first: Trained, second: Trained) -> bool:
    states = [[t.network.state_dict(), t.average or {}] for t in (first, second)]
    return first.losses == second.losses and all(
        a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)
        for a, b in zip(*states, strict=True)
    )


def test_training_equals_a_plain_loop() -> None:
    how = attrs.evolve(VARIANTS["sgd"], decay=0.01)
    net = network().train()
    net[3].p = 0.0
    ours = train(_without_dropout(), PATCHES, how, seed=1)
    optimizer = torch.optim.SGD(net.parameters(), 1.0, momentum=0.9, weight_decay=0.01)
    losses = []
    for step in range(25):
        degraded, clean = PATCHES.batch(derived_seed(derived_seed(1, "patches"), step), 3, 12)
        value = (net(degraded) - clean).square().mean()
        optimizer.zero_grad()
        value.backward()
        for parameter in net.parameters():
            assert parameter.grad is not None
            parameter.grad.clamp_(-0.1, 0.1)
        optimizer.param_groups[0]["lr"] = learning_rate("polynomial", step, 25, 0.05, 0.0)
        optimizer.step()
        losses.append(value.item())
    assert ours.losses == pytest.approx(losses, rel=1e-4)
    torch.testing.assert_close(dict(ours.network.state_dict()), dict(net.state_dict()))


def _without_dropout() -> nn.Module:
    net = network()
    net[3].p = 0.0
    return net


def test_training_lowers_the_loss() -> None:
    result = trained(attrs.evolve(USUAL, iterations=150, lr=0.01))
    assert sum(result.losses[-10:]) < 0.3 * sum(result.losses[:10])
    assert result.steps == 150


@pytest.mark.parametrize("name", VARIANTS)
def test_the_same_seed_gives_the_same_bits(name: str) -> None:
    how = VARIANTS[name]
    assert same(whole(name), trained(how))
    assert not same(whole(name), train(network(), PATCHES, how, seed=2))


@pytest.mark.parametrize("name", VARIANTS)
@pytest.mark.parametrize("step", [1, 17])
def test_an_interrupted_training_continues_to_the_same_bits(
    name: str, step: int, tmp_path: Path
) -> None:
    how, path = VARIANTS[name], tmp_path / "state.safetensors"
    stopped = Interrupted(PATCHES.names, step=step)
    with pytest.raises(KeyboardInterrupt):
        trained(how, stopped, checkpoint=path)
    torch.rand(7)
    heard: list[int] = []
    resumed = trained(how, checkpoint=path, on_step=lambda step, loss: heard.append(step))
    assert heard == [s for s in (10, 20, 25) if s > step]
    assert same(resumed, whole(name))


def test_a_finished_training_is_not_repeated(tmp_path: Path) -> None:
    path = tmp_path / "state.safetensors"
    first = trained(checkpoint=path)
    second = trained(patches=Interrupted(PATCHES.names, step=0), checkpoint=path)
    assert same(first, second)


@pytest.mark.parametrize("change", ["hyperparameters", "pictures", "seed", "about", "network"])
def test_a_state_of_another_training_is_ignored(change: str, tmp_path: Path) -> None:
    path = tmp_path / "state.safetensors"
    trained(checkpoint=path)
    how = attrs.evolve(USUAL, lr=0.002) if change == "hyperparameters" else USUAL
    patches = PATCHES.only("ab") if change == "pictures" else PATCHES
    seed = 2 if change == "seed" else 1
    about = "other" if change == "about" else ""
    width = 4 if change == "network" else 3
    heard: list[int] = []

    def on_step(step: int, loss: float) -> None:
        heard.append(step)

    train(network(width=width), patches, how, seed, "cpu", path, on_step, about)
    assert heard == [10, 20, 25]


def test_the_checkpoint_interval_does_not_change_the_result(tmp_path: Path) -> None:
    path = tmp_path / "state.safetensors"
    seldom = attrs.evolve(USUAL, checkpoint_every=1e9)
    often = trained(checkpoint=path)
    assert same(often, trained(seldom))
    gone_on = trained(seldom, Interrupted(PATCHES.names, step=0), checkpoint=path)
    assert same(often, gone_on)


def test_a_damaged_state_is_ignored(tmp_path: Path) -> None:
    path = tmp_path / "state.safetensors"
    path.write_bytes(b"damaged")
    assert same(trained(checkpoint=path), whole())


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_a_loss_that_is_not_finite_ends_the_training(bad: float, tmp_path: Path) -> None:
    net, path = network(), tmp_path / "state.safetensors"
    with torch.no_grad():
        net[4].bias.fill_(bad)
    with pytest.raises(EvaluationError, match=r"the loss is (nan|inf) at step 1: a lower lr"):
        train(net, PATCHES, attrs.evolve(USUAL, iterations=4), seed=1, checkpoint=path)
    assert not path.exists()


def test_a_diverging_training_ends() -> None:
    with pytest.raises(EvaluationError, match="a lower lr may help"):
        trained(attrs.evolve(USUAL, optimizer="sgd", lr=1e30, iterations=30))


def test_a_network_of_another_scale_is_refused() -> None:
    patches = Waves(scale=2).patches()
    with pytest.raises(EvaluationError, match=r"is \(3, 1, 12, 12\), the task needs \(3, 1, 24"):
        train(network(scale=1), patches, USUAL, seed=1)


def test_a_network_without_weights_is_returned_unchanged() -> None:
    result = train(nn.Identity(), PATCHES, USUAL, seed=1)
    assert result.steps == 0
    assert isinstance(result.final(), nn.Identity)


def test_averaged_weights_are_the_final_ones() -> None:
    result = trained(VARIANTS["ema"])
    assert result.average is not None
    last = {name: value.clone() for name, value in result.network.state_dict().items()}
    final = result.final().state_dict()
    assert all(torch.equal(final[name], value) for name, value in result.average.items())
    assert not torch.equal(final["0.weight"], last["0.weight"])


def test_half_precision_stays_near_single_precision() -> None:
    half, single = whole("bfloat16"), whole()
    assert half.losses != single.losses
    assert half.losses == pytest.approx(single.losses, rel=0.05)
    assert all(p.dtype == torch.float32 for p in half.network.parameters())


def test_terms_are_divided_by_their_number_when_asked() -> None:
    how = attrs.evolve(VARIANTS["ema"], iterations=1)
    whole, mean = trained(how), trained(attrs.evolve(how, mean_terms=True))
    assert mean.losses[0] == pytest.approx(whole.losses[0] / 2)


def test_the_global_generators_do_not_change() -> None:
    with untouched_generators():
        trained()


def test_pictures_that_do_not_fit_on_the_device_are_streamed(
    caplog: pytest.LogCaptureFixture,
) -> None:
    class TooMany(WavePatches):
        def resident(self, device: str, versions: int) -> Any:
            raise torch.OutOfMemoryError("CUDA out of memory")

    streamed = trained(attrs.evolve(USUAL, resident=True), TooMany(PATCHES.names))
    assert same(streamed, whole())
    (line,) = [record.getMessage() for record in caplog.records]
    assert line == "the pictures do not fit on cpu: batches are made on the CPU"


def test_the_rate_rises_in_the_steps_of_the_warm_up() -> None:
    quick = attrs.evolve(USUAL, optimizer="sgd", momentum=0.0, iterations=1, lr=0.08)
    start = network().state_dict()

    def moved(warm_up: int) -> list[torch.Tensor]:
        state = trained(attrs.evolve(quick, warm_up=warm_up)).network.state_dict()
        return [state[name] - value for name, value in start.items() if value.ndim > 1]

    for slow, fast in zip(moved(4), moved(0), strict=True):
        assert torch.allclose(4 * slow, fast, atol=1e-6)


@pytest.mark.gpu
@pytest.mark.parametrize("kind", ["adam", "sgd"])
def test_captured_steps_are_the_plain_ones(kind: str) -> None:
    how = attrs.evolve(USUAL, precision="float32", ema=0.9, optimizer=kind)
    plain, captured = (
        train(_without_dropout(), PATCHES, one, 1, "cuda")
        for one in (how, attrs.evolve(how, capture="always"))
    )
    assert captured.losses == pytest.approx(plain.losses, rel=1e-3)


def test_steps_that_cannot_be_captured_are_refused_where_they_must_be() -> None:
    how = attrs.evolve(USUAL, capture="auto")
    assert how.captures("cuda")
    assert not how.captures("cpu")
    with pytest.raises(SettingsError, match=r"capture=always.*device cpu.*take .*capture=auto"):
        attrs.evolve(how, capture="always").captures("cpu")


def test_a_compiled_network_is_trained_to_the_same_weights(monkeypatch: pytest.MonkeyPatch) -> None:
    made = []

    def stand_in(network: nn.Module) -> Any:  # the real one takes a minute
        made.append(network)
        return network.forward

    monkeypatch.setattr(torch, "compile", stand_in)
    found = trained(attrs.evolve(USUAL, compile=True))
    assert made == [found.network]
    assert same(found, whole())


def test_a_network_that_cannot_be_compiled_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(x: torch.Tensor) -> torch.Tensor:
        raise torch._dynamo.exc.TorchDynamoException("no working C++ compiler\nmore")

    monkeypatch.setattr(torch, "compile", lambda network: broken)
    with pytest.raises(EvaluationError, match=r"here: no working C.* take evaluator.compile=false"):
        trained(attrs.evolve(USUAL, compile=True))


@pytest.mark.gpu
def test_a_network_that_cannot_be_captured_is_refused_where_it_must_be() -> None:
    class Reads(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inside = _without_dropout()

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.inside(x) * (1.0 if x.sum().item() else 0.0)

    how = attrs.evolve(USUAL, capture="always")
    with pytest.raises(EvaluationError, match="cannot be captured"):
        train(Reads(), PATCHES, how, 1, "cuda")
