"""A network as an ``.onnx`` file."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import torch
from torch import Tensor
from torch.export import ExportedProgram

from nasir.apps.export.program import Run, quiet
from nasir.core.errors import ArchitectureError, SettingsError

NEEDED = ("onnx", "onnxscript", "onnxruntime")

INPUT, OUTPUT = "degraded", "restored"
"""What the pictures are called in the file."""

FATAL = 4
"""The one level of messages that onnxruntime prints."""


def check_onnx() -> None:
    """Refuse where a package that writes or reads ONNX is missing."""
    missing = [name for name in NEEDED if not _there(name)]
    if missing:
        raise SettingsError(
            f"ONNX needs {', '.join(missing)}: pip install 'nasir[onnx]', or export to .pt2"
        )


def write_onnx(program: ExportedProgram, x: Tensor, path: Path) -> Run:
    """Write an ``.onnx`` file, and return what runs the network as ONNX Runtime reads it."""
    import onnxruntime

    with quiet():
        try:
            torch.onnx.export(
                program,
                (x,),
                path,
                input_names=[INPUT],
                output_names=[OUTPUT],
                dynamo=True,
                external_data=False,
                verbose=False,
            )
            options = onnxruntime.SessionOptions()
            options.log_severity_level = FATAL
            session = onnxruntime.InferenceSession(path, options, ["CPUExecutionProvider"])
        except Exception as error:  # whatever has no counterpart in ONNX
            why = " ".join(str(error).split())[:200]
            raise ArchitectureError(f"this network cannot be written as ONNX: {why}") from None

    def run(pictures: Tensor) -> Tensor:
        (made,) = session.run([OUTPUT], {INPUT: pictures.numpy()})
        return torch.from_numpy(made)

    return run


def _there(name: str) -> bool:
    try:
        return find_spec(name) is not None
    except ValueError:  # a module that was made by hand
        return False
