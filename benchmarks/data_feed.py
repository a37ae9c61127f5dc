"""How long a batch of patches to train on takes, for each task that has pairs.

    python benchmarks/data_feed.py [FOLDER] [--count 8 --side 64 --batches 40 --json PATH]

FOLDER has pictures, or train, val and test with pictures in them (BSDS500); without one, the
photographs that scikit-image carries are cut. Every batch is made in one thread that does nothing
else. `first` batches read the pictures from their files, the `later` ones have them in memory.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from pathlib import Path
from statistics import median

os.environ["OMP_NUM_THREADS"] = "1"
os.environ["OMP_WAIT_POLICY"] = "PASSIVE"

TASKS = {
    "denoise": {"sigmas": (30.0, 50.0, 70.0)},
    "denoise, grey": {"sigmas": (30.0, 50.0, 70.0), "color": "grey"},
    "denoise, camera": {"noise": "camera"},
    "sr": {"scale": 2, "size": 64},
    "inpaint": {},
    "derain": {},
    "real_denoise": {},
}


def main() -> None:
    arguments = _arguments()
    from nasir.core.task import Patches
    from nasir.settings import building

    given = {"images": [arguments.folder]} if arguments.folder else {"search": 2}
    figures = {}
    for label, settings in TASKS.items():
        task = building.make("task", {"name": label.split(",")[0], **given, **settings})
        patches: Patches = task.patches()
        steps = range(arguments.batches)
        first = [_seconds(patches, step, arguments) for step in steps]
        for step in range(arguments.warm):
            patches.batch(10**6 + step, arguments.count, arguments.side)
        later = [_seconds(patches, 10**9 + step, arguments) for step in steps]
        figures[label] = {
            "pictures": len(patches.names),
            "first_ms": round(1e3 * median(first), 2),
            "later_ms": round(1e3 * median(later), 2),
            "slowest_later_ms": round(1e3 * max(later), 2),
        }
        print(f"{label:16} {figures[label]}", flush=True)
    if arguments.json:
        Path(arguments.json).write_text(json.dumps(figures, indent=2))


def _seconds(patches: object, seed: int, arguments: argparse.Namespace) -> float:
    began = time.perf_counter()
    patches.batch(seed, arguments.count, arguments.side)
    return time.perf_counter() - began


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", nargs="?")
    parser.add_argument("--count", type=int, default=8)
    parser.add_argument("--side", type=int, default=64)
    parser.add_argument("--batches", type=int, default=40)
    parser.add_argument("--warm", type=int, default=300, help="batches between first and later")
    parser.add_argument("--json")
    return parser.parse_args()


if __name__ == "__main__":
    main()
