"""Sets of architectures."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import attrs

from nasir.core.architecture import Architecture
from nasir.core.domain import Domain
from nasir.core.errors import ArchitectureError, unknown_name

if TYPE_CHECKING:
    from torch import nn

    from nasir.core.diagram import Drawing
    from nasir.core.supernet import Supernet


MOST_CHANNELS = 1024
"""Most channels, and greatest scale, of a network that is read from a file; more are damage."""


@attrs.frozen
class Signature:
    """Input and output of a network: ``(N, in, H, W) -> (N, out, sH, sW)``.

    With `alike`, the output is the input with a degradation undone that changes values a little: a
    network may estimate what is to be taken away, x - r(x). A fit offers `hints` maps of what was
    observed, which a network may take (:class:`nasir.core.hints.Hints`). Neither is part of what
    networks and tasks must have in common.
    """

    in_channels: int
    out_channels: int
    scale: int = 1
    alike: bool = attrs.field(default=False, eq=False)
    hints: int = attrs.field(default=0, eq=False)

    @property
    def mapping(self) -> dict[str, Any]:
        """What :meth:`from_mapping` reads: all but the hints, which are of fits alone."""
        return attrs.asdict(self, filter=lambda field, _: field.name != "hints")

    @classmethod
    def from_mapping(cls, content: Any) -> Signature:
        """Read what :attr:`mapping` gave; raises ValueError or TypeError for anything else."""
        numbers = {name: value for name, value in dict(content).items() if name != "alike"}
        known = all(type(n) is int and 1 <= n <= MOST_CHANNELS for n in numbers.values())
        if not known or not isinstance(content.get("alike", False), bool):
            raise ValueError("it has no channels and scale")
        return cls(**content)


class SearchSpace(ABC):
    """A set of architectures and how to build each.

    A subclass is an attrs class; its fields are its settings.
    """

    input_channels: int = 32
    """Channels of the fixed random input if a network of this space is a deep image prior."""

    smallest_side: int = 1
    """Height and width, in pixels, of the smallest picture that the networks take."""

    default_evaluator: ClassVar[str | None] = None
    """Name of the evaluator, if neither user nor task names one; None: the default one."""

    baseline: str | None = None
    """Name of the reference architecture that a found one is compared with by default."""

    rules: ClassVar[tuple[str, ...]] = ()
    """The rules by which :meth:`changed` changes an architecture."""

    @classmethod
    def settings_for(cls, use: str) -> Mapping[str, Any]:
        """Settings that suit a use (:data:`~nasir.core.registry.USES`) by default."""
        return {}

    @property
    @abstractmethod
    def domain(self) -> Domain:
        """The decisions, with this space's settings."""

    @abstractmethod
    def build(self, architecture: Architecture, signature: Signature) -> nn.Module:
        """The network of `architecture`, with fresh weights from torch's global generator.

        It is a plain module: it can be saved, pickled and exported. Raises
        :class:`~nasir.core.errors.ArchitectureError` for what cannot be built.
        """

    def reference(self) -> Mapping[str, Architecture]:
        """Hand-made and published architectures by name; they need not be in the domain."""
        return {}

    def named(self, name: str) -> Architecture:
        """The reference architecture called `name`."""
        references = self.reference()
        if name not in references:
            raise unknown_name("reference architecture", name, references)
        return references[name]

    def usual(self, task: str) -> str | None:
        """The default reference architecture for the task called `task`; None: there is none.

        By default the baseline.
        """
        return self.baseline

    def changed(self, architecture: Architecture, rule: str, seed: int) -> Architecture:
        """`architecture` changed by one of `rules`, with what is drawn from `seed`.

        Raises :class:`~nasir.core.errors.ArchitectureError` if the rule does not apply to it.
        """
        raise ArchitectureError(
            f"space {self.domain.space!r} has no rules to change an architecture by"
        )

    def diagram(self, architecture: Architecture) -> Sequence[Drawing]:
        """The drawings of an architecture on the report page.

        Without any, or if an exception is raised, the page lists its choices.
        """
        return ()

    def supernet(self, signature: Signature, partial: int = 1) -> Supernet:
        """A network that holds all architectures at once; not every space has one.

        With `partial` k, operations see 1/k of the channels and the others pass by (PC-DARTS).
        Raises :class:`~nasir.core.errors.NasirError` if there is none, or none with `partial`.
        """
        raise ArchitectureError(
            f"space {self.domain.space!r} has no supernet: choose a strategy that needs none"
        )
