"""Fits that stop by themselves, and rewards without ground truth."""

from __future__ import annotations

import copy
import math
from itertools import product
from typing import Any

import attrs
import numpy as np
import pytest
import torch
from made_tasks import denoise, inpaint, super_resolution
from torch import Tensor, nn

from nasir.core.errors import EvaluationError, PictureError, SettingsError
from nasir.core.evaluator import Evaluation, Problem
from nasir.core.metrics import psnr
from nasir.core.search_space import SearchSpace, Signature
from nasir.core.seeds import derived_seed
from nasir.core.task import Sample, Split, Task
from nasir.core.trial import FULL, Proposal
from nasir.fitting.descent import Descent, total_variation
from nasir.fitting.dip import AUTOMATIC, ORACLE, DeepImagePrior
from nasir.fitting.held_out import divide_pixels
from nasir.search_spaces.nasdip.space import NasDip
from nasir.tasks.protocol import observed_error

ITERATIONS = 8
TASKS: dict[str, Task] = {
    "denoise": denoise(size=20, color="grey", search=3),
    "inpaint": inpaint(size=20, color="grey", search=3),
    "sr": super_resolution(size=20, scale=2, color="grey", search=3),
}
"""With one picture to test on each."""
SPACE = NasDip(depth=1, width=4, input_channels=4)
PROPOSAL = Proposal(SPACE.domain.sample(np.random.default_rng(3)))


@attrs.frozen
class Given(Task):
    """Restores the pictures it is given; PSNR is its only metric."""

    searched: tuple[Sample, ...]
    tested: tuple[Sample, ...] = ()

    signature = Signature(1, 1)

    def samples(self, split: Split) -> tuple[Sample, ...]:
        return self.searched if split == "search" else self.tested or self.searched

    def loss(self, output: Tensor, sample: Sample) -> Tensor:
        return observed_error(output, sample)

    def metrics(self, restored: Tensor, sample: Sample) -> dict[str, float]:
        return {} if sample.clean is None else {"psnr": psnr(restored, sample.clean)}


def dip(**settings: Any) -> DeepImagePrior:
    return DeepImagePrior(**{"iterations": ITERATIONS, "device": "cpu", "stops": 4} | settings)


def problem(task: Task, evaluator: DeepImagePrior, split: Split = "search") -> Problem:
    return Problem(SPACE, task, {FULL: evaluator}, split=split, artifacts=True)


def evaluate(
    task: Task, evaluator: DeepImagePrior, split: Split = "search", seed: int = 1
) -> Evaluation:
    return evaluator.evaluate(PROPOSAL, problem(task, evaluator, split), seed)


def picture(name: str = "ramp", side: int = 20, noise: float = 0.1) -> Sample:
    clean = torch.linspace(0, 1, side).expand(1, 1, side, side).contiguous()
    generator = torch.Generator().manual_seed(0)
    return Sample(name, clean + noise * torch.randn(clean.shape, generator=generator), clean)


def masked(share: float = 0.5, side: int = 20) -> Sample:
    drawn = torch.rand(1, 1, side, side, generator=torch.Generator().manual_seed(5))
    sample, mask = picture(side=side), (drawn >= share).float()
    return attrs.evolve(sample, degraded=sample.degraded * mask, mask=mask)


def same(first: Evaluation, second: Evaluation) -> bool:
    """Whether restored pictures and weights are the same to the bit."""
    ours, theirs = ([*e.weights.values(), *pictures_of(e)] for e in (first, second))
    assert ours
    return all(np.array_equal(one, other) for one, other in zip(ours, theirs, strict=True))


def pictures_of(evaluation: Evaluation) -> list[Any]:
    return [picture.restored for picture in evaluation.restored.values()]


@pytest.mark.parametrize("stop", AUTOMATIC)
@pytest.mark.parametrize("split", ["search", "test"])
def test_no_fit_runs_longer_than_the_iterations(stop: str, split: Split):
    task = Given((picture("one"), picture("two", 22)))
    patient = evaluate(task, dip(stop=stop, patience=ITERATIONS), split).metrics
    assert patient["iterations"] == ITERATIONS
    assert 1 <= patient["stopped_at"] <= ITERATIONS
    hasty = evaluate(task, dip(stop=stop, patience=1, window=2), split).metrics
    assert hasty["iterations"] <= ITERATIONS


