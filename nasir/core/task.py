"""Restoration tasks."""

from __future__ import annotations

import copy
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import attrs

from nasir.core.errors import SettingsError
from nasir.core.search_space import Signature

if TYPE_CHECKING:
    from torch import Tensor, nn


Split = Literal["search", "test"]
"""The pictures that a search may learn from, and those that it never sees."""


@attrs.frozen(eq=False, repr=False)
class Sample:
    """One picture of a task.

    `degraded` is the picture to restore and `clean` the ground truth, None if it is unknown;
    both are ``(1, C, H, W)`` float32, nominally in [0, 1] (noise may leave that range).
    `forward_operator` maps a clean picture to what would be observed of it without noise; it is
    a module if it holds tensors. `mask` is 1 where `degraded` was observed and 0 elsewhere,
    ``(1, 1, h, w)`` over the pixels of `degraded`; None: everywhere. `reach` is how far around a
    pixel of `degraded` the forward operator looks, in pixels of `degraded`: along the edges of a
    part that is cut out, so many are not compared. `grey` says that the picture has one channel by
    itself, which is repeated in those of `degraded` and `clean`: metrics are of that one. A task
    may add fields.
    """

    name: str
    degraded: Tensor
    clean: Tensor | None = None
    forward_operator: Callable[[Tensor], Tensor] = lambda x: x
    mask: Tensor | None = None
    reach: int = 0
    grey: bool = False

    def __repr__(self) -> str:
        clean = "no clean picture" if self.clean is None else f"clean {tuple(self.clean.shape)}"
        return f"{type(self).__name__}({self.name!r}, {tuple(self.degraded.shape)}, {clean})"

    def to(self, device: str) -> Sample:
        """The sample with all its tensors and modules on `device`."""
        from torch import Tensor, nn

        fields = {f.name: getattr(self, f.name) for f in attrs.fields(type(self))}
        moved: dict[str, Any] = {}
        for name, value in fields.items():
            if isinstance(value, Tensor):
                moved[name] = value.to(device)
            elif isinstance(value, nn.Module):
                moved[name] = copy.deepcopy(value).to(device)
        return attrs.evolve(self, **moved)


class ResidentPatches(ABC):
    """Pairs of patches that are cut, turned and degraded on the device that holds the pictures."""

    @abstractmethod
    def batch(self, seed: int, count: int, side: int) -> tuple[Tensor, Tensor]:
        """As :meth:`Patches.batch`, on the device and with other draws."""


class Patches(ABC):
    """Pictures by name, and pairs of degraded and clean patches that are cut out of them."""

    @property
    @abstractmethod
    def names(self) -> Sequence[str]:
        """The pictures, each name once."""

    @property
    @abstractmethod
    def largest_side(self) -> int:
        """The largest side of a degraded patch that every picture has, in pixels."""

    @abstractmethod
    def batch(self, seed: int, count: int, side: int) -> tuple[Tensor, Tensor]:
        """`count` pairs, drawn from `seed` and nothing else.

        Degraded ``(count, C, side, side)`` and clean ``(count, C, scale side, scale side)``,
        float32, the clean ones in [0, 1]; each has its own place, rotation, flip and
        degradation. Threads may call it at the same time.
        """

    def resident(self, device: str, versions: int) -> ResidentPatches | None:
        """The same pictures held on `device`; None: these cannot be held.

        Where degradations cannot be drawn on the device, `versions` of each picture are made
        before, the same every time.
        """
        return None

    @abstractmethod
    def sample(self, name: str) -> Sample:
        """The whole picture called `name`, degraded in the same way every time."""

    @abstractmethod
    def only(self, names: Sequence[str]) -> Patches:
        """The patches of some of the pictures."""


