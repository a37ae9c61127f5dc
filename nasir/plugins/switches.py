"""Disabled plugins: permanently in a file, for one call in the environment."""

from __future__ import annotations

import logging
import os
import sys
from pathlib import Path

from nasir.core.errors import SettingsError

log = logging.getLogger("nasir")

ENVIRONMENT = "NASIR_DISABLE_PLUGINS"
"""Names, separated by commas; worker processes inherit them from ``-p no:NAME``."""


def disabled_plugins() -> frozenset[str]:
    """The names of all disabled plugins."""
    here = os.environ.get(ENVIRONMENT, "").split(",")
    return frozenset(name.strip() for name in [*here, *_saved()] if name.strip())


def disable_once(name: str) -> None:
    """Disable a plugin for this process and the processes it starts."""
    before = os.environ.get(ENVIRONMENT, "")
    os.environ[ENVIRONMENT] = f"{before},{name}" if before else name


def set_disabled(name: str, disabled: bool) -> None:
    """Disable or enable a plugin permanently."""
    import tomli_w

    names = set(_saved()) - {name} | ({name} if disabled else set())
    path = switches_file()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(tomli_w.dumps({"disabled": sorted(names)}), encoding="utf-8")
    except OSError as error:
        raise SettingsError(f"cannot write {path}: {error.strerror}; use -p no:{name}") from None


def switches_file() -> Path:
    """The file of the permanently disabled plugins; ``NASIR_CONFIG`` sets its folder."""
    return Path(os.environ.get("NASIR_CONFIG") or _usual_folder()) / "plugins.toml"


def _usual_folder() -> str:
    """Where a user's settings are, by the habits of the system."""
    if sys.platform == "win32":
        return os.path.join(os.environ.get("LOCALAPPDATA", ""), "nasir", "nasir")
    if sys.platform == "darwin":
        return os.path.expanduser("~/Library/Application Support/nasir")
    base = os.environ.get("XDG_CONFIG_HOME", "").strip() or "~/.config"
    return os.path.join(os.path.expanduser(base), "nasir")


def _saved() -> list[str]:
    path = switches_file()
    try:
        written = path.read_bytes()
    except FileNotFoundError:
        return []
    except OSError as error:  # no home, or another user's: the file is optional
        log.warning("no plugin is disabled: cannot read %s: %s", path, error.strerror)
        return []
    import tomli

    try:
        content = tomli.loads(written.decode())
    except (ValueError, RecursionError) as error:
        raise SettingsError(f"cannot read {path}: {error}; correct or remove it") from None
    names = content.get("disabled", [])
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise SettingsError(f'{path} needs disabled = ["NAME", ...]; correct or remove it')
    return names
