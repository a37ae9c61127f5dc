"""What a search borrows of its process is put back; two at a time are refused."""

from __future__ import annotations

import json
import os
import re
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path
from threading import Event, Thread

import pytest
import torch
from toy_plugin import WORDS

import nasir
from nasir.cli.main import main
from nasir.core.errors import NasirError, RunFolderError
from nasir.engine.borrowed import borrowed
from nasir.runs import listing
from nasir.runs import store as store_module
from nasir.runs.run import writing


def test_threads_and_folder_are_as_before_a_search(toy, tmp_path: Path):
    torch.set_num_threads(2)
    try:
        toy("threads=1")
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(1)


def test_an_evaluation_may_change_the_folder_and_print(tmp_path: Path, monkeypatch, capsys):
    """The next ones find the run where it is, and stdout has nothing that was not asked for."""
    import toy_plugin

    monkeypatch.chdir(tmp_path)
    score_of = toy_plugin.score_of

    def wandering(*arguments: object) -> float:
        print("noise")
        os.chdir("/")
        return score_of(*arguments)

    monkeypatch.setattr(toy_plugin, "score_of", wandering)
    run = nasir.search(*WORDS, "executor=inline", "trials=3", folder="here", name="one")
    assert Path.cwd() == tmp_path
    assert "noise" not in capsys.readouterr().out
    assert run.folder == Path("here/one")
    os.chdir("/")
    assert len(run.trials) == 3
    assert run.settings["trials"] == 3
    assert nasir.resume(run.folder, trials=4).folder == tmp_path / "here" / "one"


def test_a_search_beside_that_of_another_thread_is_refused(toy):
    inside, over = Event(), Event()

    def search() -> None:
        with borrowed("search"):
            inside.set()
            over.wait(60)

    thread = Thread(target=search)
    thread.start()
    inside.wait(60)
    try:
        with pytest.raises(NasirError, match="one search at a time"):
            toy()
    finally:
        over.set()
        thread.join()
    assert len(toy().trials) == 6


def test_a_run_waits_for_another_program_that_holds_its_file(toy, monkeypatch, caplog):
    run = toy()
    with writing(run) as store:
        store._connection.execute("PRAGMA busy_timeout = 20")
        other = sqlite3.connect(run.folder / "run.sqlite", isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        waited = store_module.log.warning

        def release(*arguments: object) -> None:
            waited(*arguments)
            other.execute("ROLLBACK")

        monkeypatch.setattr(store_module.log, "warning", release)
        with store.transaction():
            store.save_progress(state="running")
        other.close()
    assert "another program holds" in caplog.text


def test_a_run_whose_folder_was_removed_ends(toy, tmp_path: Path):
    run = toy()
    with pytest.raises(RunFolderError, match="was removed or moved"), writing(run) as store:
        run.folder.rename(tmp_path / "elsewhere")
        with store.transaction():
            pass


def nasir_list(**options: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "nasir.cli.main", "list", "strategy"]
    return subprocess.run(command, stderr=subprocess.PIPE, text=True, timeout=120, **options)


def test_a_run_that_is_removed_while_runs_are_listed_is_left_out(toy, monkeypatch, capsys):
    toy(name="stays")
    gone = toy(name="gone").place

    def removed(path: Path) -> bool:
        if path.name == "gone":
            shutil.rmtree(gone)
        return False

    monkeypatch.setattr(listing, "is_sweep", removed)
    assert main(["runs"]) == 0
    said = capsys.readouterr().out
    assert "stays" in said
    assert "gone" not in said


def test_a_home_that_is_none_does_not_end_a_command():
    done = nasir_list(env={**os.environ, "HOME": "/dev/null"}, stdout=subprocess.PIPE)
    assert done.returncode == 0
    assert "random" in done.stdout


def test_output_that_cannot_be_written_is_said_in_one_line():
    with open("/dev/full", "w") as full:
        done = nasir_list(stdout=full)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "cannot write the result: No space left on device" in done.stderr


def test_stdout_has_the_result_alone_whoever_writes_to_it():
    program = (
        "import os, sys; import nasir.cli.main as cli; dispatch = cli._dispatch\n"
        "def noisy(argv): os.write(1, b'noise'); os.system('echo noise'); return dispatch(argv)\n"
        "cli._dispatch = noisy; sys.exit(cli.main())"
    )
    command = [sys.executable, "-c", program, "list", "strategy", "--json"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.stderr.count("noise") == 2
    assert "random" in str(json.loads(done.stdout))


def test_a_closed_output_is_no_error():
    command = f"{sys.executable} -m nasir.cli.main list strategy >&-"
    done = subprocess.run(command, shell=True, stderr=subprocess.PIPE, text=True, timeout=120)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    ("argv", "what"),
    [
        (("run", *WORDS, "threads=5000"), "'threads' must be from 0 to"),
        (("run", *WORDS, "workers=3000"), "workers=3000: at most"),
        (("run", *WORDS, "workers=3000", "--dry-run"), "workers=3000: at most"),
        (("run", *WORDS, "seed=0,1", "--parallel", "3000"), "--parallel 3000: at most"),
    ],
)
def test_more_threads_and_processes_than_any_machine_has_are_refused(capsys, argv, what):
    assert main([*argv]) == 2
    assert re.fullmatch(rf"nasir: [^\n]*{what}[^\n]*cores\)[^\n]*\n", capsys.readouterr().err)
    assert not Path("runs").exists()


def test_limits_without_end_are_none(toy, capsys):
    run = toy("seconds=inf", "attempts=1000000000000000000000", "stop_after=99999999999999999999")
    assert main(["resume", str(run.folder), "--seconds", "inf", "--trials", "6", "--quiet"]) == 0
    assert len(run.trials) == 6
    assert main(["run", *WORDS, "seconds=inf", "--dry-run"]) == 0
    assert "at most        forever" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("word", "name"),
    [("name=123", "123"), ("name=true", "true"), ("name=2024-05-01", "2024-05-01")],
)
def test_a_text_may_look_like_something_else(toy, tmp_path: Path, word: str, name: str):
    assert nasir.search(*WORDS, word, folder=tmp_path / "texts").folder.name == name
