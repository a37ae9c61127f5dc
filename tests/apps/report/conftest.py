"""Runs in every state, made without a search, and a browser where there is one."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import attrs
import numpy as np
import pytest
from apps.report.browser import Browser, program

from nasir.core.architecture import Architecture
from nasir.core.evaluator import RestoredPicture
from nasir.core.trial import FOUND, Proposal, Trial
from nasir.runs.result import write_result
from nasir.runs.run import Run, create, writing

Make = Callable[..., Run]

CHOICES = {"kernel": 3, "skip": True}


def trial(number: int, score: float | None = None, **more: Any) -> Trial:
    """A trial of a stranger's space; without a score it failed."""
    choices, stage = more.pop("choices", CHOICES), more.pop("stage", "full")
    fidelity, space = more.pop("fidelity", 1.0), more.pop("space", "strange")
    given = {"state": "failed", "error": "out of luck"} if score is None else {"state": "complete"}
    fields = {"score": score, "metrics": {"psnr": score or 0.0}, "seconds": 1.5, **given, **more}
    return Trial(number, Proposal(Architecture(space, choices), stage, fidelity), number, **fields)


def pictures(name: str = "cat", side: int = 24) -> dict[str, RestoredPicture]:
    """A clean, a degraded and a restored picture as an evaluation gives them."""
    clean = np.random.default_rng(0).random((side, side, 3), dtype=np.float32)
    return {name: RestoredPicture(clean, clean * 0.5, clean * 0.9)}


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """Makes a run's folder of these trials; the first complete one is the found architecture."""

    def made(
        trials: Sequence[Trial] = (),
        restored: Mapping[str, RestoredPicture] | None = None,
        state: str = "finished",
        environment: Mapping[str, Any] | None = None,
        **settings: Any,
    ) -> Run:
        parts = {
            kind: {"name": "strange"}
            for kind in ("space", "strategy", "task", "evaluator", "executor")
        }
        tree = {"seed": 0, "workers": 1, **parts, **settings}
        number = len(list((tmp_path / "runs").glob("*")))
        run = create(tmp_path / "runs" / f"run-{number}", tree, environment or {})
        found = next((t for t in trials if t.state == "complete"), None)
        with writing(run) as store, store.transaction():
            for one in trials:
                store.save_trial(one)
            if restored is not None and found is not None:
                by_picture = {name: {} for name in restored} | dict(found.by_picture)
                final = attrs.evolve(found, by_picture=by_picture)
                for name in (FOUND, "hand_made"):
                    store.save_final_evaluation(name, "test", final)
            store.save_progress(state=state, seconds=12.0, trials=len(trials))
        if restored is not None and found is not None:
            write_result(run.folder / "best", found.architecture, tree, restored)
            folder = run.folder / "references" / "hand_made"
            write_result(folder, found.architecture, tree, restored)
        return run

    return made


@pytest.fixture(scope="session")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """One browser for all tests; where there is none they are skipped, unless one must be there."""
    found = program()
    if found is None:
        if os.environ.get("NASIR_TEST_BROWSER") == "required":
            pytest.fail("NASIR_TEST_BROWSER=required, and there is no chromium")
        pytest.skip("there is no chromium: apt-get install chromium")
    browser = Browser(found, tmp_path_factory.mktemp("chromium"))
    yield browser
    browser.close()
