"""Makes the picture at the head of the README: clean, noisy, hand-made prior, found prior.

    python benchmarks/readme_picture.py FOLDER [--trials 10] [--workers 2]

Searches on two photographs of scikit-image, shrunk to 128 pixels, and tests on a third.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont
from skimage import data

import nasir
from nasir.runs.summary import summary

SIDE = 128
REGIONS = {
    "astronaut": (90, 0, 300, 210),
    "coffee": (130, 30, 470, 370),
    "chelsea": (80, 20, 340, 280),
}
"""Left, top, right, bottom of what is shown of each photograph."""

SEARCHED, TESTED = ("astronaut", "coffee"), "chelsea"


def prepare(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, region in REGIONS.items():
        picture = Image.fromarray(getattr(data, name)()).crop(region)
        picture.resize((SIDE, SIDE), Image.Resampling.LANCZOS).save(folder / f"{name}.png")


def strip(run: nasir.Run) -> Image.Image:
    """The four pictures side by side, twice their size, with the PSNR below each."""
    rows = {row["name"]: row["metrics"]["psnr"] for row in summary(run)["results"]}
    baseline = run.settings["references"][0]
    shown = [
        (run.folder / "best" / f"{TESTED}-clean.png", "clean"),
        (run.folder / "best" / f"{TESTED}-degraded.png", f"noisy, {rows['degraded input']:.2f} dB"),
        (
            run.folder / "references" / baseline / f"{TESTED}-restored.png",
            f"hand-made prior, {rows[baseline]:.2f} dB",
        ),
        (run.folder / "best" / f"{TESTED}-restored.png", f"found prior, {rows['found']:.2f} dB"),
    ]
    side, gap, line = 2 * SIDE, 8, 26
    sheet = Image.new("RGB", (4 * side + 3 * gap, side + line), "white")
    draw = ImageDraw.Draw(sheet)
    font = ImageFont.load_default(size=15)
    for place, (path, caption) in enumerate(shown):
        left = place * (side + gap)
        with Image.open(path) as picture:
            sheet.paste(picture.resize((side, side), Image.Resampling.NEAREST), (left, 0))
        width = draw.textlength(caption, font=font)
        draw.text((left + (side - width) / 2, side + 4), caption, "black", font)
    return sheet


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--trials", type=int, default=10)
    parser.add_argument("--workers", type=int, default=2)
    arguments = parser.parse_args()
    prepare(arguments.folder / "pictures")
    files = {name: str(arguments.folder / "pictures" / f"{name}.png") for name in REGIONS}
    run = nasir.search(
        strategy="rl",
        space={"name": "nasdip", "width": 24},
        task={
            "name": "denoise",
            "images": [files[name] for name in SEARCHED],
            "test_images": [files[TESTED]],
            "size": SIDE,
        },
        evaluator={"name": "dip", "iterations": 250, "averaging": 0.95},
        trials=arguments.trials,
        workers=arguments.workers,
        folder=str(arguments.folder / "runs"),
    )
    print(json.dumps(summary(run), indent=2))
    np.testing.assert_equal(run.state, "finished")
    strip(run).save(arguments.folder / "denoised.png", optimize=True)


if __name__ == "__main__":
    main()
