"""The worker of a run on another machine: its components, its checkpoints, and its end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import attrs
import cloudpickle
import pytest
from processes import alive, descendants, wait_until
from toy_plugin import ToyEvaluator, ToySpace, ToyTask

from nasir.core.errors import EvaluationError
from nasir.core.evaluator import Problem
from nasir.core.failures import TimeLimitError, WorkerDiedError
from nasir.core.trial import FULL
from nasir.executors.checkpoints import RunCheckpoints
from nasir.executors.cluster_executor import ClusterExecutor
from nasir.executors.cluster_worker import Answer, ClusterWorker
from nasir.executors.environment import WorkerEnvironment, versions
from nasir.executors.worker_loop import unpack_answer
from nasir.runs.owner import heartbeats


@pytest.fixture(scope="module")
def worker(wanderer: Path) -> Iterator[ClusterWorker]:
    one = ClusterWorker(WorkerEnvironment.of_this_process(), None, None)
    assert one.open() is None
    yield one
    one.end()


def call(worker: ClusterWorker, function: Callable[..., object], *arguments: object) -> object:
    return unpack_answer(worker.run(cloudpickle.dumps((function, arguments, {}))).result)


def test_a_machine_with_other_versions_is_refused_in_one_line():
    there = WorkerEnvironment({**versions(), "torch": "1.0"}, (), {}, {})
    worker = ClusterWorker(there, None, None)
    refusal = worker.open() or ""
    assert refusal.endswith(f"has torch {versions()['torch']}, the run 1.0: install the same")
    assert "\n" not in refusal
    with pytest.raises(EvaluationError, match="install the same"):
        call(worker, abs, -3)


def test_a_plugin_runs_from_the_files_that_were_sent(worker: ClusterWorker, wanderer: Path):
    import wanderer as plugin

    there, parent = call(worker, plugin.file_and_parent)
    assert Path(there).name == "wanderer.py"
    assert not Path(there).is_relative_to(wanderer)
    assert parent == os.getpid()
    assert Path(there).is_file()


def test_a_worker_has_the_components_of_this_process(worker: ClusterWorker):
    names, module = call(worker, _evaluators)
    assert {"wanderer", "toy", "dip", "train"} <= names
    assert module == "wanderer"


def _evaluators() -> tuple[set[str], str]:
    from nasir.core.registry import registries

    evaluators = registries["evaluator"]
    return set(evaluators), evaluators.load("wanderer").__module__


def test_a_crash_and_a_limit_end_one_call_and_the_worker_continues(wanderer: Path):
    worker = ClusterWorker(WorkerEnvironment.of_this_process(), 1.0, None)
    with pytest.raises(TimeLimitError, match="stopped after 1 seconds"):
        call(worker, time.sleep, 60)
    with pytest.raises(WorkerDiedError, match=r"exit code 3"):
        call(worker, os._exit, 3)
    worker.end()
    with pytest.raises(EvaluationError, match="shut down"):
        call(worker, abs, -3)


class OneWorker(ClusterExecutor):
    """A cluster of one worker."""

    def __init__(self, worker: ClusterWorker) -> None:
        super().__init__(1)
        self._worker = worker

    def _evaluate(self, call: bytes, run: RunCheckpoints | None) -> Answer:
        return self._worker.run(call, run)

    def _end_workers(self) -> None:
        """The worker stays."""


def test_checkpoints_reach_a_worker_that_does_not_see_the_run_and_come_back(
    worker: ClusterWorker, tmp_path: Path
):
    import wanderer as plugin

    folder = tmp_path / "run" / "checkpoints"
    folder.parent.mkdir()
    problem = Problem(ToySpace(), ToyTask(), {FULL: ToyEvaluator()}, checkpoints=folder)
    executor = OneWorker(worker)

    def rewrite(content: str) -> tuple[str | None, str]:
        submitted = executor.submit(plugin.rewrite_checkpoint, problem, "epoch3/state", content)
        return submitted.result(60)

    with heartbeats(folder.parent, "sign"):
        assert rewrite("seen") == (None, str(folder / "epoch3/state"))
    for before, content in (("seen", "sent"), ("sent", "sent again")):
        found, path = rewrite(content)
        assert found == before
        assert not Path(path).is_relative_to(tmp_path)
        assert (folder / "epoch3/state").read_text() == content
    (folder / "epoch3/state").write_text("of another worker")
    assert rewrite("last")[0] == "of another worker"
    executor.shutdown()


def test_a_worker_ends_with_its_parent_in_the_middle_of_an_evaluation(tmp_path: Path):
    """And removes all its files, for which its parent had no time."""
    program = (
        "import pickle, time; from nasir.executors.cluster_worker import ClusterWorker\n"
        "from nasir.executors.environment import WorkerEnvironment\n"
        "worker = ClusterWorker(WorkerEnvironment.of_this_process(), None, None)\n"
        "print(worker._folder.name, flush=True)\n"
        "worker.run(pickle.dumps((time.sleep, (600,), {})))\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, text=True
    ) as one:
        assert one.stdout
        folder = Path(one.stdout.readline().strip())
        wait_until(lambda: bool(descendants(one.pid)))
        children = descendants(one.pid)
        time.sleep(0.5)  # at any moment of its work, most of which is importing
        assert folder.is_dir()
        one.send_signal(signal.SIGKILL)
    wait_until(lambda: not folder.exists() and not any(map(alive, children)))


def test_a_class_of_the_program_itself_is_sent_by_value(worker: ClusterWorker):
    """A notebook's, for example, which nobody else can import."""
    source = "import attrs\n@attrs.define\nclass Own:\n    value: int = 3\n"
    program = (
        f"{source}\nimport cloudpickle, sys\n"
        "sys.stdout.buffer.write(cloudpickle.dumps((attrs.asdict, (Own(5),), {})))\n"
    )
    packed = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True).stdout
    assert unpack_answer(worker.run(packed).result) == {"value": 5}
    assert attrs.fields(type(cloudpickle.loads(packed)[1][0])).value.default == 3
