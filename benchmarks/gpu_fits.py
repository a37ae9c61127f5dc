"""The rows of benchmarks/gpu.py that are fits: alone, at once, and whether they are repeatable."""

from __future__ import annotations

import copy
import time

import attrs
import numpy as np
import torch
from gpu_card import Card, Row, Size, Step, as_torch_chooses, ratio
from torch import Tensor, nn

from nasir.core.evaluator import Problem
from nasir.core.executor import ExecutorFactory
from nasir.core.metrics import psnr
from nasir.core.search_space import Signature
from nasir.core.task import Sample
from nasir.core.trial import FULL, Proposal
from nasir.executors.inline import Inline
from nasir.executors.streams import Streams
from nasir.fitting.descent import Descent
from nasir.fitting.dip import DeepImagePrior
from nasir.fitting.together import Together
from nasir.settings import building
from nasir.training.captured import own_stream
from nasir.training.randomness import repeatable

PUBLISHED, PRIOR = "nasdip_denoising", "deep_image_prior"
TASK = building.make("task", "denoise")
SETTINGS = DeepImagePrior().descent


def pictures(size: Size, count: int, device: str) -> list[Sample]:
    """Noisy pictures; only their size matters."""
    generator = torch.Generator().manual_seed(0)
    made = []
    for number in range(count):
        clean, noise = (torch.rand(1, 3, size.side, size.side, generator=generator) for _ in "ab")
        made.append(Sample(f"{number}", clean + 0.1 * noise, clean).to(device))
    return made


def network(size: Size, name: str, seed: int, device: str) -> nn.Module:
    torch.manual_seed(seed)
    space = size.space()
    return space.build(space.named(name), Signature(space.input_channels, 3)).to(device)


def noise(size: Size, device: str) -> Tensor:
    return torch.rand(1, size.space().input_channels, size.side, size.side, device=device) * 0.1


def plain(size: Size, name: str, device: str) -> Step:
    """A step as the published program of NAS-DIP does it, with its PSNR."""
    [sample], x, net = (
        pictures(size, 1, device),
        noise(size, device),
        network(size, name, 0, device),
    )
    adam = torch.optim.Adam(net.parameters(), lr=0.01)
    averages: list[Tensor] = []

    def step() -> None:
        adam.zero_grad()
        output = net(x + torch.randn_like(x) / 30)
        averages[:] = [
            output.detach() if not averages else averages[0] * 0.9 + output.detach() * 0.1
        ]
        loss = (output - sample.degraded).square().mean()
        loss.backward()
        loss.item()
        assert sample.clean is not None
        psnr(averages[0].clamp(0, 1), sample.clean)
        adam.step()

    return as_torch_chooses(step)


def one_fit(size: Size, name: str, device: str, capture: bool, precision: str = "float32") -> Step:
    settings = attrs.evolve(SETTINGS, precision=precision)
    [sample], net = pictures(size, 1, device), network(size, name, 0, device)
    x = noise(size, device)
    return Descent(settings, net, x, TASK, sample, None, capture=capture).advance


def at_once(size: Size, name: str, count: int, device: str) -> Step:
    nets = [network(size, name, seed, device) for seed in range(count)]
    xs = [noise(size, device) for _ in nets]
    generators = [torch.Generator(device).manual_seed(seed) for seed in range(count)]
    samples, rules = pictures(size, count, device), [None] * count
    return Together(SETTINGS, nets, xs, TASK, samples, rules, generators, capture=True).advance


def row_of_one_fit(card: Card, size: Size, name: str) -> Row:
    with repeatable(card.device), own_stream(card.device):
        times = card.milliseconds(
            plain=plain(size, name, card.device),
            eager=one_fit(size, name, card.device, capture=False),
            nasir=one_fit(size, name, card.device, capture=True),
        )
    with repeatable(card.device, deterministic=False), own_stream(card.device):
        free = card.milliseconds(nasir=one_fit(size, name, card.device, capture=True))
    with repeatable(card.device), own_stream(card.device):
        half = card.milliseconds(nasir=one_fit(size, name, card.device, True, "bfloat16"))
    return ratio(times) | {"not deterministic ms": free["nasir"], "bfloat16 ms": half["nasir"]}


