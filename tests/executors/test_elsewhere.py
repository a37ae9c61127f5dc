"""What evaluations on another machine are given, and what comes back."""

from __future__ import annotations

import os
import pickle
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import attrs
import pytest
from toy_plugin import ToyEvaluator, ToySpace, ToyTask

from nasir.core.errors import EvaluationError, RunFolderError
from nasir.core.evaluator import Problem
from nasir.core.failures import TimeLimitError, WorkerDiedError
from nasir.core.trial import FULL
from nasir.executors.elsewhere import packed_call, run_folder
from nasir.executors.host import Host
from nasir.executors.luggage import Luggage, packed, versions
from nasir.executors.mirror import Mirror
from nasir.executors.sources import sources
from nasir.executors.worker import result_of
from nasir.runs.heartbeat import beating


@pytest.fixture(scope="module")
def host(wanderer: Path) -> Iterator[Host]:
    one = Host(None, None)
    assert one.open(packed()) is None
    yield one
    one.end()


def called(host: Host, function: object, *arguments: object) -> object:
    return result_of(host.run(packed_call(function, arguments, {}))[0])


def test_a_plugin_and_what_it_imports_beside_it_are_sent_and_nothing_else(wanderer: Path):
    files = sources(["wanderer"])
    assert sorted(files) == ["wanderer.py", "wanderer_scores.py"]
    assert files["wanderer.py"] == (wanderer / "wanderer.py").read_bytes()


def test_a_package_is_sent_whole_without_what_is_compiled_from_it(wanderer: Path):
    package = wanderer / "packaged"
    for name in ("__init__.py", "deep/part.py", "deep/table.txt", "__pycache__/x.pyc"):
        path = package / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("from . import deep\nimport wanderer_scores\n" * name.endswith(".py"))
    names = {"packaged/__init__.py", "packaged/deep/part.py", "packaged/deep/table.txt"}
    assert set(sources(["packaged"])) == {*names, "wanderer_scores.py"}


def test_what_cannot_run_elsewhere_or_is_there_anyway_is_not_sent(wanderer: Path):
    (wanderer / "compiled").mkdir()
    (wanderer / "compiled" / "__init__.py").touch()
    (wanderer / "compiled" / "fast.cpython-311-x86_64-linux-gnu.so").touch()
    (wanderer / "compiled" / "fast.abi3.so").touch()
    assert sources(["compiled", "nasir", "json", "no_such_module"]) == {}


def test_what_is_too_large_is_told_of_and_not_sent(wanderer: Path, caplog):
    (wanderer / "heavy").mkdir()
    (wanderer / "heavy" / "__init__.py").touch()
    with (wanderer / "heavy" / "weights.bin").open("wb") as file:
        file.truncate(65 * 2**20)
    assert sources(["heavy"]) == {}
    assert "heavy has 65 MiB of files and is not sent" in caplog.text


def test_other_versions_are_refused_in_one_line():
    luggage = Luggage({**versions(), "torch": "1.0"}, (), {}, {})
    refusal = Host(None, None).open(luggage)
    assert refusal is not None
    assert refusal.endswith(f"has torch {versions()['torch']}, the run 1.0: install the same")
    assert "\n" not in refusal


def test_a_plugin_runs_elsewhere_from_the_files_that_were_sent(host: Host, wanderer: Path):
    import wanderer as plugin

    there, parent = called(host, plugin.where)
    assert Path(there).name == "wanderer.py"
    assert not Path(there).is_relative_to(wanderer)
    assert parent == os.getpid()
    assert Path(there).is_file()


def test_components_elsewhere_are_those_of_this_process(host: Host):
    names = called(host, _registered_names)
    assert "wanderer" in names
    assert {"toy", "dip", "train"} <= set(names)
    assert called(host, _loaded_from) == "wanderer"


def _registered_names() -> list[str]:
    from nasir.core.registry import registries

    return list(registries["evaluator"])


def _loaded_from() -> str:
    from nasir.core.registry import registries

    return str(registries["evaluator"].load("wanderer").__module__)


def test_a_crash_and_a_limit_end_one_call_and_the_host_goes_on(wanderer: Path):
    host = Host(1.0, None)
    assert host.open(packed()) is None
    with pytest.raises(TimeLimitError, match="stopped after 1 seconds"):
        called(host, time.sleep, 60)
    with pytest.raises(WorkerDiedError, match=r"exit code 3"):
        called(host, os._exit, 3)
    host.end()
    with pytest.raises(EvaluationError, match="shut down"):
        called(host, abs, -3)


