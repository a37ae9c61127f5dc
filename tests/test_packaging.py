"""Versions that are written in several files agree, and modules import each other one way."""

from __future__ import annotations

import re
import sys
from graphlib import TopologicalSorter
from pathlib import Path

import pytest
import tomli

import nasir

ROOT = Path(__file__).parent.parent
PROJECT = tomli.loads((ROOT / "pyproject.toml").read_text())["project"]


@pytest.fixture
def tools(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sys, "path", [str(ROOT / "tools"), *sys.path])


def test_the_version_is_the_same_everywhere():
    cited = re.search(r"^version: (.*)$", (ROOT / "CITATION.cff").read_text(), re.MULTILINE)
    assert cited is not None
    assert cited[1] == PROJECT["version"] == nasir.__version__


def test_the_container_has_the_tested_torch_and_works_in_data():
    steps = (ROOT / "Dockerfile").read_text()
    (image,) = re.findall(r'"torch==([\d.]+)\+cpu"', steps)
    assert f"torch=={image}\n" in (ROOT / "constraints.txt").read_text()
    assert steps.endswith('WORKDIR /data\nENTRYPOINT ["nasir"]\nCMD ["--version"]\n')


def test_the_oldest_packages_are_the_lower_bounds(tools: None):
    from version_matrix import lower_bounds

    assert [pin.partition("==")[0] for pin in lower_bounds()] == [
        re.split(r"[<>=]", dependency)[0] for dependency in PROJECT["dependencies"]
    ]
    assert "torch==2.4" in lower_bounds()


def test_a_python_that_is_there_is_found_and_no_other(tools: None):
    from version_matrix import interpreter

    assert interpreter("3.99") is None
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    assert interpreter(version)


def test_no_module_is_in_a_circle_of_imports_with_another():
    """Of imports at the top of modules; layers are checked by import-linter."""
    files = {
        ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path
        for path in (ROOT / "nasir").rglob("*.py")
    }
    pattern = re.compile(r"^from (nasir[\w.]*) import (\([^)]*\)|.*)$", re.MULTILINE)
    imports = {
        module: {
            inner if (inner := f"{source}.{name}") in files else source
            for source, names in pattern.findall(path.read_text())
            for name in re.findall(r"\w+", names)
        }
        for module, path in files.items()
    }
    assert len(list(TopologicalSorter(imports).static_order())) == len(files)
