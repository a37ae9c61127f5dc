"""``nasir.export``: a trained network for other programs."""

from __future__ import annotations

import uuid
from pathlib import Path
from typing import Any

import attrs

from nasir.apps.train.training import Training
from nasir.core.errors import RunFolderError, SettingsError

ONNX, PROGRAM = ".onnx", ".pt2"

SIDE = 64
"""Pixels of a side of the pictures that a network is exported and checked with, at least."""

TOLERANCE = 1e-4
"""How far outputs, nominally in [0, 1], may differ."""


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
    tolerance: float = TOLERANCE,
) -> Exported:
    """Write the network of a training's folder as ONNX (``.onnx``) or torch.export (``.pt2``).

    Input ``(N, C, H, W)`` float32 nominally in [0, 1], output ``(N, C, sH, sW)``. The file is run
    and written only where it agrees with the network to `tolerance`; what exists is overwritten
    only with `force`. Raises :class:`~nasir.core.errors.NasirError` for what cannot be exported.
    """
    path = Path(output).expanduser()
    _check_target(path, force)
    if not tolerance > 0:
        raise SettingsError(f"tolerance {tolerance} must be above 0")
    training = Training(folder)
    if path.suffix == ONNX:
        from nasir.apps.export.onnx_file import check_onnx

        check_onnx()
    network, signature = training.network(), training.signature
    import torch

    from nasir.apps.export.agreement import agreed
    from nasir.apps.export.program import traced, write_program

    side = max(SIDE, training.found[1].smallest_side)
    size = (2, signature.in_channels, side, side)
    x = torch.rand(size, generator=torch.Generator().manual_seed(0))
    program = traced(network, x)
    partial = path.with_name(f".{uuid.uuid4().hex}{path.suffix}")
    try:
        if path.suffix == ONNX:
            from nasir.apps.export.onnx_file import write_onnx

            run = write_onnx(program, x, partial)
        else:
            run = write_program(program, partial)
        worst, multiple = agreed(network, run, x, tolerance)
        partial.replace(path)
    except OSError as error:
        raise RunFolderError(f"cannot write {path}: {error.strerror}") from None
    finally:
        partial.unlink(missing_ok=True)
    return Exported(path, worst, multiple, side, signature.in_channels, signature.scale)


def _check_target(path: Path, force: bool) -> None:
    """Refuse, before any work is done, a file that cannot or must not be written."""
    if path.suffix not in (ONNX, PROGRAM):
        raise SettingsError(f"cannot write {path}: its suffix must be {ONNX} or {PROGRAM}")
    if not path.parent.is_dir():
        raise RunFolderError(f"there is no folder {path.parent} to write {path.name} to")
    if path.is_dir():
        raise RunFolderError(f"{path} is a folder: choose the name of a file with -o FILE")
    if path.exists() and not force:
        raise RunFolderError(f"{path} exists: overwrite it with --force, or choose another file")
