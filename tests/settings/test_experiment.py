"""From settings to the components of a run."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

import attrs
import pytest
from toy_plugin import ToyEvaluator, ToyTask

import nasir
from nasir.apps.search import search as api
from nasir.core.component import setting
from nasir.core.errors import PluginError, SettingsError
from nasir.core.evaluator import Evaluator, Problem
from nasir.core.registry import Entry, registries
from nasir.core.strategy import Strategy
from nasir.core.trial import FULL, Proposal, Trial
from nasir.settings.experiment import Experiment, experiment
from nasir.settings.overrides import Settings

OWNER = "test-experiment"


@attrs.define
class Staged(Strategy):
    """Evaluates one architecture at a stage of its own, then at the full one."""

    split = "test"

    rounds: int = setting(3, "how often, >= 1")
    looks_at: ClassVar[frozenset[str]] = frozenset(("quick",))
    _asked: int = attrs.field(init=False, default=0)
    _domain: Any = attrs.field(init=False)
    seen: list[bool] = attrs.field(init=False, factory=list)

    @property
    def usual_trials(self) -> int:
        return 2 * self.rounds

    def stages(self, full: Evaluator) -> Mapping[str, Evaluator]:
        return {"quick": attrs.evolve(full, stop=0.25)}  # type: ignore[call-arg]

    def bind(self, problem: Problem) -> None:
        self._domain = problem.domain

    def ask(self) -> Proposal | None:
        self._asked += 1
        stage = "quick" if self._asked % 2 else FULL
        return Proposal(next(iter(self._domain)), stage)

    def tell(self, trial: Trial) -> None:
        self.seen.append(bool(trial.pictures))

    def state_dict(self) -> dict[str, Any]:
        return {"asked": self._asked, "seen": self.seen}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self._asked, self.seen = state["asked"], state["seen"]


@attrs.define
class Particular(ToyTask):
    default_evaluator = "gentle"


@attrs.define
class Gentle(ToyEvaluator):
    """An evaluator of its own name."""


@attrs.define
class Nothing:
    """No component of any kind."""


@pytest.fixture(autouse=True)
def _components() -> Iterator[None]:
    for kind, name, component in [
        ("strategy", "staged", Staged),
        ("strategy", "nothing", Nothing),
        ("task", "particular", Particular),
        ("task", "nothing", Nothing),
        ("evaluator", "gentle", Gentle),
    ]:
        registries[kind].register(Entry(name, component, "of this test", OWNER))
    yield
    for registry in registries.values():
        registry.forget(OWNER)


def made(**tree: Any) -> Experiment:
    """An experiment with the toy; components by name, or as ``{"name": ..., field: ...}``."""
    toy: Settings = {"space": "toy", "task": "toy", "evaluator": "toy", "strategy": "random"}
    parts = {k: {"name": v} if isinstance(v, str) and k in toy else v for k, v in tree.items()}
    return experiment({k: {"name": v} for k, v in toy.items() if k not in tree} | parts)


def unnamed(**tree: Any) -> Experiment:
    """An experiment in the toy space where all the rest is as usual."""
    return experiment({"space": {"name": "toy"}} | {k: {"name": v} for k, v in tree.items()})


@pytest.mark.parametrize(
    ("task", "evaluator"),
    [("particular", "gentle"), ("denoise", "dip"), ("sr", "dip"), ("inpaint", "dip")],
)
def test_the_task_says_which_evaluator_is_taken_by_default(task: str, evaluator: str):
    planned = unnamed(task=task, strategy="random")
    assert planned.names["evaluator"] == evaluator
    assert planned.resolved["evaluator"]["name"] == evaluator
    assert type(planned.problem.evaluator(FULL)) is registries["evaluator"].load(evaluator)


def test_with_nothing_said_nas_dip_is_searched_for_denoising():
    planned = experiment({})
    assert planned.names == {
        "space": "nasdip",
        "strategy": "rl",
        "task": "denoise",
        "evaluator": "dip",
        "executor": "inline",
    }


def test_an_evaluator_that_is_asked_for_is_taken():
    assert unnamed(task="particular", evaluator="toy").names["evaluator"] == "toy"


def test_fields_of_the_default_evaluator_can_be_set_without_its_name():
    tree = {"space": {"name": "toy"}, "task": {"name": "particular"}, "evaluator": {"sleep": 0.5}}
    planned = experiment(tree)
    assert planned.names["evaluator"] == "gentle"
    assert planned.problem.evaluator(FULL) == Gentle(sleep=0.5)
    with pytest.raises(SettingsError, match=r"evaluator\.iterations"):
        experiment(tree | {"evaluator": {"iterations": 3}})


def test_sweeping_tasks_gives_each_its_own_evaluator():
    words = ["space=toy", "strategy=random", "task=toy,particular"]
    planned = api.plan(words, {})
    assert [one.names["evaluator"] for one in planned] == ["dip", "gentle"]


@pytest.mark.parametrize(
    ("strategy", "trials"),
    [
        ("random", 10),
        ("rl", 10),
        ("staged", 6),
        ({"name": "staged", "rounds": 4}, 8),
        ("isnas", 515),
        ({"name": "isnas", "pool": 20, "keep": 5}, 25),
    ],
)
def test_the_strategy_says_how_many_trials_are_usual(strategy: Any, trials: int):
    planned = made(strategy=strategy)
    assert planned.trials == trials
    assert planned.resolved["trials"] == trials


def test_trials_that_are_given_are_made():
    assert made(strategy="staged", trials=5).trials == 5
    assert made(strategy="staged", trials=5).resolved["trials"] == 5
    assert made(strategy="staged", trials="none").trials == 6
    with pytest.raises(SettingsError, match="trials"):
        made(trials=0)


def test_the_strategys_stages_are_in_the_problem():
    full = {"name": "toy", "sleep": 0.5}
    problem = made(strategy="staged", evaluator=full).problem
    assert dict(problem.evaluators) == {
        FULL: ToyEvaluator(sleep=0.5),
        "quick": ToyEvaluator(sleep=0.5, stop=0.25),
    }
    assert problem.split == "test"
    assert made().problem.split == "search"
    assert list(made().problem.evaluators) == [FULL]


def test_the_settings_of_the_full_stage_are_the_ones_that_are_written():
    planned = made(strategy="staged", evaluator={"name": "toy", "stop": 0.5})
    assert planned.resolved["evaluator"]["stop"] == 0.5
    again = experiment(planned.resolved)
    assert again.resolved == planned.resolved
    assert again.problem == planned.problem


def test_isnas_has_the_stages_that_its_selection_needs():
    tree: Settings = {"space": {"name": "toy"}, "strategy": {"name": "isnas"}}
    assert set(experiment(tree).problem.evaluators) == {FULL, "proxy"}
    tree["strategy"] = {"name": "isnas", "selection": "resized", "side": 48}
    evaluators: Any = experiment(tree | {"evaluator": {"iterations": 7}}).problem.evaluators
    assert set(evaluators) == {FULL, "proxy", "small"}
    assert (evaluators["small"].side, evaluators["small"].iterations) == (48, 7)
    assert evaluators[FULL].side == 0


def test_a_resumed_run_has_the_same_stages_evaluator_and_trials():
    words = ["space=toy", "task=particular", "strategy=staged", "strategy.rounds=4", "threads=1"]
    run = nasir.search(*words, "evaluator.every=0", seconds=0, name="run")
    assert run.trials == []
    assert run.settings["trials"] == 8
    assert run.settings["evaluator"]["name"] == "gentle"
    settings = run.folder / "settings.toml"
    settings.write_text(settings.read_text().replace("seconds = 0.0\n", ""))
    first = nasir.resume(run.folder, trials=3)
    assert [t.proposal.stage for t in first.trials] == ["quick", FULL, "quick"]
    whole = nasir.resume(run.folder, trials=8)
    assert [t.proposal.stage for t in whole.trials] == ["quick", FULL] * 4
    stops = [t.stop for t in whole.trials]
    assert stops == [None] * 8, "the toy reports where to stop on the search split alone"
    assert "degraded_psnr" in whole.trials[0].metrics


def test_a_strategy_gets_pictures_of_the_stages_that_it_asks_for():
    planned = made(strategy="staged", name="run", threads=1)
    run = api.start(planned)
    assert [t.proposal.stage for t in run.trials] == ["quick", FULL] * 3
    assert planned.strategy.seen == [True, False] * 3  # type: ignore[attr-defined]


MISSPELT = {
    "space": ("nasdib", "nasdip"),
    "strategy": ("isnaz", "isnas"),
    "task": ("inpant", "inpaint"),
    "evaluator": ("dib", "dip"),
    "executor": ("proces", "process"),
}


def test_a_misspelt_name_is_refused_before_torch_or_any_component_is_imported():
    """Whatever else is picked, and also where the evaluator follows from the task."""
    script = """