@pytest.mark.parametrize("stop", ["wmv", "emv"])
@pytest.mark.parametrize("patience", [1, 3])
def test_an_automatic_stop_gives_the_picture_of_a_fixed_fit_of_so_many_steps(
    stop: str, patience: int
):
    task, how = Given((picture(),)), {"window": 3, "forgetting": 0.5, "lr": 0.05, "check_every": 3}
    stopped = evaluate(task, dip(stop=stop, patience=patience, iterations=60, **how))
    assert stopped.metrics["iterations"] < 60
    steps = round(stopped.metrics["stopped_at"])
    fixed = evaluate(task, dip(stop="fixed", iterations=steps, **how))
    assert np.array_equal(pictures_of(stopped), pictures_of(fixed))
    assert stopped.metrics["psnr"] == fixed.metrics["psnr"]
    assert stopped.score == fixed.score
    ran = dip(stop="fixed", iterations=round(stopped.metrics["iterations"]), **how)
    weights = evaluate(task, ran).weights
    assert all(np.array_equal(value, weights[name]) for name, value in stopped.weights.items())


def test_pictures_stop_each_at_their_own_time():
    task = Given((picture("one"), picture("two", noise=0.5)))
    how = {"stop": "wmv", "patience": 1, "window": 2, "lr": 0.05, "iterations": 30}
    both = evaluate(task, dip(**how)).metrics
    each = [evaluate(Given((sample,)), dip(**how)).metrics for sample in task.searched]
    for figure in ("stopped_at", "iterations", "psnr"):
        assert both[figure] == pytest.approx(sum(one[figure] for one in each) / 2)


def test_total_variation_is_that_of_a_ramp():
    """Of a slope of 1 / 19 across and none down, and of a chessboard, where each pair differs."""
    ramp = torch.linspace(0, 1, 20).expand(1, 3, 20, 20)
    assert total_variation(ramp).item() == pytest.approx(1 / 19)
    chess = (torch.arange(20)[:, None] + torch.arange(20)).remainder(2).expand(1, 3, 20, 20)
    assert total_variation(chess.float()).item() == 2.0


def test_total_variation_in_the_loss_makes_flatter_pictures():
    how = {"lr": 0.05, "iterations": 30, "stop": "fixed", "averaging": 0.0}
    plain, flat = (
        evaluate(Given((picture(noise=0.3),)), dip(total_variation=weight, **how), "test")
        for weight in (0.0, 10.0)
    )
    rough = [np.abs(np.diff(pictures_of(e)[0], axis=0)).mean() for e in (plain, flat)]
    assert rough[1] < rough[0] / 2


def test_weight_decay_is_that_of_adam():
    torch.manual_seed(0)
    network, x, sample = nn.Conv2d(2, 1, 3, padding=1), torch.rand(1, 2, 20, 20), picture()
    other = copy.deepcopy(network)
    settings = dip(weight_decay=0.3, lr=0.05, input_noise=0.0).descent
    descent = Descent(settings, network, x, Given((sample,)), sample, None)
    plain = torch.optim.Adam(other.parameters(), lr=0.05, weight_decay=0.3)
    for _ in range(5):
        descent.advance()
        plain.zero_grad()
        observed_error(other(x), sample).backward()
        plain.step()
    for ours, theirs in zip(network.parameters(), other.parameters(), strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-6, atol=1e-7)


def test_an_oracle_gives_the_best_of_all_steps():
    task, how = Given((picture(),)), {"lr": 0.05, "iterations": ITERATIONS}
    best = evaluate(task, dip(stop=ORACLE, **how), "test")
    each = [
        evaluate(task, dip(stop="fixed", lr=0.05, iterations=k + 1), "test").metrics["psnr"]
        for k in range(ITERATIONS)
    ]
    assert best.metrics["psnr"] == max(each)
    assert best.metrics["stopped_at"] == 1 + each.index(max(each))
    assert best.metrics["iterations"] == ITERATIONS


