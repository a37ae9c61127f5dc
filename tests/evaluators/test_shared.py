"""Paths through a trained supernet."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn
from toy_supernet import ToySpace, ToySupernet, ToyTask

from nasir.core.errors import SettingsError
from nasir.core.evaluator import Problem
from nasir.core.search_space import Signature
from nasir.core.seeds import derived_seed
from nasir.core.trial import FULL, Proposal
from nasir.evaluators.shared import Shared
from nasir.evaluators.supernet_path import SupernetPath
from nasir.testing import EvaluatorContract
from nasir.training.division import divided
from nasir.training.restoring import restore
from nasir.training.supernet_file import save_supernet


def trained(folder: Path) -> ToySupernet:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        supernet = ToySpace().supernet(Signature(1, 1))
        with torch.no_grad():
            supernet.layers[1][1].gain.fill_(2.0)  # type: ignore[index, union-attr]
    save_supernet(folder, supernet, Problem(ToySpace(), ToyTask(), {}), 1)
    return supernet


class TestSharedContract(EvaluatorContract):
    ignores_seed = True

    @pytest.fixture(autouse=True)
    def _supernet(self, tmp_path: Path) -> None:
        self.folder = tmp_path
        trained(tmp_path)

    def make(self) -> Shared:
        return Shared(supernet=str(self.folder), patch=12, tile=0, validation=0.3)

    def problem(self, evaluator: Shared) -> Problem:  # type: ignore[override]
        return Problem(ToySpace(), ToyTask(), {FULL: evaluator})


def test_the_score_is_the_psnr_of_the_path_on_the_validation_pictures(tmp_path: Path) -> None:
    supernet, task = trained(tmp_path), ToyTask()
    evaluator = Shared(supernet=str(tmp_path), patch=12, tile=0, validation=0.3)
    problem = Problem(ToySpace(), task, {FULL: evaluator}, seed=5)
    part = divided(task.patches(), (0.3, 0.7), derived_seed(5, "validation"))[0]
    for architecture in ToySpace().domain:
        path = SupernetPath(supernet, architecture)
        samples = [part.sample(name) for name in part.names]
        psnr = [task.metrics(restore(path, s, task), s)["psnr"] for s in samples]
        found = evaluator.evaluate(Proposal(architecture), problem, seed=1)
        assert found.score == pytest.approx(np.mean(psnr), abs=1e-6)


def test_the_path_that_undoes_the_degradation_is_the_best(tmp_path: Path) -> None:
    """Pictures are half as bright; the second layer's gain is 2 and the first may do nothing."""
    trained(tmp_path)
    evaluator = Shared(supernet=str(tmp_path), patch=12, tile=0, validation=0.3)
    problem = Problem(ToySpace(), ToyTask(), {FULL: evaluator})
    scores = {a: evaluator.evaluate(Proposal(a), problem, 0).score for a in ToySpace().domain}
    best = max(scores, key=scores.__getitem__)
    assert dict(best.choices) == {"layer0": "skip", "layer1": "gain"}


def test_the_statistics_are_the_means_over_the_batches() -> None:
    class Normalised(ToySupernet):
        def __init__(self) -> None:
            super().__init__(ToySpace().domain, 1)
            self.norm = nn.BatchNorm2d(1, affine=False)

        def forward(self, x, architecture=None):  # type: ignore[no-untyped-def]
            return self.norm(super().forward(x, architecture))

    patches = ToyTask().patches()
    architecture = ToySpace().domain.architecture({"layer0": "skip", "layer1": "skip"})
    path = SupernetPath(Normalised(), architecture)
    path.calibrate(patches, 7, 3, 4, 12)
    batches = [patches.batch(derived_seed(7, turn), 4, 12)[0] for turn in range(3)]
    norm = path.supernet.norm
    mean = torch.stack([b.mean() for b in batches]).mean()
    variance = torch.stack([b.var() for b in batches]).mean()
    torch.testing.assert_close(norm.running_mean[0], mean)  # type: ignore[index]
    torch.testing.assert_close(norm.running_var[0], variance)  # type: ignore[index]


def test_without_a_trained_supernet_the_evaluation_says_what_to_give(tmp_path: Path) -> None:
    problem = Problem(ToySpace(), ToyTask(), {FULL: Shared()})
    architecture = next(iter(ToySpace().domain))
    with pytest.raises(SettingsError, match=r"give evaluator\.supernet=RUN"):
        Shared().evaluate(Proposal(architecture), problem, 0)
    missing = Shared(supernet=str(tmp_path / "none"), patch=12)
    with pytest.raises(SettingsError, match="there is no trained supernet in"):
        missing.check(problem)
