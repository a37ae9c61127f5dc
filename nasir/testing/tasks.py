"""The contract of a task, and of its pictures to train on."""

from __future__ import annotations

import pickle
from concurrent.futures import ThreadPoolExecutor

import attrs
import pytest
import torch
from torch import Tensor, nn

from nasir.core.errors import SettingsError
from nasir.core.search_space import Signature
from nasir.core.task import Patches, Sample, Split, Task
from nasir.testing.components import ComponentContract, untouched_generators

SPLITS: tuple[Split, Split] = ("search", "test")


class TaskContract(ComponentContract):
    """What every task must do. A subclass gives `make`, with few and small pictures.

    The pictures must have a ground truth, and must not be perfect as they are given.
    """

    splits_share_pictures = False
    """Whether a picture may be in both splits."""

    lower_is_better: frozenset[str] = frozenset()
    """The metrics that are best where they are least."""

    def make(self) -> Task:
        raise NotImplementedError(f"{type(self).__name__} wants a method make()")

    @pytest.fixture
    def task(self) -> Task:
        return self.make()

    @pytest.fixture(params=SPLITS)
    def samples(self, task: Task, request: pytest.FixtureRequest) -> list[Sample]:
        return list(task.samples(request.param))

    def test_samples_agree_with_the_signature(self, task: Task, samples: list[Sample]) -> None:
        inside, outside = task.signature.in_channels, task.signature.out_channels
        assert samples
        for sample in samples:
            clean, degraded = _truth(sample), sample.degraded
            assert degraded.dtype == clean.dtype == torch.float32
            assert degraded.shape[:2] == (1, inside)
            assert clean.shape == _full_shape(task, sample)
            assert degraded.isfinite().all()
            assert clean.min() >= 0
            assert clean.max() <= 1
            assert task.unrestored(sample).shape == (1, outside, *clean.shape[-2:])
            assert sample.forward_operator(clean).shape == degraded.shape

    def test_names_are_unique(self, task: Task) -> None:
        names = [[sample.name for sample in task.samples(split)] for split in SPLITS]
        assert all(len(set(of_split)) == len(of_split) for of_split in names)
        assert self.splits_share_pictures or not set(names[0]) & set(names[1])

    def test_a_picture_is_degraded_alike_every_time(self, task: Task) -> None:
        pickled = pickle.loads(pickle.dumps(task))
        for split in SPLITS:
            for other in (task, self.make(), pickled):
                for first, second in zip(task.samples(split), other.samples(split), strict=True):
                    assert first.name == second.name
                    assert torch.equal(first.degraded, second.degraded)
                    assert torch.equal(_truth(first), _truth(second))

    def test_the_loss_is_a_number_that_a_gradient_step_lowers(
        self, task: Task, samples: list[Sample]
    ) -> None:
        for sample in samples:
            output = _output(task, sample).requires_grad_()
            loss = task.loss(output, sample)
            assert loss.shape == ()
            assert loss.isfinite()
            loss.backward()
            assert output.grad is not None
            step = 1e-2 / output.grad.norm()
            assert task.loss(output.detach() - step * output.grad, sample) < loss

    def test_the_loss_never_sees_the_ground_truth(self, task: Task, samples: list[Sample]) -> None:
        for sample in samples:
            output = _output(task, sample)
            blind = task.loss(output, attrs.evolve(sample, clean=None))
            assert torch.equal(blind, task.loss(output, sample))

    def test_the_ground_truth_has_the_best_metrics(self, task: Task, samples: list[Sample]) -> None:
        for sample in samples:
            perfect = task.metrics(_truth(sample), sample)
            unrestored = task.metrics(task.unrestored(sample), sample)
            assert perfect
            assert perfect.keys() == unrestored.keys()
            for name, value in perfect.items():
                sign = -1 if name in self.lower_is_better else 1
                assert sign * value > sign * unrestored[name], name

    def test_there_are_no_metrics_without_ground_truth(
        self, task: Task, samples: list[Sample]
    ) -> None:
        for sample in samples:
            blind = attrs.evolve(sample, clean=None)
            assert not task.metrics(task.unrestored(sample), blind)

    def test_the_assembled_module_restores(self, task: Task, samples: list[Sample]) -> None:
        module = _tiny_module(task)
        assert isinstance(module, nn.Module)
        for sample in samples:
            restored = task.restored(module(_input(task, sample)), sample)
            assert restored.shape == _full_shape(task, sample)

    def test_the_global_generators_are_left_alone(self) -> None:
        with untouched_generators():
            for split in SPLITS:
                self.make().samples(split)


