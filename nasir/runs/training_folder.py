"""The folder of a final training."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from nasir.core.architecture import Architecture
from nasir.core.errors import RunFolderError, SettingsError
from nasir.core.registry import registries
from nasir.core.search_space import Signature
from nasir.runs.architecture_file import Found, described_in
from nasir.runs.folder import DESCRIPTION, SETTINGS, Folder, create_folder
from nasir.runs.lock import locked
from nasir.runs.run import TRIALS
from nasir.runs.validation import are_numbers
from nasir.settings.overrides import Settings, read_file

WEIGHTS = "weights.safetensors"
RESULT = "result.json"
CURVE = "training.csv"
LOCK = "training.lock"


class TrainingFolder(Folder):
    """The final training of one architecture, on disk."""

    def __init__(self, path: str | Path) -> None:
        """Open the folder of a training; refuses any other."""
        if not is_training(path):
            raise RunFolderError(
                f"{path} is no training's folder: it has no {SETTINGS} or no {DESCRIPTION}; make "
                "one with nasir train architecture=NAME"
            )
        super().__init__(Path(path).expanduser())

    @property
    def settings(self) -> Settings:
        """The resolved settings that the training was started with."""
        return read_file(self.place / SETTINGS)

    @property
    def found(self) -> Found:
        """The architecture that is trained, and its space."""
        return described_in(self.place / DESCRIPTION)

    @property
    def task(self) -> Settings:
        """The settings of the task that was trained for, but for those of its pictures."""
        settings = self._named("task")
        of_pictures = registries["task"].load(settings["name"]).picture_settings
        return {name: value for name, value in settings.items() if name not in of_pictures}

    @property
    def evaluator(self) -> str:
        """The name of the evaluator that trains."""
        return str(self._named("evaluator")["name"])

    @property
    def space(self) -> Settings:
        """The settings of the space of the architecture."""
        return self._named("space")

    def _named(self, kind: str) -> Settings:
        """The settings of a component of the training."""
        settings = self.settings.get(kind)
        if not isinstance(settings, dict) or not isinstance(settings.get("name"), str):
            raise SettingsError(f"{self.place / SETTINGS} is damaged: it names no {kind}")
        return settings

    @property
    def signature(self) -> Signature:
        """The channels and the scale of the network."""
        path = self.place / DESCRIPTION
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
            return Signature.from_mapping(content["signature"])
        except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
            raise SettingsError(f"{path} is damaged: it has no channels and scale") from None

    @property
    def weights(self) -> Path:
        """The file of the trained weights; refuses a missing and a damaged one."""
        from safetensors import SafetensorError, safe_open

        path = self.place / WEIGHTS
        if not path.is_file():
            raise SettingsError(
                f"{self.folder} has no weights yet: continue it with: nasir train {self.folder}"
            )
        try:
            with safe_open(path, "np"):
                return path
        except (OSError, SafetensorError) as error:
            raise SettingsError(
                f"weights {path} are damaged ({error}): delete them, and nasir train {self.folder}"
            ) from None

    @property
    def result(self) -> dict[str, Any] | None:
        """The metrics on the test pictures; None before they are known."""
        path = self.place / RESULT
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
            return _checked_result(content)
        except FileNotFoundError:
            return None
        except (OSError, ValueError, RecursionError) as error:
            raise RunFolderError(f"{path} cannot be read: {error}; delete it") from None

    def check_signature(self, wanted: Signature) -> None:
        """Refuse a task of other channels or another scale than the network's."""
        trained = self.signature
        if trained == wanted:
            return
        if trained.scale != wanted.scale:
            advice = f"choose a task of scale {trained.scale}"
        else:
            advice = f"give {_words(trained)}, or let the task make them so"
        raise SettingsError(
            f"{self.folder} was trained for {_words(trained)}, here are {_words(wanted)}: {advice}"
        )

    def writing(self) -> AbstractContextManager[None]:
        """Keep other processes of this machine from writing the folder."""
        in_use = f"{self.folder} is in use by another process: wait for it, or end it first"
        return locked(self.place / LOCK, lambda: in_use)


def _checked_result(content: Any) -> dict[str, Any]:
    """The result of a training; raises ValueError for anything else."""
    known = content if isinstance(content, dict) else {}
    by_picture = known.get("by_picture")
    rows = [
        known.get("metrics"),
        *(by_picture.values() if isinstance(by_picture, dict) else [None]),
    ]
    if not all(map(are_numbers, rows)):
        raise ValueError("it has no metrics, or some that are no numbers, or is of another version")
    return known


def is_training(path: str | Path) -> bool:
    """Whether `path` is the folder of a final training."""
    folder = Path(path).expanduser()
    try:
        there = {name: (folder / name).is_file() for name in (SETTINGS, DESCRIPTION, TRIALS)}
    except OSError:  # a name that is too long
        return False
    return there[SETTINGS] and there[DESCRIPTION] and not there[TRIALS]


def create(
    path: Path,
    settings: Settings,
    environment: Mapping[str, Any],
    architecture: Architecture,
    signature: Signature,
) -> None:
    """Make a new training's folder, whole or not at all; raises FileExistsError if it exists."""
    described = architecture.mapping | {
        "settings": settings["space"],
        "signature": signature.mapping,
    }

    def fill(partial: Path) -> None:
        (partial / DESCRIPTION).write_text(json.dumps(described, indent=2), encoding="utf-8")

    create_folder(path, settings, environment, fill, "choose another with output=FOLDER")


def _words(signature: Signature) -> str:
    kind = {1: "grey", 3: "colour"}.get(signature.in_channels, f"{signature.in_channels}-channel")
    return f"{kind} pictures" + (f" x{signature.scale}" if signature.scale != 1 else "")
