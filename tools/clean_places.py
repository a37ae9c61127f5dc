"""Virtual environments to try nasir in: fresh, away from the working tree."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
PIP = ["-m", "pip", "--quiet", "--disable-pip-version-check"]

TINY_PICTURE = """
import numpy as np
from PIL import Image
clean = np.tile(np.linspace(40, 200, 32), (32, 1))
noisy = clean + 25 * np.random.default_rng(0).standard_normal(clean.shape)
Image.fromarray(noisy.clip(0, 255).astype(np.uint8)).save("tiny.png")
"""

TRIALS = (
    ["--version"],
    ["list"],
    ["describe", "run"],
    ["restore", "tiny.png", "task=denoise", "--quiet"],
    ["run", "dipbench", "strategy=evolution", "trials=3", "--quiet"],
)
"""Commands that need what a package can lack: plugins, networks, recipes, tables."""


class CleanPlace:
    """A virtual environment of `python` in `folder`; commands run there, not in the tree."""

    def __init__(self, python: str, folder: Path) -> None:
        subprocess.run([python, "-m", "venv", folder / "venv"], check=True)
        self.folder = folder
        self.python = folder / "venv" / ("Scripts" if os.name == "nt" else "bin") / "python"

    def call(self, *words: str | Path) -> str:
        """The output of ``python WORDS``; raises CalledProcessError with it where that fails."""
        environment = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
        done = subprocess.run(
            [self.python, *words],
            cwd=self.folder, env=environment, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=True,
        )  # fmt: skip
        return done.stdout

    def install(self, *words: str | Path) -> None:
        self.call(*PIP, "install", *words)

    def try_nasir(self) -> str:
        """Runs the commands of `TRIALS`; the output of the first, which has the versions."""
        self.call("-c", TINY_PICTURE)
        first, *_ = [self.call("-m", "nasir", *words) for words in TRIALS]
        if not (self.folder / "tiny-restored.png").is_file():
            raise FileNotFoundError("nasir restore wrote no picture")
        return first


def reason(error: Exception) -> str:
    """The last line of what a failed call printed, or the error."""
    lines = str(getattr(error, "output", None) or error).strip().splitlines()
    return lines[-1] if lines else repr(error)


def torch_source() -> list[str]:
    """Where pip finds the CPU builds of PyTorch; empty where they are the default."""
    index = os.environ.get("TORCH_INDEX", "https://download.pytorch.org/whl/cpu")
    return ["--extra-index-url", index] if sys.platform == "linux" and index else []