def problem(checkpoints: Path) -> Problem:
    return Problem(ToySpace(), ToyTask(), {FULL: ToyEvaluator()}, checkpoints=checkpoints)


def test_checkpoints_stay_in_a_run_that_is_seen_and_are_sent_to_and_fro_where_it_is_not(
    host: Host, tmp_path: Path
):
    import wanderer as plugin

    run = tmp_path / "run"
    run.mkdir()
    arguments = (problem(run / "checkpoints"), "epoch3/state", "one")
    with beating(run, "sign"):
        seen = run_folder(arguments)
        assert seen is not None
        assert host.sees(seen)
        assert called(host, plugin.kept, *arguments) == (
            None,
            str(run / "checkpoints/epoch3/state"),
        )
        call = packed_call(plugin.kept, (arguments[0], "epoch3/state", "two"), {})
    assert not host.sees(seen)

    mirror = Mirror(run / "checkpoints")
    answer, changes = host.run(call, mirror.changes())
    before, path = result_of(answer)
    assert before == "one"
    assert not Path(path).is_relative_to(run)
    assert (run / "checkpoints/epoch3/state").read_text() == "one"
    mirror.take(changes)
    assert (run / "checkpoints/epoch3/state").read_text() == "two"
    assert mirror.changes() == {}


def test_two_mirrored_folders_are_kept_alike(tmp_path: Path):
    ours, theirs = tmp_path / "ours", tmp_path / "theirs"
    here, there = Mirror(ours), Mirror(theirs)
    assert here.changes() == {}
    ours.mkdir()
    (ours / "fit").write_bytes(b"1")
    (ours / ".fit.partial").write_bytes(b"half")
    there.take(here.changes())
    assert (theirs / "fit").read_bytes() == b"1"
    assert there.changes() == {}
    (theirs / "fit").unlink()
    (theirs / "part0").mkdir()
    (theirs / "part0" / "fit").write_bytes(b"")
    changes = there.changes()
    assert changes == {"fit": None, "part0/fit": b""}
    here.take(changes)
    assert [path.relative_to(ours).as_posix() for path in ours.rglob("fit")] == ["part0/fit"]
    assert here.changes() == {}


@pytest.mark.parametrize("name", ["../elsewhere", "/tmp/elsewhere", "a/../../elsewhere"])
def test_what_leads_out_of_the_checkpoints_is_refused(tmp_path: Path, name: str):
    folder = tmp_path / "checkpoints"
    folder.mkdir()
    with pytest.raises(RunFolderError, match="leads out of the checkpoints"):
        Mirror(folder).take({name: b"anything"})
    assert list(tmp_path.iterdir()) == [folder]


def test_a_worker_ends_with_its_host_in_the_middle_of_an_evaluation(tmp_path: Path):
    """And leaves nothing behind, though its host had no time to tidy up."""
    program = (
        "import sys, time; from nasir.executors.host import Host\n"
        "from nasir.executors.luggage import packed\n"
        "from nasir.executors.elsewhere import packed_call\n"
        "host = Host(None, None); assert host.open(packed()) is None\n"
        "print(host._folder.name, flush=True)\n"
        "host.run(packed_call(time.sleep, (600,), {}))\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, text=True
    ) as one:
        assert one.stdout
        folder = Path(one.stdout.readline().strip())
        while not (children := _children(one.pid)):
            time.sleep(0.05)
        time.sleep(0.5)  # at any moment of its work, most of which is importing
        assert folder.is_dir()
        one.send_signal(signal.SIGKILL)
    until = time.monotonic() + 60
    while time.monotonic() < until and (folder.exists() or any(map(_alive, children))):
        time.sleep(0.05)
    assert not folder.exists()
    assert not any(map(_alive, children))


def _children(pid: int) -> list[int]:
    return [int(p) for p in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def _alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


def test_a_class_of_the_program_itself_is_packed_as_it_is():
    """A notebook's, which nobody else can import."""
    source = "import attrs\n@attrs.define\nclass Own:\n    value: int = 3\n"
    program = (
        f"{source}\nimport sys\nfrom nasir.executors.elsewhere import packed_call\n"
        "sys.stdout.buffer.write(packed_call(attrs.asdict, (Own(5),), {}))\n"
    )
    call = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True).stdout
    function, arguments, keywords = pickle.loads(call)
    assert function(*arguments, **keywords) == {"value": 5}
    assert attrs.fields(type(arguments[1][0])).value.default == 3
