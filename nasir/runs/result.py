"""The files of an architecture that was found: how to build it, its weights, its pictures."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from nasir.core.architecture import Architecture
from nasir.core.errors import RunFolderError
from nasir.core.evaluator import RestoredPicture
from nasir.runs.folder import DESCRIPTION, write_file
from nasir.settings.overrides import Settings

LONGEST_NAME = 200
"""Bytes of a file's name, without its ending."""

KEPT = "-_ .,()+=@"
"""What a file's name may contain beside letters and digits."""


def write_result(
    folder: Path,
    architecture: Architecture,
    settings: Settings,
    restored: Mapping[str, RestoredPicture] | None = None,
    weights: Mapping[str, Any] | None = None,
) -> None:
    """Write an architecture, with its space's settings, and pictures and weights if there are any.

    These are ``architecture.json``, all that is needed to build it again, ``weights.safetensors``
    and, of each picture, ``PICTURE-clean.png``, ``-degraded.png`` and ``-restored.png``.
    """
    described = architecture.mapping | {"settings": settings.get("space", {})}
    content = json.dumps(described, indent=2).encode()
    files = _picture_files(restored or {}) | _weights_file(weights or {})
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _remove_other_architecture(folder, content)
        for name, made in files.items():
            write_file(folder / name, made)
        write_file(folder / DESCRIPTION, content)
    except OSError as error:
        raise RunFolderError(f"cannot write to {folder}: {error.strerror}") from None


def file_name(name: str) -> str:
    """`name` as the name of a file, another one for each name.

    Letters, digits and a few signs are kept. A name with others, such as separators, or one that is
    too long for a disk, ends in a hash of the whole, so that no two names become one file.
    """
    plain = "".join(c if c.isalnum() or c in KEPT else "-" for c in name)
    plain = f"-{plain[1:]}" if plain.startswith((".", " ")) else plain
    if plain == name and len(plain.encode()) <= LONGEST_NAME:
        return plain
    begin = plain.encode()[: LONGEST_NAME // 2].decode(errors="ignore")
    return f"{begin}-{hashlib.sha256(name.encode('utf-8', 'surrogatepass')).hexdigest()[:10]}"


def picture_file(picture: str, kind: str) -> str:
    """The file's name of a picture ``clean``, ``degraded`` or ``restored``."""
    return f"{file_name(picture)}-{kind}.png"


def _picture_files(restored: Mapping[str, RestoredPicture]) -> dict[str, bytes]:
    return {
        picture_file(name, kind): _png(array)
        for name, picture in restored.items()
        for kind, array in picture.kinds.items()
    }


def _weights_file(weights: Mapping[str, Any]) -> dict[str, bytes]:
    if not weights:
        return {}
    from numpy import asarray
    from safetensors.numpy import save

    # safetensors writes the memory as it is, whatever the strides say
    whole = {name: asarray(weight, order="C") for name, weight in weights.items()}
    return {"weights.safetensors": save(whole)}


def _remove_other_architecture(folder: Path, content: bytes) -> None:
    """Remove pictures and weights of an architecture that `content` does not describe."""
    description = folder / DESCRIPTION
    if description.exists() and description.read_bytes() == content:
        return
    for path in folder.iterdir():
        if path.suffix in (".png", ".safetensors"):
            path.unlink()


def _png(picture: Any) -> bytes:
    import io

    import numpy as np
    from PIL import Image

    values = np.clip(np.asarray(picture) * 255 + 0.5, 0, 255).astype(np.uint8)
    stream = io.BytesIO()
    Image.fromarray(values.squeeze(-1) if values.shape[-1] == 1 else values).save(stream, "PNG")
    return stream.getvalue()
