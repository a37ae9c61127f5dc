"""``nasir.restore_many``: several pictures, each restored by itself."""

from __future__ import annotations

import os
import shutil
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Literal

import attrs

from nasir.apps.restore.deciding import NothingToRestore
from nasir.apps.restore.execution import states_of
from nasir.apps.restore.files import DiskFull
from nasir.apps.restore.restore import restore
from nasir.apps.restore.settings import RestoreSettings
from nasir.core.errors import NasirError, PictureError, SettingsError
from nasir.engine.evaluation import describe
from nasir.settings.reader import read_one

Notify = Callable[..., None]

State = Literal["restored", "skipped", "fine", "failed"]
"""`skipped`: its result was there already; `fine`: it needs nothing, and nothing is written."""

SUFFIX = ".png"
"""What results are written as: lossless, with alpha, 16 bits and metadata."""


@attrs.frozen
class PictureResult:
    """What became of one picture.

    `source` is its file, or a pattern that means none. `error` is why there is no result, in one
    line. `restoration` are the values of :attr:`Restoration.mapping`, without the picture.
    """

    source: str
    state: State
    output: Path | None = None
    error: str | None = None
    restoration: Mapping[str, Any] = attrs.field(factory=dict)

    @property
    def mapping(self) -> dict[str, Any]:
        """All of it as JSON values."""
        output = None if self.output is None else str(self.output)
        content: dict[str, Any] = {"source": self.source, "state": self.state, "output": output}
        if self.error is not None:
            content["error"] = self.error
        return {**content, **({"restoration": self.restoration} if self.restoration else {})}


@attrs.frozen
class PictureResults:
    """What became of several pictures, in the order in which they were given."""

    folder: Path
    results: Sequence[PictureResult]

    def of(self, state: State) -> list[PictureResult]:
        """Those that ended in a state."""
        return [result for result in self.results if result.state == state]

    @property
    def there(self) -> dict[str, Path]:
        """The result of each picture that has one, by the picture's file."""
        return {one.source: one.output for one in self.results if one.output is not None}

    @property
    def mapping(self) -> dict[str, Any]:
        """All of it as JSON values."""
        return {"folder": str(self.folder), "pictures": [one.mapping for one in self.results]}


@attrs.frozen
class Job:
    """A picture to be restored, and the file for the result."""

    source: Path
    output: Path


def restore_many(
    images: Iterable[str | Path],
    *words: str,
    output: str | Path,
    force: bool = False,
    notify: Notify = lambda hook, **arguments: None,
    **settings: Any,
) -> PictureResults:
    """Restore files, the pictures of folders and of globs into the folder `output`, as PNG.

    Words and settings are as for :func:`~nasir.restore`, and hold for all pictures. A picture
    whose result is there is skipped, unless `force`; so the same call goes on after any kind of
    end. A picture that fails costs the others nothing. `notify` is called with the hooks of
    `restore`, ``picture_started(number, total, source)`` and ``picture_finished(number, total,
    result)``. Raises :class:`~nasir.core.errors.NasirError` where no picture could be started.
    """
    read_one(RestoreSettings, words, settings)
    patterns, folder = [os.fspath(image) for image in images], Path(output).expanduser()
    found = _found(patterns)
    jobs, results = _jobs(found, folder)
    _check_folder(folder, patterns)
    if not jobs:
        raise PictureError("; ".join({str(one.error): None for one in results.values()}))
    made = _make_folder(folder)
    try:
        for number, job in enumerate(jobs):
            place = {"number": number, "total": len(jobs)}
            notify("picture_started", source=str(job.source), **place)
            try:
                result = _result(job, words, force, notify, settings)
            except DiskFull as error:
                left = jobs[number:]
                results |= {str(one.source): _without_room(one, error) for one in left}
                break
            results[str(job.source)] = result
            notify("picture_finished", result=result, **place)
    finally:
        if made:
            with suppress(OSError):  # it holds results
                folder.rmdir()
    return PictureResults(folder, [results[source] for source in found])


def _found(patterns: Sequence[str]) -> dict[str, PictureError | None]:
    """The pictures that are meant, and the patterns that mean none with the reason."""
    from nasir.tasks.pictures.reading import find_pictures

    found: dict[str, PictureError | None] = {}
    files = set()
    for pattern in patterns:
        try:
            for path in find_pictures([pattern]):
                if path.resolve() not in files:
                    files.add(path.resolve())
                    found[str(path)] = None
        except PictureError as error:
            found[pattern] = error
    if not found:
        raise SettingsError("name a picture, a folder of pictures or a glob")
    return found


def _jobs(
    found: Mapping[str, PictureError | None], folder: Path
) -> tuple[list[Job], dict[str, PictureResult]]:
    """What can be done, and the results of what cannot be."""
    results = {
        name: PictureResult(name, "failed", error=str(error))
        for name, error in found.items()
        if error is not None
    }
    claims: dict[Path, list[str]] = defaultdict(list)
    for name in (name for name in found if name not in results):
        claims[folder / f"{Path(name).stem}{SUFFIX}"].append(name)
    jobs = []
    for output, names in claims.items():
        if len(names) == 1:
            jobs.append(Job(Path(names[0]), output))
            continue
        reason = (
            f"{' and '.join(names)} would all become {output}: rename them, or restore them "
            "into folders of their own"
        )
        results |= {name: PictureResult(name, "failed", error=reason) for name in names}
    return jobs, results


def _check_folder(folder: Path, patterns: Sequence[str]) -> None:
    """Refuse a file, and a folder whose own pictures are to be restored."""
    if folder.exists() and not folder.is_dir():
        raise PictureError(f"{folder} is a file: several pictures need a folder, output=FOLDER")
    for pattern in patterns:
        given = os.path.expanduser(pattern)
        if os.path.isdir(given) and folder.is_dir() and folder.samefile(given):
            raise PictureError(
                f"{folder} cannot be restored into itself: choose another folder with output=FOLDER"
            )


def _make_folder(folder: Path) -> bool:
    """Make the folder, and say whether it was not there."""
    if folder.is_dir():
        return False
    try:
        folder.mkdir(parents=True)
    except OSError as error:
        raise PictureError(f"cannot make the folder {folder}: {error.strerror}") from None
    return True


def _without_room(job: Job, error: DiskFull) -> PictureResult:
    reason = f"{error}: free some of it, and give the same command again"
    return PictureResult(str(job.source), "failed", error=reason)


def _result(
    job: Job, words: Sequence[str], force: bool, notify: Notify, settings: Mapping[str, Any]
) -> PictureResult:
    source, output = str(job.source), job.output
    try:
        if not force and output.is_file() and not output.samefile(job.source):
            return PictureResult(source, "skipped", output)
        done = restore(
            job.source,
            *words,
            output=output,
            strip=False,
            force=force,
            notify=notify,
            **settings,
        )
    except NothingToRestore as error:
        return PictureResult(source, "fine", error=str(error))
    except DiskFull:
        raise
    except NasirError as error:
        return PictureResult(source, "failed", error=" ".join(str(error).split()))
    except Exception as error:  # a defect: the other pictures do not pay for it
        return PictureResult(source, "failed", error=describe(error).partition("\n")[0])
    finally:
        shutil.rmtree(states_of(output), ignore_errors=True)
    if done.interrupted:
        output.unlink(missing_ok=True)  # the same command restores it anew
        raise KeyboardInterrupt
    return PictureResult(source, "restored", output, restoration=done.mapping)
