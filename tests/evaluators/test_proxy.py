"""The evaluator `proxy`: what it hands to proxies, and what it makes of their values."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any, ClassVar

import attrs
import numpy as np
import pytest
import torch
from made_tasks import denoise, super_resolution
from PIL import Image
from torch import Tensor, nn
from toy_plugin import ToySpace

import nasir
from nasir.core.errors import SettingsError
from nasir.core.evaluator import Evaluation, Problem
from nasir.core.proxy import Probe, Proxy
from nasir.core.registry import registries
from nasir.core.search_space import SearchSpace, Signature
from nasir.core.task import Sample, Task
from nasir.core.trial import FULL, Proposal, Trial
from nasir.engine.evaluation import evaluate_trial
from nasir.evaluators.proxy import ProxyEvaluator
from nasir.plugins.manager import plugins
from nasir.search_spaces.nasdip.space import NasDip
from nasir.settings import building
from nasir.testing import EvaluatorContract

SPECTRAL = ("psd_db_mse", "psd_db_strip_mse", "psd_strip_hist_emd", "bandwidth_99")


@attrs.define
class Seen(Proxy):
    """A stranger's proxy: keeps what it is shown, and counts 1, 2, 3 ... as its values."""

    larger_is_better = True
    probes: ClassVar[list[Probe]] = []

    def value(self, probe: Probe) -> float:
        self.probes.append(probe)
        return float(len(self.probes))


@attrs.define
class Power(Proxy):
    """A stranger's proxy of which less is better."""

    def value(self, probe: Probe) -> float:
        return probe.output.square().mean().item()


@attrs.define
class Nothing(Proxy):
    """A stranger's proxy that comes to no number."""

    def value(self, probe: Probe) -> float:
        return float("nan")


@pytest.fixture(autouse=True)
def seen() -> Iterator[list[Probe]]:
    """Register the strangers' proxies; what `seen` was shown."""
    module = ModuleType("strange")

    def register_proxies(register: Any) -> None:
        register("seen", Seen, "counts")
        register("power", Power, "mean square")
        register("nothing", Nothing, "no number")

    module.register_proxies = nasir.hookimpl(register_proxies)  # type: ignore[attr-defined]
    registry = registries["proxy"]
    plugins().add("strange", module, registries)
    Seen.probes.clear()
    yield Seen.probes
    plugins()._pm.unregister(module)
    plugins().records.pop("strange")
    registry.forget("strange")


@attrs.frozen
class Noise(Task):
    """Two noisy pictures of other sizes, without ground truth unless it is asked for."""

    channels: int = 1
    known: bool = False
    masked: bool = False
    sizes: tuple[tuple[int, int], ...] = ((24, 20), (17, 33))

    @property
    def signature(self) -> Signature:
        return Signature(self.channels, self.channels)

    def samples(self, split: str) -> list[Sample]:
        generator = torch.Generator().manual_seed(len(split))
        pictures = [torch.rand(1, self.channels, *size, generator=generator) for size in self.sizes]
        return [
            Sample(
                f"{split}-{i}", x, x if self.known else None, mask=x[:, :1] if self.masked else None
            )
            for i, x in enumerate(pictures)
        ]

    def loss(self, output: Tensor, sample: Sample) -> Tensor:
        return (output - sample.degraded).square().mean()

    def metrics(self, restored: Tensor, sample: Sample) -> dict[str, float]:
        return {}


@attrs.frozen
class KeptNoise(Noise):
    """Gives the same samples every time, as tasks on pictures do."""

    kept: dict[str, list[Sample]] = attrs.field(init=False, factory=dict, eq=False)

    def samples(self, split: str) -> list[Sample]:
        return self.kept.setdefault(split, Noise.samples(self, split))


class TwoPriors(nn.Module):
    """The product of two networks, each on channels of its own."""

    def __init__(self, first: nn.Module, second: nn.Module) -> None:
        super().__init__()
        self.first, self.second = first, second

    def forward(self, x: Tensor) -> Tensor:
        a, b = x.chunk(2, dim=1)
        return self.first(a) * self.second(b)


