"""Exported networks: what they are, and that they agree with the network."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
import torch
import toy_trained
from torch import Tensor, nn

import nasir
from nasir.apps.export import onnx_file, program
from nasir.apps.export.agreement import agreed, difference
from nasir.apps.train.training import Training
from nasir.cli.main import main
from nasir.core.errors import ArchitectureError, NasirError, RunFolderError, SettingsError

X = torch.rand(2, 1, 64, 64, generator=torch.Generator().manual_seed(7))


@pytest.fixture(scope="module")
def training(tmp_path_factory: pytest.TempPathFactory) -> Training:
    return toy_trained.trained(tmp_path_factory.mktemp("trained"))


class Even(nn.Module):
    """Adds neighbours' mean: height and width must be even."""

    def forward(self, x: Tensor) -> Tensor:
        small = nn.functional.avg_pool2d(x, 2)
        return x + nn.functional.interpolate(small, scale_factor=2.0)


class Doubting(nn.Module):
    """Decides by what it sees, which no graph can."""

    def forward(self, x: Tensor) -> Tensor:
        return x if x.sum() > 0 else -x


class Fixed(nn.Module):
    """Knows one size only."""

    def forward(self, x: Tensor) -> Tensor:
        return x.reshape(2, 1, 64 * 64).flip(-1).reshape(2, 1, 64, 64)


def test_a_pt2_file_is_the_network_for_every_size(training: Training, tmp_path: Path):
    done = nasir.export(training.folder, tmp_path / "model.pt2")
    assert (done.multiple, done.channels, done.scale) == (1, 1, 1)
    assert done.difference < 1e-6
    network, loaded = training.network(), torch.export.load(done.file).module()
    for size in ((1, 1, 33, 47), (3, 1, 64, 80)):
        x = torch.rand(size)
        with torch.no_grad():
            torch.testing.assert_close(loaded(x), network(x))


def test_an_onnx_file_is_the_network_for_every_size(training: Training, tmp_path: Path):
    pytest.importorskip("onnxscript")
    onnx, onnxruntime = pytest.importorskip("onnx"), pytest.importorskip("onnxruntime")
    done = nasir.export(training.folder, tmp_path / "model.onnx")
    assert done.multiple == 1
    onnx.checker.check_model(str(done.file))
    assert [path.name for path in tmp_path.iterdir()] == ["model.onnx"]
    session = onnxruntime.InferenceSession(done.file, providers=["CPUExecutionProvider"])
    x = torch.rand(1, 1, 33, 47)
    (made,) = session.run(["restored"], {"degraded": x.numpy()})
    with torch.no_grad():
        torch.testing.assert_close(torch.from_numpy(made), training.network()(x))


def test_onnx_that_is_not_installed_is_refused(training: Training, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "onnxscript", None)
    assert main(["export", str(training.folder), "-o", "model.onnx"]) == 2
    (error,) = capsys.readouterr().err.splitlines()
    assert "ONNX needs onnxscript: pip install 'nasir[onnx]'" in error


def test_the_command_reports_what_was_written(training: Training, capsys, tmp_path: Path):
    assert main(["export", str(training.folder), "-o", "model.pt2"]) == 0
    said = capsys.readouterr().out
    assert "1 channel, any height and width" in said
    assert main(["export", str(training.folder), "-o", "model.pt2", "--force", "--json"]) == 0
    content = json.loads(capsys.readouterr().out)
    assert content["file"] == "model.pt2"
    assert 0 <= content["difference"] < 1e-6


@pytest.mark.parametrize(("network", "multiple"), [(Even(), 2), (Fixed(), 0), (nn.ReLU(), 1)])
def test_the_sizes_that_a_network_takes_are_found(network: nn.Module, multiple: int):
    run = program.traced(network, X).module()
    assert agreed(network, run, X, 1e-4) == (0, multiple)


def test_a_network_that_cannot_be_traced_is_refused_in_one_line():
    with pytest.raises(ArchitectureError, match="cannot be exported") as caught:
        program.traced(Doubting(), X)
    assert "\n" not in str(caught.value)


def test_a_difference_is_the_largest_one():
    def shifted(x: Tensor) -> Tensor:
        y = x.clone()
        y[0, 0, 3, 4] += 0.25
        return y

    assert difference(nn.Identity(), shifted, X) == pytest.approx(0.25, abs=1e-6)
    assert difference(nn.Identity(), lambda x: x[..., 1:], X) == float("inf")
    assert difference(nn.Identity(), lambda x: x * float("nan"), X) == float("inf")
    with pytest.raises(ArchitectureError, match=r"differs by 0.25 .* more than 0.2"):
        agreed(nn.Identity(), shifted, X, 0.2)


def test_nothing_is_written_where_outputs_differ(
    training: Training, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    load = torch.export.load

    class Wrong:
        def __init__(self, stream) -> None:
            self.right = load(stream).module()

        def module(self):
            return lambda x: self.right(x) + 0.01

    monkeypatch.setattr(torch.export, "load", Wrong)
    with pytest.raises(ArchitectureError, match=r"differs by 0\.01"):
        nasir.export(training.folder, tmp_path / "model.pt2")
    assert list(tmp_path.iterdir()) == []


def test_what_is_there_is_not_overwritten_unasked(training: Training, tmp_path: Path):
    path = tmp_path / "model.pt2"
    path.write_text("mine")
    with pytest.raises(RunFolderError, match="exists: overwrite it with force=True"):
        nasir.export(training.folder, path)
    assert path.read_text() == "mine"


@pytest.mark.parametrize(
    ("output", "message"),
    [
        ("model.pth", r"its suffix must be \.onnx, \.pt2 or \.saf"),
        ("nowhere/model.pt2", "there is no folder nowhere"),
    ],
)
def test_a_file_that_cannot_be_written_is_refused(output: str, message: str, training: Training):
    with pytest.raises(NasirError, match=message):
        nasir.export(training.folder, output)


def test_a_folder_that_is_no_training_cannot_be_exported(tmp_path: Path):
    with pytest.raises(RunFolderError, match="is no training's folder"):
        nasir.export(tmp_path, tmp_path / "model.pt2")


def test_weights_of_another_architecture_are_not_exported(training: Training, tmp_path: Path):
    there = tmp_path / "copy"
    there.mkdir()
    for path in training.folder.glob("*.*"):
        (there / path.name).write_bytes(path.read_bytes())
    content = json.loads((there / "architecture.json").read_text())
    content["choices"]["kernel"] = 5
    (there / "architecture.json").write_text(json.dumps(content))
    with pytest.raises(SettingsError, match="of another network"):
        nasir.export(there, tmp_path / "model.pt2")
    assert not (tmp_path / "model.pt2").exists()


def test_a_missing_package_is_named(training: Training, monkeypatch, tmp_path: Path):
    monkeypatch.setattr(onnx_file, "find_spec", lambda name: None)
    with pytest.raises(SettingsError, match="ONNX needs onnx, onnxscript, onnxruntime: pip inst"):
        nasir.export(training.folder, tmp_path / "model.onnx")


@pytest.mark.parametrize("tolerance", [0, -1, float("nan")])
def test_a_tolerance_has_to_be_above_zero(tolerance: float, training: Training, tmp_path: Path):
    with pytest.raises(SettingsError, match="must be above 0"):
        nasir.export(training.folder, tmp_path / "model.pt2", tolerance=tolerance)
