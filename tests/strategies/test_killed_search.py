"""A search with shared weights that is killed goes on as if it never had been."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from killed import SEARCH, needs_forks, search_killed

import nasir
from nasir.runs.run import Run

COMMON = """
    task=denoise task.size=24 evaluator.iterations=8 references=[] threads=1 strategy.steps=3
"""
PATCHES = """
    strategy.patch=16 strategy.crop=24 strategy.tile=0 evaluator.patch=16
    evaluator.checkpoint_every=0.001
"""
CLEARER = "space=clearer space.channels=2 space.cells=1 space.columns=2"
SEARCHES = {
    "hinas": f"""
        space=hinas space.layers=2 space.nodes=2 space.search_width=2 space.width=2
        space.operations=["conv_3","sep_3","skip"]
        strategy=darts strategy.epochs=4 strategy.warmup=1 strategy.paths=one {PATCHES}
    """,
    "clearer": f"""
        {CLEARER} strategy=darts strategy.epochs=2 strategy.warmup=1 strategy.order=2 {PATCHES}
    """,
    "nasdip": """
        space=nasdip space.depth=2 space.width=4 space.upsample=["bilinear","sub_pixel"]
        space.kernel=3 space.dilation=[1,2] strategy=darts strategy.epochs=2 strategy.warmup=1
    """,
    "spos": f"""
        {CLEARER} strategy=spos strategy.epochs=2 strategy.population=2 strategy.generations=2
        strategy.parents=1 strategy.calibration=2 strategy.final=1 {PATCHES}
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


@needs_forks
@pytest.mark.parametrize("name", SEARCHES)
def test_a_killed_search_comes_to_the_same_bits(name: str, tmp_path: Path) -> None:
    """At all moments once; other spaces and strategies have other states, not other moments."""
    words = f"{COMMON} {SEARCHES[name]}".split()
    whole = nasir.search(*words, folder=str(tmp_path), name="whole")
    search_killed(tmp_path, words, SEARCH if name == "hinas" else ("step 4", "before save 2"))
    killed = Run(tmp_path / "killed")
    assert whole.state == killed.state == "finished"
    assert content(whole) == content(killed)
    states = sorted(path.name for path in whole.checkpoints.glob("supernet*.safetensors"))
    assert states
    for name in states:
        assert (whole.checkpoints / name).read_bytes() == (killed.checkpoints / name).read_bytes()
