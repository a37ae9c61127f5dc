"""One search step of the HiNAS supernet, beside every operation of every edge by itself.

    python benchmarks/hinas_step.py [--rounds 5] [--threads 2] [--side 64] [--batch 2] [--json PATH]

A step is an architecture step and a weight step, forward and backward each, at the paper's size
(3 layers, 4 nodes, base width 10 times 1, 1.5 and 2, grey). As in nasir's search, each makes the
gradients that it needs; the rival makes all of them both times, as a plain program does, or
("held") the needed ones alone. Each lives in a process of its own, as a search does, and they take
steps in turn; the first WARM of each are not counted. Freed memory is reused by nasir's search and
not by a plain program; the rival is measured with that, too. Peak memory is the greatest rise of
the resident size (VmHWM). The last row has a cell for each way into a width (equation 6) in the
place of one shared cell (equation 5).
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
from nasir.training.memory import freed_memory_reused

NAMES = {
    "stacked": "stacked",
    "plain": "one by one",
    "held": "one by one, gradients held",
    "reusing": "one by one, memory reused",
    "unshared": "stacked, equation 6",
}

REUSING = ("stacked", "unshared", "reusing")
"""Those that keep freed memory, as nasir's search does."""

RIVALS = ("plain", "held", "reusing")

WARM = 3
"""Steps of each before the first that counts."""


def network(which: str) -> nn.Module:
    """The supernet by one of the :data:`NAMES`, with architecture parameters that differ."""
    torch.manual_seed(0)
    supernet = HiNas(cell_sharing=which != "unshared").supernet(Signature(1, 1))
    assert isinstance(supernet, CellSupernet)
    with torch.no_grad():
        for table in supernet.logits().values():
            table.add_(torch.randn_like(table) / 2)
    return PlainSupernet(supernet) if which in RIVALS else supernet


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
    plainly = which in ("plain", "reusing")
    for wanted in (everything, everything) if plainly else (architecture, weights):
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


def serve(which: str, batch: int, side: int) -> None:
    """Take a step for each line that comes in; print seconds, CPU seconds and peak MiB."""
    net = network(which)
    x, y = pictures(batch, side)
    before = peak_kibibytes()
    with freed_memory_reused() if which in REUSING else nullcontext():
        for _ in sys.stdin:
            clock, cpu = step(which, net, x, y)
            print(clock, cpu, (peak_kibibytes() - before) / 1024, flush=True)


class Server:
    """A process that takes a step on request."""

    def __init__(self, which: str, batch: int, side: int, threads: int) -> None:
        command = [sys.executable, __file__, f"--serve={which}"]
        command += [f"--batch={batch}", f"--side={side}", f"--threads={threads}"]
        self.process = subprocess.Popen(command, stdin=-1, stdout=-1, text=True, bufsize=1)

    def step(self) -> list[float]:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write("step\n")
        return [float(value) for value in self.process.stdout.readline().split()]

    def end(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait()


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


def measured(rounds: int, batch: int, side: int, threads: int) -> dict[str, dict[str, float]]:
    servers = {which: Server(which, batch, side, threads) for which in NAMES}
    spent: dict[str, list[list[float]]] = {which: [] for which in NAMES}
    for turn in range(WARM + rounds):
        for which, server in servers.items():
            figures = server.step()
            if turn >= WARM:
                spent[which].append(figures)
    for server in servers.values():
        server.end()
    return {which: row(times, spent["stacked"]) for which, times in spent.items()}


def row(times: list[list[float]], ours: list[list[float]]) -> dict[str, float]:
    ratios = [a[0] / b[0] for a, b in zip(times, ours, strict=True)]
    return {
        "seconds": statistics.median(clock for clock, _, _ in times),
        "cpu": statistics.median(cpu for _, cpu, _ in times),
        "ratio": statistics.median(ratios),
        "ratio_min": min(ratios),
        "ratio_max": max(ratios),
        "peak_mib": max(peak for _, _, peak in times),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--side", type=int, default=64)
    parser.add_argument("--batch", type=int, default=2)
    parser.add_argument("--json")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--serve", choices=tuple(NAMES), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    batch, side, threads = arguments.batch, arguments.side, arguments.threads
    torch.set_num_threads(threads)
    if arguments.serve:
        serve(arguments.serve, batch, side)
        return
    figures = measured(arguments.rounds, batch, side, threads)
    outputs, gradients = greatest_difference(batch, min(side, 32))
    print(table(figures))
    print(
        f"\n{threads} threads; in float64 outputs differ by {outputs:.1e}, "
        f"gradients by {gradients:.1e} of the greatest."
    )
    if arguments.json:
        with open(arguments.json, "w") as file:
            json.dump(figures, file, indent=2)


if __name__ == "__main__":
    main()
