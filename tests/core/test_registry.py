"""Registries: names given once, imported only when used."""

from __future__ import annotations

import sys
from threading import Event, Thread

import pytest

from nasir.core.errors import NameTakenError, PluginError, UnknownNameError
from nasir.core.registry import KINDS, Entry, Registries, Registry


def registry(*entries: Entry) -> Registry:
    made = Registry("task")
    for entry in entries:
        made.register(entry)
    return made


def test_a_name_taken_twice_is_refused_with_both_owners():
    made = registry(Entry("sr", int, "", "first"))
    with pytest.raises(NameTakenError, match=r"task 'sr' of plugin 'second'.*plugin 'first'"):
        made.register(Entry("sr", float, "", "second"))
    assert made["sr"].target is int


def test_names_are_listed_in_order():
    made = registry(*(Entry(name, int, "", "p") for name in ("b", "a", "c")))
    assert list(made) == ["a", "b", "c"]
    assert len(made) == 3


def test_an_import_string_is_imported_only_when_it_is_used(tmp_path, monkeypatch):
    (tmp_path / "imported_late.py").write_text("class Late: pass\n", encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    made = registry(Entry("late", "imported_late:Late", "", "p"))
    assert dict(made)["late"].summary == ""
    assert "imported_late" not in sys.modules
    assert made.load("late").__name__ == "Late"


def test_registered_object_is_loaded_as_it_is():
    assert registry(Entry("int", int, "", "p")).load("int") is int


@pytest.mark.parametrize("name", ["srr", "", "SR"])
def test_an_unknown_name_is_refused_with_the_list(name: str):
    with pytest.raises(UnknownNameError, match=r"known: derain, sr"):
        registry(Entry("sr", int, "", "p"), Entry("derain", int, "", "p")).entry(name)


@pytest.mark.parametrize("name", [None, 3, ["sr"]])
def test_a_name_that_is_no_string_is_refused(name: object):
    with pytest.raises(UnknownNameError):
        registry(Entry("sr", int, "", "p")).entry(name)


BROKEN = {
    "raises": "raise RuntimeError('no licence')",
    "missing": "import no_such_module_anywhere",
    "syntax": "def",
    "ends": "import sys; sys.exit(0)",
    "lacks": "",
}


@pytest.mark.parametrize("how", BROKEN)
def test_failed_import_names_the_owner(tmp_path, monkeypatch, how: str):
    (tmp_path / f"broken_{how}.py").write_text(BROKEN[how], encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    entry = Entry("broken", f"broken_{how}:Thing", "", "somebody")
    with pytest.raises(PluginError, match=r"plugin 'somebody'.*-p no:somebody"):
        entry.load()


def test_an_owner_can_be_forgotten():
    made = registry(Entry("a", int, "", "p"), Entry("b", int, "", "q"))
    made.forget("p")
    assert list(made) == ["b"]


def test_registries_are_filled_once_at_their_first_use():
    filled = []
    made = Registries()
    made.fill_from(lambda registries: filled.append(list(registries)))
    assert filled == []
    made["task"]
    made["space"]
    assert filled == [list(KINDS)]


def test_a_thread_waits_until_another_has_filled_the_registries():
    """Once, one of two searches in two threads knew no strategy at all."""
    filling, seen = Event(), []
    made = Registries()

    def fill(registries: Registries) -> None:
        filling.set()
        other.join(0.2)  # it has time to look, and must not
        registries["task"].register(Entry("a", int, "", "p"))

    other = Thread(target=lambda: filling.wait(60) and seen.append(list(made["task"])))
    made.fill_from(fill)
    other.start()
    assert list(made["task"]) == ["a"]
    other.join(60)
    assert seen == [["a"]]


def test_what_cannot_be_imported_is_reported_with_file_and_line(tmp_path, monkeypatch):
    (tmp_path / "torn.py").write_text("first = 1\nint('x')\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    for target, place in (("torn:A", r"\(.*torn\.py, line 2\); mend"), ("gone:A", r"'gone'; mend")):
        with pytest.raises(PluginError, match=place):
            Entry("torn", target, "", "mine").load()