@attrs.frozen
class Guided(Noise):
    """Trained networks would take two channels more."""

    @property
    def signature(self) -> Signature:
        return Signature(self.channels + 2, self.channels)


@attrs.frozen
class Product(Noise):
    """Two networks, put together."""

    networks = 2

    def assemble(self, build: Any, signature: Signature) -> nn.Module:
        return TwoPriors(build(signature), build(signature))


def problem_of(
    task: Task | None = None, space: SearchSpace | None = None, **settings: Any
) -> Problem:
    space = space or NasDip(depth=1, width=4, input_channels=7)
    return Problem(space, task or Noise(), {FULL: ProxyEvaluator(**settings)})


def evaluate(problem: Problem, seed: int = 1) -> Evaluation:
    architecture = problem.domain.sample(np.random.default_rng(0))
    return problem.evaluator(FULL).evaluate(Proposal(architecture), problem, seed)


class TestProxyEvaluator(EvaluatorContract):
    def make(self) -> ProxyEvaluator:
        return ProxyEvaluator()

    def problem(self, evaluator: ProxyEvaluator) -> Problem:
        return Problem(NasDip(depth=1, width=4), Noise(known=True), {FULL: evaluator})


class TestAllProxiesOnPartsOfColourPictures(TestProxyEvaluator):
    def make(self) -> ProxyEvaluator:
        return ProxyEvaluator(proxies=SPECTRAL, initialisations=2, side=16)

    def problem(self, evaluator: ProxyEvaluator) -> Problem:
        return Problem(NasDip(depth=2, width=4), KeptNoise(channels=3), {FULL: evaluator})


class TestTheToySpace(TestProxyEvaluator):
    def problem(self, evaluator: ProxyEvaluator) -> Problem:
        return Problem(ToySpace(), Noise(), {FULL: evaluator})


@pytest.mark.parametrize("proxy", [*SPECTRAL, "power"])
def test_where_less_is_better_the_score_is_minus_the_value(proxy: str):
    evaluation = evaluate(problem_of(proxies=(proxy,)))
    assert set(evaluation.metrics) == {proxy}
    assert evaluation.metrics[proxy] > 0
    assert evaluation.score == -evaluation.metrics[proxy]


def test_where_more_is_better_the_score_is_the_value():
    evaluation = evaluate(problem_of(proxies=("seen",)))
    assert evaluation.score == evaluation.metrics["seen"] == 1.5


def test_several_proxies_are_metrics_of_the_same_network_and_the_first_scores():
    together = evaluate(problem_of(proxies=SPECTRAL))
    for proxy in SPECTRAL:
        assert together.metrics[proxy] == evaluate(problem_of(proxies=(proxy,))).metrics[proxy]
    assert together.score == -together.metrics[SPECTRAL[0]]
    turned = evaluate(problem_of(proxies=SPECTRAL[::-1]))
    assert turned.metrics == together.metrics
    assert turned.score == -together.metrics[SPECTRAL[-1]]


def test_the_value_is_the_mean_over_initialisations_and_pictures(seen: list[Probe]):
    evaluation = evaluate(problem_of(proxies=("seen", "power"), initialisations=3))
    assert evaluation.score == np.mean(range(1, 7))
    assert [probe.sample.name for probe in seen] == ["search-0", "search-1"] * 3
    powers = [probe.output.square().mean().item() for probe in seen]
    assert evaluation.metrics["power"] == pytest.approx(np.mean(powers))
    of_first = evaluation.by_picture["search-0"]["power"]
    assert of_first == pytest.approx(np.mean(powers[::2]))
    assert len(set(powers)) == 6


