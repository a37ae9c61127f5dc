"""Names of picture files."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from pathlib import Path


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