def row_of_many_fits(card: Card, size: Size, name: str, count: int) -> Row:
    count = card.many(count)
    with repeatable(card.device), own_stream(card.device):
        times = card.milliseconds(
            plain=plain(size, name, card.device), nasir=at_once(size, name, count, card.device)
        )
    times["nasir"] /= count
    return ratio(times) | {"fits": count}


def row_of_different_fits(card: Card, size: Size, count: int) -> Row:
    """Whole evaluations of random architectures, one after another and in turn on streams.

    A fit begins with some plain steps and with capture: the last figure leaves that out.
    """
    count, steps = card.many(count), 5 if card.small else 500
    task = building.make("task", {"name": "denoise", "size": size.side})
    space, random = size.space(), np.random.default_rng(1)
    proposals = [Proposal(space.domain.sample(random)) for _ in range(count)]

    def seconds(factory: ExecutorFactory, steps: int) -> float:
        method = DeepImagePrior(iterations=steps, stop="fixed", device=card.device)
        problem, began = Problem(space, task, {FULL: method}), time.perf_counter()
        with factory.start(count) as executor:
            calls = [executor.submit(method.evaluate, one, problem, 1) for one in proposals]
            for call in calls:
                call.result()
        return time.perf_counter() - began

    seconds(Streams(), 5)  # kernels are loaded
    alone, at_once, longer = (
        seconds(*how) for how in ((Inline(), steps), (Streams(), steps), (Streams(), 4 * steps))
    )
    return {
        "fits": count,
        "one after another, steps a second": count * steps / alone,
        "streams, steps a second": count * steps / at_once,
        "streams, when all are captured": 3 * count * steps / (longer - at_once),
    }


def row_of_agreement(card: Card) -> Row:
    """The greatest relative differences from the CPU, of outputs and gradients, without TF32."""
    size, found = card.size(64, 16, 4), {}
    before = torch.backends.cudnn.allow_tf32
    torch.backends.cudnn.allow_tf32 = False
    try:
        for name in (PUBLISHED, PRIOR):
            net, results = network(size, name, 0, "cpu"), []
            x = noise(size, "cpu")
            for device, cudnn in (("cpu", True), (card.device, True), (card.device, False)):
                one = copy.deepcopy(net).to(device)
                torch.backends.cudnn.enabled = cudnn
                with repeatable(device):
                    y = one(x.to(device))
                    y.square().sum().backward()
                gradients = [p.grad.flatten().cpu() for p in one.parameters() if p.grad is not None]
                results.append((y.detach().cpu(), torch.cat(gradients)))
            for how, others in zip(("", " without cuDNN"), results[1:], strict=True):
                for what, a, b in zip(("output", "gradient"), results[0], others, strict=True):
                    found[f"{name}, {what}{how}"] = float((a - b).norm() / a.norm())
    finally:
        torch.backends.cudnn.enabled = True
        torch.backends.cudnn.allow_tf32 = before
    return found


def row_of_repeatability(card: Card) -> Row:
    """Whether the same fits come to the same bits twice, alone and at once."""
    size, found = card.size(64, 16, 4), {}
    task = building.make("task", {"name": "denoise", "size": size.side})
    for together in ("never", "always"):
        method = DeepImagePrior(
            iterations=5 if card.small else 100, device=card.device, together=together
        )
        problem = Problem(size.space(), task, {FULL: method})
        proposal = Proposal(problem.space.named(PUBLISHED))
        one, other = (method.evaluate(proposal, problem, 1).metrics for _ in range(2))
        found["at once" if together == "always" else "alone"] = one == other
    return found
