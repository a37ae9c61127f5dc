"""What troubles a picture: noise, JPEG blocks, or a tiny size."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import attrs
import numpy as np

from nasir.baselines.noise_estimate import INDEPENDENT, WHITE, noise_estimate
from nasir.baselines.photon_noise import PhotonNoise, photon_noise

Trouble = Literal["white noise", "camera noise", "JPEG blocks"]

LEAST_WHITE, LEAST_SPREAD = 3.0, 4.5
"""Sigma of 255 from which noise is a trouble, if it is white, and if it is spread."""

TAILS, SPREAD_TAILS = (0.8, 1.35), (0.8, 1.2)
"""Noise is nearly Gaussian. Drawings and masks have less, texture has more, camera noise least."""

LEAST_SHARE, LEAST_FLOOR = 0.3, 3.5
"""What is the same in all colours could be texture. It is noise if nearly all blocks have this
share of its sigma, or, if it is spread, this sigma of 255."""

LEAST_GREY_SHARE = 0.75
"""Share of its sigma that nearly all blocks have of spread noise without colours."""

CAMERA_EVIDENCE = 6.0
"""Correlation of colours, times the share of sigma that a network takes away, of a camera's noise.
Its colours were smoothed: 38 of 39 pictures with it have more, none of 25 textures that were taken
for it."""

LEAST_WHITE_IN_JPEG = 13.0
"""Sigma of 255 from which the network for a camera's noise improves pictures with white noise that
were saved as JPEG: below it costs up to 2 dB in those with texture."""

BLOCKY = 0.2
"""Steps of 255 from which a picture has JPEG blocks. Clean and noisy photographs have up to 0.15,
those of quality 60 have 0.4 to 1.5."""

LOW_QUALITY = 80
"""Quality of a JPEG file below which its blocks are a trouble, however faint."""

FAINT = 0.0

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

LARGEST_STEP = 8
"""Steps count up to this, of 255: larger ones are edges of the picture."""

DEVIATIONS = 2
"""What stands out by fewer standard deviations is chance, as in small pictures."""


@attrs.frozen
class Diagnosis:
    """What was found in a picture.

    `sigma` and `floor` are of 255; they, `correlation`, `independence`, `tails` and
    `colour_correlation` are those of :class:`~nasir.baselines.noise_estimate.NoiseEstimate`.
    `quality` is that of a JPEG file, None of any other; `blockiness` is how much larger steps are
    at the edges of 8 x 8 blocks than elsewhere, of 255. `photons` is the photon noise, None if
    there is none.
    """

    height: int
    width: int
    sigma: float
    correlation: float
    independence: float
    floor: float
    tails: float
    quality: int | None
    blockiness: float
    colour_correlation: float = 0.0
    photons: PhotonNoise | None = None

    @property
    def troubles(self) -> tuple[Trouble, ...]:
        """All that wants to be restored.

        In a JPEG file chroma has lost its noise and luma has kept it: a network for white noise
        leaves it there, one for a camera's pictures does not.
        """
        found: list[Trouble] = []
        if self.has_white_noise:
            found.append("camera noise" if self.quality is not None else "white noise")
        elif self.has_spread_noise:
            found.append("camera noise")
        low = self.quality is not None and self.quality < LOW_QUALITY
        if self.blockiness > (FAINT if low else BLOCKY):
            found.append("JPEG blocks")
        return tuple(found)

    @property
    def has_white_noise(self) -> bool:
        """Whether there is noise, and none of its values depends on its neighbours'."""
        if self.sigma < LEAST_WHITE or self.correlation > WHITE:
            return False
        is_noise = self.floor >= LEAST_SHARE * self.sigma and _within(self.tails, TAILS)
        return self.independence >= INDEPENDENT or is_noise

    @property
    def has_spread_noise(self) -> bool:
        """Whether there is noise that depends on its neighbours', and is no texture."""
        if self.sigma < LEAST_SPREAD or self.correlation <= WHITE:
            return False
        if not self.colour_correlation and self.floor < LEAST_GREY_SHARE * self.sigma:
            return False
        is_noise = self.floor >= LEAST_FLOOR and _within(self.tails, SPREAD_TAILS)
        return self.independence >= INDEPENDENT or is_noise

    def shows_camera_noise(self, removed: float) -> bool:
        """Whether what was removed, of that root mean square of 255, is noise and no texture."""
        if self.has_white_noise:
            return self.sigma >= LEAST_WHITE_IN_JPEG
        if self.independence >= INDEPENDENT or not self.colour_correlation:
            return True
        return self.colour_correlation * removed >= CAMERA_EVIDENCE * self.sigma

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
        said = [self._noise]
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
    def _noise(self) -> str:
        level = f"of sigma {self.sigma:.1f} of 255"
        if self.has_white_noise:
            photons = self.photons if self.has_known_noise else None
            return f"white noise {level}" + (photons.words if photons is not None else "")
        if self.has_spread_noise:
            return f"noise {level}, spread as a camera's"
        return "no noise" if self.sigma < LEAST_WHITE else f"no noise, but texture {level}"


def _within(value: float, bounds: tuple[float, float]) -> bool:
    return bounds[0] <= value <= bounds[1]


def diagnose(path: Path) -> Diagnosis:
    """What troubles the picture in a file."""
    from nasir.tasks.pictures.reading import read_picture

    picture = read_picture(path)
    noise = noise_estimate(picture)
    height, width = picture.shape[:2]
    return Diagnosis(
        *(height, width, 255 * noise.sigma, noise.correlation, noise.independence),
        floor=255 * noise.floor,
        tails=noise.tails,
        quality=jpeg_quality(path),
        blockiness=blockiness(picture),
        colour_correlation=noise.colour_correlation,
        photons=photon_noise(picture),
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
    """How much larger steps are at the edges of 8 x 8 blocks than elsewhere, of 255.

    The smaller of both axes. From each step the mean of the steps beside it is taken, so that edges
    of the picture count little. The grid is where it stands out most: a picture may have been cut.
    """
    grey = 255 * np.asarray(picture, np.float32).mean(axis=-1)
    return min(_blockiness(grey), _blockiness(grey.T))


def _blockiness(grey: Any) -> float:
    steps = np.abs(np.diff(grey, axis=1))
    if steps.shape[1] < 3 * GRID:
        return 0.0
    beside = (steps[:, :-2] + steps[:, 2:]) / 2
    excess = (steps[:, 1:-1] - beside).clip(-LARGEST_STEP, LARGEST_STEP).mean(axis=0)
    means = np.array([excess[phase::GRID].mean() for phase in range(GRID)])
    phase = int(means.argmax())
    elsewhere = np.delete(means, phase)
    return float(means[phase] - elsewhere.mean() - DEVIATIONS * elsewhere.std())
