"""Blind inverse light transport: recovering a hidden video from what it casts on a wall."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import attrs
from attrs import validators as must

from nasir.core.component import setting
from nasir.core.errors import PictureError
from nasir.core.search_space import Signature
from nasir.core.seeds import derived_seed
from nasir.core.task import Sample, Split, Task
from nasir.settings.paths import one_file, whole_path

if TYPE_CHECKING:
    from torch import Tensor, nn

SHIPPED: dict[Split, str] = {"search": "camera", "test": "coins"}
"""Pictures that scikit-image carries, as the transport of each split."""


@attrs.define(slots=False)
class Factorize(Task):
    """Split an observed video into light transport and hidden video, both unknown.

    Z = T L: Z is a row of `size` sensors over `times`, T (sensors x hidden places) how light gets
    from each place to each sensor, L (hidden places x times) the video. Two networks give T and L
    (Aittala et al. 2019, "Computational Mirrors"; NAS-DIP section 4.3), whose outputs are >= 0.
    That of T is offered each sensor's total over time as a hint, as in CompMirror. The loss is the
    mean squared error of g T L to Z with the best gain g, or that of CompMirror's published
    experiment: the mean absolute error of T L's differences between neighbouring sensors, and
    times, and 0.0001 times that of T L.

    Any invertible M makes T M^-1 and M L of T and L, so that the priors alone decide, and a good
    fit to Z says little of L. The gain, the offset and the direction of L remain open: metrics
    are taken after those that suit it best, and a flat L is the least one can get. Expect
    thousands of iterations; the fewer hidden places, the better the problem is determined.
    """

    networks: ClassVar[int] = 2

    transport: str | None = setting(
        None,
        "picture of T, sensors by places; none: camera to search on and coins to test on, which "
        "scikit-image carries",
        converter=whole_path,
        files=one_file,
    )
    hidden: str | None = setting(
        None,
        "picture of L, places by times; none: drawn things that move",
        converter=whole_path,
        files=one_file,
    )
    observed: str | None = setting(
        None,
        "picture of Z, sensors by times, to factorise without ground truth; none: T L",
        converter=whole_path,
        files=one_file,
    )
    size: int = setting(64, "sensors: rows of Z, >= 16; pictures are resized", must.ge(16))
    times: int | None = setting(
        None, "columns of Z, >= `size`; none: `size`", must.optional(must.ge(16))
    )
    places: int = setting(8, "hidden places, 2 to `size`: rows of L, columns of T", must.ge(2))
    sigma: float = setting(
        0.0,
        "standard deviation of the noise in Z, of 255 where Z is at most 255, >= 0",
        [must.ge(0), must.lt(math.inf)],
    )
    compares: str = setting(
        "product",
        "what the loss compares with Z: the product T L (squared), or its gradient (absolute)",
        must.in_(("product", "gradient")),
    )
    seed: int = setting(0, "what moving things and noise are drawn from, >= 0", must.ge(0))

    _samples: dict[Split, Sample] = attrs.field(init=False, factory=dict, eq=False, repr=False)

    def __attrs_post_init__(self) -> None:
        if self.places > self.size:
            raise ValueError(f"'places' must be 2 to size={self.size}: {self.places}")
        if self._columns < self.size:
            raise ValueError(f"'times' must be >= size={self.size}: {self.times}")

    @property
    def _columns(self) -> int:
        return self.times or self.size

    @property
    def signature(self) -> Signature:
        return Signature(1, 1)

    def samples(self, split: Split) -> Sequence[Sample]:
        """One scene a split: another where `transport` or `hidden` is not given."""
        if split not in self._samples:
            given = self.observed and split == "test"
            self._samples[split] = self._given() if given else self._scene(split)
        return [self._samples[split]]

    def assemble(self, build: Callable[[Signature], nn.Module], signature: Signature) -> nn.Module:
        """Gives T and L, each as a picture as large as Z; that of T is square, and black beside."""
        from nasir.tasks.priors import Priors, Square

        transport = build(attrs.evolve(signature, hints=1))
        return Priors(
            transport if self._columns == self.size else Square(transport), build(signature)
        )

    def hint(self, module: nn.Module, sample: Sample) -> None:
        """Each sensor's total over time to the network of T, repeated along the places."""
        from nasir.core.hints import give
        from nasir.tasks.physics.light_transport import standardised_totals

        give(module, standardised_totals(sample.degraded, sample.mask))

    def loss(self, output: Tensor, sample: Sample) -> Tensor:
        import torch

        from nasir.tasks.physics.light_transport import factors, gradient_error, scaled_product
        from nasir.tasks.protocol import observed_error

        observed = sample.degraded
        mask = torch.ones_like(observed) if sample.mask is None else sample.mask
        transport, video = factors(output, self.places)
        if self.compares == "gradient":
            return gradient_error(transport @ video, observed, mask)
        return observed_error(scaled_product(transport, video, observed, mask), sample)

    def restored(self, output: Tensor, sample: Sample) -> Tensor:
        """The hidden video, each place repeated so that there are as many rows as in Z."""
        from nasir.tasks.physics.light_transport import factors, repeated

        _, video = factors(output, self.places)
        return repeated(video, output.shape[-2])

    def metrics(self, restored: Tensor, sample: Sample) -> Mapping[str, float]:
        """PSNR in dB and SSIM after the gain, offset and mirror that suit `restored` best."""
        from nasir.core.metrics import psnr, ssim
        from nasir.tasks.physics.light_transport import fitted

        if sample.clean is None:
            return {}
        truth = sample.clean
        ours = fitted(restored.to(truth.device), truth).clamp(0, 1)
        return {"psnr": psnr(ours, truth), "ssim": ssim(ours.double(), truth.double()).item()}

    def shrunk(self, sample: Sample, side: int) -> Sample:
        from nasir.tasks.protocol import shrunk

        return shrunk(sample, side)

    def _scene(self, split: Split) -> Sample:
        """Z of a transport and a hidden video, at most 1 before the noise."""
        import numpy as np
        import torch

        from nasir.tasks.physics.light_transport import averaged, repeated

        through, transport = self._transport(split)
        what, video = self._video(split)
        name = f"{through}-{what}"
        video = averaged(video, self.places, self._columns)
        seen = averaged(transport, self.size, self.places) @ video
        if not seen.any():
            raise PictureError(f"{through} lets no light of {what} through: give another picture")
        rng = np.random.default_rng(derived_seed(self.seed, "noise", name))
        noise = rng.standard_normal(seen.shape, dtype=np.float32) * np.float32(self.sigma / 255)
        observed = seen / seen.max() + torch.from_numpy(noise)
        return Sample(name, observed, repeated(video, self.size))

    def _transport(self, split: Split) -> tuple[str, Tensor]:
        from nasir.tasks.physics.light_transport import shipped

        if self.transport is None:
            return SHIPPED[split], shipped(SHIPPED[split])
        return Path(self.transport).stem, _read(self.transport)

    def _video(self, split: Split) -> tuple[str, Tensor]:
        import numpy as np

        from nasir.tasks.physics.light_transport import tracks

        if self.hidden is None:
            rng = np.random.default_rng(derived_seed(self.seed, "tracks", split))
            return f"tracks-{split}", tracks(rng, self._columns)
        return Path(self.hidden).stem, _read(self.hidden)

    def _given(self) -> Sample:
        from nasir.tasks.physics.light_transport import averaged

        assert self.observed is not None
        observed = averaged(_read(self.observed), self.size, self._columns)
        return Sample(Path(self.observed).stem, observed / observed.max())

    def __getstate__(self) -> dict[str, object]:
        """Without the pictures: whoever unpickles the task makes them again."""
        return self.__dict__ | {"_samples": {}}


def _read(path: str) -> Tensor:
    """A picture file in grey ``(1, 1, H, W)``; refuses one that is the same everywhere."""
    import torch

    from nasir.tasks.pictures.reading import read_picture

    picture = torch.from_numpy(read_picture(Path(path))).mean(-1)[None, None]
    if picture.amax() == picture.amin():
        raise PictureError(f"{path} is the same everywhere: there is nothing to factorise")
    return picture
