"""The state of unfinished work in one file, without pickle."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nasir.core.errors import RunFolderError

if TYPE_CHECKING:
    from torch import Tensor


def save(path: Path, tensors: Mapping[str, Tensor], values: Any) -> None:
    """Write tensors and values (as JSON) as a safetensors file: whole, or not at all.

    Raises :class:`~nasir.core.errors.RunFolderError` where it cannot be written.
    """
    import torch
    from safetensors.torch import save as encoded

    # safetensors refuses tensors that share memory or have gaps
    apart = {
        name: tensor.detach().cpu().clone(memory_format=torch.contiguous_format)
        for name, tensor in tensors.items()
    }
    content = encoded(apart, metadata={"values": json.dumps(values)})
    partial = path.with_name(f".{path.name}.partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with partial.open("wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        partial.replace(path)
    except OSError as error:
        raise RunFolderError(f"cannot write checkpoint {path}: {error.strerror}") from None


def load(path: Path) -> tuple[dict[str, Tensor], Any] | None:
    """What :func:`save` was given, on the CPU; None where there is no whole file."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, "pt") as file:
            values = json.loads((file.metadata() or {})["values"])
            names = file.keys()
            return {name: file.get_tensor(name).clone() for name in names}, values
    except (OSError, SafetensorError, ValueError, KeyError):
        return None
