from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from nasir.core.errors import SettingsError
from nasir.plugins.switches import disable_once, disabled_plugins, set_disabled, switches_file


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of the switches, which does not exist yet."""
    folder = tmp_path / "config" / "nasir"
    monkeypatch.setenv("NASIR_CONFIG", str(folder))
    monkeypatch.setenv("NASIR_DISABLE_PLUGINS", "")
    return folder


def test_nothing_is_disabled_at_first(folder: Path) -> None:
    assert disabled_plugins() == frozenset()
    assert not folder.exists()


def test_a_disabled_plugin_stays_disabled_until_enabled() -> None:
    for name in ("b", "a", "b"):
        set_disabled(name, True)
    assert disabled_plugins() == {"a", "b"}
    assert switches_file().read_text() == 'disabled = [\n    "a",\n    "b",\n]\n'
    set_disabled("b", False)
    set_disabled("never-heard-of", False)
    assert disabled_plugins() == {"a"}


def test_the_environment_adds_to_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    set_disabled("a", True)
    monkeypatch.setenv("NASIR_DISABLE_PLUGINS", "b,,a, c ")
    assert disabled_plugins() == {"a", "b", "c"}


def test_disabling_once_reaches_worker_processes_and_no_file(folder: Path) -> None:
    disable_once("a")
    disable_once("b")
    assert disabled_plugins() == {"a", "b"}
    assert not folder.exists()
    asked = (
        "from nasir.plugins.switches import disabled_plugins; print(*sorted(disabled_plugins()))"
    )
    printed = subprocess.run(
        [sys.executable, "-c", asked], env=os.environ, capture_output=True, text=True, check=True
    )
    assert printed.stdout.split() == ["a", "b"]


@pytest.mark.parametrize(
    "content", [b"disabled = [", b"disabled = 3", b"disabled = [3]", b"\xff\xfe", b'disabled = "a"']
)
def test_a_damaged_file_is_refused_in_one_line(folder: Path, content: bytes) -> None:
    folder.mkdir(parents=True)
    switches_file().write_bytes(content)
    for use in (disabled_plugins, lambda: set_disabled("a", True)):
        with pytest.raises(SettingsError, match="correct or remove it") as printed:
            use()
        assert str(switches_file()) in str(printed.value)
    assert switches_file().read_bytes() == content


def test_a_folder_that_cannot_be_made_is_refused_with_an_alternative(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("NASIR_CONFIG", str(tmp_path / "taken"))
    (tmp_path / "taken").write_text("a file, no folder")
    with pytest.raises(SettingsError, match="taken"):
        set_disabled("a", True)


def test_a_folder_that_cannot_be_written_is_refused_with_an_alternative(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refused(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "write_text", refused)
    with pytest.raises(SettingsError, match=r"Permission denied; use -p no:a"):
        set_disabled("a", True)


@pytest.mark.skipif(sys.platform != "linux", reason="the folder is that of the XDG specification")
@pytest.mark.parametrize(
    ("base", "folder"), [("/set", "/set/nasir"), ("", "/home/a/.config/nasir")]
)
def test_the_usual_folder_is_that_of_the_xdg_base_directories(
    base: str, folder: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.delenv("NASIR_CONFIG")
    monkeypatch.setenv("HOME", "/home/a")
    monkeypatch.setenv("XDG_CONFIG_HOME", base)
    assert switches_file() == Path(folder, "plugins.toml")
