import sys

import pytest

import nasir
from nasir.cli.main import main

optuna = pytest.importorskip("optuna")


def studied(file, name):
    return optuna.load_study(study_name=name, storage=f"sqlite:///{file}")


def test_a_run_becomes_a_study_that_optuna_reads(tmp_path, capsys, monkeypatch):
    run = nasir.search("dipbench", "strategy=random", "trials=4", "name=one")
    file = tmp_path / "study.db"
    assert main(["export", str(run.folder), "-o", str(file)]) == 0
    assert "optuna-dashboard" in capsys.readouterr().out
    study = studied(file, "one")
    assert [t.value for t in study.trials] == [t.score for t in run.trials]
    assert [t.params for t in study.trials] == [dict(t.architecture.choices) for t in run.trials]
    assert study.best_trial.user_attrs["architecture"] == run.best.architecture.id
    assert main(["export", str(run.folder), "-o", str(file)]) == 2
    assert "has a study one already" in capsys.readouterr().err
    monkeypatch.setitem(sys.modules, "optuna", None)
    assert main(["export", str(run.folder), "-o", "other.db"]) == 2
    assert "needs the package optuna: pip install 'nasir[optuna]'" in capsys.readouterr().err


def test_objectives_have_directions_and_short_fits_are_pruned(tmp_path):
    words = ("dipbench", "strategy=halving", "trials=9", "objective=psnr,-parameters")
    run = nasir.search(*words, name="two")
    nasir.export_study(run, tmp_path / "s.db")
    study = studied(tmp_path / "s.db", "two")
    assert [d.name for d in study.directions] == ["MAXIMIZE", "MINIMIZE"]
    whole = [t for t in run.trials if t.proposal.fidelity == 1]
    kept = [t for t in study.trials if t.state.name == "COMPLETE"]
    assert [t.values for t in kept] == [[t.metrics["psnr"], t.metrics["parameters"]] for t in whole]
    assert len(study.trials) - len(kept) == len(run.trials) - len(whole) > 0


def test_a_failed_trial_fails_there_too(toy, tmp_path):
    run = toy("trials=3", "evaluator.every=2")
    nasir.export_study(run.folder, tmp_path / "s.db")
    states = [t.state.name for t in studied(tmp_path / "s.db", run.folder.name).trials]
    assert states == [{"complete": "COMPLETE", "failed": "FAIL"}[t.state] for t in run.trials]


def test_what_cannot_be_written_is_refused(toy, tmp_path, capsys):
    run = toy("trials=1")
    assert main(["export", str(run.folder), "-o", str(tmp_path / "no" / "s.db")]) == 2
    assert "cannot write" in capsys.readouterr().err
