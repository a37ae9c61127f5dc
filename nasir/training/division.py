"""Patches divided into parts, such as training and validation."""

from __future__ import annotations

from collections.abc import Sequence

from nasir.core.errors import SettingsError
from nasir.core.seeds import derived_seed
from nasir.core.task import Patches, Task


def validation_and_training(task: Task, share: float, seed: int) -> tuple[Patches, Patches]:
    """The pictures to validate on and those to train on.

    The former are those that the task keeps apart, or else a `share` of all, drawn from the seed
    of a run.
    """
    kept = task.validation_patches()
    if kept is not None:
        return kept, task.patches()
    own_seed = derived_seed(seed, "validation")
    validation, training = divided(task.patches(), (share, 1 - share), own_seed)
    return validation, training


def divided(patches: Patches, shares: Sequence[float], seed: int) -> list[Patches]:
    """Disjoint parts with these shares of the pictures, drawn from `seed`; together all.

    Raises :class:`~nasir.core.errors.SettingsError` if there are fewer pictures than parts. A
    part with a share above 0 has at least one picture, and one with 0 has none.
    """
    import numpy as np

    names = list(patches.names)
    wanted = sum(share > 0 for share in shares)
    if len(names) < wanted:
        raise SettingsError(
            f"{len(names)} pictures cannot be divided into {wanted} parts (validation and "
            f"training): take task.search={wanted} or more, so many of task.images are trained on; "
            "or task.test_images=OTHERS, and all of task.images are"
        )
    order = np.random.default_rng(seed).permutation(len(names))
    sizes = _sizes(shares, len(names))
    ends = np.cumsum(sizes)
    places = (order[end - size : end] for size, end in zip(sizes, ends, strict=True))
    return [patches.only([names[i] for i in sorted(some)]) for some in places]


def _sizes(shares: Sequence[float], count: int) -> list[int]:
    """How many of `count` pictures each part has: rounded, the largest takes the rest."""
    sizes = [max(1, round(share / sum(shares) * count)) if share > 0 else 0 for share in shares]
    while sum(sizes) != count:
        largest = max(range(len(sizes)), key=lambda i: (sizes[i], -i))
        sizes[largest] += 1 if sum(sizes) < count else -1
    return sizes