@pytest.mark.parametrize("split", ["search", "test"])
def test_an_oracle_without_ground_truth_is_refused(split: Split):
    blind = attrs.evolve(picture("found"), clean=None)
    for task in (Given((blind,)), Given((picture(),), (blind,))):
        with pytest.raises(
            SettingsError, match=r"oracle needs the ground truth, and found has none: .*=wmv"
        ):
            problem(task, dip(stop=ORACLE, reward="heldout"), split).check()
    with pytest.raises(SettingsError, match=r"oracle .* a shrunk picture has none"):
        problem(TASKS["denoise"], dip(stop=ORACLE, side=16), split).check()


def test_an_oracle_wants_a_task_that_measures_psnr():
    with pytest.raises(EvaluationError, match=r"stop=oracle wants a task that measures PSNR"):
        evaluate(NoPsnr((picture(),)), dip(stop=ORACLE))


@pytest.mark.parametrize("sample", [picture(), masked()], ids=["whole", "masked"])
def test_held_out_pixels_and_the_others_are_together_the_observed_ones(sample: Sample):
    inside, outside = divide_pixels(sample, 0.3, seed=3)
    assert inside.mask is not None
    assert outside.mask is not None
    observed = torch.ones(1, 1, 20, 20) if sample.mask is None else sample.mask
    assert torch.equal(inside.mask + outside.mask, observed)
    assert torch.equal(inside.mask * outside.mask, torch.zeros_like(observed))
    share = outside.mask.sum().item() / observed.sum().item()
    assert share == pytest.approx(0.3, abs=4 * math.sqrt(0.3 * 0.7 / observed.sum().item()))


def held_out_of(sample: Sample, share: float, run_seed: int = 0) -> Sample:
    """The pixels of `sample` that the fits of a run keep out."""
    seed = derived_seed(run_seed, "held out", sample.name)
    _, outside = divide_pixels(sample, share, seed)
    return outside


def test_every_trial_keeps_the_same_pixels_out():
    """So that rewards can be compared: where nothing else is random, seeds differ in nothing."""
    how = dip(reward="heldout", stop="fixed", input_noise=0.0)
    sample = picture(side=48)
    scores = {
        how.evaluate(PROPOSAL, Problem(Pyramids(), Given((sample,)), {FULL: how}, run), seed).score
        for run, seed in ((0, 1), (0, 2), (0, 3), (5, 1))
    }
    assert len(scores) == 2, "one a run"


def test_pictures_have_held_out_pixels_of_their_own():
    first, again, other, run = (
        held_out_of(picture(name), 0.3, seed).mask
        for name, seed in (("one", 0), ("one", 0), ("two", 0), ("one", 1))
    )
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    assert not torch.equal(first, run)


@pytest.mark.parametrize("sample", [picture(), masked()], ids=["whole", "masked"])
@pytest.mark.parametrize("stop", ["fixed", "heldout"])
def test_the_held_out_reward_is_the_psnr_on_the_held_out_pixels(sample: Sample, stop: str):
    result = evaluate(Given((sample,)), dip(reward="heldout", stop=stop, held_out=0.25), seed=4)
    inside = held_out_of(sample, 0.25).mask[0, 0].bool().numpy()
    restored = result.restored[sample.name].restored[..., 0][inside]
    error = np.mean((restored.astype(float) - sample.degraded[0, 0].numpy()[inside]) ** 2)
    assert result.score == pytest.approx(-10 * math.log10(error), abs=1e-4)
    assert result.score == result.metrics["heldout_psnr"]


