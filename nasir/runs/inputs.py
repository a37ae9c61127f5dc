"""What a result was computed from, recorded when it begins and compared when it goes on."""

from __future__ import annotations

import hashlib
import json
import sys
import time
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from nasir.core.component import input_files
from nasir.core.errors import RunFolderError, first_of
from nasir.core.import_strings import import_string
from nasir.core.registry import registries
from nasir.core.search_space import SearchSpace
from nasir.runs.folder import ENVIRONMENT, Folder
from nasir.runs.validation import LATEST
from nasir.settings.interfaces import kind_of, parts_of

SOFTWARE = ("python", "nasir", "torch", "numpy", "scikit-image", "pillow")
"""The versions that results may depend on."""

MOST_NAMED = 3
"""Files that a message names before it counts the rest."""

FOLDER = "folder"
"""The entry of an environment that says where the folder of a run is."""

PLACES = ("files", FOLDER)
"""What may be elsewhere, and is the same."""

Inputs = Mapping[str, Any]


def inputs_of(components: Iterable[Any], plugins: Mapping[str, Any]) -> dict[str, Any]:
    """Files, options of spaces, plugins' versions and the kind of device, as JSON values.

    `plugins` has the version of each plugin that is loaded (by name, as in an environment).
    """
    parts = list({id(part): part for one in components for part in parts_of(one)}.values())
    files = dict.fromkeys(path for part in parts for path in input_files(part))
    spaces = [part for part in parts if isinstance(part, SearchSpace)]
    return {
        "files": {str(path): fingerprint(path) for path in files},
        "options": _hash(str([space.domain for space in spaces]).encode()),
        "components": {
            import_string(type(part)): version
            for part in parts
            if (version := _version(type(part), plugins)) is not None
        },
        "device": _device(parts),
    }


def fingerprint(path: Path) -> str:
    """A hash of a file's content."""
    try:
        digest = hashlib.sha256()
        with path.open("rb") as file:
            while part := file.read(2**20):
                digest.update(part)
        return digest.hexdigest()[:32]
    except OSError as error:
        raise RunFolderError(f"cannot read {path}: {error.strerror}") from None


def recorded(folder: Folder) -> dict[str, Any]:
    """The environment in a folder; empty if it is lost."""
    try:
        content = json.loads((folder.place / ENVIRONMENT).read_bytes())
    except (OSError, ValueError, RecursionError):
        return {}
    return content if isinstance(content, dict) else {}


def changes(environment: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The changes of inputs that were accepted: of each the time, and what differed in words."""
    return [one for one in _list(environment, "changes") if _is_change(one)]


def _list(environment: Mapping[str, Any], key: str) -> list[Any]:
    found = environment.get(key)
    return found if isinstance(found, list) else []


def _is_change(one: Any) -> bool:
    return (
        isinstance(one, dict)
        and isinstance(one.get("time"), float)
        and 0 <= one["time"] < LATEST
        and isinstance(one.get("what"), list)
        and all(isinstance(text, str) for text in one["what"])
    )


def compare(folder: Folder, now: Inputs, accept: bool, resumed: bool = True) -> None:
    """Refuse to go on from inputs that are not those that the folder's result began with.

    With `accept`, the folder's environment becomes `now`, and what differs is recorded in it. Each
    continuation is recorded there, `resumed` if something had begun. Only the process that owns
    the folder may call this.
    """
    before = recorded(folder)
    found = differences(before, now)
    if found and not accept:
        raise RunFolderError(
            f"{folder.folder} was computed from something else: {'; '.join(found)}; put that back, "
            "or go on all the same with accept_changes=True, which is recorded"
        )
    places = {key: now[key] for key in PLACES if key in now}
    kept = {**before, **(now if found or not before else places)}
    moment = {"time": time.time(), "host": now["host"]}
    if resumed:
        kept["resumed"] = [*_list(before, "resumed"), moment]
    if found:
        kept["changes"] = [*changes(before), {**moment, "what": found}]
    folder.write(ENVIRONMENT, json.dumps(kept, indent=2).encode())


def differences(before: Inputs, now: Inputs) -> list[str]:
    """What differs between two environments, in words; what one of them lacks is not compared."""
    found = []
    if isinstance(before.get("files"), dict):
        found += _of_files(_named(before["files"]), _named(now["files"]))
    old, new = before.get("versions"), now["versions"]
    if isinstance(old, dict):
        for name in SOFTWARE:
            if name in old and old[name] != new.get(name):
                found.append(f"{name} was {old[name]} and is {new.get(name)}")
    old, new = before.get("components"), now["components"]
    if isinstance(old, dict):
        for name in old.keys() & new.keys():
            if old[name] != new[name]:
                found.append(f"{name} was of {old[name]} and is of {new[name]}")
    if before.get("options") not in (None, now["options"]):
        found.append("the space has other decisions or options")
    if None not in (before.get("device"), now["device"]) and before["device"] != now["device"]:
        found.append(f"the device was {before['device']} and is {now['device']}")
    return found


def contents_of(folder: Folder) -> str | None:
    """A short hash of the files that a result was computed from; None if they are not recorded."""
    files = recorded(folder).get("files")
    if not isinstance(files, dict) or not all(isinstance(one, str) for one in files.values()):
        return None
    return _hash(json.dumps(sorted(_named(files).elements())).encode())[:8]


def _named(files: Mapping[str, str]) -> Counter[tuple[str, str]]:
    """Files by name and fingerprint: where they are does not matter."""
    return Counter((Path(path).name, content) for path, content in files.items())


def _of_files(before: Counter[tuple[str, str]], now: Counter[tuple[str, str]]) -> list[str]:
    gone, new = dict((before - now).keys()), dict((now - before).keys())
    changed = sorted(gone.keys() & new.keys())
    contents = {content: name for name, content in gone.items() if name not in changed}
    renamed = {
        contents[content]: name
        for name, content in new.items()
        if name not in changed and content in contents
    }
    kinds = {
        "changed": changed,
        "renamed": [f"{old} (now {new})" for old, new in sorted(renamed.items())],
        "gone": sorted(gone.keys() - set(changed) - renamed.keys()),
        "new": sorted(new.keys() - set(changed) - set(renamed.values())),
    }
    return [f"{kind}: {first_of(names, MOST_NAMED)}" for kind, names in kinds.items() if names]


def _version(cls: type, plugins: Mapping[str, Any]) -> str | None:
    """The distribution and version of the plugin that registers a class; None: nasir's own."""
    kind = kind_of(cls)
    assert kind is not None
    name = registries[kind].name_of(cls)
    plugin = plugins.get(registries[kind].entry(name).owner)
    if plugin is None or plugin["distribution"] == "nasir":
        return None
    return f"{plugin['distribution']} {plugin['version']}"


def _device(parts: Iterable[Any]) -> str | None:
    """``cpu`` or ``cuda``, whichever the setting ``device`` of a part means; None: no such part."""
    asked = {getattr(part, "device", None) for part in parts} - {None}
    torch = sys.modules.get("torch")
    if not asked or torch is None:
        return None
    if asked == {"cpu"}:
        return "cpu"
    return "cuda" if torch.cuda.is_available() else "cpu"


def _hash(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:32]