import json, sys, nasir
from nasir.core.errors import SettingsError
from nasir.settings.experiment import experiment
tree = {"strategy": {"name": "isnas"}, "task": {"name": "sr"}, "workers": 2}
said = {}
for kind, (wrong, _) in json.loads(sys.argv[1]).items():
    try:
        experiment(tree | {kind: {"name": wrong}})
    except SettingsError as error:
        rooms = ("nasir.search_spaces.", "nasir.strategies.", "nasir.tasks.", "nasir.evaluators.")
        heavy = [m for m in sys.modules if m.startswith(rooms) or m == "torch"]
        said[kind] = [str(error), heavy]
print(json.dumps(said))
"""
    command = [sys.executable, "-c", script, json.dumps(MISSPELT)]
    done = subprocess.run(command, capture_output=True, text=True)
    said = json.loads(done.stdout.splitlines()[-1])
    for kind, (wrong, right) in MISSPELT.items():
        message, imported = said[kind]
        assert f"'{wrong}'" in message
        assert f"'{right}'" in message
        assert imported == []


def test_an_unknown_setting_is_refused_before_an_unknown_name():
    with pytest.raises(SettingsError, match=r"'trails'.*'trials'"):
        made(trails=3, task="no such task")


@pytest.mark.parametrize("kind", ["task", "strategy"])
def test_what_is_no_component_of_its_kind_is_refused_with_its_plugin(kind: str):
    with pytest.raises(PluginError, match=f"{kind} 'nothing' of plugin '{OWNER}'"):
        made(**{kind: "nothing"})


def test_what_is_no_task_is_refused_where_the_evaluator_follows_from_it():
    with pytest.raises(PluginError, match="task 'nothing' of plugin"):
        unnamed(task="nothing")
