"""What an upsampling cell is made of, and where its options come from.

An option of the decisions `upsample`, `transform` and `activation` is a class registered with
the hook ``register_operations`` as ``upsample.NAME``, ``transform.NAME``, ``activation.NAME``:
a subclass of :class:`Upsampling` or :class:`Transform`, or any module without arguments.
"""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from torch import Tensor, nn

from nasir.core.registry import registries


class Upsampling(nn.Module):
    """Doubles height and width: ``(N, C, H, W) -> (N, C / channels_per_output, 2H, 2W)``."""

    place: ClassVar[Literal["first", "last", "alone"]] = "first"
    """Before the feature transform, after it, or with weights of its own in place of it."""

    channels_per_output: ClassVar[int] = 1
    """How many input channels make one output channel."""

    def __init__(self, channels: int, kernel: int, dilation: int) -> None:
        """`kernel` and `dilation` are of use to an upsampling that stands alone."""
        super().__init__()


class Transform(nn.Module):
    """Transforms features: ``(N, in_channels, H, W) -> (N, out_channels, H, W)``."""

    takes_kernel: ClassVar[bool] = True
    """Whether kernel size and dilation rate mean anything to it."""

    def __init__(self, in_channels: int, out_channels: int, kernel: int, dilation: int) -> None:
        super().__init__()

    @classmethod
    def fits(cls, in_channels: int, out_channels: int) -> bool:
        """Whether it can be built with these channels."""
        return True

    def after_nearest(self, x: Tensor) -> Tensor:
        """The transform of `x` resized to twice its size by nearest neighbour."""
        return self(x.repeat_interleave(2, -2).repeat_interleave(2, -1))

    def as_convolution(self) -> tuple[Tensor, int] | None:
        """The kernel ``(O, C, k, k)`` and the dilation of a convolution that does the same.

        Its borders are reflected, and it has no bias. None where there is no such convolution.
        """
        return None


def operation(decision: str, option: str) -> Any:
    """The class registered for an option of a decision."""
    return registries["operation"].load(f"{decision}.{option}")


def buildable(upsample: type[Upsampling], transform: type[Transform] | None, width: int) -> bool:
    """Whether a cell of these two can map `width` channels to `width` channels."""
    ratio = upsample.channels_per_output
    if upsample.place == "last":
        return transform is not None and transform.fits(width, width * ratio)
    if width % ratio:
        return False
    if upsample.place == "alone":
        return ratio == 1
    return transform is not None and transform.fits(width // ratio, width)
