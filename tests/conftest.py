"""Every test runs in a folder of its own, without the user's configuration; the toy plugin."""

from __future__ import annotations

import gc
import multiprocessing
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from privileges import ReadableOnly, without_privileges

TESTS = Path(__file__).parent

ENTRY_POINTS = "[nasir]\ntoy = toy_plugin\n"
# a machine that others use, too, may be slow at any moment
settings.register_profile("nasir", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("nasir")

MEMORY, ROOM = Path("/dev/shm"), 4 << 30
"""Temporary files are kept in memory where there is room: a disk took a fifth of the time."""

METADATA = "Metadata-Version: 2.1\nName: nasir-toy\nVersion: 1.0\n"


def pytest_configure(config: pytest.Config) -> None:
    """Install the toy plugin where this process and those it starts look for plugins.

    Ctrl-C is heard, which a shell's background job and all that it starts would ignore. Torch's
    threads give way, as they do on the command line: several processes test at the same time.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    if MEMORY.is_dir() and shutil.disk_usage(MEMORY).free > ROOM:
        os.environ.setdefault("TMPDIR", str(MEMORY))
        tempfile.tempdir = None  # looked up anew
    if "gpu" not in config.getoption("markexpr"):
        os.environ["CUDA_VISIBLE_DEVICES"] = ""  # figures and bits of tests are those of a CPU
    signal.signal(signal.SIGINT, signal.default_int_handler)
    site = tempfile.TemporaryDirectory(prefix="nasir-toy-")
    config.add_cleanup(site.cleanup)
    info = Path(site.name, "nasir_toy-1.0.dist-info")
    info.mkdir()
    (info / "METADATA").write_text(METADATA, encoding="utf-8")
    (info / "entry_points.txt").write_text(ENTRY_POINTS, encoding="utf-8")
    places = [str(TESTS), site.name]
    sys.path[:0] = [place for place in places if place not in sys.path]
    before = os.environ.get("PYTHONPATH")
    os.environ["PYTHONPATH"] = os.pathsep.join([*places, *([before] if before else [])])
    os.environ["NASIR_CONFIG"] = site.name


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip a test that wants a GPU where there is none."""
    if item.get_closest_marker("gpu") is None:
        return
    import torch

    if not torch.cuda.is_available():
        pytest.skip("there is no GPU")


@pytest.fixture
def tmp_path(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """As pytest's, without a link to the latest folder, which takes longer than most tests."""
    folder = Path(tempfile.mkdtemp(dir=tmp_path_factory.getbasetemp()))
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(autouse=True)
def _apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NASIR_CONFIG", str(tmp_path / "configuration"))
    for name in ("NASIR_STRICT_PLUGINS", "NASIR_DISABLE_PLUGINS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def toy() -> Callable[..., object]:
    """Searches with the toy plugin: ``toy("trials=3", seed=1)`` returns the run."""
    from toy_plugin import WORDS

    import nasir

    def search(*words: str, **settings: object) -> object:
        return nasir.search(*WORDS, *words, **settings)

    return search


@pytest.fixture
def workers_of_a_server(monkeypatch: pytest.MonkeyPatch) -> None:
    """Processes are forked from one that has imported torch, where there is such a server.

    A spawned one, which imports it anew, takes seconds. Tests of killed and interrupted runs with
    workers, of parallel runs and of clusters have those.
    """
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return
    multiprocessing.set_forkserver_preload(["nasir.executors.worker_loop", "torch", "toy_plugin"])
    get_context = multiprocessing.get_context
    monkeypatch.setattr(
        multiprocessing,
        "get_context",
        lambda method=None: get_context("forkserver" if method == "spawn" else method),
    )


@pytest.fixture
def unwritable() -> Iterator[Path]:
    """A folder that this process can read but not write."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o555)
        with without_privileges():
            yield folder
        folder.chmod(0o755)


@pytest.fixture
def readable_only() -> Iterator[ReadableOnly]:
    with tempfile.TemporaryDirectory() as name:
        yield ReadableOnly(Path(name))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what waits longest for other programs, so that no process is left with it."""
    names = ("cluster_executor", "example_plugin", "parallel", "process", "resume")
    items.sort(key=lambda item: item.path.stem.removeprefix("test_") not in names)


def pytest_collection_finish() -> None:
    """Leave what was imported out of searches for garbage, which took 3 % of the time."""
    gc.collect()
    gc.freeze()
