"""``nasir plugins``."""

from __future__ import annotations

import json

import pytest

from nasir.cli.main import main
from nasir.core.registry import registries
from nasir.plugins.manager import BUILTIN, PluginRecord, plugins
from nasir.plugins.switches import disabled_plugins, set_disabled


@pytest.fixture
def troubled(monkeypatch: pytest.MonkeyPatch) -> None:
    """A broken and a disabled plugin among the others."""
    registries["command"]
    records = plugins().records
    why = "cannot be imported: ImportError: no module named frob"
    broken = PluginRecord("broken", "nasir-broken", "0.3", "failed", why)
    monkeypatch.setitem(records, "broken", broken)
    monkeypatch.setitem(records, "off", PluginRecord("off", "nasir-off", "2.0", "disabled"))


def rows(out: str) -> dict[str, list[str]]:
    return {line.split()[0]: line.split(maxsplit=4)[1:] for line in out.splitlines()[1:]}


@pytest.mark.usefixtures("troubled")
def test_every_plugin_is_listed_with_its_state_and_the_reason(capsys):
    assert main(["plugins"]) == 0
    printed = rows(capsys.readouterr().out)
    assert {f"nasir-{name}" for name in BUILTIN} <= set(printed)
    assert printed["toy"][:3] == ["nasir-toy", "1.0", "ok"]
    why = "cannot be imported: ImportError: no module named frob"
    assert printed["broken"] == ["nasir-broken", "0.3", "failed", why]
    how = "enable with: nasir plugins enable off"
    assert printed["off"] == ["nasir-off", "2.0", "disabled", how]


def test_registered_names_are_listed_or_if_many_counted(capsys):
    assert main(["plugins"]) == 0
    printed = rows(capsys.readouterr().out)
    assert printed["nasir-executors"][3] == "executor inline, process, streams, ray, dask"
    operations = [e for e in registries["operation"].values() if e.owner == "nasir-nasdip"]
    assert printed["nasir-nasdip"][3] == f"space nasdip; {len(operations)} operations"


@pytest.mark.usefixtures("troubled")
def test_a_plugin_disabled_for_one_call_is_listed_as_such(capsys, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("NASIR_DISABLE_PLUGINS", "off")
    assert main(["plugins"]) == 0
    assert rows(capsys.readouterr().out)["off"][3] == "by -p or NASIR_DISABLE_PLUGINS"


@pytest.mark.usefixtures("troubled")
def test_json_has_everything(capsys):
    assert main(["plugins", "--json"]) == 0
    printed = {row["name"]: row for row in json.loads(capsys.readouterr().out)}
    assert printed["broken"]["status"] == "failed"
    assert "frob" in printed["broken"]["reason"]
    assert printed["nasir-tasks"]["registers"] == plugins().records["nasir-tasks"].registers


def test_a_check_finds_what_is_registered_and_cannot_be_imported(capsys, monkeypatch):
    from nasir.core.registry import Entry

    lazy = {**registries["proxy"]._entries, "late": Entry("late", "no_such:X", "", "toy")}
    assert main(["plugins", "--check"]) == 0
    monkeypatch.setattr(registries["proxy"], "_entries", lazy)
    capsys.readouterr()
    assert main(["plugins"]) == 0
    assert rows(capsys.readouterr().out)["toy"][2] == "ok"
    assert main(["plugins", "--check"]) == 1
    assert "registers 'late' as 'no_such:X'" in rows(capsys.readouterr().out)["toy"][3]


def test_disable_and_enable_are_permanent(capsys):
    assert main(["plugins", "disable", "toy", "nasir-tasks"]) == 0
    assert disabled_plugins() == {"toy", "nasir-tasks"}
    assert "undo: nasir plugins enable toy" in capsys.readouterr().out
    assert main(["plugins", "enable", "toy"]) == 0
    assert disabled_plugins() == {"nasir-tasks"}


def test_a_missing_plugin_can_be_enabled():
    set_disabled("gone", True)
    assert main(["plugins", "enable", "gone"]) == 0
    assert disabled_plugins() == frozenset()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["disable", "nasir-task"], "did you mean 'nasir-tasks'?"),
        (["disabel", "toy"], "did you mean 'disable'?"),
        (["enable"], "nasir plugins enable NAME"),
        (["disable", "toy", "nasir-commands"], "-p no:nasir-commands"),
    ],
)
def test_a_wrong_word_is_refused_and_switches_nothing(words: list[str], said: str, capsys):
    assert main(["plugins", *words]) == 2
    assert said in capsys.readouterr().err
    assert disabled_plugins() == frozenset()
