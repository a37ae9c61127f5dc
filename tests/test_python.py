"""What ``import nasir`` gives: typed verbs, interfaces, and nothing heavy."""

from __future__ import annotations

import inspect
import json
import subprocess
import sys
from typing import Any

import pytest

import nasir
from nasir.apps.bench.bench import FOREIGN, BenchSettings
from nasir.apps.evaluate.evaluate import EvaluateSettings
from nasir.apps.restore.settings import RestoreSettings
from nasir.apps.score import ScoreSettings
from nasir.apps.train.planning import TrainSettings
from nasir.core.component import settings_of
from nasir.settings.run_settings import RunSettings

NOT_SETTINGS = {
    *("image", "words", "more", "output", "strip", "force", "resume", "notify", "started"),
    "accept_changes",
}


def parameters(verb: Any) -> set[str]:
    return set(inspect.signature(verb).parameters) - NOT_SETTINGS


@pytest.mark.parametrize(
    ("verb", "settings"),
    [
        (nasir.search, RunSettings),
        (nasir.restore, RestoreSettings),
        (nasir.train, TrainSettings),
        (nasir.evaluate, EvaluateSettings),
        (nasir.score, ScoreSettings),
    ],
)
def test_each_setting_of_a_verb_is_a_parameter_that_editors_complete(verb: Any, settings: Any):
    fields = {field.name for field in settings_of(settings)} | {*settings.components}
    of_files = {"references"} if verb is nasir.evaluate else set()
    assert parameters(verb) == fields - of_files
    assert all(p.default is None for p in _settings_of_signature(verb))


def _settings_of_signature(verb: Any) -> list[inspect.Parameter]:
    kept = inspect.signature(verb).parameters
    return [kept[name] for name in parameters(verb)]


def test_a_bench_takes_its_own_settings_and_those_of_its_searches():
    own = {field.name for field in settings_of(BenchSettings)}
    of_searches = {field.name for field in settings_of(RunSettings)} | {*RunSettings.components}
    assert own <= parameters(nasir.bench)
    assert parameters(nasir.bench) - own <= of_searches - FOREIGN.keys()


def test_every_public_name_is_there_and_listed():
    assert set(nasir.__all__) <= set(dir(nasir))
    assert {name for name in nasir.__all__ if not hasattr(nasir, name)} == set()
    assert nasir.__all__ == sorted(nasir.__all__)
    with pytest.raises(AttributeError, match="serch"):
        _ = nasir.serch


def test_interfaces_can_be_derived_from_without_importing_torch():
    script = """
import json, sys, nasir
for name in nasir.__all__:
    if name[0].isupper() and name not in ("FittingMethod", "Training"):
        getattr(nasir, name)
nasir.search, nasir.make, nasir.setting, nasir.hookimpl
print(json.dumps([name for name in ("torch", "scipy", "rich") if name in sys.modules]))
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert json.loads(done.stdout) == [], done.stderr
