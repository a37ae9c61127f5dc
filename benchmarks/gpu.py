"""The speed of one GPU: fits, fits at once, trainings, scores, each beside a plain program.

    python benchmarks/gpu.py RESULTS.json [--seconds 420] [--device cuda] [--small] [--only fit]

First agreement with the CPU and repeatability, then the rows, each in turn with a plain program in
the same process: eager, one fit, a PSNR and a loss read in each step. A row that is in RESULTS.json
is not measured again, and no row is begun after so many seconds: start it again to go on. `--small`
makes every size small and runs anywhere (with `--device cpu`, without graphs): a test of the
program, not of a card. Milliseconds are medians over blocks of steps, after the first blocks.
"""

from __future__ import annotations

import argparse
import copy
import json
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import attrs
import torch
from torch import Tensor, nn

from nasir.core.evaluator import Problem
from nasir.core.metrics import psnr
from nasir.core.search_space import Signature
from nasir.core.task import Sample
from nasir.core.trial import FULL, Proposal
from nasir.fitting.descent import Descent
from nasir.fitting.dip import DeepImagePrior
from nasir.fitting.together import Together
from nasir.search_spaces.nasdip.space import NasDip
from nasir.settings import building
from nasir.training.captured import WARM_UP, Captured, own_stream
from nasir.training.randomness import repeatable

PUBLISHED, PRIOR = "nasdip_denoising", "deep_image_prior"
ROUNDS = 3

Step = Callable[[], Any]


def as_torch_chooses(step: Step) -> Step:
    """The step of a program that does not ask for the same bits each time."""

    def chosen() -> Any:
        with torch.backends.cudnn.flags(enabled=True, benchmark=False, deterministic=False):
            return step()

    return chosen


Row = dict[str, Any]


@attrs.frozen
class Size:
    """Of a picture and of the network that is fitted to it."""

    side: int
    width: int
    depth: int

    def space(self) -> NasDip:
        return NasDip(depth=self.depth, width=self.width)

    def __str__(self) -> str:
        return f"{self.side} x {self.side}, width {self.width}, depth {self.depth}"


@attrs.frozen
class Card:
    """What is measured on, and how large the rows are."""

    device: str
    small: bool

    def size(self, side: int, width: int, depth: int) -> Size:
        return Size(32, 8, 2) if self.small else Size(side, width, depth)

    def many(self, fits: int) -> int:
        return min(fits, 3) if self.small else fits

    @property
    def steps(self) -> int:
        return 3 if self.small else 30

    def wait(self) -> None:
        if self.device != "cpu":
            torch.cuda.synchronize()

    def milliseconds(self, **ways: Step) -> dict[str, float]:
        """Of one step in each way: blocks of steps in turn, each way warm before it counts."""
        found: dict[str, list[float]] = {name: [] for name in ways}
        for step in ways.values():
            for _ in range(WARM_UP + 2):
                step()
        for _ in range(ROUNDS):
            for name, step in ways.items():
                self.wait()
                began = time.perf_counter()
                for _ in range(self.steps):
                    step()
                self.wait()
                found[name].append((time.perf_counter() - began) / self.steps * 1e3)
        return {name: statistics.median(times) for name, times in found.items()}


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


def one_fit(size: Size, name: str, device: str, capture: bool) -> Step:
    [sample], net = pictures(size, 1, device), network(size, name, 0, device)
    x = noise(size, device)
    return Descent(SETTINGS, net, x, TASK, sample, None, capture=capture).advance


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
    return ratio(times) | {"not deterministic ms": free["nasir"]}


def row_of_many_fits(card: Card, size: Size, name: str, count: int) -> Row:
    count = card.many(count)
    with repeatable(card.device), own_stream(card.device):
        times = card.milliseconds(
            plain=plain(size, name, card.device), nasir=at_once(size, name, count, card.device)
        )
    times["nasir"] /= count
    return ratio(times) | {"fits": count}


def row_of_training(card: Card, space: str, architecture: str, batch: int) -> Row:
    """Steps of a training on grey patches, plain and as nasir's trainings do them."""
    side, batch = (24, 2) if card.small else (64, batch)
    made = building.make("space", space)
    half = torch.bfloat16 if card.device != "cpu" else torch.float32

    def step(fast: bool) -> Step:
        torch.manual_seed(0)
        net = made.build(made.named(architecture), Signature(1, 1)).to(card.device)
        if fast:
            net.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        on_gpu = card.device != "cpu"
        adam = torch.optim.Adam(net.parameters(), lr=1e-3, fused=fast, capturable=fast and on_gpu)
        x, y = (torch.rand(batch, 1, side, side, device=card.device) for _ in "xy")

        def descend() -> Tensor:
            with torch.autocast(torch.device(card.device).type, half, enabled=fast and on_gpu):
                output = net(x)
            loss = (output.float() - y).square().mean()
            adam.zero_grad(set_to_none=True)
            loss.backward()
            adam.step()
            return loss.detach()

        if not fast:
            return as_torch_chooses(lambda: descend().item())
        return Captured(descend) if on_gpu else descend

    with repeatable(card.device), own_stream(card.device):
        return ratio(card.milliseconds(plain=step(False), nasir=step(True))) | {"batch": batch}


