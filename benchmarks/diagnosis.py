"""What `nasir restore` says of clean and of degraded pictures.

    python benchmarks/diagnosis.py DATA [--every 4]
    python benchmarks/diagnosis.py FOLDER --as-it-is

DATA has BSDS500, CBM3D, Set5 and Set12 in folders of these names. Each line: the pictures, what was
done to them, how many there are, and how many are said to have each trouble. With `--every`, only
each so-manieth picture of BSDS500/val is degraded. With `--as-it-is`: the pictures of one folder.
"""

from __future__ import annotations

import argparse
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from nasir.apps.restore.diagnosis import diagnose
from nasir.settings.building import make
from nasir.tasks.pictures.reading import read_picture

Degrade = Callable[[np.ndarray, int], np.ndarray]
MOSAICS = ("demosaiced noise", "camera, with its JPEG")


def noisy(**settings: object) -> Degrade:
    """A noise of nasir, seeded by the picture's number."""

    def degrade(picture: np.ndarray, number: int) -> np.ndarray:
        noise = make("degradation", dict(settings))
        tensor = torch.from_numpy(picture).permute(2, 0, 1)[None]
        seen = noise.observe(tensor, np.random.default_rng(number))
        return seen[0].permute(1, 2, 0).numpy()

    return degrade


def middle(side: int, then: Degrade | None = None) -> Degrade:
    """The middle of a picture."""

    def degrade(picture: np.ndarray, number: int) -> np.ndarray:
        top, left = ((size - side) // 2 for size in picture.shape[:2])
        cut = picture[top : top + side, left : left + side]
        return cut if then is None else then(np.ascontiguousarray(cut), number)

    return degrade


def conditions() -> Iterator[tuple[str, Degrade, dict[str, object]]]:
    """What is done, and how the result is saved."""
    for sigma in (5, 10, 15, 25, 50):
        yield f"sigma {sigma}", noisy(name="gaussian", sigma=sigma), {}
    for peak in (10, 60):
        yield f"Poisson, peak {peak}", noisy(name="poisson", peak=peak), {}
    yield "demosaiced noise", noisy(name="camera"), {}
    yield "camera, with its JPEG", noisy(name="real_camera"), {}
    for quality in (10, 20, 30, 40, 50, 60, 70, 80):
        for name in ("JPEG", "PNG copy"):
            yield f"quality {quality}, {name}", lambda x, n: x, {"quality": quality, "as": name}
    for side in (48, 64, 96, 128):
        yield f"{side} x {side}", middle(side), {}
        yield f"{side} x {side}, sigma 25", middle(side, noisy(name="gaussian", sigma=25)), {}


def troubles(picture: np.ndarray, folder: Path, options: dict[str, object]) -> tuple[str, ...]:
    """What is said of a picture in a file."""
    values = np.uint8(np.rint(255 * picture.clip(0, 1)))
    image = Image.fromarray(values[..., 0] if values.shape[-1] == 1 else values)
    path = folder / "a.png"
    if quality := options.get("quality"):
        path = folder / "a.jpg"
        image.save(path, quality=quality)
        image = Image.open(path)
        image.load()
    if options.get("as") != "JPEG":
        path = folder / "a.png"
        image.save(path)
    return diagnose(path).troubles


def line(name: str, what: str, found: list[tuple[str, ...]]) -> str:
    """A row of the table."""
    counts = Counter(" and ".join(one) or "nothing" for one in found)
    said = ", ".join(f"{kind} {number}" for kind, number in counts.most_common())
    return f"{name:<14} {what:<24} {len(found):>4}  {said}"


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("data", type=Path)
    parser.add_argument("--every", type=int, default=1)
    parser.add_argument("--only", default="", help="what the name of a degradation begins with")
    parser.add_argument("--as-it-is", action="store_true", help="the pictures of this folder alone")
    given = parser.parse_args()
    if given.as_it_is:
        files = sorted(path for path in given.data.iterdir() if path.suffix in (".jpg", ".png"))
        print(line(given.data.name, "as it is", [diagnose(path).troubles for path in files]))
        return
    sets = {
        "BSDS500 val": sorted((given.data / "BSDS500" / "val").glob("*.jpg")),
        **{name: sorted((given.data / name).iterdir()) for name in ("CBM3D", "Set5", "Set12")},
    }
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        for name, files in sets.items():
            if not given.only:
                print(line(name, "as it is", [diagnose(path).troubles for path in files]))
        files = sets["BSDS500 val"][:: given.every]
        for name, some in {"BSDS500 val": files, "Set12": sets["Set12"]}.items():
            pictures = [read_picture(path) for path in some]
            for what, degrade, options in conditions():
                if not what.startswith(given.only):
                    continue
                if name == "Set12" and what in MOSAICS:
                    continue  # a grey picture has no mosaic
                seen = [degrade(picture, number) for number, picture in enumerate(pictures)]
                print(
                    line(name, what, [troubles(one, folder, options) for one in seen]), flush=True
                )


if __name__ == "__main__":
    main()
