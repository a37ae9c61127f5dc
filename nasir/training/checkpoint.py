"""The state of unfinished work in one safetensors file, without pickle."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nasir.core.errors import RunFolderError

if TYPE_CHECKING:
    from torch import Tensor

    from nasir.core.evaluator import Problem
    from nasir.core.trial import Proposal

VALUES = "values"
"""The only entry of the file's metadata: safetensors does not keep the order of several."""


def save(path: Path, tensors: Mapping[str, Tensor], values: Any) -> None:
    """Write tensors, and values as JSON, to a file: completely, or not at all.

    Raises :class:`~nasir.core.errors.RunFolderError` where it cannot be written.
    """
    import torch
    from safetensors.torch import save as encoded

    # safetensors refuses tensors that share memory or have gaps
    apart = {
        name: tensor.detach().cpu().clone(memory_format=torch.contiguous_format)
        for name, tensor in tensors.items()
    }
    text = json.dumps(values)
    content = encoded(apart, metadata={VALUES: f"{_digest(apart, text)} {text}"})
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
    """The tensors and values given to :func:`save`, on the CPU; None without an undamaged file."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, "pt") as file:
            digest, _, text = (file.metadata() or {})[VALUES].partition(" ")
            tensors = {name: file.get_tensor(name).clone() for name in file.keys()}  # noqa: SIM118
            return (tensors, json.loads(text)) if digest == _digest(tensors, text) else None
    except (OSError, SafetensorError, ValueError, KeyError, TypeError, RecursionError):
        return None


def drop_states(folder: Path) -> None:
    """Remove the states of fits and trainings, which only save a longer one its first steps.

    A longer one without them has the same bits.
    """
    for pattern in ("train-*.safetensors", "fit-*.safetensors"):
        for path in folder.rglob(pattern):
            path.unlink(missing_ok=True)


@contextmanager
def unfinished(
    problem: Problem, proposal: Proposal, seed: int, promoted: bool
) -> Iterator[Path | None]:
    """The file of an unfinished training; it goes when the training ends or fails, not when killed.

    Where trainings are `promoted`, one file serves all fidelities, and stays for the next. None
    where the problem has no folder for it.
    """
    if problem.checkpoints is None:
        yield None
        return
    share = "full" if promoted else f"{proposal.fidelity:g}"
    parts = (proposal.architecture.id, seed, problem.split, share)
    path = problem.checkpoints / f"train-{'-'.join(map(str, parts))}.safetensors"
    try:
        yield path
    except Exception:
        path.unlink(missing_ok=True)
        raise
    # an evaluation with artifacts is the last of its kind: no training continues it
    if not (promoted and proposal.fidelity < 1 and not problem.artifacts):
        path.unlink(missing_ok=True)


def _digest(tensors: Mapping[str, Tensor], text: str) -> str:
    """A hash of the whole content, which detects a changed file."""
    import torch

    digest = hashlib.sha256(text.encode())
    for name, tensor in sorted(tensors.items()):
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        digest.update(tensor.reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()


def under(tensors: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    """The tensors whose names begin with `prefix`, by the rest of them."""
    return {k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)}
