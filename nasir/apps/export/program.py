"""A network as a graph of ``torch.export``, and as a ``.pt2`` file."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.export import Dim, ExportedProgram

from nasir.core.errors import ArchitectureError

Run = Callable[[Tensor], Tensor]
"""Runs an exported network: ``(N, C, H, W) -> (N, C, sH, sW)``."""


def traced(network: nn.Module, x: Tensor) -> ExportedProgram:
    """The graph of `network`, for any number, height and width of pictures as far as can be.

    `x` ``(N, C, H, W)`` is what it is traced with; a network that cannot be traced for others is
    fixed to its size. Raises :class:`~nasir.core.errors.ArchitectureError` where neither works.
    """
    if not hasattr(Dim, "AUTO"):
        raise ArchitectureError(f"torch {torch.__version__} is too old to export: 2.6 or later")
    sizes = {0: Dim.AUTO, 2: Dim.AUTO, 3: Dim.AUTO}
    with quiet():
        try:
            return torch.export.export(network, (x,), dynamic_shapes=(sizes,))
        except Exception:  # whatever its tracing meets
            return _of_one_size(network, x)


def write_program(program: ExportedProgram, path: Path) -> Run:
    """Write a ``.pt2`` file, and return what runs the network as it is read back."""
    with quiet(), path.open("wb") as stream:
        torch.export.save(program, stream)
    with quiet(), path.open("rb") as stream:
        module: Run = torch.export.load(stream).module()
    return module


@contextmanager
def quiet() -> Iterator[None]:
    """Keep to itself what the exporters say of their own affairs."""
    before = logging.root.manager.disable
    logging.disable(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)


def _of_one_size(network: nn.Module, x: Tensor) -> ExportedProgram:
    try:
        return torch.export.export(network, (x,))
    except Exception as error:  # whatever its tracing meets
        why = str(error).strip().partition("\n")[0]
        raise ArchitectureError(
            f"this network cannot be exported: {type(error).__name__}: {why}"
        ) from None
