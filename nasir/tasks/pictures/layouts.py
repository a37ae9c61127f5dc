"""Folders of pictures to train on and to test on, as they are published."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from nasir.tasks.pictures.reading import has_pictures

PUBLISHED = (
    (("train", "val"), "test"),  # BSDS500, SIM1800
    (("training",), "test_syn"),  # Rain800
    (("DIV2K_train_HR",), "DIV2K_valid_HR"),  # DIV2K
)
"""Names of the folders to train on, the first of which has to be there, and of that to test on."""

BELOW = ("", "images", "data/images")
"""Where these are in the folder that is given; the archive of BSDS500 has data/images."""


def parts(folder: str) -> tuple[list[str], list[str]] | None:
    """The folders to train on and to test on inside `folder`; None where it has no such.

    A folder that has pictures of its own means these.
    """
    if not os.path.isdir(folder) or has_pictures(folder):
        return None
    for below in BELOW:
        for train, test in PUBLISHED:
            root = Path(folder, below)
            if (root / train[0]).is_dir() and (root / test).is_dir():
                found = [str(root / name) for name in train if (root / name).is_dir()]
                return found, [str(root / test)]
    return None


def divided(images: Sequence[str], test_images: Sequence[str]) -> tuple[list[str], list[str]]:
    """What to train on and to test on, with published folders taken apart.

    In `test_images` such a folder means its test part, and where there are any, the test parts
    of `images` are left out.
    """
    train: list[str] = []
    test: list[str] = []
    for pattern in images:
        found = parts(pattern) or ([pattern], [])
        train += found[0]
        test += found[1]
    given = [one for pattern in test_images for one in (parts(pattern) or ([], [pattern]))[1]]
    return train, given or test
