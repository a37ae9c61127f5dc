"""One search step of CLEARER (architecture, then weights), beside the supernet as it is drawn.

    python benchmarks/clearer_step.py [--rounds 7] [--batch 2] [--side 64] [--json PATH]

The rival calls every module, branch, convolution and batch norm by itself and, as is usual,
takes the gradients of everything in both halves of the step; "rival, half the gradients" leaves
out those of what is not updated, as the supernet here does. Times are taken in turn in one
process, peak memory in a process each.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import time

import attrs
import torch
from plain_clearer import PlainClearer
from torch import Tensor, nn

from nasir.core.search_space import Signature
from nasir.search_spaces.clearer.space import Clearer
from nasir.search_spaces.clearer.supernet import ClearerSupernet

ENTROPY = 0.01
CLIP = 5.0


@attrs.define
class Candidate:
    """A way of running the supernet, with the optimizers of the paper."""

    network: nn.Module
    supernet: ClearerSupernet
    freezes: bool
    halves: tuple[torch.optim.Optimizer, ...] = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self.halves = (
            torch.optim.Adam([self.supernet.alphas], 3e-4, (0.5, 0.999), weight_decay=1e-3),
            torch.optim.SGD(self.supernet.weight_parameters(), 0.025, 0.9, weight_decay=3e-4),
        )

    def step(self, batches: tuple[tuple[Tensor, Tensor], ...]) -> float:
        """Seconds of an architecture and a weight update."""
        began = time.perf_counter()
        for half, ((x, y), optimizer) in enumerate(zip(batches, self.halves, strict=True)):
            updated = optimizer.param_groups[0]["params"]
            self.freeze(updated)
            self.supernet.zero_grad(set_to_none=True)
            penalty = 0.0 if half else self.supernet.penalty(ENTROPY, 0)
            ((self.network(x) - y).square().mean() + penalty).backward()
            nn.utils.clip_grad_norm_(updated, CLIP)
            optimizer.step()
        return time.perf_counter() - began

    def freeze(self, updated: list[nn.Parameter]) -> None:
        if not self.freezes:
            return
        self.supernet.requires_grad_(False)
        for parameter in updated:
            parameter.requires_grad_(True)


def candidate(name: str) -> Candidate:
    torch.manual_seed(0)
    supernet = Clearer().supernet(Signature(3, 3))
    if name == "nasir":
        return Candidate(supernet, supernet, freezes=True)
    plain = PlainClearer(supernet)
    return Candidate(plain, plain.supernet, freezes=name != "rival")


NAMES = ("nasir", "rival", "rival, half the gradients")


def pictures(batch: int, side: int) -> tuple[tuple[Tensor, Tensor], ...]:
    torch.manual_seed(1)
    return tuple((torch.rand(batch, 3, side, side), torch.rand(batch, 3, side, side)) for _ in "aw")


def greatest_difference(side: int) -> tuple[float, float]:
    """Of the outputs, and of all gradients relative to the greatest, in float64."""
    x = torch.rand(2, 3, side, side, dtype=torch.float64)
    results = []
    for name in ("nasir", "rival"):
        side_of = candidate(name)
        side_of.network.double()
        y = side_of.network(x)
        y.square().mean().backward()
        results.append((y, [p.grad for p in side_of.supernet.parameters()]))
    (y, ours), (other, theirs) = results
    scale = max(gradient.abs().max() for gradient in theirs)
    apart = max((a - b).abs().max() for a, b in zip(ours, theirs, strict=True))
    return (y - other).abs().max().item(), (apart / scale).item()


def peak_mebibytes(name: str, batch: int, side: int) -> float:
    command = [sys.executable, __file__, "--only", name, "--batch", str(batch), "--side", str(side)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return float(done.stdout)


def steps_alone(name: str, batch: int, side: int) -> None:
    """Print how far three steps raise the peak memory of a process, in MiB."""
    chosen, batches = candidate(name), pictures(batch, side)
    before = peak_kibibytes()
    for _ in range(3):
        chosen.step(batches)
    print((peak_kibibytes() - before) / 1024)


def peak_kibibytes() -> int:
    """The greatest resident size of this process (not, as getrusage has it, of its parent)."""
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmHWM"))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--batch", type=int, default=2)
    parser.add_argument("--side", type=int, default=64)
    parser.add_argument("--json")
    parser.add_argument("--only", choices=NAMES, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.only:
        steps_alone(given.only, given.batch, given.side)
        return
    candidates = {name: candidate(name) for name in NAMES}
    batches = pictures(given.batch, given.side)
    seconds: dict[str, list[float]] = {name: [] for name in NAMES}
    for turn in range(given.rounds + 1):
        for name, chosen in candidates.items():
            spent = chosen.step(batches)
            if turn:
                seconds[name].append(spent)
    ratios = {
        name: [b / a for a, b in zip(seconds["nasir"], seconds[name], strict=True)]
        for name in NAMES[1:]
    }
    outputs, gradients = greatest_difference(min(given.side, 32))
    figures = {
        "batch": given.batch,
        "side": given.side,
        "threads": torch.get_num_threads(),
        "seconds": {name: statistics.median(times) for name, times in seconds.items()},
        "least_seconds": {name: min(times) for name, times in seconds.items()},
        "speed_up": {name: statistics.median(ratio) for name, ratio in ratios.items()},
        "speed_up_range": {name: [min(ratio), max(ratio)] for name, ratio in ratios.items()},
        "peak_mib": {name: peak_mebibytes(name, given.batch, given.side) for name in NAMES},
        "greatest_difference_of_outputs_float64": outputs,
        "greatest_relative_difference_of_gradients_float64": gradients,
    }
    print(json.dumps(figures, indent=2))
    if given.json:
        with open(given.json, "w") as file:
            json.dump(figures, file, indent=2)


if __name__ == "__main__":
    main()
