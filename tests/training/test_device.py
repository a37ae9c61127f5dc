"""Which device is used, and what is said where it cannot be; with stand-ins for a GPU."""

from __future__ import annotations

import pytest
import torch

from nasir.core.errors import SettingsError
from nasir.training.device import usable

OLD = (
    "The NVIDIA driver on your system is too old (found version 11040). Please update your GPU "
    "driver\nby downloading a newer one"
)


@pytest.mark.parametrize(
    "error",
    [
        RuntimeError(OLD),
        RuntimeError("Found no NVIDIA driver on your system."),
        AssertionError("Torch not compiled with CUDA enabled"),
        RuntimeError("CUDA error: invalid device ordinal\nmore"),
    ],
)
def test_a_gpu_that_cannot_be_used_is_one_line_with_the_reason(
    error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(*args: object, **kwargs: object) -> None:
        raise error

    monkeypatch.setattr(torch, "empty", failing)
    with pytest.raises(SettingsError) as raised:
        usable("cuda:3")
    first = str(error).partition("\n")[0]
    assert str(raised.value) == f"evaluator.device='cuda:3': {first}; use cpu"


def test_auto_is_a_gpu_only_where_torch_finds_one(monkeypatch: pytest.MonkeyPatch) -> None:
    for available, expected in ((True, "cuda"), (False, "cpu")):
        monkeypatch.setattr(torch.cuda, "is_available", lambda found=available: found)
        assert usable("auto") == expected