def row_of_scoring(card: Card, size: Size) -> Row:
    """Untrained networks scored by the proxy of ISNAS-DIP, on this device and on the CPU."""
    space = size.space()
    task = building.make("task", {"name": "denoise", "size": size.side})
    task.samples("search")
    rates = {}
    for device in dict.fromkeys((card.device, "cpu")):
        evaluator = building.make("evaluator", {"name": "proxy", "device": device})
        problem = Problem(space, task, {FULL: evaluator})
        proposal = Proposal(space.named(PUBLISHED))
        evaluator.evaluate(proposal, problem, 0)
        began, models = time.perf_counter(), 2 if card.small else 5
        for seed in range(models):
            evaluator.evaluate(proposal, problem, seed)
        rates[f"models a second, {device}"] = models / (time.perf_counter() - began)
    return rates


def row_of_agreement(card: Card) -> Row:
    """The greatest relative differences from the CPU, of outputs and gradients, without TF32."""
    size, found = card.size(64, 16, 4), {}
    before = torch.backends.cudnn.allow_tf32
    torch.backends.cudnn.allow_tf32 = False
    try:
        for name in (PUBLISHED, PRIOR):
            net, results = network(size, name, 0, "cpu"), []
            x = noise(size, "cpu")
            for device in ("cpu", card.device):
                one = copy.deepcopy(net).to(device)
                with repeatable(device):
                    y = one(x.to(device))
                    y.square().sum().backward()
                gradients = [p.grad.flatten().cpu() for p in one.parameters() if p.grad is not None]
                results.append((y.detach().cpu(), torch.cat(gradients)))
            for what, a, b in zip(("output", "gradient"), *results, strict=True):
                found[f"{name}, {what}"] = float((a - b).norm() / a.norm())
    finally:
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


def ratio(times: dict[str, float]) -> Row:
    """Milliseconds a step of a fit, and how many times as fast as the plain program nasir is."""
    return {f"{name} ms": value for name, value in times.items()} | {
        "times as fast": times["plain"] / times["nasir"]
    }


def rows(card: Card) -> dict[str, Callable[[], Row]]:
    small, middle = card.size(64, 16, 4), card.size(128, 32, 5)
    large, huge = card.size(256, 128, 5), card.size(512, 128, 5)
    found: dict[str, Callable[[], Row]] = {
        "agreement with the CPU": lambda: row_of_agreement(card),
        "the same bits twice": lambda: row_of_repeatability(card),
    }
    for one, place in ((small, "64"), (middle, "128"), (large, "256"), (huge, "512")):
        for name in (PUBLISHED, PRIOR):
            found[f"one fit, {place}, {name}"] = lambda one=one, name=name: row_of_one_fit(
                card, one, name
            )
    for one, place, count in (
        (small, "64", 4),
        (small, "64", 16),
        (small, "64", 32),
        (middle, "128", 8),
    ):
        found[f"fits at once, {place}, {count} of {PUBLISHED}"] = lambda one=one, count=count: (
            row_of_many_fits(card, one, PUBLISHED, count)
        )
    for space, architecture, batch in (("hinas", "all_conv", 24), ("clearer", "all_parallel", 32)):
        found[f"training, {space} {architecture}"] = (
            lambda space=space, architecture=architecture, batch=batch: row_of_training(
                card, space, architecture, batch
            )
        )
    found["scoring, 256"] = lambda: row_of_scoring(card, large)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("results", type=Path)
    parser.add_argument("--seconds", type=float, default=420, help="no row is begun after these")
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--small", action="store_true")
    parser.add_argument("--only", default="", help="rows whose name has this")
    arguments = parser.parse_args()
    if arguments.device != "cpu" and not torch.cuda.is_available():
        parser.error("torch finds no GPU here: take --device cpu --small")
    card, began = Card(arguments.device, arguments.small), time.perf_counter()
    results = json.loads(arguments.results.read_text()) if arguments.results.exists() else {}
    conditions = about(card)
    if results.setdefault("conditions", conditions) != conditions:
        parser.error(f"{arguments.results} has figures of other conditions: take another file")
    measured: dict[str, Row] = results.setdefault("rows", {})
    for name, measure in rows(card).items():
        if name in measured or arguments.only not in name:
            continue
        if time.perf_counter() - began > arguments.seconds:
            print("The time is over: start it again to go on.")
            break
        try:
            measured[name] = measure()
        except RuntimeError as error:  # of one row; the others are measured
            measured[name] = {"error": str(error).partition("\n")[0]}
        arguments.results.write_text(json.dumps(results, indent=1))
        print(f"{name}: {shown(measured[name])}", flush=True)
    print(table(results))


def about(card: Card) -> dict[str, Any]:
    on_gpu = card.device != "cpu"
    return {
        "device": torch.cuda.get_device_name() if on_gpu else "cpu",
        "torch": torch.__version__,
        "cuda": torch.version.cuda,
        "tf32 convolutions": torch.backends.cudnn.allow_tf32,
        "small": card.small,
    }


def shown(row: Row) -> str:
    values = (f"{k} {v:.3g}" if isinstance(v, float) else f"{k} {v}" for k, v in row.items())
    return ", ".join(values)


def table(results: dict[str, Any]) -> str:
    conditions = ", ".join(f"{name} {value}" for name, value in results["conditions"].items())
    lines = [f"{name} | {shown(row)}" for name, row in results["rows"].items()]
    return "\n".join(
        [conditions, "", "| row | figures |", "|---|---|"] + [f"| {x} |" for x in lines]
    )


if __name__ == "__main__":
    main()
