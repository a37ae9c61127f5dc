"""Networks of equal cost, trained alike: what the search was worth (docs/networks.md).

    python benchmarks/equal_trainings.py TRAIN TEST OUT [--steps 300] [--only found,drunet]

TRAIN are the pictures to train on (BSD400), TEST those to restore (BSDS500's val without CBSD68),
OUT a folder for the trainings; called again, it continues where it was stopped. Each network needs
0.40 to 0.52 s for 512 x 512 pixels on two cores (`limit=seconds`). The hand-made ones are the
references of the space `unet`, narrowed to that; the random ones are the best two, after 120 steps,
of those of the first 20 trials of the recipe `network-search` that need 0.40 to 0.52 s. Each line:
the network, its seconds, its thousands of parameters, and its mean PSNR in dB.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import nasir
from nasir.core.architecture import Architecture
from nasir.core.cost import SECONDS, cost

SPACE = {"name": "unet", "most_blocks": 12, "widths": [24, 32, 48, 72]}


def networks() -> dict[str, Architecture]:
    """Those to compare, by name."""
    return {
        "found": _made(2, 48, 1.5, "residual", (4, 5)),
        "drunet": _made(1, 24, 1.5, "residual", (2, 3, 2, 2)),
        "random 3": _made(1, 24, 1.0, "residual", (5, 4)),
        "random 4": _made(1, 24, 1.0, "depthwise", (5, 3, 1, 4)),
        "ffdnet": _made(2, 72, 1.0, "plain", (11,)),
        "dncnn": _made(1, 32, 1.0, "plain", (12,)),
    }


def _made(
    shuffle: int, width: int, growth: float, block: str, blocks: tuple[int, ...]
) -> Architecture:
    choices = {"shuffle": shuffle, "scales": len(blocks) - 1, "width": width, "growth": growth}
    numbers = {f"blocks.{scale}": number for scale, number in enumerate(blocks)}
    return Architecture("unet", {**choices, "block": block, **numbers})


def trained(name: str, architecture: Architecture, asked: argparse.Namespace) -> nasir.Training:
    """The training of one network, begun or continued."""
    folder = asked.out / name.replace(" ", "_")
    if folder.is_dir():
        return nasir.train(str(folder))
    described = asked.out / f"{folder.name}.json"
    described.write_text(json.dumps({**architecture.mapping, "settings": SPACE}), encoding="utf-8")
    return nasir.train(
        f"evaluator.iterations={asked.steps}",
        architecture=described,
        task={"name": "denoise", "size": 0, "noise": {"name": "gaussian", "sigma": 25}},
        evaluator={
            "name": "train",
            "batch": 4,
            "patch": 64,
            "loss": "l1",
            "lr": 0.002,
            "warm_up": 20,
            "ema": 0.98,
            "device": "cpu",
        },
        images=str(asked.train),
        test_images=str(asked.test),
        threads=1,
        output=folder,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("train", type=Path)
    parser.add_argument("test", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--only", default="", help="names of networks, with commas")
    asked = parser.parse_args()
    asked.out.mkdir(parents=True, exist_ok=True)
    wanted = set(filter(None, asked.only.split(",")))
    space, task = nasir.make("space", SPACE), nasir.make("task", {"name": "denoise"})
    for name, architecture in networks().items():
        if wanted and name not in wanted:
            continue
        training = trained(name, architecture, asked)
        measured = cost(architecture, space, task, training.signature, {SECONDS})
        psnr, parameters = training.metrics["psnr"], training.metrics["parameters"]
        print(f"{name:10s} {measured[SECONDS]:.2f} s  {parameters / 1000:4.0f}  {psnr:.2f} dB")


if __name__ == "__main__":
    main()
