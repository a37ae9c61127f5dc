"""What comes with nasir is found in a zip file; names of files may have any letters."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import nasir
from nasir.core.packaged import packaged


def test_a_recipe_is_found_in_a_zip_where_files_are_called_in_ascii(tmp_path: Path):
    """The locale is C, and the settings' file has other letters; torch is not imported."""
    source = Path(nasir.__file__).parent
    with zipfile.ZipFile(tmp_path / "nasir.zip", "w") as file:
        for path in source.rglob("*"):
            if path.suffix in (".py", ".toml"):
                file.write(path, path.relative_to(source.parent))
    (tmp_path / "sü.toml").write_text('trails = "ü"\n', encoding="utf-8")
    places = [str(tmp_path / "nasir.zip"), os.environ["PYTHONPATH"]]
    ascii_ = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    done = subprocess.run(
        [sys.executable, "-m", "nasir", "run", "dipbench", "sü.toml"],
        env={**os.environ, **ascii_, "PYTHONPATH": os.pathsep.join(places)},
        capture_output=True,
        timeout=120,
    )
    assert b"unknown setting 'trails': did you mean 'trials'?" in done.stderr
    assert packaged("recipes") == source / "recipes"
