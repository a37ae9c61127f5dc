"""Evaluate an architecture before it is trained, by proxies."""

from __future__ import annotations

from collections.abc import Collection
from contextlib import nullcontext
from statistics import fmean
from typing import TYPE_CHECKING, ClassVar
from weakref import WeakKeyDictionary

import attrs
from attrs import validators as must

from nasir.core.component import setting
from nasir.core.errors import SettingsError
from nasir.core.evaluator import Evaluation, Evaluator, Problem
from nasir.core.proxy import Probe
from nasir.core.registry import registries
from nasir.core.search_space import Signature
from nasir.core.seeds import derived_seed
from nasir.core.task import Sample
from nasir.core.trial import Proposal
from nasir.settings.building import make
from nasir.training import memory
from nasir.training.picture_size import check_size, whole_or_large_enough

if TYPE_CHECKING:
    from torch import nn


def _registered(
    evaluator: ProxyEvaluator, field: attrs.Attribute[tuple[str, ...]], names: tuple[str, ...]
) -> None:
    if not names:
        raise SettingsError(f"evaluator.proxies wants one of: {', '.join(registries['proxy'])}")
    for name in names:
        registries["proxy"].entry(name)


@attrs.define
class ProxyEvaluator(Evaluator):
    """Scores the untrained network by proxies: in milliseconds, without ground truth.

    The network takes as many channels as the degraded picture has, uniform in [0, `input_scale`]
    (ISNAS-DIP). The score is the first proxy's value, negated where less is better. The metrics
    are all values by the proxies' names, means over initialisations: of each picture, and over
    the pictures.
    """

    restores: ClassVar[bool] = False

    proxies: tuple[str, ...] = setting(
        ("psd_db_strip_mse",), "proxies by name (nasir list proxies); the first scores", _registered
    )
    initialisations: int = setting(1, "fresh networks a picture, >= 1", must.ge(1))
    against: str = setting(
        "degraded",
        "the picture that proxies compare with: degraded, or clean: what would be observed of the "
        "ground truth without noise (ISNAS-DIP, table 1: GT)",
        must.in_(("degraded", "clean")),
    )
    input_scale: float = setting(0.1, "the input is uniform in [0, this]", must.gt(0))
    side: int = setting(
        0,
        "score on the middle of the degraded pictures, at most so many pixels a side, >= 16; 0: "
        "whole",
        whole_or_large_enough,
    )
    device: str = setting("cpu", "cpu or cuda")

    def check(self, problem: Problem) -> None:
        for sample in problem.task.samples(problem.split):
            if self.against == "clean" and sample.clean is None:
                raise SettingsError(
                    f"evaluator.against=clean needs the ground truth, and {sample.name} has "
                    "none: take evaluator.against=degraded"
                )
            check_size(self._part(sample), problem)

    def metric_names(self, problem: Problem) -> Collection[str]:
        return self.proxies

    def evaluate(self, proposal: Proposal, problem: Problem, seed: int) -> Evaluation:
        import torch

        proxies = {name: make("proxy", name) for name in self.proxies}
        samples = [self._part(sample) for sample in problem.task.samples(problem.split)]
        values: dict[str, dict[str, list[float]]] = {
            sample.name: {name: [] for name in proxies} for sample in samples
        }
        devices: list[int] | None = [] if self.device == "cpu" else None
        with torch.random.fork_rng(devices=devices), memory.freed_memory_reused():
            for turn in range(self.initialisations):
                torch.manual_seed(derived_seed(seed, "initialisation", turn))
                network = self._network(proposal, problem, samples[0])
                for sample in samples:
                    probe = self._probe(network, problem, sample, derived_seed(seed, "probe", turn))
                    for name, proxy in proxies.items():
                        values[sample.name][name].append(proxy.value(probe))
        pictures = {
            picture: {name: fmean(of) for name, of in proxies_of.items()}
            for picture, proxies_of in values.items()
        }
        metrics = {name: fmean(of[name] for of in pictures.values()) for name in proxies}
        first = self.proxies[0]
        sign = 1 if proxies[first].larger_is_better else -1
        return Evaluation(sign * metrics[first], metrics, pictures)

    def _network(self, proposal: Proposal, problem: Problem, sample: Sample) -> nn.Module:
        """A fresh network that takes as many channels as the picture has.

        Its weights are drawn on the device: drawing them on a CPU took half the time of a score on
        a GPU.
        """
        import torch

        task = problem.task
        signature = Signature(sample.degraded.shape[1], task.signature.out_channels)
        build = problem.space.build
        with torch.device(self.device) if self.device != "cpu" else nullcontext():
            network = task.assemble(lambda s: build(proposal.architecture, s), signature)
        return network.to(self.device)

    def _probe(self, network: nn.Module, problem: Problem, sample: Sample, seed: int) -> Probe:
        import torch

        task = problem.task
        channels = task.networks * sample.degraded.shape[1]
        x = torch.rand(1, channels, *task.unrestored(sample).shape[-2:]) * self.input_scale
        smallest = problem.space.smallest_side
        task.hint(network, sample)
        return Probe(network, x.to(self.device), sample, task, seed, smallest)

    def _part(self, sample: Sample) -> Sample:
        """The middle of the picture; the same one every time, so that its spectrum is kept."""
        known, how = _parts.setdefault(sample, {}), (self.side, self.device, self.against)
        if how not in known:
            seen = _without_noise(sample) if self.against == "clean" else sample
            known[how] = _middle(seen, self.side or max(seen.degraded.shape)).to(self.device)
        return known[how]


_parts: WeakKeyDictionary[Sample, dict[tuple[int, str, str], Sample]] = WeakKeyDictionary()


def _without_noise(sample: Sample) -> Sample:
    """The sample with what would be observed of its ground truth, without noise."""
    assert sample.clean is not None, "check() refuses such a sample"
    return attrs.evolve(sample, degraded=sample.forward_operator(sample.clean))


def _middle(sample: Sample, side: int) -> Sample:
    """The middle of a sample, at most `side` pixels of ``degraded`` high and wide."""
    firsts = [max(0, size - side) // 2 for size in sample.degraded.shape[-2:]]
    rows, columns = (slice(first, first + side) for first in firsts)
    mask = None if sample.mask is None else sample.mask[..., rows, columns]
    degraded = sample.degraded[..., rows, columns].contiguous()
    return attrs.evolve(sample, degraded=degraded, clean=None, mask=mask)
