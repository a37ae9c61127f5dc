"""A search by gradient that is killed goes on as if it never had been."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from nasir.runs.run import Run

SCRIPT = Path(__file__).parents[2] / "killed_search.py"
COMMON = """
    strategy=darts strategy.epochs=4 strategy.steps=3 strategy.warmup=1
    task=denoise task.size=24 evaluator.iterations=12 references=[] threads=1
"""
PATCHES = """
    strategy.patch=16 strategy.crop=24 strategy.tile=0 evaluator.patch=16
    evaluator.checkpoint_every=0.001
"""
SPACES = {
    "hinas": """
        space=hinas space.layers=2 space.nodes=2 space.search_width=2 space.width=2
        space.operations=["conv_3","sep_3","skip"] strategy.paths=one
    """
    + PATCHES,
    "clearer": "space=clearer space.channels=2 space.cells=1 space.columns=2 strategy.order=2"
    + PATCHES,
    "nasdip": """
        space=nasdip space.depth=2 space.width=4 space.upsample=["bilinear","sub_pixel"]
        space.kernel=3 space.dilation=[1,2]
    """,
}


def content(run: Run) -> Any:
    """All of a run but the times."""
    rows = [(t.proposal, t.seed, t.state, t.score, dict(t.metrics)) for t in run.trials]
    finals = {
        key: (t.proposal, t.score, dict(t.metrics)) for key, t in run.final_evaluations.items()
    }
    best = run.folder / "best"
    return rows, finals, {p.name: p.read_bytes() for p in sorted(best.iterdir())}


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL")
@pytest.mark.parametrize("space", SPACES)
def test_a_killed_search_comes_to_the_same_bits(space: str, tmp_path: Path) -> None:
    words = (SPACES[space] + COMMON).split()
    subprocess.run([sys.executable, SCRIPT, tmp_path, *words], check=True, timeout=250)
    whole, killed = Run(tmp_path / "whole"), Run(tmp_path / "killed")
    assert whole.state == killed.state == "finished"
    assert len(whole.trials) == 4
    assert content(whole) == content(killed)
    states = sorted(path.name for path in whole.checkpoints.glob("supernet*.safetensors"))
    assert "supernet-epoch-4.safetensors" in states
    for name in states:
        assert (whole.checkpoints / name).read_bytes() == (killed.checkpoints / name).read_bytes()
