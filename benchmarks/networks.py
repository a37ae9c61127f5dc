"""The trained networks that come with nasir, on the pictures of the field's tables.

    python benchmarks/networks.py DATA [--only denoise,sr2] [--pictures 8]

DATA has BSDS500, BSD68, CBM3D and Set5 in folders of these names, and CBSD68.txt, which lists the
pictures of BSDS500/val that are CBSD68. Each line: the network, the pictures, the mean PSNR in dB
of the input, of a rival (non-local means with the true sigma; bicubic for enlarging) and of the
network, and its mean seconds a picture.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

import torch

from nasir.core.registry import registries
from nasir.networks.network import find_network
from nasir.settings.building import make
from nasir.training.restoring import restore


def cases(data: Path) -> list[tuple[str, str, list[str], dict[str, object]]]:
    """Network, words for the pictures, their files, and the settings of the task."""
    listed = (data / "CBSD68.txt").read_text(encoding="utf-8").split()
    held = {Path(name).stem for name in listed}
    val = sorted((data / "BSDS500" / "val").glob("*.jpg"))
    cbsd = [str(path) for path in val if path.stem in held]
    rest = [str(path) for path in val if path.stem not in held]

    def of(folder: str) -> list[str]:
        return [str(path) for path in sorted((data / folder).iterdir())]

    def gaussian(sigma: int) -> dict[str, object]:
        return {"name": "denoise", "noise": {"name": "gaussian", "sigma": sigma}}

    colour = [("denoise", f"CBSD68, sigma {s}", cbsd, gaussian(s)) for s in (15, 25, 50)]
    grey = [("denoise_grey", f"BSD68, sigma {s}", of("BSD68"), gaussian(s)) for s in (15, 25, 50)]
    enlarged = [
        (f"sr{s}", f"Set5, x{s}, luma", of("Set5"), {"name": "sr", "downsampling": bicubic(s)})
        for s in (2, 3, 4)
    ]
    coded = [
        (
            "jpeg",
            f"rest of BSDS500 val, quality {q}",
            rest,
            {"name": "jpeg", "compression": code(q)},
        )
        for q in (10, 20, 40, 80)
    ]
    return [
        *colour,
        ("denoise", "CBM3D's nine, sigma 25", of("CBM3D"), gaussian(25)),
        *grey,
        *enlarged,
        *coded,
        ("camera", "rest of BSDS500 val", rest, {"name": "real_denoise"}),
        ("derain", "rest of BSDS500 val", rest, {"name": "derain"}),
    ]


def bicubic(scale: int) -> dict[str, object]:
    return {"name": "bicubic", "scale": scale}


def code(quality: int) -> dict[str, object]:
    return {"name": "jpeg", "quality": quality}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--only", default="", help="names of networks, with commas")
    parser.add_argument("--pictures", type=int, default=0, help="of each set; 0: all")
    parser.add_argument("--rival", action="store_true", help="run non-local means, too")
    asked = parser.parse_args()
    wanted = set(filter(None, asked.only.split(",")))
    for name, words, files, settings in cases(asked.data):
        if name not in registries["network"] or (wanted and name not in wanted):
            continue
        files = files[: asked.pictures or None]
        task = make("task", {**settings, "images": files, "search": 0, "size": 0, "quantise": True})
        trained = find_network(name)
        network = trained.load()
        rows, seconds = [], 0.0
        for sample in task.samples("test"):
            began = time.perf_counter()
            with torch.inference_mode():
                restored = restore(network, sample, task)
            seconds += time.perf_counter() - began
            row = [task.metrics(task.unrestored(sample), sample)["psnr"]]
            row.append(_rival(task, sample, settings) if asked.rival else float("nan"))
            row.append(task.metrics(restored, sample)["psnr"])
            rows.append(row)
        means = [sum(column) / len(rows) for column in zip(*rows, strict=True)]
        figures = "  ".join(f"{mean:6.2f}" for mean in means)
        print(f"{name:14s} {words:34s} {figures}  {seconds / len(rows):.2f} s", flush=True)


def _rival(task, sample, settings) -> float:  # type: ignore[no-untyped-def]
    """The PSNR of non-local means, which get the level where it is known."""
    if settings["name"] != "denoise":
        return float("nan")
    method = make("method", {"name": "nlm"})
    return task.metrics(method.restore(sample, task), sample)["psnr"]


if __name__ == "__main__":
    sys.exit(main())
