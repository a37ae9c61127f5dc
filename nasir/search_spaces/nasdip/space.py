"""The search space of NAS-DIP."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

import attrs
from attrs import validators as must

from nasir.core.architecture import Architecture, Value
from nasir.core.component import setting
from nasir.core.domain import Condition, Decision, Domain
from nasir.core.errors import ArchitectureError, SettingsError, unknown_name
from nasir.core.registry import registries
from nasir.core.search_space import SearchSpace, Signature
from nasir.search_spaces.nasdip import connections as joined
from nasir.search_spaces.nasdip.published import FIGURE_3, FOUND, FOUND_FOR, cell_choices, cell_of
from nasir.search_spaces.sizes import FARTHEST, channels

if TYPE_CHECKING:
    from torch import nn

    from nasir.core.diagram import Drawing
    from nasir.search_spaces.nasdip.supernet import NasDipSupernet

NAME = "nasdip"
HAND_MADE = "deep_image_prior"
DEEP_DECODER = "deep_decoder"
CYCLEGAN_UNET = "cyclegan_unet"
COMP_MIRROR = "comp_mirror"

CROSSING = "crossing"
"""What says, of an architecture, that its maps cross levels in another way than the space's do."""


def _registered(
    space: NasDip, field: attrs.Attribute[tuple[str, ...]], options: tuple[str, ...]
) -> None:
    """Refuse options that are not registered as operations."""
    prefix = f"{field.name}."
    known = [n.removeprefix(prefix) for n in registries["operation"] if n.startswith(prefix)]
    for option in options:
        if option not in known:
            raise unknown_name(f"option of space.{field.name}:", option, known)
    _distinct(space, field, options)


def _distinct(space: NasDip, field: attrs.Attribute[Any], options: tuple[Any, ...]) -> None:
    if not options or len(set(options)) != len(options):
        raise SettingsError(f"space.{field.name} wants different options, at least one")


def _odd(space: NasDip, field: attrs.Attribute[tuple[int, ...]], options: tuple[int, ...]) -> None:
    if any(not 1 <= size <= FARTHEST or size % 2 == 0 for size in options):
        raise SettingsError(
            f"space.{field.name} wants odd sizes from 1 to {FARTHEST}, got {list(options)}"
        )


def _positive(
    space: NasDip, field: attrs.Attribute[tuple[int, ...]], options: tuple[int, ...]
) -> None:
    if any(not 1 <= rate <= FARTHEST for rate in options):
        raise SettingsError(
            f"space.{field.name} wants rates from 1 to {FARTHEST}, got {list(options)}"
        )


