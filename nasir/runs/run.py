"""A run's folder: reading it, and what only its one writer does."""

from __future__ import annotations

import hashlib
import json
import shutil
import uuid
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import tomli_w

from nasir.core.architecture import Architecture
from nasir.core.errors import RunFolderError
from nasir.core.evaluator import RestoredPicture
from nasir.core.failures import FailedAttempt
from nasir.core.trial import Trial, best_of
from nasir.runs.foreign_folders import refuse_special_files
from nasir.runs.ownership import is_owned, owned
from nasir.runs.store import RunStore
from nasir.runs.stored_settings import read_settings, read_whole_settings
from nasir.settings.overrides import Settings

SETTINGS = "settings.toml"
ENVIRONMENT = "environment.json"
TRIALS = "run.sqlite"
CHECKPOINTS = "checkpoints"
DESCRIPTION = "architecture.json"

LONGEST_NAME = 200
"""Bytes of a file's name, without its ending."""


class Run:
    """A run as it stands on disk."""

    def __init__(self, folder: str | Path) -> None:
        """Open the folder of a run; refuses one that is none."""
        self.folder = Path(folder)
        if not _is_folder(self.folder):
            raise RunFolderError(f"there is no run folder {self.folder}; see: nasir runs")
        if not (self.folder / SETTINGS).is_file() or not (self.folder / TRIALS).is_file():
            raise RunFolderError(
                f"{self.folder} is no run's folder: it has no {SETTINGS} or no {TRIALS}; "
                "see: nasir runs"
            )
        refuse_special_files(self.folder)

    @property
    def checkpoints(self) -> Path:
        """The folder of what evaluators go on from; it may not be there."""
        return self.folder.resolve() / CHECKPOINTS

    @property
    def settings(self) -> Settings:
        """The resolved settings the run was started with."""
        return read_settings(self.folder / SETTINGS)

    @property
    def whole_settings(self) -> Settings:
        """The same for whoever makes the run's components again; refuses those that lack one."""
        return read_whole_settings(self.folder / SETTINGS)

    @property
    def trials(self) -> list[Trial]:
        """All trials so far, in the order of their numbers."""
        with self._reading() as store:
            return store.trials()

    def trials_from(self, number: int) -> list[Trial]:
        """The trials from this number on, for those who look again and again."""
        with self._reading() as store:
            return store.trials(number)

    @property
    def failed_attempts(self) -> dict[int, list[FailedAttempt]]:
        """By trial, the attempts that failed before the last one, in order."""
        with self._reading() as store:
            return store.failed_attempts()

    @property
    def final_evaluations(self) -> dict[tuple[str, str], Trial]:
        """Evaluations of best and references, by name (``found`` is the best) and split."""
        with self._reading() as store:
            return store.final_evaluations()

    @property
    def progress(self) -> dict[str, Any]:
        """How far the run is."""
        with self._reading() as store:
            return store.progress()

    @property
    def best(self) -> Trial:
        """The trial that the strategy recommends, or the best so far."""
        trials = self.trials
        progress = self.progress
        running = progress.get("state") == "running"
        recommended = None if running else progress.get("recommended")
        found = [t for t in trials if t.number == recommended]
        return found[0] if found else best_of(trials)

    @property
    def state(self) -> str:
        """``finished``, ``interrupted``, ``running``, or ``stopped``.

        That is where its process died, or gave up after too many failures (see :attr:`reason`).
        """
        state = str(self.progress.get("state", "running"))
        return "stopped" if state == "running" and not is_owned(self.folder) else state

    @property
    def reason(self) -> str | None:
        """Why the search was given up; None where it was not."""
        progress = self.progress
        return progress.get("reason") if progress.get("state") == "stopped" else None

    def __repr__(self) -> str:
        return f"Run({str(self.folder)!r})"

    @contextmanager
    def _reading(self) -> Iterator[RunStore]:
        store = RunStore(self.folder / TRIALS)
        try:
            yield store
        finally:
            store.close()


