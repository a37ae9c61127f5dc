"""The machine's convolution rate, to put the other figures into proportion.

    python benchmarks/convolution_rate.py [--threads N] [--json PATH]

A 3 x 3 convolution, 128 to 128 channels at 256 x 256, forward alone and with both gradients.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable

import torch
import torch.nn.functional as F

CHANNELS, SIZE, KERNEL, ROUNDS = 128, 256, 3, 7
MULTIPLY_ADDS = CHANNELS**2 * KERNEL**2 * (SIZE - KERNEL + 1) ** 2


def median_seconds(call: Callable[[], object]) -> float:
    seconds = []
    for turn in range(ROUNDS + 1):
        began = time.perf_counter()
        call()
        if turn:
            seconds.append(time.perf_counter() - began)
    return statistics.median(seconds)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--json")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    x = torch.rand(1, CHANNELS, SIZE, SIZE, requires_grad=True)
    weight = torch.rand(CHANNELS, CHANNELS, KERNEL, KERNEL, requires_grad=True)

    def forward() -> None:
        with torch.no_grad():
            F.conv2d(x, weight)

    def with_gradients() -> None:
        torch.autograd.grad(F.conv2d(x, weight).sum(), [x, weight])

    figures = {
        "threads": arguments.threads,
        "forward_gmac_per_second": MULTIPLY_ADDS / median_seconds(forward) / 1e9,
        "step_gmac_per_second": 3 * MULTIPLY_ADDS / median_seconds(with_gradients) / 1e9,
    }
    print(json.dumps(figures, indent=2))
    if arguments.json:
        with open(arguments.json, "w") as file:
            json.dump(figures, file, indent=2)


if __name__ == "__main__":
    main()
