"""Folders of pairs of a degraded and a clean picture, in the layouts that authors publish."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from nasir.core.errors import PictureError
from nasir.tasks.pictures.picture import Picture

CLEAN = ("clean", "norain", "gt")
"""Names of the folder of clean pictures."""


def halves(folder: str, degraded: str) -> list[Picture]:
    """Files that hold both pictures side by side, the `degraded` one left or right (Rain800)."""
    clean = "left" if degraded == "right" else "right"
    return [
        Picture(path.stem, path, clean, Picture(path.stem, path, degraded))
        for path in _pictures(folder)
    ]


def twins(folder: str, degraded: Sequence[str]) -> list[Picture]:
    """Two folders with files of the same names: one of `degraded`, and one of `CLEAN`."""
    bad, good = _subfolder(folder, degraded), _subfolder(folder, CLEAN)
    observed, clean = _by_stem(str(bad)), _by_stem(str(good))
    for here, there, known in ((observed, good, clean), (clean, bad, observed)):
        if missing := [path for stem, path in here.items() if stem not in known]:
            raise PictureError(
                f"{missing[0]} has no partner of its name in {there} ({len(observed)} pictures in "
                f"{bad.name}, {len(clean)} in {good.name}): pairs have equal names"
            )
    return [Picture(s, path, observed=Picture(s, observed[s])) for s, path in clean.items()]


def div2k(folder: str, scale: int) -> list[Picture]:
    """Pictures of ``..._HR``, with ``..._LR_bicubic/X2/0001x2.png`` for ``0001.png`` (DIV2K)."""
    large = Path(folder)
    if not large.name.endswith("_HR"):
        raise PictureError(
            f"{folder} is no folder of the layout div2k: give the one that has DIV2K_train_HR, "
            "DIV2K_valid_HR and DIV2K_train_LR_bicubic, or leave task.pairs out"
        )
    name = f"{large.name.removesuffix('_HR')}_LR_bicubic"
    small = large.parent / name / f"X{scale}"
    clean, observed = _by_stem(folder), _by_stem(str(small))
    for stem, path in clean.items():
        if f"{stem}x{scale}" not in observed:
            raise PictureError(f"{path} has no partner {stem}x{scale} in {small}")
    if len(clean) != len(observed):
        extra = next(p for s, p in observed.items() if s.removesuffix(f"x{scale}") not in clean)
        raise PictureError(f"{extra} has no partner in {large}")
    return [
        Picture(stem, path, observed=Picture(stem, observed[f"{stem}x{scale}"]))
        for stem, path in clean.items()
    ]


def check_sizes(pair: Picture, scale: int) -> None:
    """Refuse a pair whose clean picture is not `scale` times as large as the degraded one."""
    if pair.observed is None:
        return
    height, width, _ = pair.shape
    low_height, low_width, _ = pair.observed.shape
    if (height, width) != (scale * low_height, scale * low_width):
        times = f"{scale} times as large" if scale > 1 else "equally large"
        raise PictureError(
            f"the pair {pair.name} is of {low_height} x {low_width} pixels degraded and "
            f"{height} x {width} clean: they have to be {times}"
        )


def _subfolder(folder: str, names: Sequence[str]) -> Path:
    for name in names:
        if (found := Path(folder, name)).is_dir():
            return found
    raise PictureError(f"{folder} has no folder {' or '.join(names)}, as pairs are to have")


def _pictures(folder: str) -> list[Path]:
    from nasir.tasks.pictures.reading import find_pictures

    return find_pictures([folder])


def _by_stem(folder: str) -> dict[str, Path]:
    """The pictures of a folder by name without suffix."""
    found: dict[str, Path] = {}
    for path in _pictures(folder):
        if path.stem in found:
            raise PictureError(f"{path} and {found[path.stem]} have one name: pairs need one each")
        found[path.stem] = path
    return found
