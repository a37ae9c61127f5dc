"""States of fits that a longer one may continue: none is left, and none is needed."""

from __future__ import annotations

import nasir
from nasir.runs.run import Run

WORDS = (
    "task=denoise",
    "task.size=16",
    "task.color=grey",
    "space=nasdip",
    "space.depth=1",
    "space.width=4",
    "evaluator.iterations=9",
    "evaluator.stop=fixed",
    "strategy=halving",
    "threads=1",
)


def test_a_finished_run_keeps_no_states_and_goes_on_to_the_same_bits():
    whole = nasir.search(*WORDS, trials=12, references=())
    less = nasir.search(*WORDS, trials=9, references=())
    assert {trial.proposal.fidelity for trial in less.trials} != {1.0}
    for run in (whole, less):
        assert not list(run.checkpoints.rglob("*.safetensors"))
    more = nasir.resume(less.folder, trials=12)
    assert not list(more.checkpoints.rglob("*.safetensors"))
    assert _scores(more) == _scores(whole)


def _scores(run: Run) -> list[tuple[str, float, float | None]]:
    return [(t.architecture.id, t.proposal.fidelity, t.score) for t in run.trials]
