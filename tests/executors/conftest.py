"""A plugin in a file that only this process finds."""

from __future__ import annotations

import secrets
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from nasir.core.registry import Entry, registries

PLUGIN = '''
import os
import signal
import time
from pathlib import Path

import attrs

from nasir.core.component import setting
from nasir.core.evaluator import Evaluation, Evaluator, RestoredPicture


@attrs.define
class Wanderer(Evaluator):
    crash: str = setting("", "a file: if it is missing, it is made, and the process dies")

    def evaluate(self, proposal, problem, seed):
        import numpy as np
        import torch

        from wanderer_scores import score_of

        if self.crash and is_first(self.crash):
            os._exit(3)
        score = score_of(proposal.architecture.id, seed)
        picture = np.full((4, 5, 3), score, np.float32)
        restored = {"toy": RestoredPicture(None, picture, picture)}
        return Evaluation(
            score,
            {"psnr": score, "threads": torch.get_num_threads()},
            restored=restored if problem.artifacts else {},
        )


def is_first(path):
    try:
        Path(path).touch(exist_ok=False)
    except FileExistsError:
        return False
    return True


def file_and_parent():
    return __file__, os.getppid()


def kill_parent_once(path):
    if is_first(path):
        os.kill(os.getppid(), signal.SIGKILL)
        time.sleep(60)
    return "done"


def rewrite_checkpoint(problem, name, content):
    """The content of a checkpoint before, None if there was none, and its path."""
    path = problem.checkpoints / name
    before = path.read_text() if path.exists() else None
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)
    return before, str(path)
'''

SCORES = """
def score_of(architecture_id, seed):
    return (sum(architecture_id.encode()) + seed) % 1009 / 1009
"""


@pytest.fixture(scope="session", autouse=True)
def token_of_ray() -> Iterator[None]:
    """Ray would write one into the user's home."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_AUTH_TOKEN", secrets.token_hex(32))
        yield


@pytest.fixture(scope="module")
def wanderer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The folder of the plugin, which other processes do not know."""
    folder = tmp_path_factory.mktemp("only_here")
    (folder / "wanderer.py").write_text(PLUGIN)
    (folder / "wanderer_scores.py").write_text(SCORES)
    (folder / "stranger.py").write_text("raise AssertionError('nobody asked for this')")
    sys.path.insert(0, str(folder))
    registries["evaluator"].register(Entry("wanderer", "wanderer:Wanderer", "", "wanderer"))
    yield folder
    registries["evaluator"].forget("wanderer")
    sys.path.remove(str(folder))
    for name in ("wanderer", "wanderer_scores"):
        sys.modules.pop(name, None)