def create(folder: Path, settings: Settings, environment: Mapping[str, Any]) -> Run:
    """Make a new run's folder, whole or not at all.

    Raises FileExistsError where another process was quicker.
    """
    partial = folder.parent / f".{folder.name[:100]}.{uuid.uuid4().hex[:8]}"
    try:
        if folder.exists():
            raise FileExistsError(folder)
        partial.mkdir(parents=True)
        (partial / SETTINGS).write_text(tomli_w.dumps(settings), encoding="utf-8")
        (partial / ENVIRONMENT).write_text(json.dumps(environment, indent=2), encoding="utf-8")
        RunStore(partial / TRIALS, write=True).close()
        partial.rename(folder)
    except BaseException as error:
        shutil.rmtree(partial, ignore_errors=True)
        if isinstance(error, OSError) and _is_folder(folder):
            raise FileExistsError(folder) from None
        if isinstance(error, OSError):
            raise _not_made(folder, error.strerror or str(error)) from None
        if isinstance(error, RunFolderError):
            raise _not_made(folder, str(error).partition(";")[0]) from None
        raise
    return Run(folder)


def _not_made(folder: Path, why: str) -> RunFolderError:
    return RunFolderError(
        f"cannot make the run's folder {folder}: {why}; choose another place with folder=PATH"
    )


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except OSError:  # a name that is too long
        return False


def writing(run: Run) -> AbstractContextManager[RunStore]:
    """The store of a run, which this process alone writes (see :func:`~nasir.runs.owned`)."""
    return owned(run.folder, run.folder / TRIALS)


def write_result(
    folder: Path,
    architecture: Architecture,
    settings: Settings,
    restored: Mapping[str, RestoredPicture] | None = None,
    weights: Mapping[str, Any] | None = None,
) -> None:
    """Write an architecture, with its space's settings, and pictures and weights if there are any.

    These are ``architecture.json``, all that is needed to build it again, ``weights.safetensors``
    and, of each picture, ``PICTURE-clean.png``, ``-degraded.png`` and ``-restored.png``.
    """
    described = architecture.mapping | {"settings": settings.get("space", {})}
    content = json.dumps(described, indent=2).encode()
    files = _picture_files(restored or {}) | _weights_file(weights or {})
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _forget_another(folder, content)
        for name, made in files.items():
            _replace(folder / name, made)
        _replace(folder / DESCRIPTION, content)
    except OSError as error:
        raise RunFolderError(f"cannot write to {folder}: {error.strerror}") from None


def file_name(name: str) -> str:
    """`name` with nothing in it that leads out of a folder, nor longer than disks take.

    What a long name ends with after a hyphen, such as a picture's kind, is kept.
    """
    plain = "".join(c if c.isalnum() or c in "-_" else "-" for c in name)
    if len(plain.encode()) <= LONGEST_NAME:
        return plain
    stem, _, kind = plain.rpartition("-")
    begin = plain.encode()[: LONGEST_NAME // 2].decode(errors="ignore")
    return f"{begin}-{hashlib.sha256(stem.encode()).hexdigest()[:10]}-{kind[-20:]}"


def picture_file(picture: str, kind: str) -> str:
    """The file's name of a picture ``clean``, ``degraded`` or ``restored``."""
    return f"{file_name(f'{picture}-{kind}')}.png"


def _picture_files(restored: Mapping[str, RestoredPicture]) -> dict[str, bytes]:
    return {
        picture_file(name, kind): _png(array)
        for name, picture in restored.items()
        for kind, array in picture.kinds.items()
    }


def _weights_file(weights: Mapping[str, Any]) -> dict[str, bytes]:
    if not weights:
        return {}
    from numpy import ascontiguousarray
    from safetensors.numpy import save

    # safetensors writes the memory as it is, whatever the strides say
    whole = {name: ascontiguousarray(weight) for name, weight in weights.items()}
    return {"weights.safetensors": save(whole)}


def _forget_another(folder: Path, content: bytes) -> None:
    """Remove what was written of another architecture than the one described by `content`."""
    description = folder / DESCRIPTION
    if description.exists() and description.read_bytes() == content:
        return
    for path in folder.iterdir():
        if path.suffix in (".png", ".safetensors"):
            path.unlink()


def _png(picture: Any) -> bytes:
    import io

    import numpy as np
    from PIL import Image

    values = np.clip(np.asarray(picture) * 255 + 0.5, 0, 255).astype(np.uint8)
    stream = io.BytesIO()
    Image.fromarray(values.squeeze(-1) if values.shape[-1] == 1 else values).save(stream, "PNG")
    return stream.getvalue()


def _replace(path: Path, content: bytes) -> None:
    """Write a file whole or not at all."""
    partial = path.with_name(f".{path.name}.partial")
    partial.write_bytes(content)
    partial.replace(path)
