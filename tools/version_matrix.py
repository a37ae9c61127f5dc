"""Tries nasir with each Python that is found, and the newest and the oldest allowed packages.

    python tools/version_matrix.py [VERSION ...] [PACKAGE==VERSION ...]

VERSION is such as 3.10; by default all that nasir allows. Oldest are the lower bounds in
pyproject.toml, with the first VERSION. A package that is named with its version is taken in that
version in every case. Prints one line for each case: ok, failed with the reason, or skipped.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from clean_places import ROOT, CleanPlace, reason, torch_source

PYTHONS = ("3.10", "3.11", "3.12", "3.13")
SHOWN = ("torch", "numpy", "scipy", "scikit-image", "pillow", "attrs", "nevergrad")


def interpreter(version: str) -> str | None:
    """A Python of this version: on the path, or one that pyenv or uv installed."""
    homes = [Path.home() / ".pyenv/versions", Path.home() / ".local/share/uv/python"]
    installed = [path for home in homes for path in sorted(home.glob(f"*{version}.*/bin/python"))]
    named = [shutil.which(f"python{version}"), *map(str, installed)]
    for found in filter(None, named):
        asked = [found, "-c", "import sys; print('%d.%d' % sys.version_info[:2])"]
        said = subprocess.run(asked, text=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        if said.stdout.strip() == version:
            return found
    return None


def lower_bounds() -> list[str]:
    """The dependencies of pyproject.toml, each at its lower bound: ``attrs==23.2``."""
    text = (ROOT / "pyproject.toml").read_text()
    block = re.search(r"^dependencies = \[\n(.*?)^\]", text, re.MULTILINE | re.DOTALL)
    assert block
    return [f"{name}=={low}" for name, low in re.findall(r'"([\w-]+)>=([\w.]+)', block[1])]


def attempt(python: str, pins: list[str]) -> str:
    """``ok`` with versions, or ``failed`` with the reason."""
    with tempfile.TemporaryDirectory() as folder:
        try:
            place = CleanPlace(python, Path(folder))
            place.install(*torch_source(), *pins, ROOT)
            place.try_nasir()
            listed = place.call("-m", "pip", "list", "--format=freeze").split()
            versions = [line for line in listed if line.partition("==")[0].lower() in SHOWN]
            return "ok      " + " ".join(versions)
        except (OSError, subprocess.CalledProcessError) as error:
            return f"failed  {reason(error)}"


def main(words: list[str]) -> int:
    results = []
    fixed = [word for word in words if "==" in word]
    versions = [word for word in words if "==" not in word] or list(PYTHONS)
    names = {word.partition("==")[0] for word in fixed}
    oldest = [pin for pin in lower_bounds() if pin.partition("==")[0] not in names]
    for version in versions:
        python = interpreter(version)
        for which in ("oldest", "newest") if version == versions[0] else ("newest",):
            pins = [*fixed, *(oldest if which == "oldest" else [])]
            results.append(attempt(python, pins) if python else "skipped no such Python was found")
            print(f"{version:5} {which:7} {results[-1]}", flush=True)
    return any(result.startswith("failed") for result in results)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
