"""What troubles a picture: noise, JPEG blocks, or a tiny size."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import attrs
import numpy as np

from nasir.baselines.noise_level import noise_estimate

Trouble = Literal["white noise", "camera noise", "JPEG blocks"]

LEAST_WHITE, LEAST_SPREAD = 3.0, 4.5
"""Sigma of 255 from which noise is a trouble, if it is white, and if it is spread.

What texture leaves in flat parts of clean photographs looks like spread noise, of 1 in the median
and 4.8 in the worst of twenty (BSDS500, CBM3D).
"""

WHITE = 1.4
"""Correlation up to which noise is white. Camera noise has 1.5 to 3, white noise 0.95 to 1.2."""

BLOCKY = 1.12
"""Blockiness from which a picture has JPEG blocks; clean and noisy photographs have 0.95 to 1.05,
those of quality 75 have 1.07 to 1.34."""

LOW_QUALITY = 80
"""Quality of a JPEG file below which its blocks are a trouble, if they are faint but there."""

FAINT = 1.03

TINY = 200
"""Pixels of the short side below which a picture is tiny."""

LUMA = (
    *(16, 11, 10, 16, 24, 40, 51, 61, 12, 12, 14, 19, 26, 58, 60, 55),
    *(14, 13, 16, 24, 40, 57, 69, 56, 14, 17, 22, 29, 51, 87, 80, 62),
    *(18, 22, 37, 56, 68, 109, 103, 77, 24, 35, 55, 64, 81, 104, 113, 92),
    *(49, 64, 78, 87, 103, 121, 120, 101, 72, 92, 95, 98, 112, 100, 103, 99),
)
"""The steps of luma at quality 50 (ITU-T T.81, table K.1)."""

GRID = 8
"""Pixels of a side of the blocks of JPEG."""


@attrs.frozen
class Diagnosis:
    """What was found in a picture.

    `sigma` is of 255; `correlation` is that of :class:`~nasir.baselines.noise_level.NoiseEstimate`.
    `quality` is that of a JPEG file, None of any other; `blockiness` is how much larger steps are
    at the edges of 8 x 8 blocks than elsewhere.
    """

    height: int
    width: int
    sigma: float
    correlation: float
    quality: int | None
    blockiness: float

    @property
    def troubles(self) -> tuple[Trouble, ...]:
        """All that wants to be restored.

        In a JPEG file chroma has lost its noise and luma has kept it: a network for white noise
        leaves it there, one for a camera's pictures does not.
        """
        found: list[Trouble] = []
        if self.has_white_noise:
            found.append("camera noise" if self.quality is not None else "white noise")
        elif self.sigma >= LEAST_SPREAD and self.correlation > WHITE:
            found.append("camera noise")
        low = self.quality is not None and self.quality < LOW_QUALITY
        if self.blockiness >= (FAINT if low else BLOCKY):
            found.append("JPEG blocks")
        return tuple(found)

    @property
    def has_white_noise(self) -> bool:
        """Whether there is noise, and none of its values depends on its neighbours'."""
        return self.sigma >= LEAST_WHITE and self.correlation <= WHITE

    @property
    def has_known_noise(self) -> bool:
        """Whether there is white noise as it was observed: JPEG has changed that of its files."""
        return self.has_white_noise and self.quality is None

    @property
    def is_tiny(self) -> bool:
        """Whether it may want to be enlarged."""
        return min(self.height, self.width) < TINY

    @property
    def words(self) -> str:
        """All of it in a line."""
        kind = "" if self.sigma < LEAST_WHITE else self._kind
        said = [f"noise of sigma {self.sigma:.1f} of 255{kind}"]
        blocks = "JPEG blocks" if "JPEG blocks" in self.troubles else "no JPEG blocks"
        said.append(blocks + (f" (quality {self.quality})" if self.quality is not None else ""))
        if self.is_tiny:
            said.append(
                f"only {self.height} x {self.width} pixels: task=sr task.scale=4 enlarges it"
            )
        return ", ".join(said)

    @property
    def mapping(self) -> dict[str, Any]:
        """All of it as JSON values."""
        return {**attrs.asdict(self), "troubles": list(self.troubles)}

    @property
    def _kind(self) -> str:
        return ", white" if self.correlation <= WHITE else ", spread as a camera's or texture"


def diagnose(path: Path) -> Diagnosis:
    """What troubles the picture in a file."""
    from nasir.tasks.pictures.reading import read_picture

    picture = read_picture(path)
    noise = noise_estimate(picture)
    height, width = picture.shape[:2]
    return Diagnosis(
        *(height, width, 255 * noise.sigma, noise.correlation),
        quality=jpeg_quality(path),
        blockiness=blockiness(picture),
    )


def jpeg_quality(path: Path) -> int | None:
    """The quality (1 to 100, as libjpeg counts it) of a JPEG file; None of any other.

    The quality whose luma table has a sum nearest to that of the file's.
    """
    from nasir.tasks.pictures.reading import opened

    with opened(path) as file:
        tables = getattr(file, "quantization", None)
    if not tables:
        return None
    total = sum(tables[min(tables)])
    return min(range(1, 101), key=lambda quality: abs(_luma_sum(quality) - total))


def _luma_sum(quality: int) -> int:
    """The sum of libjpeg's luma table of a quality."""
    percent = 5000 // quality if quality < 50 else 200 - 2 * quality
    return sum(min(255, max(1, (step * percent + 50) // 100)) for step in LUMA)


def blockiness(picture: Any) -> float:
    """The mean step at the edges of 8 x 8 blocks over that elsewhere; the smaller of both axes.

    The grid is where it stands out most: a picture may have been cut.
    """
    grey = np.asarray(picture, np.float32).mean(axis=-1)
    return min(_blockiness(grey), _blockiness(grey.T))


def _blockiness(grey: Any) -> float:
    steps = np.abs(np.diff(grey, axis=1)).mean(axis=0)
    if len(steps) < 2 * GRID:
        return 1.0
    means = np.array([steps[phase::GRID].mean() for phase in range(GRID)])
    phase = int(means.argmax())
    elsewhere = float(np.delete(means, phase).mean())
    return float(means[phase]) / elsewhere if elsewhere > 0 else 1.0
