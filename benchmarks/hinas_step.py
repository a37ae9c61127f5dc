"""One search step of the HiNAS supernet, beside every operation of every edge by itself.

    python benchmarks/hinas_step.py [--rounds 5] [--side 64] [--batch 2] [--json PATH]

A step is an architecture step and a weight step, forward and backward each, at the paper's size
(3 layers, 4 nodes, base width 10 times 1, 1.5 and 2, grey). As in nasir's search, each makes the
gradients that it needs; the rival makes all of them both times, as a plain program does, or
("held") the needed ones alone. Steps are taken in turn in one process. Peak memory is the rise of
the greatest resident size (VmHWM) over two steps in a process each. The last row has a cell for
each way into a width (equation 6) in the place of one shared cell (equation 5).
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Iterable
from contextlib import nullcontext

import torch
from plain_supernet import PlainSupernet
from torch import Tensor, nn

from nasir.core.search_space import Signature
from nasir.search_spaces.cells.supernet import CellSupernet
from nasir.search_spaces.hinas.space import HiNas
from nasir.training.memory import reused

NAMES = {
    "stacked": "stacked",
    "held": "one by one, gradients held",
    "plain": "one by one",
    "unshared": "stacked, equation 6",
}

OURS = ("stacked", "unshared")
"""Those that are searched as nasir does, with freed memory reused."""


def network(which: str) -> nn.Module:
    """The supernet by one of the :data:`NAMES`, with architecture parameters that differ."""
    torch.manual_seed(0)
    supernet = HiNas(cell_sharing=which != "unshared").supernet(Signature(1, 1))
    assert isinstance(supernet, CellSupernet)
    with torch.no_grad():
        for table in supernet.logits().values():
            table.add_(torch.randn_like(table) / 2)
    return PlainSupernet(supernet) if which in ("plain", "held") else supernet


def architecture_of(net: nn.Module) -> list[nn.Parameter]:
    return [net.alphas, net.betas]


def half_step(net: nn.Module, wanted: Iterable[nn.Parameter], x: Tensor, y: Tensor) -> None:
    """Forward and backward, with gradients for the `wanted` parameters."""
    net.requires_grad_(False)
    for parameter in wanted:
        parameter.requires_grad_()
    net.zero_grad(set_to_none=True)
    (net(x) - y).square().mean().backward()


def step(which: str, net: nn.Module, x: Tensor, y: Tensor) -> tuple[float, float]:
    """One search step; seconds of the clock and of the processors."""
    everything = list(net.parameters())
    architecture = architecture_of(net)
    ours = {id(parameter) for parameter in architecture}
    weights = [parameter for parameter in everything if id(parameter) not in ours]
    began, used = time.perf_counter(), time.process_time()
    with reused() if which in OURS else nullcontext():
        for wanted in (everything, everything) if which == "plain" else (architecture, weights):
            half_step(net, wanted, x, y)
    return time.perf_counter() - began, time.process_time() - used


def pictures(batch: int, side: int) -> tuple[Tensor, Tensor]:
    torch.manual_seed(1)
    return torch.rand(batch, 1, side, side), torch.rand(batch, 1, side, side)


def greatest_difference(batch: int, side: int) -> tuple[float, float]:
    """Of the outputs, and of all gradients over the greatest of them, in float64."""
    stacked, plain = network("stacked").double(), network("plain").double()
    x, y = (picture.double() for picture in pictures(batch, side))
    with torch.no_grad():
        outputs = (stacked(x) - plain(x)).abs().max().item()
    for net in (stacked, plain):
        half_step(net, list(net.parameters()), x, y)
        with torch.no_grad():
            for parameter in net.parameters():
                parameter.copy_(parameter.grad)
    pairs = list(zip(PlainSupernet(stacked).parameters(), plain.parameters(), strict=True))
    greatest = max(b.abs().max().item() for _, b in pairs)
    return outputs, max((a - b).abs().max().item() for a, b in pairs) / greatest


def one_step_alone(which: str, batch: int, side: int) -> None:
    """Print how far two steps raise the peak memory of a process, in MiB."""
    net = network(which)
    x, y = pictures(batch, side)
    before = peak_kibibytes()
    for _ in range(2):
        step(which, net, x, y)
    print((peak_kibibytes() - before) / 1024)


def peak_megabytes(which: str, batch: int, side: int) -> float:
    command = [sys.executable, __file__, "--only", which, f"--batch={batch}", f"--side={side}"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return float(done.stdout)


def peak_kibibytes() -> int:
    """The greatest resident size of this process (not, as getrusage has it, of its parent)."""
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmHWM"))


def table(figures: dict[str, dict[str, float]]) -> str:
    """The figures as a markdown table."""
    lines = [
        "| HiNAS supernet | step (s) | CPU (s) | times the stacked step | peak (MiB) |",
        "|---|---|---|---|---|",
    ]
    for which, row in figures.items():
        ratio = f"{row['ratio']:.2f} ({row['ratio_min']:.2f}-{row['ratio_max']:.2f})"
        lines.append(
            f"| {NAMES[which]} | {row['seconds']:.2f} | {row['cpu']:.2f} | {ratio} "
            f"| {row['peak_mib']:.0f} |"
        )
    return "\n".join(lines)


def measured(rounds: int, batch: int, side: int) -> dict[str, dict[str, float]]:
    nets = {which: network(which) for which in NAMES}
    x, y = pictures(batch, side)
    spent: dict[str, list[tuple[float, float]]] = {which: [] for which in NAMES}
    for turn in range(rounds + 1):
        for which, net in nets.items():
            times = step(which, net, x, y)
            if turn:
                spent[which].append(times)
    figures = {}
    for which, times in spent.items():
        ratios = [a[0] / b[0] for a, b in zip(times, spent["stacked"], strict=True)]
        figures[which] = {
            "seconds": statistics.median(clock for clock, _ in times),
            "cpu": statistics.median(cpu for _, cpu in times),
            "ratio": statistics.median(ratios),
            "ratio_min": min(ratios),
            "ratio_max": max(ratios),
            "peak_mib": peak_megabytes(which, batch, side),
        }
    return figures


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--side", type=int, default=64)
    parser.add_argument("--batch", type=int, default=2)
    parser.add_argument("--json")
    parser.add_argument("--only", choices=tuple(NAMES), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.only:
        one_step_alone(arguments.only, arguments.batch, arguments.side)
        return
    figures = measured(arguments.rounds, arguments.batch, arguments.side)
    outputs, gradients = greatest_difference(arguments.batch, min(arguments.side, 32))
    print(table(figures))
    print(
        f"\n{torch.get_num_threads()} threads; in float64 outputs differ by {outputs:.1e}, "
        f"gradients by {gradients:.1e} of the greatest."
    )
    if arguments.json:
        with open(arguments.json, "w") as file:
            json.dump(figures, file, indent=2)


if __name__ == "__main__":
    main()
