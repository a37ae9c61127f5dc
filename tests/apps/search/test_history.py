import json
import shutil

import pytest

import nasir

FAST = ("dipbench", "strategy=evolution", "trials=4")


@pytest.fixture
def earlier() -> nasir.Run:
    return nasir.search("dipbench", "strategy=random", "trials=12", "seed=5")


def best_share(run: nasir.Run, earlier: nasir.Run) -> float:
    """The share of decisions that a run's first proposal has in common with the best before."""
    mine, theirs = run.trials[0].architecture.choices, earlier.best.architecture.choices
    return sum(theirs.get(name) == value for name, value in mine.items()) / len(mine)


def test_a_search_goes_on_from_the_trials_of_another(earlier):
    warm = nasir.search(*FAST, "strategy.population=2", history=earlier.folder)
    cold = nasir.search(*FAST, "strategy.population=2")
    assert warm.trials[0].architecture != cold.trials[0].architecture
    assert best_share(warm, earlier) > 0.6  # a child of one of the two best, with one mutation
    assert [t.number for t in warm.trials] == [0, 1, 2, 3]


def test_no_architecture_of_the_history_is_proposed_again(earlier):
    run = nasir.search(*FAST, history=earlier.folder)
    assert not {t.architecture for t in run.trials} & {t.architecture for t in earlier.trials}


@pytest.mark.parametrize("strategy", ["evolution", "halving", "local_search+evolution"])
def test_a_resumed_run_has_the_history_still(earlier, strategy):
    words = ("dipbench", f"strategy={strategy}", "seed=1")
    whole = nasir.search(*words, trials=10, history=earlier.folder)
    begun = nasir.search(*words, trials=9, history=[earlier.folder])
    shutil.rmtree(earlier.folder)
    ended = nasir.resume(begun.folder, trials=10)
    assert [t.architecture for t in ended.trials] == [t.architecture for t in whole.trials]


def test_trials_from_elsewhere_are_lines_of_a_file(earlier, tmp_path):
    file = tmp_path / "elsewhere.jsonl"
    lines = [
        json.dumps({"architecture": t.architecture.mapping, "score": t.score})
        for t in earlier.trials
    ]
    file.write_text("\n".join(lines) + "\n\n")
    read, run = (nasir.search(*FAST, history=one) for one in (file, earlier.folder))
    assert [t.architecture for t in read.trials] == [t.architecture for t in run.trials]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("[]", "line 1 is no trial"),
        ("{", "line 1 is no trial"),
        ('{"architecture": {}, "score": 1}', "line 1: an architecture is"),
        ('{"architecture": {"space": "x", "choices": {}}, "score": NaN}', "finite numbers"),
        ('{"architecture": {"space": "x", "choices": {}}, "score": "1"}', "finite numbers"),
        ('{"architecture": {"space": "x", "choices": {}}, "score": 1}', "has no trial with"),
        ("", "has no trial with"),
    ],
)
def test_a_file_that_holds_no_trials_is_refused(tmp_path, line, message):
    file = tmp_path / "bad.jsonl"
    file.write_text(line)
    with pytest.raises(nasir.NasirError, match=message):
        nasir.search(*FAST, history=file)
    assert not (tmp_path / "runs").exists()


def test_a_strategy_that_learns_nothing_refuses_a_history(earlier):
    with pytest.raises(nasir.NasirError, match="strategy=random learns nothing"):
        nasir.search("dipbench", "strategy=random", history=earlier.folder)


def test_a_history_without_an_objective_is_refused(tmp_path, earlier):
    file = tmp_path / "scores.jsonl"
    mapping = earlier.best.architecture.mapping
    file.write_text(json.dumps({"architecture": mapping, "score": 1.0}))
    with pytest.raises(nasir.NasirError, match="has no psnr,-parameters"):
        nasir.search(*FAST, objective=["psnr", "-parameters"], history=file)


def test_a_history_of_another_objective_is_refused():
    small = nasir.search("dipbench", "strategy=random", "trials=2", "objective=-parameters")
    with pytest.raises(nasir.NasirError, match="was a search for -parameters"):
        nasir.search(*FAST, history=small.folder)


def test_a_prior_is_a_reference_architecture_that_drawn_ones_are_like():
    space = nasir.make("space", "nasdip", depth=3)
    believed = space.named("bilinear_additive").choices
    words = ("space=nasdip", "space.depth=3", "strategy=random", "trials=30")

    def likeness(**settings) -> float:
        with nasir.ask_tell(*words, **settings) as search:
            shares = []
            while (trial := search.ask()) is not None:
                mine = trial.architecture.choices
                shares.append(sum(mine.get(k) == v for k, v in believed.items()) / len(believed))
                search.tell(trial, score=0.0)
        return sum(shares) / len(shares)

    assert likeness(prior="bilinear_additive", prior_share=1.0) > likeness() + 0.1
    with pytest.raises(nasir.NasirError, match="unknown reference architecture"):
        nasir.ask_tell(*words, prior="mine")
    with pytest.raises(nasir.NasirError, match="has no decision of the space"):
        nasir.ask_tell(*words, prior="deep_image_prior")
