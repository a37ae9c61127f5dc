"""Photon noise, removed with and without the Anscombe transform before the network.

    python benchmarks/photon_noise.py DATA [--found]

DATA has BSDS500, and CBSD68.txt, which lists the pictures of BSDS500/val that are CBSD68. The
others of val are restored: their middle 128 x 128, with the peak known. Each line: the way, and the
mean PSNR in dB for 4, 10, 30 and 100 photons at white. With `--found`: in how many of these
pictures, whole and with 8 bits, photon noise is found, and in how many with white noise instead.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from nasir.baselines.photon_noise import photon_noise
from nasir.networks.network import find_network
from nasir.settings.building import make
from nasir.tasks.physics.stabilising import Anscombe
from nasir.tasks.pictures.reading import read_picture

SIDE, PEAKS = 128, (4, 10, 30, 100)
LUMA = (0.299, 0.587, 0.114)

Denoise = Callable[[Tensor, int], Tensor]


class Algebraic(Anscombe):
    """With the inverse that leaves a bias."""

    def inverse(self, d: Tensor) -> Tensor:
        return self.slope * (d**2 / 4 - 3 / 8).clamp(min=0)


def pictures_of(data: Path, grey: bool, side: int | None = SIDE) -> list[Tensor]:
    """The middles ``(1, C, side, side)`` of the pictures, or all of them."""
    listed = {Path(name).stem for name in (data / "CBSD68.txt").read_text().split()}
    files = sorted((data / "BSDS500" / "val").glob("*.jpg"))
    found = []
    for file in (file for file in files if file.stem not in listed):
        picture = read_picture(file)
        whole = torch.from_numpy(picture).permute(2, 0, 1)
        top, left = (0, 0) if side is None else ((size - side) // 2 for size in whole.shape[1:])
        cut = whole if side is None else whole[:, top : top + side, left : left + side]
        luma = torch.einsum("c,chw->hw", torch.tensor(LUMA), cut)[None]
        found.append((luma if grey else cut)[None])
    return found


def ways(grey: bool) -> dict[str, Denoise]:
    network = find_network("denoise_grey" if grey else "denoise").load()
    camera = find_network("camera").load()
    every: dict[str, Denoise] = {
        "network alone": lambda y, peak: network(y),
        "after Anscombe": lambda y, peak: Anscombe(1 / peak)(network, y),
    }
    if not grey:
        every["algebraic inverse"] = lambda y, peak: Algebraic(1 / peak)(network, y)
        every["camera"] = lambda y, peak: camera(y)
    return {"input": lambda y, peak: y, **every}


def psnr(found: Tensor, clean: Tensor) -> float:
    found = (255 * found.clamp(0, 1)).round() / 255
    return float(-10 * (found - clean).square().mean().log10())


def mean_psnr(denoise: Denoise, pictures: Sequence[Tensor], peak: int, eight_bits: bool) -> float:
    values = []
    for number, clean in enumerate(pictures):
        noise = make("degradation", {"name": "poisson", "peak": peak, "clip": eight_bits})
        seen = noise.observe(clean, np.random.default_rng(number))
        if eight_bits:
            seen = (255 * seen).round() / 255
        with torch.inference_mode():
            values.append(psnr(denoise(seen, peak), clean))
    return float(np.mean(values))


def print_found(pictures: Sequence[Tensor], words: str) -> None:
    """Print in how many pictures photon noise is found, for each noise."""
    noises = [{"name": "poisson", "peak": peak} for peak in PEAKS]
    noises += [{"name": "gaussian", "sigma": sigma} for sigma in (15, 25, 50)]
    for settings in noises:
        noise, found = make("degradation", settings), 0
        for number, clean in enumerate(pictures):
            seen = noise.observe(clean, np.random.default_rng(number)).clamp(0, 1)
            file = (255 * seen).round()[0].permute(1, 2, 0).numpy() / 255
            found += photon_noise(file) is not None
        print(f"{words:8s}", *settings.values(), f"{found} of {len(pictures)}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("data", type=Path)
    parser.add_argument("--found", action="store_true")
    given = parser.parse_args()
    data: Path = given.data
    for grey in (False, True):
        if given.found:
            print_found(pictures_of(data, grey, None), "grey" if grey else "colour")
            continue
        pictures = pictures_of(data, grey)
        for eight_bits in (False, True):
            for name, denoise in ways(grey).items():
                row = [mean_psnr(denoise, pictures, peak, eight_bits) for peak in PEAKS]
                words = f"{'grey' if grey else 'colour'}{', 8 bits' if eight_bits else ''}, {name}"
                print(f"{words:36s}", *(f"{value:6.2f}" for value in row), flush=True)


if __name__ == "__main__":
    main()
