"""Components given as instances of their classes, as in a notebook."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import attrs
import pytest
from toy_plugin import ToyEvaluator, ToySpace, ToyTask, outcome

import nasir
from nasir.core.errors import SettingsError

TOY: dict[str, Any] = {"space": "toy", "task": "toy", "evaluator": "toy", "threads": 1}

SCRIPT = """
import attrs, nasir
from toy_plugin import ToySpace, ToyTask, ToyEvaluator

{top}

if __name__ == "__main__":
    {guarded}
    try:
        run = nasir.search(
            space=ToySpace(), task=ToyTask(), evaluator=Mine(), strategy="random", trials=2,
            threads=1, workers=1, executor="process", name="run",
        )
        print([trial.state for trial in run.trials])
    except nasir.NasirError as error:
        print(error)
"""

CLASS = """
@attrs.define
class Mine(ToyEvaluator):
    pass
"""


def random(**settings: Any) -> nasir.Strategy:
    strategy: nasir.Strategy = nasir.make("strategy", "random", **settings)
    return strategy


def test_instances_search_as_their_names_do():
    named = nasir.search(**{**TOY, "space": {"name": "toy", "kernels": [1, 7]}}, strategy="random")
    made = nasir.search(
        space=ToySpace(kernels=(1, 7)),
        task=ToyTask(),
        evaluator=ToyEvaluator(),
        strategy=random(),
        executor=nasir.make("executor", "inline"),
        threads=1,
    )
    assert outcome(made) == outcome(named)
    for kind in ("space", "task", "evaluator", "strategy", "executor"):
        assert made.settings[kind] == named.settings[kind]


def test_an_instance_of_a_strategy_searches_anew_each_time():
    strategy = nasir.make("strategy", "exhaustive")
    first, second = (nasir.search(**TOY, strategy=strategy, trials=4) for _ in range(2))
    assert outcome(first) == outcome(second)


def test_instances_are_in_fields_of_others():
    chain = nasir.make("strategy", "chain", parts=[random(), "local_search"], trials=[2])
    run = nasir.search(**TOY, strategy=chain, trials=4)
    names = [part["name"] for part in run.settings["strategy"]["parts"]]
    assert names == ["random", "local_search"]


def test_a_run_records_the_import_string_of_a_class_that_no_plugin_registers():
    @attrs.define
    class Mine(ToyEvaluator):
        """Defined in a function, as nothing can import it."""

    run = nasir.search(**{**TOY, "evaluator": Mine(stop=0.5)}, strategy="random", trials=2)
    name = f"{__name__}:{Mine.__qualname__}"
    assert run.settings["evaluator"]["name"] == name
    assert run.settings["evaluator"]["stop"] == 0.5
    with pytest.raises(SettingsError, match="cannot be imported") as caught:
        nasir.resume(run.folder, trials=3)
    assert name in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_component_is_named_by_its_import_string():
    run = nasir.search(**{**TOY, "space": "toy_plugin:ToySpace"}, strategy="random", trials=1)
    assert len(nasir.resume(run.folder, trials=2).trials) == 2
    made = nasir.make("space", "toy_plugin:ToySpace", kernels=[3])
    assert made == ToySpace(kernels=(3,))


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"space": ToyTask()}, "space wants a name, a mapping or an instance of SearchSpace, got"),
        ({"strategy": ToySpace()}, "strategy wants a name, a mapping or an instance of Strategy"),
        ({"evaluator": ToyEvaluator}, r"evaluator wants an instance, .*: write ToyEvaluator\(\)"),
        ({"task": ToyTask(), "task.seed": 3}, "task.seed cannot be set: task is an instance"),
        ({"space": "toy_plugin:Nothing"}, "'toy_plugin:Nothing' is an import string, which cannot"),
    ],
)
def test_an_instance_of_the_wrong_kind_is_refused_in_one_line(settings: dict, reason: str):
    with pytest.raises(SettingsError, match=reason) as caught:
        nasir.search(**{**TOY, "strategy": "random", **settings})
    assert "\n" not in str(caught.value)
    assert not Path("runs").exists()


def test_a_class_that_is_no_attrs_class_is_refused():
    class Bare(nasir.Proxy):
        def value(self, probe: Any) -> float:
            return 0.0

    with pytest.raises(SettingsError, match=r"no attrs class: write @attrs.define above Bare"):
        nasir.make("proxy", Bare())


def test_a_setting_that_no_file_can_hold_is_refused():
    @attrs.define
    class Odd(ToyTask):
        function: Any = print

    with pytest.raises(SettingsError, match=r"function of Odd: .* cannot be written to a settings"):
        nasir.search(**{**TOY, "task": Odd()}, strategy="random")


def test_a_class_that_workers_cannot_import_is_refused_before_the_first_trial():
    @attrs.define
    class Mine(ToyEvaluator):
        """Defined in a function."""

    with pytest.raises(SettingsError, match="cannot be imported by the workers of executor=proc"):
        nasir.search(**{**TOY, "evaluator": Mine()}, strategy="random", workers=2)
    assert not Path("runs").exists()


def said_by(script: str) -> str:
    tests = str(Path(__file__).parents[2])
    command = [sys.executable, script] if script.endswith(".py") else [sys.executable, "-c", script]
    done = subprocess.run(
        command, capture_output=True, text=True, env=_environment(tests), check=False
    )
    return done.stdout + done.stderr


def _environment(tests: str) -> dict[str, str]:
    import os

    return os.environ | {"PYTHONPATH": os.pathsep.join([tests, os.environ.get("PYTHONPATH", "")])}


def test_workers_import_the_classes_of_a_script_and_no_others():
    top = SCRIPT.format(top=CLASS, guarded="")
    Path("top.py").write_text(top)
    assert "['complete', 'complete']" in said_by("top.py")
    inside = SCRIPT.format(top="", guarded=CLASS.strip().replace("\n", "\n    "))
    Path("inside.py").write_text(inside)
    assert "__main__:Mine cannot be imported by the workers" in said_by("inside.py")
    assert "__main__:Mine cannot be imported by the workers" in said_by(top)