class PatchesContract:
    """What the pictures to train on of every task must do, where it has such.

    A subclass gives `make`, a fresh and equal task with every call, with two pictures to train on
    or more, all with patches of `side` pixels.
    """

    side = 8

    def make(self) -> Task:
        raise NotImplementedError(f"{type(self).__name__} wants a method make()")

    @pytest.fixture
    def task(self) -> Task:
        return self.make()

    @pytest.fixture
    def patches(self, task: Task) -> Patches:
        return task.patches()

    def test_no_picture_to_train_on_is_tested_on(self, task: Task, patches: Patches) -> None:
        assert len(set(patches.names)) == len(patches.names) >= 2
        assert not set(patches.names) & {sample.name for sample in task.samples("test")}

    def test_patches_agree_with_the_signature(self, task: Task, patches: Patches) -> None:
        inside, outside = task.signature.in_channels, task.signature.out_channels
        large = task.signature.scale * self.side
        for count in (1, 3):
            degraded, clean = patches.batch(0, count, self.side)
            assert degraded.shape == (count, inside, self.side, self.side)
            assert clean.shape == (count, outside, large, large)
            assert degraded.dtype == clean.dtype == torch.float32
            assert degraded.isfinite().all()
            assert clean.min() >= 0
            assert clean.max() <= 1

    def test_batches_are_drawn_from_their_seed_alone(self, patches: Patches) -> None:
        first = [patches.batch(seed, 2, self.side) for seed in range(4)]
        again = self.make().patches()
        assert all(_equal(first[seed], again.batch(seed, 2, self.side)) for seed in (3, 1, 0, 2))
        assert not any(_equal(first[0], other) for other in first[1:])

    def test_threads_get_the_same_bits(self, patches: Patches) -> None:
        alone = [patches.batch(seed, 2, self.side) for seed in range(8)]
        fresh = self.make().patches()
        with ThreadPoolExecutor(4) as threads:
            together = threads.map(lambda seed: fresh.batch(seed, 2, self.side), range(8))
            assert all(map(_equal, alone, together))

    def test_the_degradation_is_drawn_anew(self, patches: Patches) -> None:
        degraded, clean = patches.batch(0, 16, self.side)
        assert not (degraded[1:] == degraded[:1]).all()
        assert not (clean[1:] == clean[:1]).all()

    def test_the_largest_side_is_the_largest(self, patches: Patches) -> None:
        largest = patches.largest_side
        assert largest >= self.side
        assert patches.batch(0, 2, largest)[0].shape[-2:] == (largest, largest)
        for side in (largest + 1, 0):
            with pytest.raises(SettingsError, match=str(largest)) as refused:
                patches.batch(0, 2, side)
            assert "\n" not in str(refused.value)

    def test_samples_are_whole_pictures_and_always_the_same(
        self, task: Task, patches: Patches
    ) -> None:
        again = self.make().patches()
        for name in patches.names:
            one, other = patches.sample(name), again.sample(name)
            assert one.name == name
            assert torch.equal(one.degraded, other.degraded)
            assert torch.equal(_truth(one), _truth(other))
            assert _truth(one).shape == _full_shape(task, one)
            assert min(one.degraded.shape[-2:]) >= patches.largest_side

    def test_only_some_pictures_are_left(self, patches: Patches) -> None:
        name = patches.names[-1]
        left = patches.only([name])
        assert list(left.names) == [name]
        assert left.largest_side >= patches.largest_side
        assert torch.equal(left.sample(name).degraded, patches.sample(name).degraded)
        assert list(patches.only(list(patches.names)).names) == list(patches.names)
        assert not patches.only([]).names
        with pytest.raises(SettingsError):
            patches.only([]).batch(0, 1, self.side)
        with pytest.raises(SettingsError):
            patches.only(["no picture of this name"])

    def test_the_global_generators_are_untouched(self) -> None:
        with untouched_generators():
            patches = self.make().patches()
            patches.batch(0, 2, self.side)
            patches.sample(patches.names[0])


def _equal(one: tuple[Tensor, Tensor], other: tuple[Tensor, Tensor]) -> bool:
    return all(map(torch.equal, one, other))


def _tiny_network(signature: Signature) -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(signature.in_channels, signature.out_channels, 1),
        nn.Upsample(scale_factor=signature.scale),
    )


def _truth(sample: Sample) -> Tensor:
    assert sample.clean is not None, f"{sample.name} has no ground truth: give pictures that have"
    return sample.clean


def _full_shape(task: Task, sample: Sample) -> tuple[int, ...]:
    height, width = sample.degraded.shape[-2:]
    signature = task.signature
    return (1, signature.out_channels, signature.scale * height, signature.scale * width)


def _output(task: Task, sample: Sample) -> Tensor:
    """What the assembled module might give at its start."""
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        torch.manual_seed(0)
        return _tiny_module(task)(_input(task, sample)).sigmoid()


def _tiny_module(task: Task) -> nn.Module:
    """The task's networks for a fit, which starts from an input of the restored picture's size."""
    return task.assemble(_tiny_network, attrs.evolve(task.signature, scale=1))


def _input(task: Task, sample: Sample) -> Tensor:
    height, width = task.unrestored(sample).shape[-2:]
    generator = torch.Generator().manual_seed(0)
    channels = task.networks * task.signature.in_channels
    return torch.rand((1, channels, height, width), generator=generator)