@pytest.mark.parametrize(
    ("name", "stop"),
    [
        *product(["denoise"], ["search", "fixed", *AUTOMATIC]),
        *product(["inpaint", "sr"], ["search", "heldout"]),
    ],
)
def test_the_held_out_reward_needs_and_heeds_no_ground_truth(name: str, stop: str):
    """Neither without it nor with another one is score, stop or picture another."""
    how, sample = dip(reward="heldout", stop=stop, iterations=4), TASKS[name].samples("search")[0]
    results = []
    for clean in (sample.clean, None, torch.full_like(sample.clean, torch.nan)):
        task = only(TASKS[name], attrs.evolve(sample, clean=clean))
        problem(task, how).check()
        results.append(evaluate(task, how))
    truthful, blind, misled = results
    assert math.isfinite(truthful.score)
    assert truthful.score == blind.score == misled.score
    assert same(truthful, blind)
    assert same(truthful, misled)
    assert not {"psnr", "ssim"} & set(blind.metrics)
    own = set(truthful.metrics) - {"psnr", "ssim"}
    assert {n: truthful.metrics[n] for n in own} == {n: blind.metrics[n] for n in own}


def only(task: Task, sample: Sample) -> Task:
    """`task` with one picture, searched and tested on."""
    alone = attrs.evolve(task)
    alone._samples.update(search=[sample], test=[sample])  # type: ignore[attr-defined]
    return alone


def test_where_a_search_stops_by_held_out_pixels_is_where_they_are_restored_best():
    sample, how = picture(), dip(reward="heldout", stop="search", stops=4)
    best = evaluate(Given((sample,)), how)
    shares = {round(ITERATIONS * (i + 1) / 4) / ITERATIONS for i in range(4)}
    assert best.stop in shares
    each = []
    for share in sorted(shares):
        at = attrs.evolve(how, stop="fixed", iterations=round(ITERATIONS * share))
        each.append(evaluate(Given((sample,)), at).score)
    assert best.metrics["heldout_psnr"] == max(each)


@attrs.frozen
class NoPsnr(Given):
    def metrics(self, restored: Tensor, sample: Sample) -> dict[str, float]:
        return {"error": (restored - sample.clean).abs().mean().item()}


def test_where_a_task_measures_no_psnr_a_search_stops_at_the_end():
    result = evaluate(NoPsnr((picture(),)), dip(stop="search"))
    assert result.stop == 1.0
    assert same(result, evaluate(NoPsnr((picture(),)), dip(stop="fixed")))


@pytest.mark.parametrize("sample", [picture(), masked()], ids=["whole", "masked"])
def test_the_test_pictures_are_fitted_with_all_pixels(sample: Sample):
    task = Given((sample,))
    whole = evaluate(task, dip(stop="fixed"), "test")
    rewarded = evaluate(task, dip(stop="fixed", reward="heldout"), "test")
    assert same(whole, rewarded)
    assert rewarded.score == whole.score == whole.metrics["psnr"]
    assert "heldout_psnr" not in rewarded.metrics
    searched = evaluate(task, dip(stop="fixed", reward="heldout"))
    assert not np.array_equal(pictures_of(searched), pictures_of(whole))


@pytest.mark.parametrize("reward", ["psnr", "heldout"])
def test_a_stop_by_held_out_pixels_needs_them_on_test_pictures_too(reward: str):
    """At a patience as long as the fit all its steps are made, on the pixels that are kept in."""
    task = Given((picture(),))
    result = evaluate(task, dip(stop="heldout", reward=reward, patience=ITERATIONS), "test")
    assert math.isfinite(result.metrics["heldout_psnr"])
    assert result.score == result.metrics["psnr"]
    whole = evaluate(task, dip(stop="fixed"), "test").weights
    kept = [name for name in whole if whole[name].ndim == 4]
    assert any(not np.array_equal(whole[name], result.weights[name]) for name in kept)


def test_without_ground_truth_a_test_picture_scores_by_its_loss():
    blind = Given((attrs.evolve(picture(), clean=None),))
    for stop in ("fixed", *AUTOMATIC):
        result = evaluate(blind, dip(stop=stop), "test")
        assert -1 < result.score < 0
        assert "psnr" not in result.metrics


def test_several_test_pictures_without_ground_truth_score_by_the_mean_of_their_losses():
    blind = [attrs.evolve(picture(name, noise=n), clean=None) for name, n in (("a", 0), ("b", 0.3))]
    one, other, both = (
        evaluate(Given(tuple(some)), dip(stop="fixed"), "test").score
        for some in (blind[:1], blind[1:], blind)
    )
    assert both == pytest.approx((one + other) / 2)


