"""``nasir.export``: a trained network in one file, for nasir or for other programs."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs

from nasir.apps.train.training import Training
from nasir.core.errors import RunFolderError, SettingsError

if TYPE_CHECKING:
    from torch import Tensor, nn

    from nasir.apps.export.program import Run

ONNX, PROGRAM, NETWORK = ".onnx", ".pt2", ".safetensors"

SIDE = 64
"""Pixels of a side of the pictures that a network is exported and checked with, at least."""

TOLERANCE = 1e-4
"""How far outputs, nominally in [0, 1], may differ."""

TOLERANCE_OF_HALF = 0.5 / 255
"""The same where weights are stored as float16: half a step of 8 bits."""


@attrs.frozen
class Exported:
    """An exported network: its file, the largest difference that was found, and what it takes.

    Heights and widths are to be a multiple of `multiple`; 0: they are `side`, both.
    """

    file: Path
    difference: float
    multiple: int
    side: int
    channels: int
    scale: int

    @property
    def mapping(self) -> dict[str, Any]:
        """All of it as JSON values."""
        return {
            "file": str(self.file),
            "difference": self.difference,
            "channels": self.channels,
            "scale": self.scale,
            "multiple": self.multiple or None,
            "side": None if self.multiple else self.side,
        }


def export(
    folder: str | Path,
    output: str | Path,
    *,
    force: bool = False,
    tolerance: float | None = None,
    licence: str = "",
    made: str = "",
    figures: Mapping[str, Any] | None = None,
    half: bool = False,
) -> Exported:
    """Write the network of a training's folder: ``.onnx``, ``.pt2`` or ``.safetensors``.

    The first two are for other programs (ONNX, torch.export). The third is a network for
    ``nasir.restore(picture, network=FILE)``; it needs the `licence` of the weights, and may say how
    they were `made` and their `figures` (none: those of the training on its test pictures). With
    `half` its weights are stored as float16.

    Input ``(N, C, H, W)`` float32 nominally in [0, 1], output ``(N, C, sH, sW)``. The file is run
    and written only where it agrees with the network to `tolerance`; what exists is overwritten
    only with `force`. Raises :class:`~nasir.core.errors.NasirError` for what cannot be exported.
    """
    path = Path(output).expanduser()
    _check_target(path, force)
    if path.suffix == NETWORK and not licence.strip():
        raise SettingsError(
            "say under which licence the weights are, and what they were trained on: licence=TEXT"
        )
    if path.suffix != NETWORK and (licence or made or figures or half):
        raise SettingsError(f"licence, made, figures and half are for {NETWORK}, not {path.suffix}")
    tolerance = (TOLERANCE_OF_HALF if half else TOLERANCE) if tolerance is None else tolerance
    if not tolerance > 0:
        raise SettingsError(f"tolerance {tolerance} must be above 0")
    training = Training(folder)
    if path.suffix == ONNX:
        from nasir.apps.export.onnx_file import check_onnx

        check_onnx()
    network, signature = training.network(), training.signature
    import torch

    from nasir.apps.export.agreement import agreed

    side = max(SIDE, training.found[1].smallest_side)
    size = (2, signature.in_channels, side, side)
    x = torch.rand(size, generator=torch.Generator().manual_seed(0))
    partial = path.with_name(f".{uuid.uuid4().hex}{path.suffix}")
    try:
        if path.suffix == NETWORK:
            from nasir.networks.packing import described, write_network

            packed = described(training, partial, licence, made, figures)
            write_network(packed, training.weights, half)
            run: Run = packed.load()
        else:
            run = _written(network, x, partial)
        worst, multiple = agreed(network, run, x, tolerance)
        partial.replace(path)
    except OSError as error:
        raise RunFolderError(f"cannot write {path}: {error.strerror}") from None
    finally:
        partial.unlink(missing_ok=True)
    return Exported(path, worst, multiple, side, signature.in_channels, signature.scale)


def _written(network: nn.Module, x: Tensor, path: Path) -> Run:
    """Write the graph of a network, and return what runs it as it is read back."""
    from nasir.apps.export.program import traced, write_program

    program = traced(network, x)
    if path.suffix != ONNX:
        return write_program(program, path)
    from nasir.apps.export.onnx_file import write_onnx

    return write_onnx(program, x, path)


def _check_target(path: Path, force: bool) -> None:
    """Refuse, before any work is done, a file that cannot or must not be written."""
    if path.suffix not in (ONNX, PROGRAM, NETWORK):
        raise SettingsError(
            f"cannot write {path}: its suffix must be {ONNX}, {PROGRAM} or {NETWORK}"
        )
    if not path.parent.is_dir():
        raise RunFolderError(f"there is no folder {path.parent} to write {path.name} to")
    if path.is_dir():
        raise RunFolderError(f"{path} is a folder: choose the name of a file with output=FILE")
    if path.exists() and not force:
        raise RunFolderError(f"{path} exists: overwrite it with force=True, or choose another file")
