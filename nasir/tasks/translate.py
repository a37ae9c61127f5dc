"""Translating pictures of one domain into another, learnt from unpaired examples."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import attrs
from attrs import validators as must

from nasir.core.component import setting
from nasir.core.search_space import Signature
from nasir.core.task import Sample, Split, Task
from nasir.settings.paths import whole_path
from nasir.tasks.pictures.names import picture_files

if TYPE_CHECKING:
    from torch import Tensor, nn

    from nasir.tasks.unpaired import Domains, Unpaired

SMALLEST = 16
"""Fewest pixels of a side."""


@attrs.define(slots=False)
class Translate(Task):
    """Make a picture of domain A look like one of domain B, or the other way round.

    Unpaired (CycleGAN, Zhu et al. 2017; NAS-DIP section 4.5): the domains have no picture in
    common. `folder` has the folders ``trainA``, ``trainB``, ``testA`` and ``testB``; generators
    learn from the first two. A search is scored on pictures of these that its generators do not
    learn from, and the generators that are tested learn from all. There is no ground truth.

    Without a folder the domains are tiles of photographs that scikit-image carries, as they are
    (A) and, of other tiles, in a made-up winter (B): paler, flatter, brighter and bluer. The
    counterpart of each tile in the other domain is then known, to score by and not to learn from.
    """

    folder: str | None = setting(
        None,
        "a folder with trainA, trainB, testA and testB; none: tiles of photographs",
        converter=whole_path,
        files=lambda folder: picture_files([folder]),
    )
    size: int = setting(
        64,
        f"side of the squares in pixels, >= {SMALLEST}: pictures are shrunk until their short side "
        "has so many, and cut to their middle",
        must.ge(SMALLEST),
    )
    direction: str = setting(
        "AtoB", "AtoB or BtoA: which translation is evaluated", must.in_(("AtoB", "BtoA"))
    )
    held_out: int = setting(
        8,
        "pictures of each of trainA and trainB that a search is scored on, >= 1, and half of them "
        "at most",
        must.ge(1),
    )
    seed: int = setting(0, "what tiles and held out pictures are drawn from, >= 0", must.ge(0))
    _pictures: Any = attrs.field(init=False, default=None, eq=False, repr=False)

    single_pictures = False
    default_evaluator = "cyclegan"
    signature = Signature(3, 3)

    def domains(self, split: Split) -> tuple[list[Tensor], list[Tensor]]:
        """The pictures of A and of B ``(1, 3, size, size)`` that generators learn from."""
        learnt = self._read().train if split == "test" else self._searched()[0]
        a, b = ([sample.degraded for sample in domain] for domain in learnt)
        return a, b

    def unseen(self, split: Split) -> tuple[Sequence[Sample], Sequence[Sample]]:
        """The pictures of A and of B that the generators of a split do not learn from."""
        return self._read().test if split == "test" else self._searched()[1]

    def samples(self, split: Split) -> Sequence[Sample]:
        """The unseen pictures that are translated in `direction`."""
        a, b = self.unseen(split)
        return a if self.direction == "AtoB" else b

    def loss(self, output: Tensor, sample: Sample) -> Tensor:
        """Of a reconstruction: the mean absolute difference from the picture (equation 2)."""
        return (output - sample.degraded).abs().mean()

    def metrics(self, restored: Tensor, sample: Sample) -> Mapping[str, float]:
        """PSNR in dB and SSIM against the counterpart, of `restored` clipped to [0, 1]."""
        from nasir.core.metrics import psnr, ssim

        if sample.clean is None:
            return {}
        x, y = restored.clamp(0, 1).to(sample.clean.device), sample.clean
        return {"psnr": psnr(x, y), "ssim": ssim(x.double(), y.double()).item()}

    def assemble(self, build: Callable[[Signature], nn.Module], signature: Signature) -> nn.Module:
        """Two generators, one a direction; as a module they translate in `direction`."""
        from nasir.tasks.generators import Generators

        return Generators(build, signature, self.direction)

    def _searched(self) -> tuple[Domains, Domains]:
        """The training pictures that a search learns from, and those that score it."""
        from nasir.tasks.unpaired import apart

        return apart(self._read().train, self.held_out, self.seed)

    def _read(self) -> Unpaired:
        from nasir.tasks.unpaired import from_folder, seasons

        if self._pictures is None:
            if self.folder is None:
                self._pictures = seasons(self.size, self.seed)
            else:
                self._pictures = from_folder(self.folder, self.size)
        pictures: Unpaired = self._pictures
        return pictures

    def __getstate__(self) -> dict[str, Any]:
        """Without the pictures: whoever unpickles the task reads them again."""
        return self.__dict__ | {"_pictures": None}
