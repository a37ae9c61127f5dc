"""What answers at once does not import torch or numpy first."""

from __future__ import annotations

import json
import subprocess
import sys

COMMANDS = [
    (["--help"], 0),
    (["--version"], 0),
    ([], 0),
    (["list"], 0),
    (["list", "networks"], 0),
    (["plugins"], 0),
    (["run", "--help"], 0),
    (["completion", "bash"], 0),
    (["--complete", "run", "strategy.mo"], 0),
    (["--complete", "restore", "net"], 0),
    (["run", "strategy=rll"], 2),
    (["run", "space.dpeth=4"], 2),
    (["run", "evaluator.lr=fast"], 2),
    (["run", "strategy.lr=-1"], 2),
    (["run", "task.sigma=loud"], 2),
    (["run", "space=nasdip,nasdop"], 2),
    (["run", "missing.toml"], 2),
    (["bench", "strategy=rll"], 2),
    (["restore", "photo.png", "task=denoize"], 2),
    (["frobnicate"], 2),
    (["resume", "missing"], 2),
    (["show", "missing"], 2),
]

PROGRAM = """
import json, sys
from nasir.cli.main import main
ended = []
for argv in json.loads(sys.argv[1]):
    try:
        code = main(argv)
    except SystemExit as end:
        code = end.code or 0
    ended.append([code, "numpy" in sys.modules])  # torch imports it
print(json.dumps(ended), file=sys.stderr)
"""


def test_neither_torch_nor_numpy_is_imported():
    """By any of them, one after another in one process."""
    given = json.dumps([argv for argv, _ in COMMANDS])
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, given], capture_output=True, text=True, timeout=60
    )
    ended = json.loads(done.stderr.splitlines()[-1])
    assert ended == [[code, False] for _, code in COMMANDS], done.stderr


def test_importing_nasir_imports_nothing_heavy():
    program = "import nasir, sys; print([m for m in sys.modules if m in ('torch', 'numpy', 'PIL')])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stdout == "[]\n"


def test_every_component_is_made_without_importing_torch(monkeypatch):
    """But operations, which are modules; all in one process. Settings are checked by making it."""
    monkeypatch.setenv("NASIR_DISABLE_PLUGINS", "toy")
    program = """
import sys
import attrs, nasir
from nasir.core.registry import registries
from nasir.plugins.manager import plugins
plugins()

def make(*kinds):
    for entry in (entry for kind in kinds for entry in registries[kind].values()):
        component = entry.load()
        if not any(f.init and f.default is attrs.NOTHING for f in attrs.fields(component)):
            component()

make("task", "degradation", "space")
print(*(name for name in ("torch", "numpy", "scipy", "PIL", "skimage") if name in sys.modules))
make("strategy", "evaluator", "executor", "proxy", "method")
print("torch" in sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stdout == "\nFalse\n", done.stdout + done.stderr
