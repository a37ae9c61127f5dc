"""The files that plugins need on other machines."""

from __future__ import annotations

from pathlib import Path

import pytest

from nasir.executors.plugin_files import plugin_files


@pytest.fixture
def package(wanderer: Path, request: pytest.FixtureRequest) -> Path:
    folder = wanderer / request.node.name.partition("[")[0].removeprefix("test_")
    folder.mkdir()
    (folder / "__init__.py").touch()
    return folder


def test_a_plugin_and_the_neighbours_that_it_imports_are_sent(wanderer: Path):
    files = plugin_files(["wanderer"])
    assert sorted(files) == ["wanderer.py", "wanderer_scores.py"]
    assert files["wanderer.py"] == (wanderer / "wanderer.py").read_bytes()


def test_a_package_is_sent_whole_without_bytecode(package: Path):
    for name in ("deep/part.py", "deep/table.txt", "__pycache__/x.pyc"):
        path = package / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("from . import deep\nimport wanderer_scores\n" * name.endswith(".py"))
    names = {f"{package.name}/{name}" for name in ("__init__.py", "deep/part.py", "deep/table.txt")}
    assert set(plugin_files([package.name])) == {*names, "wanderer_scores.py"}


def test_compiled_installed_and_unknown_modules_are_not_sent(package: Path):
    (package / "fast.cpython-311-x86_64-linux-gnu.so").touch()
    (package / "fast.abi3.so").touch()
    assert plugin_files([package.name, "nasir", "json", "no_such_module"]) == {}


def test_a_large_package_is_reported_and_not_sent(package: Path, caplog):
    with (package / "weights.bin").open("wb") as file:
        file.truncate(65 * 2**20)
    assert plugin_files([package.name]) == {}
    assert f"{package.name} has 65 MiB of files and is not sent" in caplog.text
