"""A run that was killed or interrupted at any moment goes on as if it never had been."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import attrs
import pytest
from toy_plugin import WORDS, outcome

from nasir.core.errors import RunFolderError
from nasir.runs.run import Run
from nasir.runs.store import RunStore

KILLS = 10


@attrs.define
class Forks:
    """Runs commands in children of one process that has imported torch already."""

    server: subprocess.Popen[str]
    child: int | None = None

    def begin(self, *argv: str) -> int:
        """Begin a command in the present folder and return its process number."""
        self.child = self._answer(json.dumps([os.getcwd(), *argv]))
        return self.child

    def end(self) -> int:
        """Wait for the command and return its exit code."""
        self.child = None
        return self._answer("")

    def run(self, *argv: str) -> int:
        self.begin(*argv)
        return self.end()

    def _answer(self, line: str) -> int:
        assert self.server.stdin
        assert self.server.stdout
        self.server.stdin.write(line + "\n")
        self.server.stdin.flush()
        return int(self.server.stdout.readline())


@pytest.fixture(scope="module")
def server() -> Iterator[subprocess.Popen[str]]:
    script = Path(__file__).with_name("forks.py")
    with subprocess.Popen(
        [sys.executable, str(script)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        yield process
        assert process.stdin
        process.stdin.close()


@pytest.fixture
def forks(server: subprocess.Popen[str]) -> Iterator[Forks]:
    commands = Forks(server)
    assert commands.run("--version") == 0
    yield commands
    if commands.child:
        os.kill(commands.child, signal.SIGKILL)
        commands.end()


def words(strategy: str, *more: str) -> list[str]:
    """Twelve trials, some of which fail, of a hundredth of a second each."""
    learns = ["strategy.hidden=8", "strategy.steps=2", "strategy.samples=2"]
    return [
        *WORDS,
        f"strategy={strategy}",
        *(learns if strategy == "rl" else []),
        "trials=12",
        "evaluator.sleep=0.01",
        "evaluator.every=4",
        *more,
    ]


def written(run: Run) -> dict[str, bytes]:
    """The stored state of the strategy."""
    store = RunStore(run.folder / "run.sqlite")
    rows = dict(store._connection.execute("SELECT key, value FROM strategy"))
    store.close()
    return rows


def said() -> str:
    return Path("said.txt").read_text(encoding="utf-8")


@pytest.mark.parametrize("strategy", ["random", "rl"])
def test_a_run_killed_at_any_moment_and_resumed_has_the_same_trials(forks: Forks, strategy: str):
    began = time.monotonic()
    assert forks.run("run", "--quiet", *words(strategy, "name=whole")) == 0, said()
    seconds = time.monotonic() - began
    whole, moments, kills, name = Run("runs/whole"), random.Random(strategy), 0, 0
    assert {trial.state for trial in whole.trials} == {"complete", "failed"}
    while kills < KILLS:
        folder = Path("runs", f"killed-{name}")
        code = -signal.SIGKILL
        while code == -signal.SIGKILL:
            if folder.exists():
                child = forks.begin("resume", "--quiet", str(folder))
            else:
                child = forks.begin("run", "--quiet", *words(strategy, f"name={folder.name}"))
            time.sleep(moments.uniform(0, seconds))
            os.kill(child, signal.SIGKILL)
            code = forks.end()
            kills += code == -signal.SIGKILL
        assert code == 0, said()
        run = Run(folder)
        assert outcome(run) == outcome(whole)
        assert written(run) == written(whole)
        assert run.state == "finished"
        name += 1
    assert "Traceback" not in said()


def done(folder: Path) -> int:
    try:
        return sum(trial.state != "running" for trial in Run(folder).trials)
    except RunFolderError:
        return 0


@pytest.mark.parametrize("strategy", ["random", "rl"])
def test_ctrl_c_leaves_the_best_so_far_and_a_run_to_go_on_with(forks: Forks, strategy: str):
    assert forks.run("run", "--quiet", *words(strategy, "name=whole")) == 0, said()
    folder = Path("runs/broken")
    slow = words(strategy, "evaluator.sleep=0.1", "name=broken")
    child = forks.begin("run", "--quiet", *slow)
    while done(folder) < 4:
        time.sleep(0.01)
    os.kill(child, signal.SIGINT)
    assert forks.end() == 130
    run = Run(folder)
    assert run.state == "interrupted"
    best = json.loads((folder / "best" / "architecture.json").read_text())
    assert best["choices"] == dict(run.best.architecture.choices)
    assert "Traceback" not in said()
    settings = folder / "settings.toml"
    settings.write_text(settings.read_text().replace("sleep = 0.1\n", "sleep = 0.01\n"))
    assert forks.run("resume", "--quiet", str(folder)) == 0, said()
    assert outcome(run) == outcome(Run("runs/whole"))


def test_ctrl_c_while_a_run_is_resumed_again_and_again(forks: Forks):
    """Interrupted in the midst of its transactions, its evaluations and its start."""
    assert forks.run("run", "--quiet", *words("rl", "name=whole")) == 0, said()
    moments, folder = random.Random(0), Path("runs/broken")
    assert forks.run("run", "--quiet", *words("rl", "name=broken", "seconds=0")) in (1, 2)
    settings = folder / "settings.toml"
    settings.write_text(settings.read_text().replace("seconds = 0.0\n", ""))
    for _ in range(5):
        child = forks.begin("resume", "--quiet", str(folder))
        time.sleep(moments.uniform(0.02, 0.15))
        os.kill(child, signal.SIGINT)
        assert forks.end() in (0, 130), said()
    assert forks.run("resume", "--quiet", str(folder)) == 0, said()
    assert outcome(Run(folder)) == outcome(Run("runs/whole"))
    assert "Traceback" not in said()