class Task(ABC):
    """A restoration task: its pictures, its loss, and its metrics.

    A subclass is an attrs class; its fields are its settings. Degradations are drawn from the
    task's own seed, so that a picture is degraded in the same way in every trial.
    """

    networks: ClassVar[int] = 1
    """How many networks :meth:`assemble` puts together; each has input channels of its own."""

    single_pictures: ClassVar[bool] = True
    """Whether each picture is restored by itself, so that a network can be fitted to one."""

    fitting: ClassVar[Mapping[str, Any]] = {}
    """Settings of a fitting method that suit one given picture, where the method has such."""

    default_evaluator: ClassVar[str | None] = None
    """Name of the evaluator, if the user names none; None: that of the space."""

    picture_settings: ClassVar[frozenset[str]] = frozenset()
    """The settings that say which pictures there are, how many, and which part of them.

    The others describe the restoration; they are kept when the pictures are replaced.
    """

    @classmethod
    def settings_for(cls, use: str) -> Mapping[str, Any]:
        """Settings that suit a use (:data:`~nasir.core.registry.USES`) by default.

        ``evaluate`` and ``train`` follow the published protocol.
        """
        return {}

    @classmethod
    def given(
        cls, pictures: Sequence[str], test_pictures: Sequence[str] = (), degraded: bool = False
    ) -> Mapping[str, Any]:
        """The settings by which the task is about these files and folders.

        `test_pictures` are those to test on, if they are separate. With `degraded`, the pictures
        are degraded already: each is to be restored whole, and is the test split. Raises
        :class:`~nasir.core.errors.SettingsError` if the task cannot be given such pictures.
        """
        kind = "degraded pictures" if degraded else "pictures"
        raise SettingsError(f"task {cls.__name__} cannot be given {kind}: choose another task")

    def with_pictures_of(self, other: Task) -> Task:
        """This task, about the pictures of `other` if it names none itself; by default as it is."""
        return self

    @property
    @abstractmethod
    def signature(self) -> Signature:
        """Channels and scale of a network that maps a degraded picture to a restored one."""

    @abstractmethod
    def samples(self, split: Split) -> Sequence[Sample]:
        """The whole pictures of a split.

        Raises :class:`~nasir.core.errors.PictureError` for one that cannot be read.
        """

    @abstractmethod
    def loss(self, output: Tensor, sample: Sample) -> Tensor:
        """The loss of a fit to ``sample.degraded``, without ground truth; a scalar.

        It depends only on the pixels in ``sample.mask``, so that a fit can hold others out.
        """

    @abstractmethod
    def metrics(self, restored: Tensor, sample: Sample) -> Mapping[str, float]:
        """The metrics of `restored` by name; empty if `sample` has no ground truth."""

    def remarks(self, split: Split | None = "search") -> Sequence[str]:
        """What a user may not expect of the pictures that are used, a line each; printed once.

        `split` has the pictures that a strategy searches on; None: it trains on patches.
        """
        return ()

    def restored(self, output: Tensor, sample: Sample) -> Tensor:
        """The restored picture in a network's output; the output itself by default."""
        return output

    def unrestored(self, sample: Sample) -> Tensor:
        """The picture without any restoration: the degraded one, at the size of a restored one."""
        return sample.degraded

    def assemble(self, build: Callable[[Signature], nn.Module], signature: Signature) -> nn.Module:
        """The module to be fitted, from networks that `build` makes; one network by default.

        The module takes ``(N, networks x in_channels, H, W)`` with ``signature.in_channels``,
        so that several networks each have channels of the random input for themselves.
        """
        return build(signature)

    def hint(self, module: nn.Module, sample: Sample) -> None:  # noqa: B027
        """Give the networks of :meth:`assemble`'s `module` their hints before a fit to `sample`.

        None by default. A task that has some offers them in the signature that it builds a network
        with, and gives as many maps by :func:`nasir.core.hints.give`. They depend only on the
        pixels in ``sample.mask``.
        """

    def shrunk(self, sample: Sample, side: int) -> Sample:
        """`sample` shrunk until the short side of `degraded` has at most `side` pixels.

        The result has no ground truth. Raises :class:`~nasir.core.errors.SettingsError` if the
        task cannot be done at another size.
        """
        raise SettingsError(f"task {type(self).__name__} cannot be done at a smaller size")

    @property
    def origin(self) -> Task:
        """The task that this one is about a part of; itself by default."""
        return self

    def region(self, sample: Sample) -> tuple[slice, slice] | None:
        """The rows and columns of ``sample.degraded`` that a fit needs; None: no fit is needed.

        Outside of it the restored picture is :meth:`unrestored`. All by default.
        """
        height, width = sample.degraded.shape[-2:]
        return slice(0, height), slice(0, width)

    def coarse(self, sample: Sample) -> Sample | None:
        """A smaller copy of `sample` that a fit to it needs no more than.

        None, as by default: fits are to `sample` itself, in tiles where it is large.
        """
        return None

    def refined(self, output: Tensor, coarse: Sample, sample: Sample) -> Tensor:
        """The restored picture of `sample`, from a network's output for its :meth:`coarse` copy."""
        raise NotImplementedError(f"{type(self).__name__} fits to no coarse copies")

    @property
    def conceals(self) -> bool:
        """Whether :meth:`concealed` can hide pixels of a sample, by which results are compared."""
        return False

    def concealed(self, sample: Sample) -> Sample:
        """`sample` with some of its known pixels missing too, in the manner of those that are.

        What restores it is compared by how near it comes to them. The same for the same sample.
        """
        raise NotImplementedError(f"{type(self).__name__} conceals no pixels")

    def patches(self) -> Patches:
        """The pictures to train on, none of which is in the test split."""
        raise SettingsError(
            f"task {type(self).__name__} has no pairs to train on: take an evaluator that fits "
            "networks to single pictures"
        )

    def validation_patches(self) -> Patches | None:
        """The pictures that are kept apart for validation, none of which is in :meth:`patches`.

        None, as by default: a share of :meth:`patches` serves.
        """
        return None
