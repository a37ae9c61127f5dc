"""The example distribution: built, installed, found, and used."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from skimage import data

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


COMMANDS = {
    "list": "list",
    "plugins": "plugins",
    "run": "run space=plain strategy=hill task=despeckle trials=3 task.size=24 "
    "evaluator.iterations=4 threads=1 --json",
    "restore": "restore photo.png task=despeckle evaluator=fading evaluator.iterations=100 "
    "space.depth=3 threads=1",
    "degraded": "run strategy=random trials=1 evaluator.iterations=3 task=degraded "
    "task.degradation=ghost+speckle task.degradation.ghost.shift=2 space.depth=2 space.width=8 "
    "task.size=32 threads=1",
    "score": "score pool=3 proxies=contrast space.depth=2 space.width=8 task.size=32 threads=1 "
    "--json",
}

PROGRAM = """
import json, shlex, sys
from contextlib import redirect_stdout
from io import StringIO

import pytest
from nasir.cli.main import main

said = {}
for name, words in json.loads(sys.argv[1]).items():
    with redirect_stdout(StringIO()) as out:
        code = main(shlex.split(words))
    said[name] = [code, out.getvalue()]

import torch
from nasir.apps.search.search import plan
from nasir.core.search_space import Signature

[run] = plan(["space.upsample=carafe,nearest", "space.depth=2", "space.width=8"], {})
space, said["upsampling"] = run.problem.space, []
for upsample in (0, 1):
    first = space.domain.decode([upsample, *[0] * (len(space.domain.decisions) - 1)])
    network = space.build(first, Signature(3, 1))
    parts = {type(module).__name__ for module in network.modules()}
    shape = list(network(torch.rand(1, 3, 17, 20)).shape)
    said["upsampling"].append([first.choices["upsample"], "Carafe" in parts, shape])

with redirect_stdout(StringIO()) as out:
    code = pytest.main(["-q", "-p", "no:cacheprovider", "-o", "pythonpath=", "tests"])
said["contracts"] = [int(code), out.getvalue()]
json.dump(said, open("said.json", "w"))
"""


@pytest.fixture(scope="module")
def said(installed: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What all commands print in one fresh Python that has the plugin installed."""
    folder = tmp_path_factory.mktemp("used")
    shutil.copytree(EXAMPLE / "tests", folder / "tests")
    clean = data.camera()[200:248, 200:248] / 255
    noise = np.random.default_rng(0).standard_normal(clean.shape)
    speckled = (clean + 0.3 * clean * noise).clip(0, 1)
    Image.fromarray((255 * speckled).round().astype("uint8")).save(folder / "photo.png")
    environment = os.environ | {
        "PYTHONPATH": os.pathsep.join(
            [str(installed), *filter(None, [os.environ.get("PYTHONPATH")])]
        ),
        "NASIR_CONFIG": str(folder / "config"),
        "NASIR_STRICT_PLUGINS": "1",
        "OMP_NUM_THREADS": "1",
    }
    command = [sys.executable, "-c", PROGRAM, json.dumps(COMMANDS)]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    printed = json.loads((folder / "said.json").read_text())
    wrong = {
        name: (*printed[name], done.stderr) for name in (*COMMANDS, "contracts") if printed[name][0]
    }
    assert not wrong
    restored = np.asarray(Image.open(folder / "photo-restored.png")) / 255
    return {**printed, "errors": [((x - clean) ** 2).mean() for x in (speckled, restored)]}


def test_all_of_it_takes_fewer_than_200_lines_of_code() -> None:
    lines = [line for file in (EXAMPLE / "nasir_example").glob("*.py") for line in file.open()]
    assert sum(1 for line in lines if line.strip()) < 200


def test_it_does_what_its_page_says(said: dict[str, Any]) -> None:
    """One test, because a process of the tests that has a part of them makes all of it again."""
    for name in ("plain", "hill", "despeckle", "fading", "speckle", "ghost", "upsample.carafe"):
        assert name in said["list"][1]
    assert "nasdip" in said["list"][1]
    assert "nasir-example-plugin" in said["plugins"][1]
    # its components search together
    printed = json.loads(said["run"][1])
    assert printed["state"] == "finished"
    assert printed["trials"] == {"complete": 3, "failed": 0}
    assert {"degraded input", "smallest", "found"} == {row["name"] for row in printed["results"]}
    # its task and its fitting method restore a picture
    before, after = said["errors"]
    assert after < 0.5 * before
    # its degradations and its proxy work with what comes with nasir
    assert "found" in said["degraded"][1]
    assert "contrast" in said["score"][1]
    # its upsampling is an option of the cell of nasdip
    assert said["upsampling"] == [
        ["carafe", True, [1, 1, 17, 20]],
        ["nearest", False, [1, 1, 17, 20]],
    ]
    # it keeps the contracts
    assert " passed" in said["contracts"][1]


def test_the_example_is_as_short_as_the_readme_says():
    files = sorted((EXAMPLE / "nasir_example").glob("*.py"))
    lines = [line for file in files for line in file.read_text().splitlines() if line.strip()]
    assert len(files) > 7  # with seven kinds of component
    assert len(lines) < 200
