"""When a fit stops by itself."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from made_tasks import denoise
from torch import Tensor

from nasir.core.task import Sample
from nasir.fitting.dip import DeepImagePrior
from nasir.fitting.stopping import HeldOut, MovingVariance, Oracle, StoppingRule, WindowedVariance

SHAPE = (1, 2, 3, 3)
PICTURE = Sample("zeros", torch.zeros(SHAPE))


class Planned(StoppingRule):
    """Measures given values."""

    def __init__(self, values: list[float], patience: int) -> None:
        super().__init__(patience)
        self.planned = values

    def measure(self, output: Tensor, average: Tensor) -> float:
        return self.planned.pop(0)


def watched(stopper: StoppingRule, values: int) -> int:
    """The step at which it stops, of so many whose picture is their number; 0: at none."""
    for step in range(1, values + 1):
        picture = torch.full(SHAPE, float(step))
        if stopper.watch(step, -picture, picture):
            return step
    return 0


def outputs(seed: int, count: int, level: float = 0.0, spread: float = 1.0) -> list[Tensor]:
    rng = np.random.default_rng(seed)
    drawn = level + spread * rng.standard_normal((count, *SHAPE))
    return list(torch.from_numpy(drawn.astype(np.float32)))


def variance(xs: Sequence[Tensor]) -> float:
    """(1 / W) sum ||x_w - mean||^2, in two passes."""
    x = np.stack([one.numpy() for one in xs]).astype(np.float64)
    return float(((x - x.mean(0)) ** 2).sum() / len(x))


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10**6), count=st.integers(2, 40), window=st.integers(2, 12))
def test_the_windowed_variance_is_that_of_the_last_outputs(seed: int, count: int, window: int):
    xs, stopper = outputs(seed, count), WindowedVariance(window, 1)
    for k, x in enumerate(xs, start=1):
        measured = stopper.measure(x, x)
        if k < window:
            assert measured == float("inf")
        else:
            assert measured == pytest.approx(variance(xs[k - window : k]), rel=1e-9)


@pytest.mark.parametrize("level", [1.0, 100.0])
def test_the_windowed_variance_stays_exact_over_thousands_of_outputs(level: float):
    """Differences of a thousandth about a level that is a thousand times as large, or more."""
    xs, stopper = outputs(0, 4000, level, spread=1e-3), WindowedVariance(100, 1)
    measured = [stopper.measure(x, x) for x in xs]
    assert measured[-1] == pytest.approx(variance(xs[-100:]), rel=1e-4)


def test_the_windowed_variance_forgets_a_beginning_far_from_all_that_follows():
    xs, stopper = outputs(1, 300, 0.5, 1e-3), WindowedVariance(10, 1)
    measured = [stopper.measure(x, x) for x in [torch.full(SHAPE, 1e3), *xs]]
    assert measured[-1] == pytest.approx(variance(xs[-10:]), rel=1e-3)


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10**6), count=st.integers(1, 40), alpha=st.floats(0.01, 0.99))
def test_the_moving_variance_follows_its_recursion(seed: int, count: int, alpha: float):
    xs, stopper = outputs(seed, count), MovingVariance(alpha, 1)
    mean, spread = np.zeros(SHAPE), 0.0
    for x in xs:
        value = x.numpy().astype(np.float64)
        spread = (1 - alpha) * spread + alpha * (1 - alpha) * ((value - mean) ** 2).sum()
        mean = (1 - alpha) * mean + alpha * value
        assert stopper.measure(x, x) == pytest.approx(spread, rel=1e-9)


@pytest.mark.parametrize("alpha", [0.1, 0.5])
def test_the_moving_variance_of_many_outputs_is_near_their_variance(alpha: float):
    """Of independent outputs of variance s^2 it is (2 - 2 a) / (2 - a) s^2 in the mean."""
    xs, stopper = outputs(2, 3000, level=1.0, spread=0.1), MovingVariance(alpha, 1)
    measured = [stopper.measure(x, x) for x in xs]
    expected = np.prod(SHAPE) * 0.1**2 * (2 - 2 * alpha) / (2 - alpha)
    assert np.mean(measured[500:]) == pytest.approx(expected, rel=0.05)


def test_outputs_that_are_changed_in_place_afterwards_are_remembered_as_they_were():
    xs, stopper = outputs(3, 12), WindowedVariance(4, 1)
    buffer = torch.empty(SHAPE)
    for x in xs:
        measured = stopper.measure(buffer.copy_(x), buffer)
    assert measured == pytest.approx(variance(xs[-4:]), rel=1e-9)


@pytest.mark.parametrize(
    ("values", "patience", "stops", "best"),
    [
        ([3, 2, 1, 2, 3], 2, 5, 3),
        ([3, 2, 1, 2, 3], 3, 0, 3),
        ([3, 2, 1, 2, 0, 1, 1], 2, 7, 5),
        ([1, 1, 1, 1], 2, 3, 1),
        ([2, 1, 1, 1, 1], 3, 5, 2),
        ([4, 3, 2, 1], 1, 0, 4),
        ([1, 2], 1, 2, 1),
        ([2, 1, float("nan"), 0, 3], 2, 0, 4),
    ],
)
def test_a_fit_stops_when_the_least_value_is_as_old_as_the_patience(
    values: list[float], patience: int, stops: int, best: int
):
    stopper = Planned(list(values), patience)
    assert watched(stopper, len(values)) == stops
    assert stopper.step == best
    assert stopper.picture is not None
    assert torch.equal(stopper.picture, torch.full(SHAPE, float(best)))


@settings(max_examples=60, deadline=None)
@given(values=st.lists(st.integers(0, 5), min_size=1, max_size=30), patience=st.integers(1, 8))
def test_the_picture_of_the_least_value_is_kept_the_first_of_equals(
    values: list[int], patience: int
):
    stopper = Planned([float(v) for v in values], patience)
    seen = values[: watched(stopper, len(values)) or len(values)]
    assert stopper.step == 1 + seen.index(min(seen))
    assert stopper.least == min(seen)
    assert stopper.picture is not None
    assert stopper.picture.flatten()[0] == stopper.step


@pytest.mark.parametrize("patience", [1, 3])
def test_before_the_window_is_full_nothing_stops_a_fit(patience: int):
    stopper = WindowedVariance(30, patience)
    assert watched(stopper, 29) == 0


def test_patience_counts_from_the_first_full_window():
    """The outputs are 1, 4, 9, ...: their variance rises all the time."""
    stopper = WindowedVariance(5, 3)
    stopped = [k for k in range(1, 12) if stopper.watch(k, torch.full(SHAPE, k**2.0), _one(k))]
    assert stopped[0] == 5 + 3
    assert stopper.step == 5


@pytest.mark.parametrize("steps", [1, 2, 7])
def test_a_fit_shorter_than_the_window_gives_its_last_picture(steps: int):
    stopper = WindowedVariance(8, 1)
    assert watched(stopper, steps) == 0
    assert stopper.step == steps
    assert stopper.picture is not None
    assert torch.equal(stopper.picture, torch.full(SHAPE, float(steps)))


def test_the_kept_picture_is_the_average_and_not_the_output():
    stopper = HeldOut(lambda average: average.sum().item(), 5)
    stopper.watch(1, torch.zeros(SHAPE), _one(7))
    assert stopper.picture is not None
    assert torch.equal(stopper.picture, _one(7))


def test_the_kept_picture_does_not_change_with_the_average():
    average, stopper = _one(1), Planned([1.0, 2.0], 5)
    stopper.watch(1, average, average)
    stopper.watch(2, average, average.mul_(3))
    assert stopper.picture is not None
    assert torch.equal(stopper.picture, _one(1))


def test_held_out_pixels_are_measured_on_the_average():
    stopper = HeldOut(lambda x: float(x.mean()), 2)
    assert stopper.measure(_one(5), _one(3)) == 3.0


def _one(value: float) -> Tensor:
    return torch.full(SHAPE, float(value))


def test_the_usual_window_patience_and_forgetting_are_the_published_ones():
    """W = 100, P = 1000 and alpha = 0.1 (arXiv 2112.06074), in a fit that is long enough."""
    windowed = DeepImagePrior(iterations=3000, stop="wmv").stopping_rule(denoise())
    assert isinstance(windowed, WindowedVariance)
    assert (windowed.window, windowed.patience) == (100, 1000)
    moving = DeepImagePrior(iterations=3000, stop="emv").stopping_rule(denoise())
    assert isinstance(moving, MovingVariance)
    assert (moving.forgetting, moving.patience) == (0.1, 1000)


@pytest.mark.parametrize("steps", [1, 2, 5, 30, 100, 999, 2999])
@pytest.mark.parametrize("stop", ["wmv", "emv", "heldout"])
def test_the_patience_of_a_short_fit_leaves_room_to_stop(stop: str, steps: int):
    stopper = DeepImagePrior(iterations=steps, stop=stop).stopping_rule(denoise(), PICTURE)
    assert stopper is not None
    assert 1 <= stopper.patience <= max(1, steps // 3)
    if isinstance(stopper, WindowedVariance):
        assert 2 <= stopper.window <= max(2, steps // 10)


def test_a_window_and_a_patience_that_are_given_are_taken():
    stopper = DeepImagePrior(iterations=20, stop="wmv", window=7, patience=4).stopping_rule(
        denoise()
    )
    assert isinstance(stopper, WindowedVariance)
    assert (stopper.window, stopper.patience) == (7, 4)


def dark_start(count: int = 400, calmest: int = 180) -> list[Tensor]:
    """Black outputs at first, then ones that vary the less, the nearer they are to `calmest`."""
    spread = [0.02 + 0.001 * abs(step - calmest) for step in range(count)]
    xs = outputs(4, count, spread=1.0)
    return [torch.zeros(SHAPE)] * 5 + [0.5 + s * x for s, x in zip(spread[5:], xs[5:], strict=True)]


@pytest.mark.parametrize(("burn_in", "best"), [(0, range(1, 2)), (100, range(165, 205))])
def test_the_moving_variance_finds_no_minimum_while_it_burns_in(burn_in: int, best: range):
    stopper = MovingVariance(0.1, 60, burn_in)
    for step, x in enumerate(dark_start(), start=1):
        if stopper.watch(step, x, x):
            break
    assert stopper.step in best
    assert step == max(stopper.step, burn_in) + 60 or burn_in == 0


@pytest.mark.parametrize(("iterations", "steps"), [(3000, 100), (500, 50)])
def test_the_burn_in_is_that_of_the_authors_or_a_tenth_of_a_short_fit(iterations: int, steps: int):
    stopper = DeepImagePrior(iterations=iterations, stop="emv").stopping_rule(denoise())
    assert isinstance(stopper, MovingVariance)
    assert stopper.burn_in == steps
    own = DeepImagePrior(iterations=3000, stop="emv", burn_in=7).stopping_rule(denoise())
    assert isinstance(own, MovingVariance)
    assert own.burn_in == 7


def test_an_oracle_keeps_the_average_that_is_nearest_to_the_truth_and_never_stops():
    task = denoise(size=16, color="grey")
    truth = task.samples("test")[0]
    assert truth.clean is not None
    averages = [torch.lerp(truth.clean, 1 - truth.clean, far) for far in (0.9, 0.2, 0.5, 0.3)]
    oracle = Oracle(task, truth)
    for step, average in enumerate(averages, start=1):
        assert not oracle.watch(step, truth.degraded, average)
    assert oracle.step == 2
    assert torch.equal(oracle.picture, averages[1])
