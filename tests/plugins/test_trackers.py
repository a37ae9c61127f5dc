"""Logging for MLflow and Weights & Biases, offline, where their packages are installed."""

from __future__ import annotations

import json

import pytest

import nasir
from nasir.core.registry import registries
from nasir.plugins.builtin import mlflow as mlflow_plugin
from nasir.plugins.builtin import wandb as wandb_plugin
from nasir.plugins.manager import plugins


@pytest.fixture
def with_plugin(toy):
    """A toy search with a plugin at work."""

    def search(module, *words):
        list(registries["space"])
        name = f"nasir-{module.tracking.name}"
        if not plugins()._pm.is_registered(module):
            plugins().add(name, module, registries)
        return toy(*words)

    return search


def scores(run):
    return [(t.number, t.score) for t in run.trials if t.state == "complete"]


def test_mlflow_has_the_trials_once_and_the_settings(with_plugin, tmp_path):
    tracking = pytest.importorskip("mlflow.tracking")
    address = f"sqlite:///{tmp_path}/mlflow.db"
    run = with_plugin(mlflow_plugin, f"mlflow={address}", "trials=3")
    nasir.resume(run.folder, trials=5)
    client = tracking.MlflowClient(tracking_uri=address)
    (logged,) = client.search_runs([client.get_experiment_by_name("nasir").experiment_id])
    assert logged.info.status == "FINISHED"
    assert logged.data.params["strategy.name"] == "random"
    history = client.get_metric_history(logged.info.run_id, "score")
    assert [(m.step, m.value) for m in history] == scores(run)


def test_weights_and_biases_has_the_trials(with_plugin, monkeypatch):
    pytest.importorskip("wandb")
    monkeypatch.setenv("WANDB_MODE", "offline")
    run = with_plugin(wandb_plugin, "wandb=trial", "trials=4")
    (file,) = run.folder.glob("wandb/offline-run-*/*.wandb")
    content = file.read_bytes()
    for _, score in scores(run):
        assert json.dumps(score).removesuffix(".0").encode() in content


@pytest.mark.parametrize("module", [mlflow_plugin, wandb_plugin])
def test_a_missing_package_is_reported_in_one_line(with_plugin, module, monkeypatch, caplog):
    import sys

    name = module.tracking.name
    for package in [p for p in sys.modules if p.partition(".")[0] == name]:
        monkeypatch.delitem(sys.modules, package)
    monkeypatch.setitem(sys.modules, name, None)
    try:
        run = with_plugin(module, f"{name}=x", "trials=2")
    finally:
        record = plugins().records[f"nasir-{name}"]
        record.status, record.reason = "ok", ""
        plugins()._pm.register(module, f"nasir-{name}")
    assert run.state == "finished"
    (message,) = [r.getMessage() for r in caplog.records if "pip install" in r.getMessage()]
    assert f"pip install 'nasir[{name}]'" in message
