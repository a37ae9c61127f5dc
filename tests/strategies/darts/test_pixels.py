"""A search by gradient for a deep image prior, on the pixels of degraded pictures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import attrs
import pytest
import torch
from made_tasks import inpaint
from same_bits import check_goes_on_to_the_same_bits
from toy_supernet import ToySpace, ToyTask

from nasir.core.errors import PictureError, SettingsError
from nasir.core.evaluator import Problem
from nasir.core.task import Sample, Split
from nasir.core.trial import FULL, Proposal
from nasir.search_spaces.nasdip.space import NasDip
from nasir.settings.building import make
from nasir.strategies.darts.perturbation import select
from nasir.strategies.darts.pixels import OnPixels, divided_pixels
from nasir.strategies.darts.stages import Epoch, begin, searched_on
from nasir.strategies.darts.strategy import EPOCH, Darts
from nasir.testing.strategies import NeverAsked

SPACE = NasDip(
    depth=2,
    width=4,
    input_channels=2,
    upsample=("bilinear", "sub_pixel"),
    transform=("conv", "identity"),
    kernel=(1, 3),
    dilation=(1,),
    activation=("none", "relu"),
)
SMALL = Darts(epochs=4, steps=1, warmup=1, arch_lr=0.1)


@attrs.define(slots=False)
class TwoPictures(ToyTask):
    """Two smooth pictures, of different sizes, with noise on them."""

    blind: bool = False

    def samples(self, split: Split) -> Sequence[Sample]:
        return [self._sample(16), self._sample(20)]

    def loss(self, output: torch.Tensor, sample: Sample) -> torch.Tensor:
        mask = torch.ones(()) if sample.mask is None else sample.mask
        error = (output - sample.degraded).square() * mask
        return error.sum() / mask.expand(error.shape).sum()

    def metrics(self, restored: torch.Tensor, sample: Sample) -> Mapping[str, float]:
        return {} if sample.clean is None else super().metrics(restored, sample)

    def _sample(self, side: int) -> Sample:
        ramp = torch.linspace(0, 1, side)
        clean = (ramp[:, None] * ramp)[None, None]
        noise = torch.randn(clean.shape, generator=torch.Generator().manual_seed(side))
        return Sample(f"p{side}", clean + 0.1 * noise, None if self.blind else clean)


def problem(task: Any = None, seed: int = 0, **evaluators: Any) -> Problem:
    return Problem(SPACE, task or TwoPictures(), evaluators, seed)


@pytest.fixture(autouse=True)
def _generator() -> Any:
    with torch.random.fork_rng():
        yield


def search(task: Any = None, **settings: Any) -> OnPixels:
    state = begin(attrs.evolve(SMALL, **settings), problem(task), "cpu")
    assert isinstance(state, OnPixels)
    return state


@pytest.mark.parametrize(
    ("space", "fitted_by", "wanted"),
    [
        (SPACE, "dip", "pixels"),
        (SPACE, "train", "patches"),
        (SPACE, None, "pixels"),
        (ToySpace(), "dip", "pixels"),
        (ToySpace(), "train", "patches"),
        (ToySpace(), None, "patches"),
    ],
)
def test_auto_divides_what_the_evaluator_fits_to(space: Any, fitted_by: Any, wanted: str) -> None:
    evaluator = NeverAsked() if fitted_by is None else make("evaluator", fitted_by)
    asked = Problem(space, TwoPictures(), {FULL: evaluator})
    assert searched_on(SMALL, asked) == wanted
    for data in ("patches", "pixels"):
        assert searched_on(attrs.evolve(SMALL, data=data), asked) == data


def test_every_observed_pixel_is_in_one_part_and_no_other_pixel_is_in_any() -> None:
    task = inpaint(size=32)
    for parts, sample in zip(
        divided_pixels(problem(task), 0.4), task.samples("search"), strict=True
    ):
        masks = [part.mask for part in parts]
        assert sample.mask is not None
        assert torch.equal(sum(masks), sample.mask)  # type: ignore[arg-type]
        shares = [m.sum().item() / sample.mask.sum().item() for m in masks]  # type: ignore
        assert shares == pytest.approx([0.6, 0.2, 0.2], abs=0.06)


def test_weights_never_see_the_pixels_that_are_kept_out_of_them() -> None:
    """Whatever is there, the weights of the warm-up are the same to the bit."""
    weights = []
    for spoilt in (0.0, 5.0):
        state = search()
        for parts in state.parts:
            assert parts[0].mask is not None
            parts[0].degraded.add_(spoilt * (1 - parts[0].mask))
        state.epoch(0)
        weights.append([w.detach().clone() for w in state.weights])
    assert all(torch.equal(a, b) for a, b in zip(*weights, strict=True))


@pytest.mark.parametrize(("part", "moves"), [(0, True), (1, True), (2, False)])
def test_the_architecture_sees_two_parts_and_never_that_of_validation(
    part: int, moves: bool
) -> None:
    tables = []
    for spoilt in (0.0, 5.0):
        state = search(warmup=0, steps=2)
        for parts in state.parts:
            mask = parts[part].mask
            assert mask is not None
            parts[0].degraded.add_(spoilt * mask)
        state.epoch(0)
        tables.append(torch.cat([t.detach().flatten() for t in state.architecture]))
    assert torch.equal(*tables) != moves


def test_no_ground_truth_is_used() -> None:
    figures = []
    for blind in (False, True):
        state = search(TwoPictures(blind=blind))
        state.epoch(0)
        state.epoch(1)
        figures.append((state.score(state.validate()), state.supernet.derive()))
    assert figures[0] == figures[1]


def test_each_picture_has_weights_of_its_own_and_all_have_one_architecture() -> None:
    state = search()
    first, second = state.supernets
    assert all(a is b for a, b in zip(*(s.logits().values() for s in state.supernets), strict=True))
    assert len(state.architecture) == len(first.logits())
    own = [{id(p) for p in s.weight_parameters()} for s in (first, second)]
    assert not own[0] & own[1]
    assert len(state.weights) == len(own[0]) + len(own[1])
    state.epoch(0)
    state.epoch(1)
    assert first.derive() == second.derive()


def test_a_fit_is_deep_image_priors() -> None:
    """Adam at 0.01; the fixed inputs are uniform in [0, 0.1] and perturbed anew."""
    state = search()
    assert [g["lr"] for g in state.descent.param_groups] == [0.01]
    assert isinstance(state.descent, torch.optim.Adam)
    assert all(x.min() >= 0 and 0.09 < x.max() <= 0.1 for x in state.inputs)
    batch = state._part(0)
    assert state._loss_of(*batch) != state._loss_of(*batch)


@pytest.mark.parametrize("settings", [{}, {"paths": "one"}, {"order": 2}])
def test_the_same_steps_from_a_state_come_to_the_same_bits(settings: dict[str, Any]) -> None:
    whole, again = search(**settings), search(**settings)
    check_goes_on_to_the_same_bits(whole, again)
    assert whole.validate() == again.validate()


def test_training_lowers_the_loss_and_raises_the_psnr_of_pixels_that_no_fit_sees() -> None:
    state = search(steps=10, warmup=3)
    before, first = state.validate()["heldout_psnr"], state.epoch(0)
    for number in range(1, 4):
        last = state.epoch(number)
    assert last < first / 2
    assert state.validate()["heldout_psnr"] > before + 3


def test_selection_by_perturbation_closes_all_but_one_option_of_each_row() -> None:
    state = search(selection="perturbation", tuning=1)
    state.epoch(0)
    select(state)
    for name, table in state.supernet.logits().items():
        assert ((~state.supernet.closed[name]).sum(-1) == 1).all(), name
        assert state.supernets[1].closed[name].shape == table.shape
    assert state.supernet.derive() in SPACE.domain


def test_a_trial_is_scored_by_the_pixels_for_validation() -> None:
    how = attrs.evolve(SMALL, epochs=2)
    stage = how.stages(NeverAsked())[EPOCH]
    done = stage.evaluate(Proposal(next(iter(SPACE.domain)), EPOCH, 0.5), problem(), 0)
    assert done.score == done.metrics["heldout_psnr"]
    assert {"psnr", "ssim", "entropy"} <= set(done.metrics)
    assert done.architecture in SPACE.domain


def test_too_few_pixels_and_other_criteria_are_refused_before_the_search() -> None:
    with pytest.raises(PictureError, match=r"p16 has too few observed pixels to keep 1e-05"):
        Epoch(attrs.evolve(SMALL, held_out=1e-5)).check(problem())
    with pytest.raises(SettingsError, match=r"criterion=ssim needs whole pictures"):
        Epoch(attrs.evolve(SMALL, criterion="ssim")).check(problem())
    Epoch(SMALL).check(problem())
