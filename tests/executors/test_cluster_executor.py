"""Evaluations on a cluster: the same trials as in this process, whatever dies."""

from __future__ import annotations

import os
import pickle
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from processes import ENOUGH, alive, begin, complete, descendants, listened_to, wait_until
from toy_plugin import WORDS, ToyEvaluator, ToySpace, ToyTask, figures

from nasir.core.errors import EvaluationError, SettingsError
from nasir.core.evaluator import Problem
from nasir.core.failures import TimeLimitError, WorkerDiedError
from nasir.core.trial import FULL
from nasir.executors import dask_workers, ray_cluster
from nasir.executors.dask import Dask
from nasir.executors.environment import WorkerEnvironment, versions
from nasir.executors.ray import Ray
from nasir.executors.worker_loop import unpack_answer
from nasir.runs.run import Run

pytestmark = pytest.mark.timeout(900)  # a cluster starts slowly where others work

without_ray = pytest.mark.skipif(find_spec("ray") is None, reason="needs nasir[ray]")
without_dask = pytest.mark.skipif(find_spec("distributed") is None, reason="needs nasir[dask]")


@pytest.fixture(scope="module")
def standing_ray(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A cluster that was there before, which no run may stop, in a folder that stays."""
    ray = pytest.importorskip("ray", reason="needs nasir[ray]")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path_factory.mktemp("ray"))
        leave = ray_cluster.join(None, 1, 0, 2)
    yield ray
    leave()


@pytest.fixture(params=["ray", "dask"])
def cluster(request: pytest.FixtureRequest) -> str:
    if request.param == "dask":
        pytest.importorskip("distributed", reason="needs nasir[dask]")
    else:
        request.getfixturevalue("standing_ray")
    return str(request.param)


def test_a_search_on_a_cluster_makes_the_trials_of_one_here(
    cluster: str, toy: Callable[..., Any], wanderer: Path
):
    """With a plugin that only this process has, pictures, and a try whose process dies."""
    crash = Path("crashed").absolute()
    words = ("evaluator=wanderer", "trials=8", "threads=2", f"evaluator.crash={crash}")
    crash.touch()
    here = toy(*words, "name=here")
    crash.unlink()
    there = toy(*words, "name=there", "workers=2", f"executor={cluster}")
    assert there.settings["executor"]["name"] == cluster
    assert list(map(figures, there.trials)) == list(map(figures, here.trials))
    assert {t.metrics["threads"] for t in there.trials} == {2.0}
    (tries,) = there.failed_attempts.values()
    assert [one.failure for one in tries] == ["worker"]
    assert str(os.getpid()) not in {t.worker.rpartition(":")[2] for t in there.trials}
    assert figures(there.best) == figures(here.best)
    picture = "best/toy-restored.png"
    assert (there.folder / picture).read_bytes() == (here.folder / picture).read_bytes()


@pytest.fixture
def start() -> Iterator[Callable[..., Executor]]:
    started: list[Executor] = []

    def starting(factory: Any, workers: int = 1) -> Executor:
        started.append(factory.start(workers))
        return started[-1]

    yield starting
    for executor in started:
        executor.shutdown(wait=False, cancel_futures=True)


def test_an_evaluation_whose_worker_is_lost_begins_anew(
    standing_ray, start, wanderer: Path, tmp_path: Path
):
    """The cluster's own process dies, as it does with its machine."""
    import wanderer as plugin

    lost = str(tmp_path / "lost")
    executor = start(Ray())
    assert executor.submit(plugin.kill_parent_once, lost).result(ENOUGH) == "done"
    with pytest.raises(WorkerDiedError, match="1 workers were lost with this evaluation"):
        start(Ray(moves=0)).submit(plugin.kill_parent_once, lost + " too").result(ENOUGH)
    picture = executor.submit(np.zeros, (300, 300)).result(ENOUGH)
    picture += 1  # no view of what the cluster holds, which nobody may write to
    executor.shutdown()
    assert picture.sum() == 90_000
    assert standing_ray.is_initialized()


def test_a_cluster_keeps_limits_sends_checkpoints_and_ends_at_once(
    cluster: str, start, wanderer: Path, tmp_path: Path
):
    import wanderer as plugin

    executor = start({"ray": Ray, "dask": Dask}[cluster]().within(3.0, 50_000))
    with pytest.raises(TimeLimitError, match="stopped after 3 seconds"):
        executor.submit(time.sleep, 60).result(ENOUGH)

    folder = tmp_path / "unseen" / "checkpoints"
    problem = Problem(ToySpace(), ToyTask(), {FULL: ToyEvaluator()}, checkpoints=folder)
    for before, content in ((None, "one"), ("one", "the second"), ("by another", "last")):
        call = executor.submit(plugin.rewrite_checkpoint, problem, "fit", content)
        assert call.result(ENOUGH)[0] == before
        assert (folder / "fit").read_text() == content
        (folder / "fit").write_text("by another" if content == "the second" else content)

    running = executor.submit(time.sleep, 60)
    time.sleep(0.5)
    executor.shutdown(wait=False, cancel_futures=True)
    with pytest.raises(EvaluationError, match="shut down"):
        running.result(2)


@without_dask
def test_a_dask_worker_that_dies_has_its_calls_done_elsewhere(
    start, wanderer: Path, tmp_path: Path
):
    """By Dask itself, in a cluster of processes that was there before and stays."""
    import wanderer as plugin
    from distributed import LocalCluster

    with LocalCluster(
        n_workers=1, threads_per_worker=1, dashboard_address="127.0.0.1:0", memory_limit=0
    ) as there:
        executor = start(Dask(address=there.scheduler_address))
        assert (
            executor.submit(plugin.kill_parent_once, str(tmp_path / "lost")).result(ENOUGH)
            == "done"
        )
        executor.shutdown()
        assert there.scheduler.status.name == "running"


@without_dask
def test_a_copy_in_another_dask_worker_has_no_processes_and_refuses_other_versions():
    environment = WorkerEnvironment({**versions(), "torch": "1.0"}, (), {}, {})
    workers = pickle.loads(pickle.dumps(dask_workers.DaskWorkers("run", environment, None, None)))
    for _ in range(2):
        with pytest.raises(EvaluationError, match=r"the run 1\.0: install the same"):
            unpack_answer(dask_workers.evaluate(workers, b"", None).result)
    dask_workers.end("run")
    with pytest.raises(EvaluationError, match="shut down"):
        unpack_answer(dask_workers.evaluate(workers, b"", None).result)


@pytest.mark.parametrize("refusing", [True, False])
def test_ray_refuses_to_start_where_no_machine_can_evaluate(standing_ray, monkeypatch, refusing):
    """Of its versions, or because its worker cannot be made at all."""
    there = WorkerEnvironment({**versions(), "torch": "1.0"} if refusing else {}, (), {}, {})
    monkeypatch.setattr(WorkerEnvironment, "of_this_process", lambda: there)
    reason = r"the run 1\.0: install the same" if refusing else "'Python'"
    with pytest.raises(SettingsError, match=f"executor=ray: .*{reason}"):
        Ray().start(1)
    assert standing_ray.is_initialized()


@without_ray
def test_a_cluster_of_its_own_is_on_loopback_and_leaves_no_process_after_ctrl_c():
    running = begin(
        "run", "--quiet", *WORDS, "trials=400", "evaluator.sleep=0.3", "executor=ray", "name=own"
    )
    wait_until(lambda: running.poll() is not None or complete(Path("runs/own")) >= 1)
    processes = descendants(running.pid)
    assert len(processes) > 3
    addresses = listened_to([running.pid, *processes])
    assert addresses
    assert all(address.endswith("0100007F") for address in addresses)  # 127.0.0.1
    os.killpg(running.pid, signal.SIGINT)
    _, said = running.communicate(timeout=ENOUGH)
    assert (running.returncode, "Traceback" in said) == (130, False), said
    wait_until(lambda: not any(map(alive, processes)))
    assert Run("runs/own").state == "interrupted"


@pytest.mark.parametrize("name", ["ray", "dask"])
def test_a_missing_library_is_refused_in_one_line(name: str, monkeypatch, capsys):
    from nasir.cli.main import main

    missing = {"ray": "ray", "dask": "distributed"}[name]
    monkeypatch.setattr(
        "nasir.executors.cluster_executor.find_spec",
        lambda module: None if module == missing else find_spec(module),
    )
    assert main(["run", "--quiet", *WORDS, f"executor={name}"]) == 2
    said = capsys.readouterr().err.strip()
    assert f'pip install "nasir[{name}]"' in said
    assert len(said.splitlines()) == 1
    assert not Path("runs").exists()


def test_a_cluster_is_not_imported_before_it_is_started():
    program = (
        "import sys; from nasir.apps.search.search import plan\n"
        f"for name in ('ray', 'dask'): plan([*{WORDS!r}, 'executor=' + name], {{}})\n"
        "assert not {'ray', 'distributed', 'dask', 'cloudpickle'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=ENOUGH)


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("executor.cpus=-1", "cpus=-1: wants 0, a fraction below 1, or a whole number"),
        ("executor.gpus=1.5", "gpus=1.5: wants 0, a fraction below 1, or a whole number"),
        ("executor.cpus=inf", "cpus=inf"),
        ("executor.moves=-1", "'moves' must be >= 0"),
        ("executor.address=somewhere", "write auto, HOST:PORT or ray://HOST:PORT"),
        ("executor.address=host:99999", "write auto, HOST:PORT or ray://HOST:PORT"),
        ("executor.adress=auto", "did you mean 'executor.address'"),
    ],
)
@without_ray
def test_wrong_settings_of_ray_are_refused(toy, word: str, said: str):
    with pytest.raises(SettingsError, match=re.escape(said)):
        toy("executor=ray", word)
    assert not Path("runs").exists()


