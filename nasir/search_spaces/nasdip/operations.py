"""The operations of an upsampling cell: their base classes and their registry.

An option of the decisions `upsample`, `transform` and `activation` is a class registered with
the hook ``register_operations`` as ``upsample.NAME``, ``transform.NAME``, ``activation.NAME``:
a subclass of :class:`Upsampling` or :class:`Transform`, or any module without arguments.
"""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from torch import nn

from nasir.core.registry import registries


class Upsampling(nn.Module):
    """Doubles height and width: ``(N, C, H, W) -> (N, C / channels_per_output, 2H, 2W)``."""

    place: ClassVar[Literal["first", "last", "alone"]] = "first"
    """Before the feature transform, after it, or in place of it with weights of its own."""

    channels_per_output: ClassVar[int] = 1
    """How many input channels make one output channel."""

    def __init__(self, channels: int, kernel: int, dilation: int) -> None:
        """`kernel` and `dilation` are those of an upsampling of place ``alone``."""
        super().__init__()


class Transform(nn.Module):
    """Transforms features: ``(N, in_channels, H, W) -> (N, out_channels, H, W)``."""

    takes_kernel: ClassVar[bool] = True
    """Whether it has a kernel size and a dilation rate."""

    def __init__(self, in_channels: int, out_channels: int, kernel: int, dilation: int) -> None:
        super().__init__()

    @classmethod
    def fits(cls, in_channels: int, out_channels: int) -> bool:
        """Whether it can be built with these numbers of channels."""
        return True


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
