"""``nasir run --parallel``: the runs of a sweep at the same time."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from multiprocessing import Pipe
from pathlib import Path

import pytest
from toy_plugin import WORDS, outcome

import nasir
from nasir.apps.search.parallel import Reporter, RunReport
from nasir.apps.search.search import plan
from nasir.apps.search.sharing import thread_share
from nasir.apps.search.tally import Tally
from nasir.cli.main import main
from nasir.runs.run import Run
from nasir.runs.sweep import Sweep

PROGRAM = "import sys; from nasir.cli.main import main; sys.exit(main(sys.argv[1:]))"


def test_a_sweep_in_parallel_is_the_sweep_one_by_one(toy, capsys, workers_of_a_server):
    assert main(["run", *WORDS, "seed=0,1,2", "--parallel", "2"]) == 0
    said = capsys.readouterr()
    runs = {run.settings["seed"]: run for run in Sweep(next(Path("runs").iterdir())).runs}
    assert sorted(runs) == [0, 1, 2]
    for seed, run in runs.items():
        alone = toy(seed=seed, folder="alone")
        assert outcome(run) == outcome(alone)
        assert run.state == "finished"
    rows = [line.split() for line in said.out.splitlines()]
    assert [row[1] for row in rows[1:4]] == ["0", "1", "2"]
    assert rows[-2] == ["strategy", "runs", "best"]
    assert rows[-1][:2] == ["random", "3"]
    lines = said.err.splitlines()
    for seed, run in runs.items():
        own = [line for line in lines if f" {run.folder}  " in line]
        assert [line.startswith(f"run {seed + 1} of 3  ") for line in own] == [True] * 8
        assert re.search(r"  6/6  best [\d.]+ \(trial \d\)$", own[6])
        assert own[7].endswith("  finished")


def test_ctrl_c_leaves_every_run_resumable():
    words = [*WORDS, "trials=400", "evaluator.sleep=0.02", "seed=0,1,2", "--parallel", "2"]
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, "run", *words, "--json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        limit = time.monotonic() + 120
        while not _two_have_begun():
            assert process.poll() is None, process.stderr.read()
            assert time.monotonic() < limit
            time.sleep(0.05)
        os.killpg(process.pid, signal.SIGINT)
        out, err = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == 130, err
    assert err == ""
    content = json.loads(out)
    assert [run["state"] for run in content] == ["interrupted", "interrupted"]
    run = nasir.resume(content[0]["folder"], trials=len(Run(content[0]["folder"]).trials) + 2)
    assert run.state == "finished"
    assert all(trial.state == "complete" for trial in run.trials)


def _two_have_begun() -> bool:
    begun = [run for folder in Path("runs").glob("[!.]*") for run in Sweep(folder).begun]
    return len(begun) == 2 and all(len(run.trials) > 3 for run in begun)


def test_each_has_its_share_of_the_threads():
    plans = plan([*WORDS[:4], "threads=8"], {})
    assert thread_share(["seed=0,1"], plans, 2) == ["threads=4"]
    assert thread_share(["seed=0,1"], plans, 20) == ["threads=1"]
    assert thread_share(["seed=0,1", "threads=3"], plans, 2) == []


def test_a_process_without_parent_interrupts_its_run(toy):
    here, there = Pipe(duplex=False)
    here.close()
    reporter = Reporter(there, Tally(6))
    with pytest.raises(KeyboardInterrupt):
        reporter("run_started", run=toy())


def test_a_process_reports_the_progress_of_its_run(toy):
    run = toy()
    here, there = Pipe(duplex=False)
    reporter = Reporter(there, Tally(6))
    for hook in ("run_started", "trial_started", "run_finished"):
        reporter(hook, run=run)
    best = f"best {run.best.score:.2f} (trial {run.best.number})"
    assert here.recv() == RunReport(str(run.folder), 6, 6, best, "running")
    assert here.recv() == RunReport(str(run.folder), 6, 6, best, "finished")
    assert not here.poll()


@pytest.mark.parametrize("given", ["0", "-1", "two"])
def test_a_wrong_number_of_runs_at_a_time_is_refused(capsys, given: str):
    assert main(["run", *WORDS, "seed=0,1", "--parallel", given]) == 2
    said = capsys.readouterr()
    assert "--parallel" in said.err
    assert said.err.count("\n") == 1


def test_one_run_alone_takes_no_process(capsys):
    assert main(["run", "--quiet", *WORDS, "--parallel", "4"]) == 0
    assert "found" in capsys.readouterr().out