@pytest.mark.parametrize(("iterations", "patience"), [(600, 200), (6000, 1000), (2, 1)])
def test_a_third_of_the_steps_is_waited_for_less_variance(iterations: int, patience: int):
    rule = dip(iterations=iterations, stop="wmv").stopping_rule(TASKS["denoise"])
    assert rule.patience == patience


@pytest.mark.parametrize("name", TASKS)
@pytest.mark.parametrize("stop", ["fixed", *AUTOMATIC])
def test_psnr_and_ssim_are_the_tasks_own(name: str, stop: str):
    task = TASKS[name]
    result = evaluate(task, dip(stop=stop), "test")
    assert result.score == result.metrics["psnr"]
    (sample,) = task.samples("test")
    array = result.restored[sample.name].restored
    restored = task.metrics(torch.from_numpy(array).permute(2, 0, 1)[None], sample)
    degraded = task.metrics(task.unrestored(sample), sample)
    assert set(restored) == {"psnr", "ssim"}
    for metric, value in restored.items():
        assert result.metrics[metric] == result.by_picture[sample.name][metric] == value
        assert result.metrics[f"degraded_{metric}"] == degraded[metric]


@pytest.mark.parametrize(
    ("name", "shape"), [("denoise", (16, 16, 1)), ("inpaint", (16, 16, 1)), ("sr", (20, 20, 1))]
)
def test_pictures_can_be_fitted_shrunk(name: str, shape: tuple[int, ...]):
    """The side is that of what is degraded; super-resolution by 2 gives twice as much."""
    side = 10 if name == "sr" else 16
    result = evaluate(TASKS[name], dip(stop="fixed", side=side), "test")
    assert {picture.shape for picture in pictures_of(result)} == {shape}
    assert all(picture.clean is None for picture in result.restored.values())
    assert "psnr" not in result.metrics
    assert result.score < 0


def test_the_short_side_is_shrunk_and_a_small_picture_stays_as_it_is():
    wide = Sample("wide", torch.rand(1, 1, 20, 40))
    shrinking = only(TASKS["denoise"], wide)
    small = evaluate(shrinking, dip(side=10, stop="fixed"), "test").restored
    assert small["wide"].restored.shape == (10, 20, 1)
    whole, large = (evaluate(shrinking, dip(side=s, stop="fixed"), "test") for s in (0, 50))
    assert same(whole, large)


def test_a_shrunk_picture_that_is_too_small_for_the_space_is_refused_before_the_first_trial():
    deep = NasDip(depth=6, width=4, input_channels=4)
    task = denoise(size=32, color="grey")
    Problem(deep, task, {FULL: dip()}).check()
    with pytest.raises(PictureError, match="16 x 16 pixels, the space needs 32 x 32"):
        Problem(deep, task, {FULL: dip()} | {"small": dip(side=16)}, split="test").check()


def test_a_search_without_ground_truth_is_pointed_to_the_held_out_reward():
    blind = Given((attrs.evolve(picture(), clean=None),), (picture(),))
    for stop in ("search", "fixed", *AUTOMATIC):
        with pytest.raises(SettingsError, match=r"ramp has no ground truth.*reward=heldout"):
            problem(blind, dip(stop=stop)).check()
        problem(blind, dip(stop=stop, reward="heldout")).check()


def test_evaluating_on_the_test_pictures_needs_no_ground_truth_anywhere():
    blind = Given((attrs.evolve(picture(), clean=None),))
    for stop in ("search", "fixed", *AUTOMATIC):
        problem(blind, dip(stop=stop), "test").check()
        assert math.isfinite(evaluate(blind, dip(stop=stop), "test").score)


def test_test_pictures_without_ground_truth_are_no_hindrance():
    problem(Given((picture(),), (attrs.evolve(picture(), clean=None),)), dip()).check()


@pytest.mark.parametrize("share", [1e-9, 1 - 1e-9])
def test_a_share_that_leaves_no_pixels_on_one_side_is_a_clear_error(share: float):
    with pytest.raises(PictureError, match=r"ramp has too few observed pixels.*reward=psnr"):
        evaluate(Given((picture(),)), dip(reward="heldout", held_out=share))


