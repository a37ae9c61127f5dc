import pytest

import nasir
from nasir.engine.loop import Engine

TOY = ("space=toy", "task=toy", "seed=3")


def score(architecture: nasir.Architecture) -> float:
    return float(int(architecture.id, 16) % 1000)


def played(search, most: int = 100) -> None:
    while most and (trial := search.ask()) is not None:
        search.tell(trial, score=score(trial.architecture))
        most -= 1


@pytest.mark.parametrize("strategy", ["evolution", "rl", "halving", "random+local_search"])
def test_it_is_the_search_that_nasir_itself_makes(strategy, monkeypatch):
    from toy_plugin import ToyEvaluator

    def evaluate(self, proposal, problem, seed):
        return nasir.Evaluation(score(proposal.architecture))

    monkeypatch.setattr(ToyEvaluator, "evaluate", evaluate)
    words = (*TOY, f"strategy={strategy}", "trials=9")
    theirs = nasir.search(*words, evaluator="toy", executor="inline")
    with nasir.ask_tell(*words) as search:
        played(search)
    assert search.run.state == "finished"
    assert [(t.proposal, t.seed, t.score) for t in search.run.trials] == [
        (t.proposal, t.seed, t.score) for t in theirs.trials
    ]
    assert search.run.best.architecture == theirs.best.architecture


def test_the_order_of_telling_does_not_matter():
    words = (*TOY, "strategy=evolution", "trials=10", "workers=3")
    with nasir.ask_tell(*words) as search:
        played(search)
    with nasir.ask_tell(*words) as other:
        while asked := list(iter(other.ask, None)):
            for trial in reversed(asked):
                other.tell(trial, score=score(trial.architecture))
    assert {t.architecture for t in search.run.trials} == {t.architecture for t in other.run.trials}
    assert [t.seed for t in search.run.trials] == [t.seed for t in other.run.trials]


def raised(error):
    raise error


def test_it_continues_with_the_trials_that_were_asked_for(monkeypatch):
    words = (*TOY, "strategy=evolution", "trials=9")
    with nasir.ask_tell(*words) as whole:
        played(whole)
    with nasir.ask_tell(*words) as begun:
        played(begun, 4)
        lost = begun.ask()
    assert begun.run.state == "interrupted"
    with monkeypatch.context() as patch, pytest.raises(OSError, match="in between"):
        patch.setattr(Engine, "begin", lambda engine: raised(OSError("in between")))
        nasir.ask_tell(run=begun.run)
    with nasir.ask_tell(run=begun.run.folder) as again:
        first = again.ask()
        assert (first.number, first.seed) == (lost.number, lost.seed)
        again.tell(first, score=score(first.architecture))
        played(again)
    assert [t.proposal for t in again.run.trials] == [t.proposal for t in whole.run.trials]


def test_objectives_are_told_as_metrics():
    words = (*TOY, "strategy=evolution", "trials=4", "objective=quality,-size")
    with nasir.ask_tell(*words) as search:
        trial = search.ask()
        with pytest.raises(nasir.NasirError, match="objective=-size is no metric"):
            search.tell(trial, metrics={"quality": 1})
        search.tell(trial, metrics={"quality": 1, "size": 5})
    assert search.run.trials[0].score == 1
    assert search.run.trials[0].metrics == {"quality": 1, "size": 5}


def test_what_is_told_is_checked_and_nothing_is_lost():
    with nasir.ask_tell(*TOY, "strategy=random", "trials=2") as search:
        trial = search.ask()
        assert search.ask() is None  # one worker: the first must be told
        for wrong in (None, float("nan"), "much"):
            with pytest.raises(nasir.NasirError):
                search.tell(trial, score=wrong)
        search.tell(trial, error="the printer burns")
        with pytest.raises(nasir.NasirError, match="was told already"):
            search.tell(trial, score=1)
    assert search.run.trials[0].reason == "the printer burns"
    with pytest.raises(nasir.NasirError, match="is closed"):
        search.tell(trial, score=1)


def test_a_run_is_continued_by_what_evaluates_it(toy):
    with nasir.ask_tell(*TOY, "strategy=random", "trials=2") as search:
        pass
    with pytest.raises(nasir.NasirError, match="evaluated outside of nasir"):
        nasir.resume(search.run.folder)
    with pytest.raises(nasir.NasirError, match=r"continue it with nasir\.resume"):
        nasir.ask_tell(run=toy().folder)
    with pytest.raises(nasir.NasirError, match="pass run= alone"):
        nasir.ask_tell(run=search.run, trials=3)


@pytest.mark.parametrize("strategy", ["darts", "isnas", "zero_cost"])
def test_a_strategy_with_evaluations_of_its_own_is_refused(strategy):
    with pytest.raises(nasir.NasirError):
        nasir.ask_tell("space=hinas", "task=denoise", f"strategy={strategy}")