@without_ray
def test_an_address_without_a_cluster_is_refused_at_once():
    """By a process that is in no cluster yet."""
    refused = begin("run", *WORDS, "executor=ray", "executor.address=127.0.0.1:1")
    _, said = refused.communicate(timeout=ENOUGH)
    assert refused.returncode == 2
    assert "executor.address=127.0.0.1:1: nothing answers there" in said.strip().splitlines()[-1]
    assert "Traceback" not in said


@without_ray
def test_a_cluster_with_a_token_says_how_to_give_it(monkeypatch):
    import ray
    from ray.exceptions import AuthenticationError

    def refusing(*_: Any, **__: Any) -> None:
        raise ConnectionError("Failed to connect") from AuthenticationError("InvalidAuthToken")

    monkeypatch.setattr(ray, "init", refusing)
    monkeypatch.setattr(ray, "shutdown", lambda: None)
    with pytest.raises(SettingsError, match=r"host:1: .* set RAY_AUTH_MODE=token"):
        ray_cluster._init(ray, "host:1")


@without_dask
def test_wrong_settings_of_dask_are_refused(tmp_path: Path, monkeypatch):
    with pytest.raises(SettingsError, match="give one of them"):
        Dask("tcp://host:1", "file").within(None, None)
    with pytest.raises(SettingsError, match="there is no such file"):
        Dask(scheduler_file=str(tmp_path / "none.json")).within(None, None)
    with pytest.raises(SettingsError, match=r"executor\.address=nonsense://x: ") as refused:
        Dask("nonsense://x").start(1)
    assert "\n" not in str(refused.value)
    monkeypatch.setattr("nasir.executors.dask.CONNECT_SECONDS", 0.2)
    with pytest.raises(SettingsError, match=r"executor\.address=tcp://127\.0\.0\.1:9: Timed out"):
        Dask("tcp://127.0.0.1:9").start(1)


@without_ray
def test_more_gpus_than_this_machine_has_are_refused(standing_ray, monkeypatch):
    monkeypatch.setattr(ray_cluster, "_init", lambda *_, **__: None)
    monkeypatch.setattr(standing_ray, "shutdown", lambda: None)
    with pytest.raises(SettingsError, match=r"executor\.gpus=64: this machine has 0"):
        ray_cluster._start(standing_ray, 1, 64, 1)