@pytest.mark.parametrize(
    "settings",
    [
        {"stop": "never"},
        {"reward": "ssim"},
        {"window": 1},
        {"patience": 0},
        {"forgetting": 0.0},
        {"forgetting": 1.0},
        {"held_out": 0.0},
        {"held_out": 1.0},
        {"side": -1},
        {"weight_decay": -1.0},
    ],
)
def test_settings_that_make_no_sense_are_refused(settings: dict[str, Any]):
    with pytest.raises(ValueError, match=next(iter(settings))):
        dip(**settings)


@attrs.frozen
class Counting(SearchSpace):
    """Networks that say how many channels they were built for."""

    domain = SPACE.domain
    input_channels = 5

    def build(self, architecture: object, signature: Signature) -> nn.Module:
        return nn.Conv2d(signature.in_channels, signature.out_channels, 3, padding=1)


class Sum(nn.Module):
    """The sum of what two networks make of a half of the channels each."""

    def __init__(self, networks: list[nn.Module], channels: int) -> None:
        super().__init__()
        self.networks, self.channels = nn.ModuleList(networks), channels

    def forward(self, x: Tensor) -> Tensor:
        assert x.shape[1] == 2 * self.channels
        halves = x.split(self.channels, 1)
        return sum(n(half) for n, half in zip(self.networks, halves, strict=True))  # type: ignore


@attrs.frozen
class Twofold(Given):
    networks = 2

    def assemble(self, build: Any, signature: Signature) -> nn.Module:
        return Sum([build(signature), build(signature)], signature.in_channels)


def test_two_networks_have_input_channels_of_their_own():
    how = dip(stop="fixed")
    one, two = (
        how.evaluate(PROPOSAL, Problem(Counting(), task, {FULL: how}, artifacts=True), 1)
        for task in (Given((picture(),)), Twofold((picture(),)))
    )
    assert two.metrics["parameters"] == 2 * one.metrics["parameters"] == 2 * (5 * 9 + 1)
    assert two.metrics["multiply_adds"] == 2 * one.metrics["multiply_adds"]
    assert one.metrics["multiply_adds"] == 5 * 9 * 20 * 20
    halves = [two.weights[f"ramp/networks.{i}.weight"] for i in range(2)]
    assert not np.array_equal(*halves)


@attrs.frozen
class Pyramids(SearchSpace):
    """Pictures as sums of ever finer grids of pixels, which are fitted the coarsest first."""

    domain = SPACE.domain

    def build(self, architecture: object, signature: Signature) -> nn.Module:
        return Pyramid()


class Pyramid(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.grids = nn.ParameterList(torch.zeros(1, 1, 48 >> i, 48 >> i) for i in range(5))

    def forward(self, x: Tensor) -> Tensor:
        grids = (grid * 2**i for i, grid in enumerate(self.grids))
        return sum(nn.functional.interpolate(g, 48, mode="bilinear") for g in grids)  # type: ignore


def test_held_out_pixels_stop_a_fit_before_it_takes_up_the_noise():
    """On a photograph with noise of sigma 50 the stop is nearer to the best step than the end is.

    How near differs from noise to noise, since few pixels are held out of so small a picture.
    """
    from skimage import data

    clean = torch.from_numpy(data.camera()[128:416:6, 128:416:6] / np.float32(255))[None, None]

    def psnr_of(task: Task, stop: str, split: Split) -> float:
        how = dip(iterations=120, stops=20, stop=stop, lr=0.008, averaging=0.5)
        whole = Problem(Pyramids(), task, {FULL: how}, split=split)
        return how.evaluate(PROPOSAL, whole, 0).metrics["psnr"]

    nearness = []
    for seed in range(2):
        task = denoise(sigma=50, seed=seed)
        task = only(task, task.degrade("camera", clean))
        best = psnr_of(task, "search", "search")
        last, stopped = psnr_of(task, "fixed", "test"), psnr_of(task, "heldout", "test")
        assert last < best - 1.5
        nearness.append((stopped - last) / (best - last))
    assert min(nearness) > 0
    assert np.mean(nearness) > 0.25