@attrs.define(slots=False)
class NasDip(SearchSpace):
    """Upsampling cell and cross-level connections of a deep image prior (NAS-DIP section 3).

    The cell has five decisions (figure 3). With `connections` shared, one pattern of level
    differences decides for all decoder levels which maps they receive. The paper counts
    2^(2 depth - 1) patterns; those that connect the same level are used (section 3.3), unless
    `same_level` is ``searched``. With `connections` full there are 2^(depth^2) 0/1 matrices.

    Maps that cross levels come up by the decoder's own x2 steps (section 3.3, figure 5), or as in
    the published program by others. The architectures that its authors found are built as there,
    whatever `crossing` is. The domain has only cells that can be built at `width`. The defaults of
    `depth` and `width` suit small pictures; the paper's are 5 and 128.
    """

    depth: int = setting(4, "levels of encoder and decoder, 1 to 8", [must.ge(1), must.le(8)])
    width: int = setting(16, "channels of every level, 1 to 65536", channels)
    input_channels: int = setting(
        32,
        "channels of the random input where the network is a deep image prior, 1 to 65536",
        channels,
    )
    connections: str = setting(
        "shared",
        "one pattern for all levels (shared), the full matrix (full), or the same level alone, not "
        "searched (none)",
        must.in_(("shared", "full", "none")),
    )
    same_level: str = setting(
        "always", "whether same-level connections are searched", must.in_(("always", "searched"))
    )
    crossing: str = setting(
        "shared",
        "x2 steps up of maps that cross levels: the decoder's own (shared: the paper), or others "
        "(apart: the published program)",
        must.in_(("shared", "apart")),
    )
    upsample: tuple[str, ...] = setting(
        ("bilinear", "bicubic", "nearest", "pixel_shuffle", "sub_pixel", "trans_conv"),
        "ways of doubling the resolution (operations upsample.NAME)",
        _registered,
    )
    transform: tuple[str, ...] = setting(
        ("conv", "split_stack_sum", "sep_conv", "depth_wise_conv", "identity"),
        "feature transforms (operations transform.NAME)",
        _registered,
    )
    kernel: tuple[int, ...] = setting((1, 3, 5, 7), "kernel sizes, odd", [_distinct, _odd])
    dilation: tuple[int, ...] = setting((1, 2, 3), "dilation rates", [_distinct, _positive])
    residual: bool = setting(
        True,
        "whether a network is x - r(x), with r in [-1/2, 1/2], where it is trained to undo noise, "
        "rain, blur or JPEG",
    )
    activation: tuple[str, ...] = setting(
        ("none", "relu", "leaky_relu", "selu", "prelu"),
        "activations of the cell (operations activation.NAME)",
        _registered,
    )

    baseline = HAND_MADE

    @classmethod
    def settings_for(cls, use: str) -> Mapping[str, Any]:
        """A small network restores a picture well in minutes, and takes up little noise."""
        return {"depth": 5, "width": 16} if use == "restore" else {}

    @property
    def smallest_side(self) -> int:  # type: ignore[override]
        """At least 16 pixels, and enough that reflection at most doubles the coarsest map."""
        return max(16, 2**self.depth // 2)

    @cached_property
    def domain(self) -> Domain:
        cell = self._cell_decisions()
        if self.connections == "full":
            levels = joined.full_decisions(self.depth)
        else:
            levels = joined.shared_decisions(self.depth, self.same_level, self.connections)
        try:
            return Domain(NAME, (*cell, *levels), self._unbuildable())
        except ValueError as error:
            raise SettingsError(
                f"space.width={self.width}: {error}; choose other options"
            ) from None

    def build(self, architecture: Architecture, signature: Signature) -> nn.Module:
        from nasir.search_spaces.nasdip.comp_mirror import CompMirrorNetwork
        from nasir.search_spaces.nasdip.cyclegan_unet import CycleGanUNet
        from nasir.search_spaces.nasdip.deep_decoder import DeepDecoderNetwork
        from nasir.search_spaces.nasdip.deep_image_prior import DeepImagePriorNetwork
        from nasir.search_spaces.nasdip.network import NasDipNetwork

        signature = self._framed(signature)
        choices = architecture.choices
        if "network" in choices:
            cell = {key: value for key, value in choices.items() if key != "network"}
            networks: dict[str, Callable[..., nn.Module]] = {
                HAND_MADE: DeepImagePriorNetwork,
                DEEP_DECODER: DeepDecoderNetwork,
                CYCLEGAN_UNET: CycleGanUNet,
                COMP_MIRROR: partial(CompMirrorNetwork, choices=cell),
            }
            name = str(choices["network"])
            if name not in networks:
                raise unknown_name("hand-made network", name, networks)
            return networks[name](self.depth, self.width, signature)
        matrix = joined.matrix(choices, self.depth)
        crossing = choices.get(CROSSING, self.crossing)
        if crossing not in ("shared", "apart"):
            raise ArchitectureError(f"crossing is shared or apart, not {crossing!r}")
        return NasDipNetwork(
            cell_choices(choices), matrix, self.width, signature, crossing == "apart"
        )

    def supernet(self, signature: Signature, partial: int = 1) -> NasDipSupernet:
        from nasir.search_spaces.nasdip.supernet import NasDipSupernet

        self._check_partial(partial)
        apart, framed = self.crossing == "apart", self._framed(signature)
        return NasDipSupernet(self.domain, self.depth, self.width, framed, partial, apart)

    def diagram(self, architecture: Architecture) -> Sequence[Drawing]:
        from nasir.search_spaces.nasdip.diagram import (
            STEPS,
            cell_drawing,
            network_drawing,
            step_drawing,
        )

        choices = architecture.choices
        if choices.get("network") in STEPS:
            return (step_drawing(str(choices["network"])),)
        hand_made = choices.get("network") == HAND_MADE
        levels = joined.shared_choices((0,), self.depth) if hand_made else choices
        connections = joined.matrix(levels, self.depth)
        return (
            network_drawing(connections, self.width, hand_made),
            cell_drawing(choices, hand_made),
        )

    def reference(self) -> Mapping[str, Architecture]:
        named = {name: self._found(*found) for name, found in FOUND.items()}
        for name, cell in FIGURE_3.items():
            named[name] = Architecture(NAME, {**cell, **self._connected((0,))})
        for name in (HAND_MADE, DEEP_DECODER, CYCLEGAN_UNET, COMP_MIRROR):
            named[name] = Architecture(NAME, {"network": name})
        found = cell_of(FOUND[FOUND_FOR["denoise"]][0])
        named[f"{COMP_MIRROR}_nasdip"] = Architecture(NAME, {"network": COMP_MIRROR, **found})
        return named

    def usual(self, task: str) -> str:
        """What NAS-DIP found for the task, or for denoising; for haze that of Double-DIP."""
        if task == "dehaze":
            return HAND_MADE
        return FOUND_FOR.get(task, FOUND_FOR["denoise"])

    def published(self, cell: int, differences: tuple[int, ...]) -> Architecture:
        """The architecture of a published cell number and connected level differences."""
        return Architecture(NAME, {**cell_of(cell), **self._connected(differences)})

    def _found(self, cell: int, differences: tuple[int, ...]) -> Architecture:
        """An architecture that was found with the published program, as that builds it."""
        choices = self.published(cell, differences).choices
        ours = {} if self.crossing == "apart" else {CROSSING: "apart"}
        return Architecture(NAME, {**choices, **ours})

    def _framed(self, signature: Signature) -> Signature:
        return attrs.evolve(signature, alike=signature.alike and self.residual)

    def _check_partial(self, partial: int) -> None:
        """Refuse to divide the channels unevenly, or into too few for some of the cells."""
        if partial < 1 or self.width % partial:
            raise SettingsError(f"partial={partial} does not divide space.width={self.width}")
        narrow = attrs.evolve(self, width=self.width // partial)
        if narrow.domain != self.domain:
            raise SettingsError(
                f"partial={partial} leaves {narrow.width} of {self.width} channels, too few for "
                "some of the cells: take a smaller partial, or a greater space.width"
            )

    def _connected(self, differences: tuple[int, ...]) -> dict[str, Value]:
        choices = joined.full_choices if self.connections == "full" else joined.shared_choices
        return choices(differences, self.depth)

    def _cell_decisions(self) -> list[Decision]:
        from nasir.search_spaces.nasdip.operations import operation

        alone = [u for u in self.upsample if operation("upsample", u).place == "alone"]
        resizing = [u for u in self.upsample if u not in alone]
        shaped = [t for t in self.transform if operation("transform", t).takes_kernel]
        has_kernel: list[Condition] = [{"upsample": alone}, {"transform": shaped}]
        wide = [k for k in self.kernel if k > 1]
        return [
            Decision("upsample", self.upsample),
            Decision("transform", self.transform, {"upsample": resizing}),
            Decision("kernel", self.kernel, has_kernel),
            Decision("dilation", self.dilation, {"kernel": wide}),
            Decision("activation", self.activation),
        ]

    def _unbuildable(self) -> list[Condition]:
        """The cells that cannot be built at this width."""
        from nasir.search_spaces.nasdip.operations import buildable, operation

        forbidden: list[Condition] = []
        for upsample in self.upsample:
            resize = operation("upsample", upsample)
            if resize.place == "alone":
                if not buildable(resize, None, self.width):
                    forbidden.append({"upsample": (upsample,)})
                continue
            bad = [
                t
                for t in self.transform
                if not buildable(resize, operation("transform", t), self.width)
            ]
            if bad:
                forbidden.append({"upsample": (upsample,), "transform": bad})
        return forbidden
