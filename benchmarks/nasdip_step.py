"""One fitting step of the published denoising architecture, beside every path by itself.

    python benchmarks/nasdip_step.py [--rounds 5] [--size 256] [--json PATH]

The rival computes each connection from its source anew and resizes before it convolves. Both
use the same weights; times are taken in turn in one process, peak memory in a process each.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import time

import torch
from torch import Tensor, nn

from nasir.core.search_space import Signature
from nasir.search_spaces.nasdip.cell import UpsamplingCell
from nasir.search_spaces.nasdip.network import NasDipNetwork
from nasir.search_spaces.nasdip.space import NasDip

ARCHITECTURE = "nasdip_denoising"


class SeparatePaths(nn.Module):
    """The same function as the wrapped network, written down as the paper draws it."""

    def __init__(self, network: NasDipNetwork) -> None:
        super().__init__()
        self.network = network

    def forward(self, x: Tensor) -> Tensor:
        net = self.network
        height, width = x.shape[-2:]
        sources = {1: net.any_size(x)}
        for level, encode in enumerate(net.encoder, start=2):
            sources[level] = encode(sources[level - 1])
        y = sources[net.depth + 1]
        for level in range(net.depth, 0, -1):
            y = upsampled(net.up[str(level)], y)
            for row, source in net.connections:
                if row == level:
                    y = y + self.brought(sources[source], source, level)
            y = net.decoder[level - 1](y)
        return net.any_size.crop(net.to_picture(y).sigmoid(), height, width)

    def brought(self, x: Tensor, source: int, level: int) -> Tensor:
        if source == level:
            return self.network.same[str(level)](x)
        for step in range(source - 1, level - 1, -1):
            x = upsampled(self.network.up[str(step)], x)
        for step in range(source, level):
            x = self.network.down[str(step)](x)
        return x


def upsampled(cell: UpsamplingCell, x: Tensor) -> Tensor:
    """Resize, activate, transform, activate."""
    x = cell.resize_activation(cell.resize(x))
    return cell.transform_activation(cell.transform(x))


def step(network: nn.Module, optimizer: torch.optim.Optimizer, x: Tensor, y: Tensor) -> float:
    began = time.perf_counter()
    loss = (network(x + torch.randn_like(x) / 30) - y).square().mean()
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    optimizer.step()
    return time.perf_counter() - began


def setting(size: int) -> tuple[NasDipNetwork, Tensor, Tensor]:
    torch.manual_seed(0)
    space = NasDip(depth=5, width=128)
    network = space.build(space.named(ARCHITECTURE), Signature(32, 3))
    return network, torch.rand(1, 32, size, size) * 0.1, torch.rand(1, 3, size, size)


def difference(size: int) -> float:
    """The greatest difference of the two outputs, in float64."""
    network, x, _ = setting(size)
    network, x = network.double(), x.double()
    with torch.no_grad():
        return (network(x) - SeparatePaths(network)(x)).abs().max().item()


def peak_megabytes(which: str, size: int) -> float:
    command = [sys.executable, __file__, "--only", which, "--size", str(size)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return float(done.stdout)


def one_step_alone(which: str, size: int) -> None:
    """Print how far one step raises the peak memory of a process, in MiB."""
    network, x, y = setting(size)
    chosen = network if which == "shared" else SeparatePaths(network)
    optimizer = torch.optim.Adam(network.parameters(), lr=0.01)
    before = peak_kibibytes()
    for _ in range(2):
        step(chosen, optimizer, x, y)
    print((peak_kibibytes() - before) / 1024)


def peak_kibibytes() -> int:
    """The greatest resident size of this process (not, as getrusage has it, of its parent)."""
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmHWM"))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--json")
    parser.add_argument("--only", choices=("shared", "separate"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.only:
        one_step_alone(arguments.only, arguments.size)
        return
    network, x, y = setting(arguments.size)
    optimizer = torch.optim.Adam(network.parameters(), lr=0.01)
    seconds: dict[str, list[float]] = {"shared": [], "separate": []}
    for turn in range(arguments.rounds + 1):
        for name, chosen in (("shared", network), ("separate", SeparatePaths(network))):
            spent = step(chosen, optimizer, x, y)
            if turn:
                seconds[name].append(spent)
    ratios = [b / a for a, b in zip(seconds["shared"], seconds["separate"], strict=True)]
    figures = {
        "architecture": ARCHITECTURE,
        "size": arguments.size,
        "threads": torch.get_num_threads(),
        "seconds_shared": statistics.median(seconds["shared"]),
        "seconds_separate": statistics.median(seconds["separate"]),
        "speed_up": statistics.median(ratios),
        "speed_up_range": [min(ratios), max(ratios)],
        "peak_mib_shared": peak_megabytes("shared", arguments.size),
        "peak_mib_separate": peak_megabytes("separate", arguments.size),
        "greatest_difference_float64": difference(min(arguments.size, 128)),
    }
    print(json.dumps(figures, indent=2))
    if arguments.json:
        with open(arguments.json, "w") as file:
            json.dump(figures, file, indent=2)


if __name__ == "__main__":
    main()
