"""The example distribution: built, installed, found, and used."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLE = Path(__file__).parents[2] / "examples" / "nasir-example-plugin"


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the built and installed plugin."""
    copy = tmp_path_factory.mktemp("source") / "plugin"  # building leaves files behind
    shutil.copytree(EXAMPLE, copy)
    target = tmp_path_factory.mktemp("installed")
    offline = ["--no-build-isolation", "--no-deps", "--no-index", "--target", str(target)]
    command = [sys.executable, "-m", "pip", "install", "--quiet", *offline, str(copy)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return target


def _python(installed: Path, *arguments: str, cwd: Path) -> str:
    """The output of a fresh Python that has the plugin installed."""
    environment = os.environ | {
        "PYTHONPATH": os.pathsep.join(
            [str(installed), *filter(None, [os.environ.get("PYTHONPATH")])]
        ),
        "NASIR_CONFIG": str(cwd / "config"),
        "NASIR_STRICT_PLUGINS": "1",
        "OMP_NUM_THREADS": "1",
    }
    done = subprocess.run(
        [sys.executable, *arguments], cwd=cwd, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def _nasir(installed: Path, *words: str, cwd: Path) -> str:
    return _python(installed, "-m", "nasir.cli.main", *words, cwd=cwd)


def test_all_of_it_takes_fewer_than_200_lines_of_code() -> None:
    lines = [line for file in (EXAMPLE / "nasir_example").glob("*.py") for line in file.open()]
    assert sum(1 for line in lines if line.strip()) < 200


def test_it_is_listed_like_what_comes_with_nasir(installed: Path, tmp_path: Path) -> None:
    listed = _nasir(installed, "list", cwd=tmp_path)
    for name in (
        "plain",
        "hill",
        "despeckle",
        "fading",
        "speckle",
        "ghost",
        "upsample.carafe",
        "nasdip",
    ):
        assert name in listed
    plugins = _nasir(installed, "plugins", cwd=tmp_path)
    assert "nasir-example-plugin" in plugins


def test_its_components_search_together(installed: Path, tmp_path: Path) -> None:
    picks = ("space=plain", "strategy=hill", "task=despeckle")
    small = ("trials=3", "task.size=24", "evaluator.iterations=4", "threads=1")
    printed = json.loads(_nasir(installed, "run", *picks, *small, "--json", cwd=tmp_path))
    assert printed["state"] == "finished"
    assert printed["trials"] == {"complete": 3, "failed": 0}
    assert {"degraded input", "smallest", "found"} == {row["name"] for row in printed["results"]}


def test_a_picture_is_restored_by_its_task_and_fitting_method(
    installed: Path, tmp_path: Path
) -> None:
    import numpy as np
    from PIL import Image
    from skimage import data

    clean = data.camera()[200:248, 200:248] / 255
    noise = np.random.default_rng(0).standard_normal(clean.shape)
    speckled = (clean + 0.3 * clean * noise).clip(0, 1)
    Image.fromarray((255 * speckled).round().astype("uint8")).save(tmp_path / "photo.png")
    picks = ("task=despeckle", "evaluator=fading", "evaluator.iterations=200")
    _nasir(installed, "restore", "photo.png", *picks, "space.depth=3", "threads=1", cwd=tmp_path)
    restored = np.asarray(Image.open(tmp_path / "photo-restored.png")) / 255
    assert restored.shape == clean.shape
    assert ((restored - clean) ** 2).mean() < 0.5 * ((speckled - clean) ** 2).mean()


def test_its_degradations_and_proxy_work_with_what_comes_with_nasir(
    installed: Path, tmp_path: Path
) -> None:
    small = ("space.depth=2", "space.width=8", "task.size=32", "threads=1")
    both = ("task=degraded", "task.degradation=ghost+speckle", "task.degradation.ghost.shift=2")
    fit = ("strategy=random", "trials=1", "evaluator.iterations=3")
    _nasir(installed, "run", *fit, *both, *small, cwd=tmp_path)
    scored = _nasir(
        installed, "score", "pool=3", "proxies=contrast", *small, "--json", cwd=tmp_path
    )
    assert "contrast" in scored


def test_its_upsampling_is_an_option_of_the_nasdip_cell(installed: Path, tmp_path: Path) -> None:
    program = """
import torch
from nasir.apps.search.search import plan
from nasir.core.search_space import Signature

[run] = plan(["space.upsample=carafe,nearest", "space.depth=2", "space.width=8"], {})
space = run.problem.space
for upsample in (0, 1):
    first = space.domain.decode([upsample, *[0] * (len(space.domain.decisions) - 1)])
    network = space.build(first, Signature(3, 1))
    parts = {type(module).__name__ for module in network.modules()}
    print(first.choices["upsample"], "Carafe" in parts, *network(torch.rand(1, 3, 17, 20)).shape)
"""
    printed = _python(installed, "-c", program, cwd=tmp_path).splitlines()
    assert printed == ["carafe True 1 1 17 20", "nearest False 1 1 17 20"]


def test_it_keeps_the_contracts(installed: Path, tmp_path: Path) -> None:
    options = ("-q", "-p", "no:cacheprovider", "-o", "pythonpath=")
    tests = shutil.copytree(EXAMPLE / "tests", tmp_path / "tests")
    printed = _python(installed, "-m", "pytest", *options, str(tests), cwd=tmp_path)
    assert " passed" in printed
