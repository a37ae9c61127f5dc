"""Real searches; killed ones are in ``test_killed_search``."""

from __future__ import annotations

import re
from typing import Any

import pytest
from safetensors.torch import load_file
from toy_plugin import outcome

import nasir
from nasir.apps.search import search as api
from nasir.core.errors import NasirError
from nasir.runs.run import Run

COMMON = """
    strategy.steps=3 strategy.patch=16 strategy.crop=24 strategy.tile=0 strategy.calibration=2
    strategy.final=1 task=denoise task.size=24 evaluator.iterations=4 evaluator.patch=16
    references=[] threads=1
"""
CLEARER = "space=clearer space.channels=2 space.cells=1 space.columns=2"
HINAS = """
    space=hinas space.layers=2 space.nodes=2 space.search_width=2 space.width=2
    space.operations=["conv_3","sep_3","skip"]
"""
SEARCHES = {
    "rsws": f"{CLEARER} strategy=rsws strategy.epochs=2 strategy.candidates=3",
    "spos": f"{CLEARER} strategy=spos strategy.epochs=2 strategy.population=2 "
    "strategy.generations=2 strategy.parents=1",
    "enas": f"{CLEARER} strategy=enas strategy.epochs=2 strategy.updates=2 strategy.candidates=2",
}


def content(run: Run) -> Any:
    """All of a run but the times."""
    best = {p.name: p.read_bytes() for p in sorted((run.folder / "best").iterdir())}
    return outcome(run), best, (run.checkpoints / "supernet.safetensors").read_bytes()


@pytest.mark.parametrize("how", ["darts strategy.warmup=1", "rsws strategy.candidates=2"])
def test_the_supernet_is_of_the_task_of_the_search_and_the_result_of_the_run_s(how: str) -> None:
    common = [word for word in COMMON.split() if not re.search(r"calibration|final", word)]
    words = f"{CLEARER} strategy={how} strategy.epochs=2 {' '.join(common)} task.color=rgb"
    search = "strategy.task=denoise strategy.task.sigmas=30,50,70 strategy.task.color=grey"
    run = nasir.search(*words.split(), *search.split(), name="apart")
    assert run.whole_settings["strategy"]["task"]["noise"]["sigmas"] == [30, 50, 70]
    supernet = load_file(run.checkpoints / "supernet.safetensors")
    network = load_file(run.folder / "best" / "weights.safetensors")
    last = "backbone.to_picture.weight"
    assert [supernet[last].shape[0], network[last].shape[0]] == [1, 3]


@pytest.mark.parametrize("name", ["rsws", "enas"])
def test_a_search_that_is_resumed_comes_to_the_same_bits(name: str) -> None:
    words = (SEARCHES[name] + COMMON).split()
    whole = nasir.search(*words, name="whole")
    assert whole.state == "finished"
    assert all(trial.state == "complete" for trial in whole.trials)
    assert whole.trials[-1].proposal.stage == "full"
    assert whole.best.architecture == whole.trials[-1].architecture

    def interrupt(hook: str, **arguments: Any) -> None:
        if hook == "trial_finished" and arguments["trial"].number == 3:
            raise KeyboardInterrupt

    stopped = api.start(*api.plan(words, {"name": "stopped"}), interrupt)
    assert stopped.state == "interrupted"
    stopped = nasir.resume(stopped.folder, trials=len(whole.trials))
    assert content(stopped) == content(whole)


@pytest.mark.parametrize("name", SEARCHES)
def test_a_space_without_supernet_is_refused(name: str) -> None:
    with pytest.raises(NasirError, match=r"has no supernet: choose a strategy") as caught:
        nasir.search(f"strategy={name}", "space=toy", "task=denoise", "task.size=24")
    assert "\n" not in str(caught.value)
