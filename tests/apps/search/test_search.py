"""nasir from Python: search, resume, build."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import torch
from torch import nn
from toy_plugin import ToySpace, ToyTask, figures, outcome

import nasir
from nasir.apps.search.search import plan
from nasir.core.errors import ArchitectureError, NasirError, SettingsError, UnknownNameError
from nasir.core.trial import Trial
from nasir.plugins.manager import plugins
from nasir.runs.folder import ENVIRONMENT

TOY = {"space": "toy", "task": "toy", "evaluator": "toy", "strategy": "random", "threads": 1}


def test_a_search_takes_settings_as_arguments():
    run = nasir.search(**TOY, trials=3, seed=7)
    assert isinstance(run, nasir.Run)
    assert len(run.trials) == 3
    assert isinstance(run.best.architecture, nasir.Architecture)
    assert run.settings["seed"] == 7


def test_words_and_arguments_and_files_say_the_same(tmp_path: Path):
    words = [f"{key}={value}" for key, value in TOY.items()]
    file = tmp_path / "toy.toml"
    file.write_text("".join(f"{k} = {json.dumps(v)}\n" for k, v in TOY.items()) + "trials = 9\n")
    same = [
        nasir.search(**TOY, trials=3),
        nasir.search(*words, "trials=3"),
        nasir.search(str(file), "trials=3"),
        nasir.search(str(file), trials=3),
        nasir.search("trials=5", *words, trials=3),
    ]
    assert all(outcome(run) == outcome(same[0]) for run in same)


def test_fields_are_given_with_the_name_or_after_a_dot():
    first = nasir.search(**{**TOY, "space": {"name": "toy", "kernels": [1, 7]}}, trials=1)
    second = nasir.search(**TOY, **{"space.kernels": (1, 7)}, trials=1)
    third = nasir.search("space.kernels=1,7", **TOY, trials=1)
    for run in (first, second, third):
        assert run.settings["space"]["kernels"] == [1, 7]


def test_a_field_of_the_executor_that_follows_from_the_workers_can_be_swept():
    words = [f"{key}={value}" for key, value in TOY.items()]
    planned = plan((*words, "workers=2", "executor.timeout=5,6"), {})
    assert [one.resolved["executor"]["timeout"] for one in planned] == [5.0, 6.0]


def test_another_seed_is_another_search(toy):
    first, same, other = toy("seed=1"), toy("seed=1"), toy("seed=2")
    assert outcome(first) == outcome(same)
    assert outcome(first) != outcome(other)


def test_the_global_generators_are_left_alone(toy):
    import random

    import numpy as np

    before = torch.get_rng_state(), random.getstate(), np.random.get_state()[1].tolist()
    toy("strategy=rl", "strategy.hidden=4", "trials=3")
    assert torch.equal(torch.get_rng_state(), before[0])
    assert (random.getstate(), np.random.get_state()[1].tolist()) == before[1:]


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"strategy": "rll"}, "did you mean 'rl'"),
        ({"trails": 3}, "did you mean 'trials'"),
        ({"trials": 0}, "trials"),
        ({"trials": "many"}, "trials"),
        ({"seed": [0, 1]}, "seed"),
        ({"space": 3}, "space"),
        ({"space": ToyTask()}, "space wants a name, a mapping or an instance of SearchSpace"),
        ({"space": ToySpace}, r"space wants an instance, not a class: write ToySpace\(\)"),
        ({"space": ToySpace(), "space.kernels": [1]}, "space.kernels cannot be set"),
        ({"space": {"name": "toy", "depth": 3}}, "depth"),
        ({"references": ["none_such"]}, "none_such"),
        ({"threads": -1}, "threads"),
        ({"workers": 0}, "workers"),
        ({"seconds": float("nan")}, "seconds"),
    ],
)
def test_what_cannot_be_searched_is_refused_before_a_folder_is_made(settings: dict, words: str):
    with pytest.raises(SettingsError, match=words):
        nasir.search(**{**TOY, **settings})
    assert not Path("runs").exists()


def test_several_runs_are_a_sweep():
    with pytest.raises(SettingsError, match=r"make 3 runs: take nasir\.sweep"):
        nasir.search("seed=0..2", **TOY)


def test_resuming_a_finished_run_changes_nothing(toy):
    run = toy()
    before = outcome(run)
    kept = [p for p in run.folder.rglob("*") if p.suffix in (".json", ".toml")]
    files = {p: p.read_bytes() for p in kept if p.name != ENVIRONMENT}  # which records the resume
    assert files
    assert outcome(nasir.resume(run.folder)) == before
    assert {path: path.read_bytes() for path in files} == files


@pytest.mark.parametrize("strategy", ["random", "rl"])
def test_a_run_given_more_trials_is_the_run_that_had_them_from_the_start(toy, strategy: str):
    words = [f"strategy={strategy}", *(["strategy.hidden=4"] if strategy == "rl" else [])]
    longer = toy(*words, "trials=45")
    run = toy(*words, "trials=7")
    nasir.resume(run.folder, trials=20)
    nasir.resume(str(run.folder), trials=45)
    assert outcome(run) == outcome(longer)


def test_fewer_trials_than_there_are_end_the_run(toy):
    run = toy("trials=5")
    before = list(map(figures, run.trials))
    nasir.resume(run.folder, trials=2)
    assert list(map(figures, run.trials)) == before


@pytest.mark.parametrize("limits", [{"trials": 0}, {"trials": -1}, {"seconds": -1.0}])
def test_limits_out_of_range_are_refused(toy, limits: dict):
    run = toy("trials=1")
    with pytest.raises(SettingsError):
        nasir.resume(run.folder, **limits)


def test_a_run_made_of_nothing_but_its_folder_goes_on_elsewhere(toy, tmp_path, monkeypatch):
    run = toy("trials=2")
    moved = run.folder.rename(tmp_path / "moved")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert len(nasir.resume(moved, trials=4).trials) == 4
    assert list(Path().iterdir()) == []


@contextmanager
def interrupted(hook: str, number: int) -> Iterator[None]:
    """Ctrl-C when a hook is called for the trial of a number."""

    def stop(run: nasir.Run, trial: Trial | None = None) -> None:
        if trial is None or trial.number == number:
            raise KeyboardInterrupt

    run_hook = nasir.hookimpl(lambda run: stop(run))
    trial_hook = nasir.hookimpl(lambda run, trial: stop(run, trial))
    called = run_hook if hook.startswith("run") else trial_hook
    plugin = type("Stop", (), {hook: staticmethod(called)})
    plugins()._pm.register(plugin, "stop")
    try:
        yield
    finally:
        plugins()._pm.unregister(plugin)


@pytest.mark.parametrize("hook", ["run_started", "trial_started", "trial_finished"])
def test_an_interrupted_search_returns_the_run_with_the_best_so_far(toy, hook: str):
    whole = toy("trials=5")
    with interrupted(hook, 3):
        run = toy("trials=5")
    assert run.state == "interrupted"
    if hook != "run_started":
        written = json.loads((run.folder / "best" / "architecture.json").read_text())
        assert written["choices"] == dict(run.best.architecture.choices)
    assert outcome(nasir.resume(run.folder)) == outcome(whole)


def test_a_new_number_of_trials_holds_until_they_are_done(toy):
    run = toy("trials=2")
    with interrupted("trial_finished", 3):
        nasir.resume(run.folder, trials=6)
    assert len(nasir.resume(run.folder).trials) == 6


def test_a_network_is_built_from_a_name_a_file_an_architecture_or_choices(toy):
    run = toy("space.kernels=1,7")
    file = run.folder / "best" / "architecture.json"
    built = [
        nasir.build("smallest", space="toy", in_channels=2, out_channels=1),
        nasir.build(file, in_channels=2, out_channels=1),
        nasir.build(str(file), in_channels=2, out_channels=1),
        nasir.build(run.best.architecture, run.settings["space"], 2, 1),
        nasir.build(run.best.architecture, ToySpace(kernels=(1, 7)), 2, 1),
        nasir.build({"operation": "none", "skip": True}, "toy", 2, 1),
    ]
    assert all(isinstance(network, nn.Module) for network in built)
    for network in built:
        assert network(torch.zeros(1, 2, 5, 6)).shape == (1, 1, 5, 6)
    kernel = run.best.architecture.choices.get("kernel", 1)
    assert built[1].kernel_size == built[3].kernel_size == (kernel, kernel)


@pytest.mark.parametrize("content", ["", "{", "[]", "3", "{}", '{"space": "toy"}', "\udcff"])
def test_a_damaged_architecture_file_is_refused_by_name(tmp_path: Path, content: str):
    file = tmp_path / "architecture.json"
    file.write_bytes(content.encode("utf-8", "surrogateescape"))
    with pytest.raises(NasirError, match=r"architecture\.json"):
        nasir.build(file)


def test_damaged_settings_of_an_architecture_file_are_refused(tmp_path: Path):
    file = tmp_path / "architecture.json"
    for settings in ([1], 3, "x", {"kernels": "wide"}, {"name": 3}):
        content = {"space": "toy", "choices": {"operation": "none"}, "settings": settings}
        file.write_text(json.dumps(content))
        with pytest.raises(NasirError):
            nasir.build(file)


@pytest.mark.parametrize(
    "architecture",
    [
        {"operation": "nothing", "skip": True},
        {"brunch": 1},
        {},
        nasir.Architecture("toy", {"operation": "conv"}),
        nasir.Architecture("another", {"operation": "none", "skip": True}),
    ],
)
def test_what_is_no_architecture_of_the_space_is_refused(architecture: object):
    with pytest.raises((ArchitectureError, UnknownNameError)):
        nasir.build(architecture, space="toy")


@pytest.mark.parametrize("architecture", ["biggest", "missing.json", Path("best"), 3, None])
def test_what_names_no_architecture_is_refused(architecture: object):
    with pytest.raises(NasirError):
        nasir.build(architecture, space="toy")


def test_a_dry_run_searches_nothing_and_says_about_how_long_it_takes(capsys, tmp_path):
    from nasir.cli.main import main

    words = ["run", "space=toy", "task=toy", "evaluator=toy", "evaluator.sleep=0.05", "threads=1"]
    assert main([*words, "strategy=random", "trials=7", "seed=0,1", "--dry-run", "--json"]) == 0
    content = json.loads(capsys.readouterr().out)
    assert content["runs"] == "2"
    assert content["trials"].startswith("7, 1 at a time")
    assert "for the trials, if all are full, and " in content["about"]
    assert "for 2 final evaluations; " in content["about"]  # the found one and the baseline
    assert not (tmp_path / "runs").exists()


def test_the_time_of_a_dry_run_is_that_of_a_whole_evaluation(monkeypatch):
    from toy_plugin import ToyEvaluator

    from nasir.apps.search.dry_run import seconds_of_one

    def evaluate(self, proposal, problem, seed):
        time.sleep(0.02 + 2 * proposal.fidelity)
        return nasir.Evaluation(0.0)

    monkeypatch.setattr(ToyEvaluator, "evaluate", evaluate)
    (planned,) = plan(("space=toy", "task=toy", "evaluator=toy", "strategy=random"), {})
    assert seconds_of_one(planned) == pytest.approx(2.02, rel=0.3)


def test_a_dry_run_ends_where_a_part_of_an_evaluation_takes_too_long(monkeypatch):
    from nasir.apps.search import dry_run

    monkeypatch.setattr(dry_run, "PATIENCE", 0.1)
    words = ("space=toy", "task=toy", "evaluator=toy", "evaluator.sleep=5", "strategy=random")
    (planned,) = plan(words, {})
    assert dict(dry_run.described(planned))["about"].startswith("more than 10.0 s for a full")
