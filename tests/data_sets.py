"""Folders of small pictures, as data sets are published."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image


def save(path: Path, values: np.ndarray) -> Path:
    """An array ``(H, W)`` or ``(H, W, 3)`` of 8 bits as a file, with its folders."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(values).save(path)
    return path


def picture(seed: int, height: int = 24, width: int = 32, channels: int = 3) -> np.ndarray:
    """Random values of 8 bits."""
    shape = (height, width, channels) if channels == 3 else (height, width)
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


def bsds(root: Path) -> Path:
    """BSDS500: train, val and test, with landscapes and portraits."""
    for part, seeds in (("train", (0, 1)), ("val", (2,)), ("test", (3, 4))):
        for seed in seeds:
            size = (24, 36) if seed % 2 else (36, 24)
            save(root / part / f"{seed}.png", picture(seed, *size))
        (root / part / "Thumbs.db").write_bytes(b"no picture")
    return root


def rain800(root: Path, rainy: str = "right") -> Path:
    """Rain800: training and test_syn, with the clean and the rainy half in one file."""
    for part, seeds in (("training", (0, 1, 2)), ("test_syn", (3, 4))):
        for seed in seeds:
            clean, bad = picture(seed), picture(100 + seed)
            both = (clean, bad) if rainy == "right" else (bad, clean)
            save(root / part / f"{seed}.png", np.concatenate(both, 1))
    return root


def twins(root: Path, degraded: str, clean: str = "clean") -> Path:
    """SIM1800: train and test, each with a folder of noisy and one of clean pictures."""
    for part, seeds in (("train", (0, 1, 2)), ("test", (3, 4))):
        for seed in seeds:
            save(root / part / clean / f"{seed}.png", picture(seed))
            save(root / part / degraded / f"{seed}.png", picture(100 + seed))
    return root


def div2k(root: Path, scale: int = 2) -> Path:
    """DIV2K: large pictures, and small ones with the scale in their names."""
    for part, seeds in (("train", (1, 2, 3)), ("valid", (801, 802))):
        for seed in seeds:
            save(root / f"DIV2K_{part}_HR" / f"{seed:04}.png", picture(seed, 24, 36))
            small = root / f"DIV2K_{part}_LR_bicubic" / f"X{scale}" / f"{seed:04}x{scale}.png"
            save(small, picture(100 + seed, 24 // scale, 36 // scale))
    return root
