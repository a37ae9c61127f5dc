"""Files of pictures, and their names."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

from nasir.settings.paths import whole_path


def picture_files(patterns: Iterable[str]) -> list[Path]:
    """The files of pictures that patterns mean, those in the folders of a data set among them."""
    from nasir.tasks.pictures.reading import SUFFIXES, find_pictures

    found: list[Path] = []
    for pattern in patterns:
        inside = sorted(p for p in Path(pattern).rglob("*") if p.suffix.lower() in SUFFIXES)
        found += [path for path in inside if path.is_file()] or find_pictures([pattern])
    return found


def distinct_names(paths: Sequence[Path]) -> dict[str, Path]:
    """The paths by name: the file's without suffix, or as much more of the path as is unique.

    A name depends on which paths there are, not on their order.
    """
    endings = {path: _endings(path) for path in paths}
    times = Counter(ending for own in endings.values() for ending in set(own))
    return {next(e for e in own if times[e] == 1): path for path, own in endings.items()}


def _endings(path: Path) -> list[str]:
    whole = Path(os.path.abspath(path))
    lengths = range(1, len(whole.parts) + 1)
    return ["/".join(p.parts[-n:]) for n in lengths for p in (whole.with_suffix(""), whole)]


def whole_patterns(given: str | os.PathLike[str] | Sequence[str]) -> tuple[str, ...]:
    """Whole paths, so that a run finds its pictures from wherever it is resumed."""
    several = (given,) if isinstance(given, str | os.PathLike) else given
    return tuple(whole_path(path) or "" for path in several)
