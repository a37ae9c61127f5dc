"""The shell completes commands, settings, names, recipes and runs."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from nasir.cli.completion import BASH, completions
from nasir.cli.main import main


@pytest.mark.parametrize(
    ("line", "there", "absent"),
    [
        (["re"], ["resume", "report", "restore"], ["run"]),
        (["run", "stra"], ["strategy=", "strategy."], ["space="]),
        (["run", "strategy=r"], ["strategy=random", "strategy=rl"], ["strategy=darts"]),
        (["run", "strategy=zero_cost+ra"], ["strategy=zero_cost+random"], []),
        (["run", "strategy=rl,ra"], ["strategy=rl,random"], []),
        (["run", "strategy=halving", "strategy.mo"], ["strategy.mode="], []),
        (["run", "strategy=halving", "strategy.mode=s"], ["strategy.mode=synchronous"], []),
        (["run", "task.deg"], ["task.degraded="], []),
        (["run", "task.degraded="], ["task.degraded=true", "task.degraded=false"], []),
        (["run", "tri"], ["trials="], []),
        (["run", "nasdip-table1a"], ["nasdip-table1a-sr-x2"], []),
        (["run", "--q"], ["--quiet"], ["--json"]),
        (["restore", "method=n"], ["method=nlm"], []),
        (["describe", "task=den"], ["task=denoise"], []),
        (["list", "str"], ["strategies"], []),
        (["frobnicate", ""], [], ["run"]),
    ],
)
def test_words_are_completed(line: list[str], there: list[str], absent: list[str]):
    found = completions(line)
    assert [word for word in there if word not in found] == []
    assert [word for word in absent if word in found] == []
    assert all(word.startswith(line[-1]) for word in found)


def test_runs_are_completed(toy):
    folder = str(toy("trials=1").folder)
    assert completions(["show", "ru"]) == [folder]
    assert completions(["compare", folder, ""]) == [folder]


@pytest.mark.skipif(shutil.which("bash") is None, reason="there is no bash")
def test_bash_completes_after_an_equals_sign():
    program = f'nasir() {{ "{sys.executable}" -m nasir "$@"; }}\n{BASH}\n'
    line = "nasir run strategy=r"
    call = f'COMP_LINE="{line}" COMP_POINT={len(line)}; _nasir; printf "%s\\n" "${{COMPREPLY[@]}}"'
    done = subprocess.run(["bash", "-c", program + call], capture_output=True, text=True)
    assert done.stdout.split() == ["random", "rl", "rsws"], done.stderr


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_each_shell_has_a_script_that_asks_nasir(shell: str, capsys, tmp_path: Path):
    assert main(["completion", shell]) == 0
    script = capsys.readouterr().out
    assert "nasir --complete" in script
    if program := shutil.which(shell):
        file = tmp_path / "script"
        file.write_text(script)
        assert subprocess.run([program, "-n", file], capture_output=True).stderr == b""
