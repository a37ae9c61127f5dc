"""What answers at once does not import torch first."""

from __future__ import annotations

import subprocess
import sys

import pytest

PROGRAM = """
import sys
from nasir.cli.main import main
try:
    code = main(sys.argv[1:])
except SystemExit as ended:
    code = ended.code
sys.stdout.flush()
print("exit", code, "torch" in sys.modules, file=sys.stderr)
"""

REFUSED = "exit 2 False"
DONE = "exit 0 False"


@pytest.mark.parametrize(
    ("argv", "ending"),
    [
        (["--help"], DONE),
        (["--version"], DONE),
        ([], DONE),
        (["list"], DONE),
        (["plugins"], DONE),
        (["run", "--help"], DONE),
        (["run", "strategy=rll"], REFUSED),
        (["run", "space.dpeth=4"], REFUSED),
        (["run", "evaluator.lr=fast"], REFUSED),
        (["run", "strategy.lr=-1"], REFUSED),
        (["run", "task.sigma=loud"], REFUSED),
        (["run", "space=nasdip,nasdop"], REFUSED),
        (["run", "missing.toml"], REFUSED),
        (["frobnicate"], REFUSED),
        (["resume", "missing"], REFUSED),
        (["show", "missing"], REFUSED),
    ],
)
def test_torch_is_not_imported(argv: list[str], ending: str):
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, *argv], capture_output=True, text=True, timeout=60
    )
    assert done.stderr.splitlines()[-1] == ending, done.stderr


def test_importing_nasir_imports_nothing_heavy():
    program = "import nasir, sys; print([m for m in sys.modules if m in ('torch', 'numpy', 'PIL')])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stdout == "[]\n"
