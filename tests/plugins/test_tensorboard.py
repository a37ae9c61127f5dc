"""Logging for TensorBoard, where it is asked for."""

from __future__ import annotations

import sys

import pytest

import nasir
from nasir.core.registry import registries
from nasir.plugins.builtin import tensorboard
from nasir.plugins.manager import plugins
from nasir.runs.run import Run


@pytest.fixture
def logged(toy):
    """A toy search with the plugin at work."""
    list(registries["space"])
    manager = plugins()._pm
    if not manager.is_registered(tensorboard):
        plugins().add("nasir-tensorboard", tensorboard, registries)
    return toy


PICTURES = {"best/toy-degraded", "best/toy-restored"}


def events(run: Run) -> dict[str, list[tuple[int, float]]]:
    """The scalars of a run by name, as TensorBoard itself reads them."""
    accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    reader = accumulator.EventAccumulator(str(run.folder / "tensorboard"))
    reader.Reload()
    tags = reader.Tags()
    assert set(tags["images"]) <= PICTURES
    scalars = {tag: [(e.step, e.value) for e in reader.Scalars(tag)] for tag in tags["scalars"]}
    return scalars | {tag: [(e.step, 0.0) for e in reader.Images(tag)] for tag in tags["images"]}


def expected(run: Run) -> dict[str, list[tuple[int, float]]]:
    complete = [trial for trial in run.trials if trial.state == "complete"]
    scores = [(trial.number, trial.score) for trial in complete]
    best = [(number, max(s for n, s in scores if n <= number)) for number, _ in scores]
    return {
        "score": scores,
        "best": best,
        "metrics/psnr": scores,
        "metrics/parameters": [(number, 12.0) for number, _ in scores],
        **{name: [(run.best.number, 0.0)] for name in PICTURES},
    }


def approximately(content: dict[str, list[tuple[int, float]]]) -> dict[str, object]:
    return {
        tag: [(step, pytest.approx(value, rel=1e-6)) for step, value in points]
        for tag, points in content.items()
    }


def test_scores_metrics_the_best_so_far_and_the_pictures_of_the_best_are_logged(logged):
    run = logged("tensorboard=true", "trials=9", "evaluator.every=3")
    assert {trial.state for trial in run.trials} == {"complete", "failed"}
    assert events(run) == approximately(expected(run))


def test_a_resumed_run_is_logged_once(logged):
    run = logged("tensorboard=true", "trials=3")
    nasir.resume(run.folder, trials=6)
    found = {tag: points for tag, points in events(run).items() if tag not in PICTURES}
    wanted = {tag: points for tag, points in expected(run).items() if tag not in PICTURES}
    assert found == approximately(wanted)


def test_nothing_is_logged_by_default(logged):
    assert not (logged("trials=1").folder / "tensorboard").exists()


def test_a_missing_package_is_reported_in_one_line_and_the_search_continues(
    logged, monkeypatch, caplog
):
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    try:
        run = logged("tensorboard=true", "trials=2")
    finally:
        record = plugins().records.get("nasir-tensorboard")
        assert record
        record.status, record.reason = "ok", ""
        plugins()._pm.register(tensorboard, "nasir-tensorboard")
    assert run.state == "finished"
    (message,) = [r.getMessage() for r in caplog.records if "tensorboard" in r.getMessage()]
    assert "pip install 'nasir[tensorboard]'" in message
    assert "\n" not in message