def test_every_initialisation_is_another_network_and_the_first_stays_the_first(
    seen: list[Probe],
):
    evaluate(problem_of(proxies=("seen",), initialisations=3))
    many = [_weights(probe) for probe in seen[::2]]
    evaluate(problem_of(proxies=("seen",)))
    assert torch.equal(_weights(seen[-1]), many[0])
    assert not torch.equal(many[0], many[1])
    assert not torch.equal(many[1], many[2])


def _weights(probe: Probe) -> Tensor:
    return torch.cat([p.detach().flatten() for p in probe.network.parameters()])


def test_weights_are_drawn_on_the_device(monkeypatch: pytest.MonkeyPatch):
    drawn_on: set[str] = set()
    build = NasDip.build

    def watched(self: NasDip, *asked: Any) -> nn.Module:
        network = build(self, *asked)
        drawn_on.update(p.device.type for p in network.parameters())
        return network

    monkeypatch.setattr(NasDip, "build", watched)
    monkeypatch.setattr(Seen, "value", lambda self, probe: 1.0)  # there are no numbers to see
    evaluate(problem_of(proxies=("seen",), device="meta"))
    assert drawn_on == {"meta"}


@pytest.mark.parametrize("channels", [1, 3])
def test_the_network_takes_as_many_channels_as_the_picture_has(seen: list[Probe], channels: int):
    evaluate(problem_of(Guided(channels), proxies=("seen",), input_scale=0.25))
    for probe, size in zip(seen, Noise().sizes, strict=True):
        assert probe.input.shape == (1, channels, *size)
        assert probe.output.shape == (1, channels, *size)
        assert 0 <= probe.input.min() < 0.02
        assert 0.23 < probe.input.max() <= 0.25


def test_each_of_several_networks_has_channels_of_its_own(seen: list[Probe]):
    evaluate(problem_of(Product(channels=3), proxies=("seen",)))
    assert seen[0].input.shape == (1, 6, 24, 20)
    assert seen[0].output.shape == (1, 3, 24, 20)


def test_no_proxy_sees_the_ground_truth(seen: list[Probe]):
    for side in (0, 16):
        evaluate(problem_of(Noise(known=True), proxies=("seen",), side=side))
    assert [probe.sample.clean for probe in seen] == [None] * 4
    blind = evaluate(problem_of(Noise(known=False)))
    assert evaluate(problem_of(Noise(known=True))).score == blind.score


def test_the_side_cuts_the_middle_of_picture_and_mask(seen: list[Probe]):
    task = Noise(masked=True)
    evaluate(problem_of(task, proxies=("seen",), side=16))
    first, second = task.samples("search")
    for probe, whole, rows, columns in (
        (seen[0], first, slice(4, 20), slice(2, 18)),
        (seen[1], second, slice(0, 16), slice(8, 24)),
    ):
        assert torch.equal(probe.sample.degraded, whole.degraded[..., rows, columns])
        assert torch.equal(probe.sample.mask, whole.mask[..., rows, columns])
        assert probe.input.shape[-2:] == probe.output.shape[-2:] == (16, 16)


def test_a_picture_that_is_no_larger_than_the_side_is_whole(seen: list[Probe]):
    task = Noise(sizes=((20, 20), (20, 40), (20, 19)))
    evaluate(problem_of(task, proxies=("seen",), side=20))
    assert [tuple(p.sample.degraded.shape[-2:]) for p in seen] == [(20, 20), (20, 20), (20, 19)]


def test_the_side_of_an_enlargement_is_in_pixels_of_the_degraded_picture(
    tmp_path: Path, seen: list[Probe]
):
    values = np.random.default_rng(0).integers(0, 256, (96, 64), dtype=np.uint8)
    Image.fromarray(values).save(tmp_path / "noise.png")
    task = super_resolution(images=(str(tmp_path),), scale=2)
    for side, size in ((0, (48, 32)), (16, (16, 16))):
        evaluate(problem_of(task, proxies=("seen",), side=side))
        assert seen[-1].input.shape == (1, 1, 2 * size[0], 2 * size[1])
        assert seen[-1].output.shape == seen[-1].sample.degraded.shape == (1, 1, *size)


