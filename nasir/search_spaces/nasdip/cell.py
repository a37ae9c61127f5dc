"""The upsampling cell (NAS-DIP section 3.2, figure 3)."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor, nn

from nasir.core.architecture import Value
from nasir.core.errors import ArchitectureError, unknown_name
from nasir.search_spaces.nasdip.operations import Transform, buildable, operation
from nasir.search_spaces.nasdip.rewriting import after_nearest
from nasir.search_spaces.nasdip.upsample import Nearest

DECISIONS = ("upsample", "transform", "kernel", "dilation", "activation")


class UpsamplingCell(nn.Module):
    """Doubles the resolution: ``(N, width, H, W) -> (N, width, 2H, 2W)``.

    The activation follows both the resize and the transform; there is no normalisation.
    """

    def __init__(self, choices: Mapping[str, Value], width: int) -> None:
        """`choices` are those of `upsample`, `transform`, `kernel`, `dilation`, `activation`."""
        super().__init__()
        resize = operation("upsample", _chosen(choices, "upsample"))
        alone = resize.place == "alone"
        transform = None if alone else operation("transform", _chosen(choices, "transform"))
        if not buildable(resize, transform, width):
            raise ArchitectureError(
                f"the cell {dict(choices)} cannot be built at width {width}: its numbers of "
                "channels do not divide; choose another transform, or a width that 16 divides"
            )
        _check_decisions(choices, takes_kernel=transform is None or transform.takes_kernel)
        kernel, dilation = int(choices.get("kernel", 1)), int(choices.get("dilation", 1))
        activation = operation("activation", _chosen(choices, "activation"))
        self.transform_first = resize.place == "last"
        self.resize = resize(width, kernel, dilation)
        self.resize_activation = activation()
        self.transform: Transform | None = None
        if transform is not None:
            ratio = resize.channels_per_output
            inner = (width, width * ratio) if self.transform_first else (width // ratio, width)
            self.transform = transform(*inner, kernel, dilation)
            self.transform_activation = activation()

    def forward(self, x: Tensor) -> Tensor:
        if self.transform is None:
            return self.resize_activation(self.resize(x))
        if self.transform_first:
            x = self.transform_activation(self.transform(x))
            return self.resize_activation(self.resize(x))
        if type(self.resize) is Nearest:  # commutes with what works pixel by pixel
            x = after_nearest(self.transform, self.resize_activation(x))
        else:
            x = self.transform(self.resize_activation(self.resize(x)))
        return self.transform_activation(x)


def _check_decisions(choices: Mapping[str, Value], takes_kernel: bool) -> None:
    """Refuse unknown and missing decisions."""
    for name in choices:
        if name not in DECISIONS:
            raise unknown_name("decision of space 'nasdip':", name, DECISIONS)
    if takes_kernel and _chosen(choices, "kernel") != "1":
        _chosen(choices, "dilation")


def _chosen(choices: Mapping[str, Value], decision: str) -> str:
    if decision not in choices:
        raise ArchitectureError(f"the architecture lacks the decision {decision!r}")
    return str(choices[decision])
