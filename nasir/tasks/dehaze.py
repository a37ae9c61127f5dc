"""Removing haze."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import attrs
from attrs import validators as must

from nasir.core.component import setting
from nasir.core.errors import PictureError, SettingsError
from nasir.core.search_space import Signature
from nasir.core.task import Sample, Split
from nasir.tasks.picture_task import SMALLEST, Pictures, PictureTask
from nasir.tasks.pictures.picture import Picture

if TYPE_CHECKING:
    from torch import Tensor, nn

AIRLIGHT = (0.8, 0.85, 0.9)
"""Red, green and blue of the synthetic haze."""

_FINITE: list[Callable[..., Any]] = [must.ge(0), must.lt(math.inf)]


@attrs.frozen(eq=False, repr=False)
class HazySample(Sample):
    """A hazy picture, the `airlight` to start from ``(1, 3, 1, 1)``, and the true transmission.

    `transmission` is ``(1, 1, H, W)`` in (0, 1], None where nobody has it.
    """

    airlight: Tensor = attrs.field(kw_only=True)
    transmission: Tensor | None = attrs.field(default=None, kw_only=True)


def _numbers(given: float | Sequence[float] | None) -> tuple[float, ...] | None:
    if given is None:
        return None
    return (float(given),) if isinstance(given, int | float) else tuple(given)


def _colour(task: object, field: attrs.Attribute[Any], numbers: tuple[float, ...] | None) -> None:
    if numbers is None:
        return
    if len(numbers) not in (1, 3) or not all(0 < number <= 1 for number in numbers):
        raise ValueError(f"{field.name!r} must be one or three numbers in (0, 1]: {list(numbers)}")


@attrs.define(slots=False)
class Dehaze(PictureTask):
    """Remove haze from a photograph, with a prior for the picture and one for the haze.

    A hazy picture is I = t J + (1 - t) A. By Double-DIP (Gandelsman, Shocher and Irani 2019;
    NAS-DIP section 4.3) three networks give the picture J, the transmission t and a map of the
    airlight A; the loss also asks for a t of small Laplacian and an A near its dark-channel
    estimate, and the result is the inversion of I, with t refined by a guided filter. With ``model
    = "one_colour"`` two networks give J and t, A is one colour that starts at its estimate, the
    loss asks for small differences of t, and the result is J. How a clear picture would look in the
    haze is unknown, so the forward operator is the identity.

    Haze needs depth, so clear photographs cannot be given: with no `images` the task is on two
    halves of a scene whose depth scikit-image carries, one to search on and one to test on.
    """

    fitting: ClassVar[Mapping[str, Any]] = {"iterations": 300, "stop": "fixed"}

    size: int = setting(
        64,
        f"longest side in pixels, >= {SMALLEST}: larger pictures are shrunk; 0: as they are",
        must.ge(0),
    )
    color: str = setting(
        "auto",
        "channels: rgb, which auto means too: haze shows in colour",
        must.in_(("auto", "rgb")),
    )
    beta: float = setting(
        1.0, "optical thickness of the synthetic haze at the mean depth, > 0", must.gt(0)
    )
    airlight: tuple[float, ...] | None = setting(
        None,
        "colour of the haze, one or three numbers in (0, 1]; none: bluish grey in the synthetic "
        "haze, estimated in given pictures",
        _colour,
        _numbers,
    )
    model: str = setting(
        "double_dip",
        "double_dip: networks for J, t and A; one_colour: for J and t, and A is one free colour",
        must.in_(("double_dip", "one_colour")),
    )
    smoothness: float | None = setting(
        None,
        "weight of t's mean squared Laplacian (double_dip), or difference between neighbouring "
        "pixels (one_colour), >= 0; none: 30 or 0.3",
        must.optional(must.and_(*_FINITE)),
    )
    anchor: float = setting(
        0.1, "weight of the mean squared distance of A from its estimate, >= 0", _FINITE
    )
    dark: float = setting(
        0.0,
        "weight of the mean squared distance of t from the dark channel's estimate, >= 0; only "
        "where no pixels are held out",
        _FINITE,
    )
    coarse_side: int = setting(
        0,
        f"longest side in pixels, >= {SMALLEST}, that networks are fitted at; t is enlarged by a "
        "guided filter and the picture is its inversion; 0: as large as the picture",
        must.ge(0),
    )
    recovery: str = setting(
        "auto",
        "the picture: what the prior gives, or inversion: (I - (1 - t) A) / t, which keeps all "
        "detail and noise, or refined: that with t after a guided filter; auto: refined by "
        "double_dip, prior by one_colour",
        must.in_(("auto", "prior", "inversion", "refined")),
    )

    def __attrs_post_init__(self) -> None:
        if 0 < self.size < SMALLEST:
            raise ValueError(f"'size' must be 0 or >= {SMALLEST}: {self.size}")
        if 0 < self.coarse_side < SMALLEST:
            raise ValueError(f"'coarse_side' must be 0 or >= {SMALLEST}: {self.coarse_side}")
        if (self.images or self.test_images) and not self.degraded:
            raise SettingsError(
                "dehaze cannot put haze into photographs without their depth: give hazy ones with "
                "task.degraded=true, or none"
            )

    @classmethod
    def settings_for(cls, use: str) -> Mapping[str, Any]:
        """A person wants all detail of a large photograph, and no haze, in a minute."""
        coarse = {"coarse_side": 128, "dark": 0.1, "model": "one_colour"}
        quick = coarse if use == "restore" else {}
        return {**super().settings_for(use), **quick}

    @property
    def networks(self) -> int:  # type: ignore[override]
        return 3 if self.model == "double_dip" else 2

    def splits(self, images: Pictures, test: Pictures) -> dict[Split, Pictures]:
        from nasir.tasks.physics.haze import scenes

        views, yours = [Picture(name, array) for name, array in scenes()], [*images, *test]
        searched, tested = (views[:1], views[1:]) if self.search else (views, views)
        if not self.degraded:
            return {"search": searched, "test": tested}
        return {"search": searched if self.search else yours, "test": yours}

    def degrade(self, name: str, picture: Tensor) -> Sample:
        import torch

        from nasir.tasks.physics.haze import depth_of

        transmission = torch.exp(-self.beta * depth_of(name, picture.shape[-2:]))
        airlight = _as_pixel(self.airlight or AIRLIGHT)
        hazy = picture * transmission + (1 - transmission) * airlight
        return attrs.evolve(_sample(name, hazy), clean=picture, transmission=transmission)

    def take(self, name: str, picture: Tensor) -> Sample:
        if (picture == picture[:, :1]).all():
            raise PictureError(f"{name} is grey: dehazing needs colour, to tell haze from things")
        return _sample(name, picture, self.airlight)

    def _sized(self, array: Any, split: Split) -> Any:
        from nasir.tasks.physics.haze import shrunk

        return shrunk(array, self.size)

    def _is_cut(self, shape: Sequence[int], split: Split) -> bool:
        return 0 < self.size < max(shape[:2])

    @property
    def part(self) -> str:
        return f"a copy with at most {self.size} pixels a side of"

    def _prepared(self, name: str, array: Any, channels: int) -> Tensor:
        return super()._prepared(name, array, 3)

    def assemble(self, build: Callable[[Signature], nn.Module], signature: Signature) -> nn.Module:
        """Gives J, t, and A or how far one colour is from its estimate, in 3 + 1 + 3 channels."""
        from nasir.tasks.priors import Priors, WithColour

        picture = build(signature)
        transmission = build(attrs.evolve(signature, out_channels=1))
        if self.model == "double_dip":
            return Priors(picture, transmission, build(signature))
        return WithColour(Priors(picture, transmission), signature.out_channels)

    def loss(self, output: Tensor, sample: Sample) -> Tensor:
        """The error of t J + (1 - t) A at observed pixels, and what holds t and A."""
        from nasir.tasks.physics.haze import dark_transmission
        from nasir.tasks.protocol import observed_error

        picture, transmission, airlight = self._parts(output, sample)
        hazy = transmission * picture + (1 - transmission) * airlight
        rough = self._roughness(transmission)
        drift = (airlight - _hazy(sample).airlight).square().mean()
        loss = observed_error(hazy, sample) + self._smoothness * rough + self.anchor * drift
        if not self.dark or sample.mask is not None:
            return loss
        estimate = dark_transmission(sample.degraded, _hazy(sample).airlight)
        return loss + self.dark * (transmission - estimate).square().mean()

    def coarse(self, sample: Sample) -> Sample | None:
        """The picture at `coarse_side`, with the airlight of the whole one."""
        longest, shortest = max(sample.degraded.shape[-2:]), min(sample.degraded.shape[-2:])
        if not 0 < self.coarse_side < longest:
            return None
        return self.shrunk(sample, max(1, round(self.coarse_side / longest * shortest)))

    def refined(self, output: Tensor, coarse: Sample, sample: Sample) -> Tensor:
        """The inversion, with the transmission enlarged along the edges of the hazy picture."""
        from nasir.tasks.physics.haze import enlarged, inverted, refined_transmission

        _, transmission, airlight = self._parts(output, coarse)
        transmission = refined_transmission(transmission, sample.degraded)
        airlight = enlarged(airlight, sample.degraded.shape[-2:])
        return inverted(sample.degraded, transmission, airlight)

    def restored(self, output: Tensor, sample: Sample) -> Tensor:
        picture, transmission, airlight = self._parts(output, sample)
        usual = "refined" if self.model == "double_dip" else "prior"
        recovery = usual if self.recovery == "auto" else self.recovery
        if recovery == "prior":
            return picture
        from nasir.tasks.physics.haze import inverted, refined_transmission

        if recovery == "refined":
            transmission = refined_transmission(transmission, sample.degraded)
        return inverted(sample.degraded, transmission, airlight)

    @property
    def _smoothness(self) -> float:
        usual = 30.0 if self.model == "double_dip" else 0.3
        return usual if self.smoothness is None else self.smoothness

    def _roughness(self, transmission: Tensor) -> Tensor:
        """The mean squared Laplacian of t, or that of its differences down and across."""
        down, across = transmission.diff(dim=2), transmission.diff(dim=3)
        if self.model == "one_colour":
            return down.square().mean() + across.square().mean()
        return (down.diff(dim=2)[..., 1:-1] + across.diff(dim=3)[..., 1:-1, :]).square().mean()

    def _parts(self, output: Tensor, sample: Sample) -> tuple[Tensor, Tensor, Tensor]:
        """The picture, the transmission and the airlight in an output of the assembled module."""
        picture, transmission, airlight = output.split((3, 1, 3), dim=1)
        if self.model == "one_colour":
            drift = airlight.mean((2, 3), keepdim=True)
            airlight = (_hazy(sample).airlight + drift).clamp(0, 1)
        return picture, transmission, airlight

    def metrics(self, restored: Tensor, sample: Sample) -> Mapping[str, float]:
        """PSNR, SSIM, and the error of the transmission that `restored` amounts to.

        `transmission_error` is the root mean squared error, in [0, 1], of the t in [0, 1] with
        which t `restored` + (1 - t) A is nearest to the hazy picture, pixel by pixel.
        """
        figures = super().metrics(restored, sample)
        truth = sample.transmission if isinstance(sample, HazySample) else None
        if not figures or truth is None:
            return figures
        airlight = _hazy(sample).airlight
        behind = restored.to(airlight.device).clamp(0, 1) - airlight
        along = (behind * (sample.degraded - airlight)).sum(1, keepdim=True)
        implied = (along / behind.square().sum(1, keepdim=True).clamp(min=1e-6)).clamp(0, 1)
        error = (implied - truth).square().mean().sqrt().item()
        return {**figures, "transmission_error": error}


def _sample(name: str, hazy: Tensor, airlight: tuple[float, ...] | None = None) -> HazySample:
    """The sample with the airlight that is given, or else estimated.

    Raises :class:`PictureError` where the picture has the airlight's colour everywhere.
    """
    from nasir.tasks.physics.haze import estimated_airlight

    colour = estimated_airlight(hazy) if airlight is None else _as_pixel(airlight)
    if (hazy - colour).abs().max() < 1 / 255:
        raise PictureError(
            f"{name} has the colour of the airlight everywhere, so that nothing is seen through "
            "the haze: give a picture of something, or another task.airlight or task.beta"
        )
    return HazySample(name, hazy, airlight=colour)


def _as_pixel(colour: tuple[float, ...]) -> Tensor:
    import torch

    return torch.tensor(colour).expand(3).reshape(1, 3, 1, 1)


def _hazy(sample: Sample) -> HazySample:
    assert isinstance(sample, HazySample), "dehaze makes its own samples"
    return sample
