"""Recipes and settings of runs that a plugin adds."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import nasir
from nasir.cli.main import main
from nasir.core.component import setting
from nasir.core.errors import SettingsError
from nasir.core.registry import Entry, registries
from nasir.runs.run import Run
from nasir.settings.run_settings import RunSettings, run_settings_class

OWNER = "the-tests"


@pytest.fixture(autouse=True)
def _registered(tmp_path: Path) -> Iterator[None]:
    recipe = tmp_path / "theirs.toml"
    recipe.write_text('# Three trials. And more.\ntrials = 3\nshout = ["a", "b"]\n')
    shout = setting((), "what is shouted", type=tuple[str, ...])
    registries["run_setting"].register(Entry("shout", shout, "shouts", OWNER))
    registries["recipe"].register(Entry("theirs", recipe, "", OWNER))
    yield
    _remove()


def _remove() -> None:
    for registry in registries.values():
        registry.forget(OWNER)


def test_the_settings_of_a_run_have_those_of_plugins():
    names = [field.name for field in run_settings_class().__attrs_attrs__]
    own = [field.name for field in RunSettings.__attrs_attrs__]
    assert names[: len(own)] == own
    assert {"shout", "tensorboard"} <= set(names[len(own) :])


def test_a_run_keeps_the_setting_of_a_plugin_and_resumes_with_it(toy: Callable[..., Run]):
    run = toy("theirs")
    assert (run.settings["trials"], run.settings["shout"]) == (3, ["a", "b"])
    assert nasir.resume(run.folder, trials=4).settings["shout"] == ["a", "b"]


def test_a_wrong_value_is_refused_as_of_any_setting(toy: Callable[..., Run]):
    with pytest.raises(SettingsError, match="shout: wants a string"):
        toy("trials=1", "shout=[[1]]")


def test_without_the_plugin_only_a_run_that_uses_its_setting_is_refused(
    toy: Callable[..., Run], capsys: Any
):
    using, unused = toy("trials=1", "shout=a"), toy("trials=1")
    assert "shout" not in unused.settings
    _remove()
    assert nasir.resume(unused.folder, trials=2).state == "finished"
    assert main(["show", str(using.folder)]) == 0
    capsys.readouterr()
    assert main(["resume", str(using.folder)]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "the run setting 'shout' of a plugin that is not here: install or enable it" in line


def test_what_plugins_add_is_listed_and_described(capsys: Any):
    for words, expected in {
        ("list", "run_settings"): "shout        the-tests          shouts",
        ("list", "recipes"): "the-tests      Three trials\n",
        ("describe", "run"): "shout=[]  (list of strings)\n      what is shouted",
        ("describe", "run_setting=shout"): "shout=[]  (list of strings)\n      what is shouted",
        ("describe", "recipe=theirs"): "recipe=theirs: Three trials (plugin the-tests)",
    }.items():
        assert main([*words]) == 0
        assert expected in capsys.readouterr().out
