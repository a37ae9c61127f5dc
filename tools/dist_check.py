"""Builds wheel and sdist, compares their files with git's, and tries each in a clean place."""

from __future__ import annotations

import subprocess
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path

from clean_places import ROOT, CleanPlace, reason, torch_source

BUILT = ROOT / "dist"


def built(place: CleanPlace) -> list[Path]:
    """The wheel and the sdist; the wheel is made from the sdist, as an index would do."""
    place.install("build")
    place.call("-m", "build", "--outdir", place.folder / "dist", ROOT)
    BUILT.mkdir(exist_ok=True)
    return [file.replace(BUILT / file.name) for file in sorted((place.folder / "dist").iterdir())]


def files_in(archive: Path) -> set[str]:
    """Paths that begin with the folder ``nasir``."""
    if archive.suffix == ".whl":
        names = zipfile.ZipFile(archive).namelist()
    else:
        with tarfile.open(archive) as sdist:
            names = [name.partition("/")[2] for name in sdist.getnames()]
    return {name for name in names if name.startswith("nasir/")}


def tracked() -> set[str]:
    listed = subprocess.run(
        ["git", "ls-files", "nasir"], cwd=ROOT, text=True, check=True, stdout=subprocess.PIPE
    )
    return set(listed.stdout.split())


def main() -> int:
    failed = False
    with tempfile.TemporaryDirectory() as builder:
        archives = built(CleanPlace(sys.executable, Path(builder)))
    for archive in archives:
        lacking = sorted(tracked() - files_in(archive))
        with tempfile.TemporaryDirectory() as folder:
            try:
                if lacking:
                    raise FileNotFoundError(f"lacks {', '.join(lacking)}")
                place = CleanPlace(sys.executable, Path(folder))
                place.install("-c", ROOT / "constraints.txt", *torch_source(), archive)
                print(f"{archive.name}: installed and tried; {place.try_nasir().splitlines()[0]}")
            except (OSError, subprocess.CalledProcessError) as error:
                failed = True
                print(f"{archive.name}: {reason(error)}")
    return failed


if __name__ == "__main__":
    sys.exit(main())
