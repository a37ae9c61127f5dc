"""The pictures of docs/gallery.md: before and after, made by `nasir.restore`.

    python benchmarks/gallery.py docs/gallery

The photographs are those of scikit-image, in the public domain or CC0: chelsea (Stefan van der
Walt), coffee (Rachel Michetti), astronaut (NASA), rocket (SpaceX). Prints PSNR before and after.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from scipy.ndimage import convolve
from skimage import data
from skimage.metrics import peak_signal_noise_ratio as psnr

import nasir
from nasir.tasks.physics.convolution import motion_kernel

Restoration = tuple[str, np.ndarray, Image.Image, dict[str, Any]]
"""Name, the clean picture (H, W, 3) of 8 bits, the degraded one, settings of the restoration."""


def noisy(clean: np.ndarray, sigma: float) -> Image.Image:
    noise = sigma * np.random.default_rng(0).standard_normal(clean.shape)
    return Image.fromarray((clean + noise).round().clip(0, 255).astype(np.uint8))


def compressed(clean: np.ndarray, quality: int) -> Image.Image:
    file = BytesIO()
    Image.fromarray(clean).save(file, "JPEG", quality=quality)
    return Image.open(file)


def scratches(height: int, width: int) -> np.ndarray:
    """True where the picture is scratched or stained."""
    rows, columns = np.mgrid[:height, :width]
    lines = [abs(rows - slope * columns - start) < 2.5 for slope, start in SCRATCHES]
    stain = (rows - 0.7 * height) ** 2 + (columns - 0.25 * width) ** 2 < 16**2
    return np.logical_or.reduce([*lines, stain])


SCRATCHES = ((0.8, 10), (-0.6, 190), (0.15, 60), (2.5, -300))
"""Slope, and row at the left edge."""


def shaken(clean: np.ndarray) -> Image.Image:
    """Blurred by a camera that moved 15 pixels along a line of 30 degrees, and a little noisy."""
    kernel = motion_kernel(15, 30)
    blurred = np.stack([convolve(one.astype(float), kernel) for one in clean.T.swapaxes(1, 2)], -1)
    return noisy(blurred, 2)


def hazy(clean: np.ndarray) -> Image.Image:
    """t J + (1 - t) A, with a transmission from 0.35 at the top to 0.85 at the bottom."""
    transmission = np.linspace(0.35, 0.85, len(clean))[:, None, None]
    airlight = np.array([0.82, 0.85, 0.9]) * 255
    mixed = transmission * clean + (1 - transmission) * airlight
    return Image.fromarray(mixed.round().astype(np.uint8))


def restorations(folder: Path) -> Iterator[Restoration]:
    cat, cup = data.chelsea()[10:266, 90:346], data.coffee()[60:316, 130:386]
    face, launch = data.astronaut()[0:256, 96:352], data.rocket()[150:406, 200:456]
    yield "denoise", cat, noisy(cat, 25), {"task": "denoise"}
    yield "jpeg", face, compressed(face, 10), {"task": "jpeg"}
    small = Image.fromarray(cup).resize((64, 64), Image.Resampling.BICUBIC)
    yield "enlarge", cup, small, {"task": {"name": "sr", "scale": 4}}
    hole = scratches(256, 256)
    Image.fromarray(np.where(hole, 0, 255).astype(np.uint8)).save(folder / "mask.png")
    torn = Image.fromarray(np.where(hole[..., None], 255, cat).astype(np.uint8))
    yield "hole", cat, torn, {"task": {"name": "inpaint", "mask": str(folder / "mask.png")}}
    motion = {"name": "deblur", "blur": {"name": "motion_blur", "length": 15, "angle": 30}}
    yield "blur", face, shaken(face), {"task": motion}
    yield "haze", launch, hazy(launch), {"task": "dehaze"}


def main(output: Path, names: list[str]) -> None:
    output.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as there:
        folder = Path(there)
        for name, clean, degraded, settings in restorations(folder):
            if names and name not in names:
                continue
            degraded.save(folder / f"{name}.png")
            nasir.restore(folder / f"{name}.png", output=folder / f"{name}-after.png", **settings)
            after = np.asarray(Image.open(folder / f"{name}-after.png").convert("RGB"))
            before = np.asarray(
                degraded.convert("RGB").resize((256, 256), Image.Resampling.NEAREST)
            )
            print(
                f"{name}: {psnr(clean, before):.2f} dB, then {psnr(clean, after):.2f} dB",
                flush=True,
            )
            strip = np.hstack([before, after, clean])
            Image.fromarray(strip).save(output / f"{name}.jpg", quality=88)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
