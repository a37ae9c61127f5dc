from __future__ import annotations

import math
from pathlib import Path

import pytest
import torch
from privileges import ReadableOnly
from safetensors.torch import save_file

from nasir.core.errors import RunFolderError
from nasir.training.checkpoint import load, save

VALUES = {"step": 3, "loss": 0.1, "nan": math.inf, "names": ["a", None]}


def tensors() -> dict[str, torch.Tensor]:
    whole = torch.arange(12, dtype=torch.float32).reshape(3, 4)
    return {
        "part": whole[:, 1:3],
        "same": whole,
        "again": whole,
        "turned": whole.t(),
        "scalar": torch.tensor(1e-7, dtype=torch.float64),
        "half": torch.ones(2, dtype=torch.bfloat16),
        "count": torch.tensor(7),
        "empty": torch.zeros(0, 3),
    }


def test_a_saved_state_is_loaded_to_the_bit(tmp_path: Path) -> None:
    path = tmp_path / "deeper" / "state.safetensors"
    save(path, tensors(), VALUES)
    found = load(path)
    assert found is not None
    assert found[1] == VALUES
    assert found[0].keys() == tensors().keys()
    for name, tensor in tensors().items():
        assert found[0][name].dtype == tensor.dtype
        assert torch.equal(found[0][name], tensor)
    assert [p.name for p in path.parent.iterdir()] == [path.name]


def test_the_same_state_is_the_same_file(tmp_path: Path) -> None:
    """Searches are compared by these files; safetensors keeps no order of several entries."""
    made = set()
    for n in range(16):
        save(tmp_path / f"{n}.safetensors", {"a": torch.ones(2), "b": torch.zeros(1)}, [1, "x"])
        made.add((tmp_path / f"{n}.safetensors").read_bytes())
    assert len(made) == 1


def test_a_missing_file_is_none(tmp_path: Path) -> None:
    assert load(tmp_path / "state.safetensors") is None


def test_a_file_cut_anywhere_is_none(tmp_path: Path) -> None:
    path = tmp_path / "state.safetensors"
    save(path, tensors(), VALUES)
    content = path.read_bytes()
    for length in range(0, len(content), 7):
        path.write_bytes(content[:length])
        assert load(path) is None


def test_a_file_of_another_program_is_none(tmp_path: Path) -> None:
    path = tmp_path / "state.safetensors"
    save_file({"a": torch.zeros(1)}, path)
    assert load(path) is None


def test_a_failed_write_keeps_the_old_state(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "state.safetensors"
    save(path, {"a": torch.zeros(1)}, 1)

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(RunFolderError, match=r"cannot write checkpoint .*No space left"):
        save(path, {"a": torch.ones(1)}, 2)
    found = load(path)
    assert found is not None
    assert found[1] == 1


def test_a_folder_that_cannot_be_written_is_reported(readable_only: ReadableOnly) -> None:
    with readable_only(), pytest.raises(RunFolderError, match="cannot write checkpoint"):
        save(readable_only.folder / "state.safetensors", tensors(), VALUES)