def test_evaluators_with_other_sides_share_a_task(seen: list[Probe]):
    task = KeptNoise()
    for side in (16, 18, 16, 0):
        evaluate(problem_of(task, proxies=("seen",), side=side))
    assert [probe.sample.degraded.shape[-1] for probe in seen[::2]] == [16, 18, 16, 20]
    assert seen[0].sample is seen[4].sample, "its spectrum is kept"


def test_torchs_generator_goes_on_as_if_nothing_had_been():
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        expected = torch.rand(4)
        torch.manual_seed(3)
        before = torch.rand(2)
        evaluate(problem_of())
        assert torch.equal(torch.cat([before, torch.rand(2)]), expected)


def test_a_value_that_is_no_number_is_a_failed_trial():
    problem = problem_of(proxies=("nothing",))
    trial = Trial(0, Proposal(problem.domain.decode([0] * len(problem.domain.decisions))), 1)
    ended = evaluate_trial(trial, problem, threads=1).trial
    assert (ended.state, ended.reason) == ("failed", "the score is nan")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"proxies": ["psd_db_mes"]}, "unknown proxy 'psd_db_mes': did you mean 'psd_db_mse'"),
        ({"proxies": ["power", "seem"]}, "unknown proxy 'seem': did you mean 'seen'"),
        ({"proxies": []}, "evaluator.proxies wants one of: bandwidth_99, grad_norm, "),
        ({"initialisations": 0}, "initialisations"),
        ({"side": -1}, "side"),
        ({"input_scale": 0.0}, "input_scale"),
        ({"proxy": "power"}, "did you mean 'evaluator.proxies'"),
    ],
)
def test_a_wrong_setting_is_refused(settings: dict[str, Any], message: str):
    with pytest.raises(SettingsError, match=message):
        building.make("evaluator", {"name": "proxy", **settings})


def test_a_search_takes_any_space_and_a_strangers_proxy(tmp_path: Path):
    for name in "ab":
        values = np.random.default_rng(ord(name)).integers(0, 256, (24, 24, 3), dtype=np.uint8)
        Image.fromarray(values).save(tmp_path / f"{name}.png")
    words = ("space=toy", "strategy=random", "evaluator=proxy", "threads=1", "trials=4")
    run = nasir.search(*words, "evaluator.proxies=power,bandwidth_99", f"task.images={tmp_path}")
    assert [trial.state for trial in run.trials] == ["complete"] * 4
    assert [trial.score for trial in run.trials] == [-t.metrics["power"] for t in run.trials]
    assert run.best.score == max(trial.score for trial in run.trials)
    assert all(0 <= trial.metrics["bandwidth_99"] <= 1 for trial in run.trials)


def test_against_clean_compares_with_what_is_observed_without_noise():
    """Of a picture that is clean already it is the same as against the degraded one."""
    task = denoise(size=20, color="grey", sigma=25, search=1)
    space = NasDip(depth=1, width=4, input_channels=4)
    architecture = space.domain.sample(np.random.default_rng(0))

    def value(task: Task, against: str) -> float:
        evaluator = ProxyEvaluator(proxies=("psd_db_mse",), against=against)
        problem = Problem(space, task, {FULL: evaluator})
        problem.check()
        return evaluator.evaluate(Proposal(architecture), problem, 3).metrics["psd_db_mse"]

    noiseless = attrs.evolve(task, noise=attrs.evolve(task.noise, sigma=0))
    assert value(task, "clean") == value(noiseless, "degraded") != value(task, "degraded")


def test_a_clean_picture_that_nobody_has_is_refused():
    evaluator = ProxyEvaluator(against="clean")
    problem = Problem(NasDip(depth=1, width=4), Noise(), {FULL: evaluator})
    with pytest.raises(SettingsError, match=r"against=clean needs .* search-0 has none: take"):
        problem.check()
