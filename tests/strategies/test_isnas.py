"""ISNAS-DIP: many are scored untrained, few are fitted, and the middle one is taken."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, Future
from pathlib import Path
from typing import Any, ClassVar

import attrs
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chisquare
from toy_plugin import ToySpace, figures

import nasir
from nasir.apps.search import lifecycle as searching
from nasir.core.architecture import Architecture
from nasir.core.component import setting
from nasir.core.domain import Decision, Domain
from nasir.core.errors import NasirError, PictureError, SettingsError
from nasir.core.evaluator import Evaluation, Evaluator, Problem, RestoredPicture
from nasir.core.executor import ExecutorFactory
from nasir.core.proxy import Probe, Proxy
from nasir.core.registry import Entry, registries
from nasir.core.search_space import Signature
from nasir.core.seeds import derived_seed
from nasir.core.strategy import Timing
from nasir.core.task import Sample, Task
from nasir.core.trial import FULL, Proposal, Trial
from nasir.fitting.dip import DeepImagePrior
from nasir.runs import state_coding
from nasir.runs.run import Run
from nasir.runs.store import RunStore
from nasir.settings.experiment import experiment
from nasir.strategies.isnas import PROXY, SMALL, IsnasDip
from nasir.tasks.denoise import Denoise
from nasir.testing import StrategyContract
from nasir.testing.strategies import DomainAlone

WIDE = Domain("wide", [Decision(f"d{i}", range(5)) for i in range(6)])
"""15625 architectures."""


class TestIsnasDip(StrategyContract):
    takes_the_best = False

    def make(self) -> IsnasDip:
        return IsnasDip(pool=12, keep=4)


def bound(domain: Domain = WIDE, seed: int = 0, **settings: Any) -> IsnasDip:
    strategy = IsnasDip(**settings)
    strategy.bind(Problem(DomainAlone(domain), None, {FULL: None}, seed))  # type: ignore
    return strategy


def played(
    strategy: IsnasDip,
    proxies: Sequence[float | None],
    pictures: Sequence[dict[str, Any] | None] = (),
) -> list[Trial]:
    """The trials of a search where a proxy or a picture of None is a failure.

    `proxies` are in the order of the pool, and `pictures` in the order of the candidates.
    """
    values, restored, trials = list(proxies), list(pictures), []
    while proposal := strategy.ask():
        trial = Trial(len(trials), proposal, seed=0)
        if proposal.stage == PROXY:
            value = values.pop(0)
            trial = failed(trial) if value is None else attrs.evolve(trial, score=-value)
        else:
            shown = restored.pop(0)
            trial = failed(trial) if shown is None else attrs.evolve(trial, score=0.0)
            trial = attrs.evolve(trial, pictures=shown or {})
        trials.append(trial if trial.state == "failed" else attrs.evolve(trial, state="complete"))
        strategy.tell(trials[-1])
    assert not values
    return trials


def failed(trial: Trial) -> Trial:
    return attrs.evolve(trial, state="failed", error="made to fail")


def at(trials: Sequence[Trial], stage: str) -> list[Architecture]:
    return [trial.architecture for trial in trials if trial.proposal.stage == stage]


def drawn(count: int, seed: int = 0, names: Sequence[str] = ("one",)) -> list[dict[str, Any]]:
    """Restored pictures of so many candidates."""
    rng = np.random.default_rng(seed)
    return [{n: rng.random((4, 5, 3), dtype=np.float32) for n in names} for _ in range(count)]


def nearest(pictures: Sequence[dict[str, Any]], weights: Sequence[float]) -> int:
    """Brute force, pixel by pixel: whose mean squared distance to the weighted mean is least."""
    distances = np.zeros(len(pictures))
    for name in pictures[0]:
        mean = np.zeros(pictures[0][name].shape)
        for one, weight in zip(pictures, weights, strict=True):
            mean += one[name].astype(np.float64) * weight / sum(weights)
        distances += [np.mean((one[name].astype(np.float64) - mean) ** 2) for one in pictures]
    return int(np.argmin(distances))


@pytest.mark.parametrize("pool", [1, 50, 500])
def test_the_pool_is_of_different_architectures(pool: int):
    trials = played(bound(pool=pool, keep=1), range(pool), drawn(1))
    scored = at(trials, PROXY)
    assert len({architecture.id for architecture in scored}) == len(scored) == pool


def test_every_architecture_is_drawn_as_often_as_any_other():
    """Also in a domain where some walks through the decisions are shorter than others."""
    domain = ToySpace().domain
    times: Counter[str] = Counter()
    for seed in range(500):
        strategy = bound(domain, seed, pool=3, keep=1)
        times.update(a.id for a in at(played(strategy, [1, 2, 3], drawn(1)), PROXY))
    assert len(times) == domain.size
    assert chisquare(list(times.values())).pvalue > 1e-4


@pytest.mark.parametrize("pool", [21, 22, 5000])
def test_a_pool_as_large_as_the_domain_is_the_whole_domain(pool: int):
    domain = ToySpace().domain
    trials = played(bound(domain, pool=pool, keep=3), range(21), drawn(3))
    assert at(trials, PROXY) == list(domain)
    assert len(trials) == 21 + 3


def test_a_pool_of_nearly_the_whole_domain_ends():
    domain = ToySpace().domain
    trials = played(bound(domain, pool=20, keep=1), range(20), drawn(1))
    assert len(set(at(trials, PROXY))) == 20


@pytest.mark.parametrize("keep", [1, 4, 15])
def test_those_of_the_lowest_proxies_are_fitted_the_lowest_first(keep: int):
    values = np.random.default_rng(1).permutation(40) / 7
    trials = played(bound(pool=40, keep=keep), values.tolist(), drawn(keep))
    scored = at(trials, PROXY)
    assert at(trials, FULL) == [scored[i] for i in np.argsort(values)[:keep]]
    assert [t.proposal.fidelity for t in trials] == [1.0] * (40 + keep)


def test_of_equal_proxies_the_first_drawn_are_fitted():
    trials = played(bound(pool=6, keep=3), [2, 1, 2, 2, 2, 2], drawn(3))
    scored = at(trials, PROXY)
    assert at(trials, FULL) == [scored[1], scored[0], scored[2]]


def test_fewer_than_are_kept_are_fitted_where_fewer_were_scored():
    trials = played(bound(pool=5, keep=4), [None, 3, None, None, 1], drawn(2))
    scored = at(trials, PROXY)
    assert at(trials, FULL) == [scored[4], scored[1]]


def test_no_candidate_is_proposed_before_the_last_proxy_has_ended():
    strategy = bound(pool=3, keep=2)
    proposals = [strategy.ask() for _ in range(4)]
    assert proposals[3] is None
    before = state_coding.encode(strategy.state_dict())
    for number, proposal in enumerate(proposals[:3]):
        assert strategy.ask() is None
        assert proposal is not None
        strategy.tell(Trial(number, proposal, 0, "complete", -float(number)))
    assert before != state_coding.encode(strategy.state_dict())
    candidate = strategy.ask()
    assert candidate is not None
    assert candidate.stage == FULL


@pytest.mark.parametrize(
    ("weights", "proxies", "expected"),
    [
        ("inverse", [1.0, 2.0, 4.0], [1, 1 / 2, 1 / 4]),
        ("linear", [1.0, 2.0, 4.0], [1, 2 / 3, 0]),
        ("linear", [3.0, 3.0], [1, 1]),
        ("inverse", [5.0], [1 / 5]),
        ("linear", [5.0], [1]),
    ],
)
def test_weights_are_those_of_the_paper_and_of_the_program(
    weights: str, proxies: list[float], expected: list[float]
):
    assert IsnasDip(weights=weights)._weights(proxies) == pytest.approx(expected)


def test_a_proxy_of_zero_has_nearly_all_the_weight():
    weights = IsnasDip()._weights([0.0, 1e-3])
    assert np.isfinite(weights).all()
    assert weights[0] / weights.sum() > 1 - 1e-8


def test_the_weights_decide():
    """Of pictures at 0, 5 and 6, the plain mean is nearest to 5; with weights 1, 0, 0 it is 0."""
    grey = [{"one": np.full((2, 2, 1), level, np.float32)} for level in (0.0, 0.5, 0.6)]
    for weights, proxies, wanted in [
        ("linear", [1.0, 2.0, 2.0], 0),
        ("linear", [2.0, 2.0, 2.0], 1),
        ("inverse", [1.0, 100.0, 100.0], 0),
        ("inverse", [1.0, 1.0, 1.0], 1),
    ]:
        strategy = bound(pool=3, keep=3, weights=weights)
        trials = played(strategy, proxies, grey)
        assert strategy.recommend(trials) == trials[3 + wanted]


@pytest.mark.parametrize("weights", ["inverse", "linear"])
@pytest.mark.parametrize("names", [("one",), ("one", "folder/two", "three")])
@pytest.mark.parametrize("seed", range(4))
def test_the_candidate_nearest_to_the_weighted_mean_is_recommended(
    weights: str, names: tuple[str, ...], seed: int
):
    pictures = drawn(6, seed, names)
    proxies = np.sort(np.random.default_rng(seed).uniform(0.1, 3, 6))
    strategy = bound(pool=6, keep=6, weights=weights)
    trials = played(strategy, proxies.tolist(), pictures)
    low, high = proxies.min(), proxies.max()
    own = 1 / proxies if weights == "inverse" else (high - proxies) / (high - low)
    assert strategy.recommend(trials) == trials[6 + nearest(pictures, own.tolist())]


def test_pictures_of_other_sizes_count_alike():
    """A large picture weighs no more than a small one: distances are means over the pixels."""
    values = {"small": (0.0, 0.5, 1.0), "large": (0.4, 0.0, 1.0)}
    sides = {"small": 2, "large": 50}
    pictures = [
        {name: np.full((sides[name], 3, 1), values[name][i], np.float32) for name in values}
        for i in range(3)
    ]
    strategy = bound(pool=3, keep=3)
    trials = played(strategy, [1.0, 1.0, 1.0], pictures)
    distances = [sum((v[i] - sum(v) / 3) ** 2 for v in values.values()) for i in range(3)]
    assert strategy.recommend(trials) == trials[3 + int(np.argmin(distances))]


def test_failed_candidates_have_no_part_in_the_mean():
    pictures: list[dict[str, Any] | None] = [*drawn(5)]
    pictures[0] = pictures[3] = None
    proxies = [1.0, 2.0, 3.0, 4.0, 5.0]
    strategy = bound(pool=5, keep=5)
    trials = played(strategy, proxies, pictures)
    left = [1, 2, 4]
    wanted = nearest([pictures[i] for i in left], [1 / proxies[i] for i in left])  # type: ignore
    assert strategy.recommend(trials) == trials[5 + left[wanted]]


def test_a_proxy_of_which_more_is_better_keeps_the_greatest_and_weighs_them_most():
    """Its score is the proxy itself, so that it is reported as minus what `played` is given."""
    greater = [3.0, 9.0, 1.0, 5.0]
    grey = [{"one": np.full((2, 2, 1), level, np.float32)} for level in (0.9, 0.0, 0.1)]
    strategy = bound(pool=4, keep=3, weights="linear")
    trials = played(strategy, [-value for value in greater], grey)
    scored = at(trials, PROXY)
    assert at(trials, FULL) == [scored[1], scored[3], scored[0]]
    wanted = nearest(grey, [(v - 3) / (9 - 3) for v in (9, 5, 3)])
    assert strategy.recommend(trials) == trials[4 + wanted]


def test_before_any_candidate_is_fitted_the_lowest_proxy_is_recommended():
    strategy = bound(pool=4, keep=2)
    trials = played(strategy, [3, 1, None, 2], [None, None])
    assert strategy.recommend(trials) == trials[1]
    beginning = bound(pool=3, keep=1)
    proposal = beginning.ask()
    assert proposal is not None
    first = Trial(0, proposal, 0, "complete", -4.0)
    beginning.tell(first)
    assert beginning.recommend([first]) == first


def test_what_is_not_stored_yet_is_not_recommended():
    """A strategy may have received what an interrupted transaction did not write."""
    strategy = bound(pool=3, keep=3)
    grey = [{"one": np.full((2, 2, 1), level, np.float32)} for level in (0.0, 0.5, 0.6)]
    trials = played(strategy, [1.0, 1.0, 1.0], grey)
    assert strategy.recommend(trials) == trials[4]
    assert strategy.recommend(trials[:4]) == trials[3]
    assert strategy.recommend(trials[:3]) == trials[0]
    with pytest.raises(NasirError, match="no trial is complete"):
        strategy.recommend([])


def test_one_candidate_is_enough():
    strategy = bound(pool=4, keep=1)
    trials = played(strategy, [3, 1, 2, 2], drawn(1))
    assert strategy.recommend(trials) == trials[4]
    assert trials[4].architecture == trials[1].architecture


def test_the_state_has_the_candidates_pictures_to_the_bit():
    strategy, again = bound(pool=4, keep=3), bound(pool=4, keep=3)
    pictures = drawn(3, names=("a", "b/c", "d~e"))
    trials = played(strategy, [0.1, 1 / 3, 0.2, 7e-17], pictures)
    again.load_state_dict(state_coding.decode(*state_coding.encode(strategy.state_dict())))
    assert again.recommend(trials) == strategy.recommend(trials)
    assert state_coding.encode(again.state_dict()) == state_coding.encode(strategy.state_dict())
    assert again.ask() is None


def test_as_many_trials_as_are_drawn_and_fitted_are_usual():
    assert IsnasDip().usual_trials == 500 + 15
    assert IsnasDip(pool=7, keep=2).usual_trials == 9


def test_candidates_are_shrunk_by_the_evaluator_of_the_run():
    full = DeepImagePrior(iterations=77, lr=0.003, device="cpu")
    stages = IsnasDip(selection="resized", side=48).stages(full)
    assert set(stages) == {PROXY, SMALL}
    assert stages[SMALL] == attrs.evolve(full, side=48)
    assert full.side == 0
    assert set(IsnasDip().stages(full)) == {PROXY}


def test_the_proxy_is_set_up_as_the_strategy_says():
    how = IsnasDip(proxy="bandwidth_99", initialisations=3, score_side=32)
    scoring: Any = how.stages(DeepImagePrior())[PROXY]
    assert scoring.proxies == ("bandwidth_99",)
    assert (scoring.initialisations, scoring.side) == (3, 32)


@attrs.define
class Painted(Evaluator):
    """Pictures made from the architecture alone; one architecture in so many fails."""

    fails: int = setting(0, "one architecture in so many fails; 0: none")
    side: int = setting(0, "side of the pictures; 0: 4")

    def at_side(self, side):
        return attrs.evolve(self, side=side)

    def evaluate(self, proposal: Proposal, problem: Problem, seed: int) -> Evaluation:
        number = derived_seed("painted", proposal.architecture.id)
        if self.fails and number % self.fails == 0:
            raise ValueError("made to fail")
        side = self.side or 4
        rng = np.random.default_rng(number)
        restored = {}
        for sample in problem.task.samples(problem.split):
            array = rng.random((side, side, 1), dtype=np.float32)
            other = rng.random((side, side, 1), dtype=np.float32)
            restored[sample.name] = RestoredPicture(None, other, array)
        kept = restored if problem.artifacts else {}
        return Evaluation(1.0, {"seed": seed % 97}, restored=kept)


@attrs.define
class Brightness(Proxy):
    """How bright the output is; one in five fails."""

    def value(self, probe: Probe) -> float:
        value = probe.output.mean().abs().item()
        return float("nan") if int(value * 1e6) % 5 == 0 else value


@attrs.define
class Volume(Proxy):
    larger_is_better: ClassVar[bool] = True

    def value(self, probe: Probe) -> float:
        return float(sum(p.numel() for p in probe.network.parameters()))


@attrs.define
class Two(Task):
    """Two pictures of four pixels."""

    signature = Signature(1, 1)

    def samples(self, split: str) -> list[Sample]:
        return [Sample(f"{split}/{n}", torch.full((1, 1, 2, 2), n / 2)) for n in (1, 2)]

    def loss(self, output: Any, sample: Sample) -> Any:
        return output.mean()

    def metrics(self, restored: Any, sample: Sample) -> dict[str, float]:
        return {}


class LastFirst(Executor):
    """Of the calls that wait, one thread runs the one that was submitted last."""

    def __init__(self) -> None:
        self._waiting: list[tuple[Future[Any], Callable[[], Any]]] = []
        self._turn = threading.Condition()
        self._open = True
        self._thread = threading.Thread(target=self._work, daemon=True)
        self._thread.start()

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        with self._turn:
            self._waiting.append((future, lambda: fn(*args, **kwargs)))
            self._turn.notify()
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        with self._turn:
            self._open = False
            self._turn.notify()
        self._thread.join()

    def _work(self) -> None:
        while True:
            with self._turn:
                self._turn.wait_for(lambda: self._waiting or not self._open)
                if not self._open:
                    return
                future, call = self._waiting.pop()
            future.set_result(call())


@attrs.define
class Backwards(ExecutorFactory):
    def start(self, workers: int) -> LastFirst:
        return LastFirst()


OWNER = "test-isnas"


@pytest.fixture
def painted() -> Iterator[Callable[..., Run]]:
    """Searches by isnas in the toy space: ``painted("strategy.keep=3", name="x")``."""
    for kind, name, component in [
        ("evaluator", "painted", Painted),
        ("proxy", "brightness", Brightness),
        ("proxy", "volume", Volume),
        ("task", "two", Two),
        ("executor", "backwards", Backwards),
    ]:
        registries[kind].register(Entry(name, component, "of this test", OWNER))
    yield lambda *words, **settings: nasir.search(*PAINTED, *words, **settings)
    for registry in registries.values():
        registry.forget(OWNER)


PAINTED = (
    "strategy=isnas",
    "strategy.pool=9",
    "strategy.keep=3",
    "strategy.proxy=brightness",
    "evaluator=painted",
    "evaluator.fails=4",
    "task=two",
    "space=toy",
    "threads=1",
)


def outcome(run: Run) -> tuple[Any, ...]:
    """All that must be the same in every run with the same settings."""
    store = RunStore(run.folder / "run.sqlite")
    state = state_coding.encode(store.strategy_state() or {})
    store.close()
    finals = {key: figures(trial) for key, trial in run.final_evaluations.items()}
    return [figures(trial) for trial in run.trials], finals, figures(run.best), state


def pictures_kept(run: Run) -> int:
    store = RunStore(run.folder / "run.sqlite")
    kept = sum(len(store.pictures(trial.number)) for trial in run.trials)
    store.close()
    return kept


class Killed(BaseException):
    """Ends a run at once, as SIGKILL would: nothing that it does after is written."""


@pytest.mark.parametrize(("workers", "executor"), [(1, "inline"), (3, "backwards")])
def test_a_run_killed_at_any_moment_goes_on_as_if_it_never_had_been(
    painted, monkeypatch, workers: int, executor: str
):
    """In a transaction, and between them; where trials end in another order, too."""
    whole = painted(f"workers={workers}", f"executor={executor}", "seed=3", name="whole")
    states = {(t.proposal.stage, t.state) for t in whole.trials}
    assert states == {(s, e) for s in (PROXY, FULL) for e in ("complete", "failed")}
    write, die_at, moment = RunStore.save_strategy, -1, 0

    def step(*args: Any, **kwargs: Any) -> None:
        nonlocal moment
        moment += 1
        if moment == die_at:
            raise Killed

    def dying_write(store: RunStore, state: dict[str, Any]) -> None:
        write(store, state)
        step()

    monkeypatch.setattr(RunStore, "save_strategy", dying_write)
    tree = whole.settings
    searching.start(experiment(tree | {"name": "counted"}), step)
    for when in range(1, moment, 7):
        die_at, moment = when, 0
        with pytest.raises(Killed):
            searching.start(experiment(tree | {"name": f"killed-{when}"}), step)
        run, die_at = Run(f"runs/killed-{when}"), -1
        searching.resume(run, step)
        assert outcome(run) == outcome(whole)
        assert pictures_kept(run) == 0


def test_the_order_in_which_trials_end_changes_nothing(painted):
    first, second = (
        painted("workers=3", f"executor={name}", name=name) for name in ("inline", "backwards")
    )
    assert outcome(first) == outcome(second)


def test_more_trials_go_on_with_a_search_that_was_cut_short(painted):
    whole, short = painted(name="whole"), painted(trials=10, name="short")
    longer = nasir.resume(short.folder, trials=100)
    assert len(longer.trials) == len(whole.trials) < 100
    assert longer.best == attrs.evolve(
        whole.best,
        started=longer.best.started,
        seconds=longer.best.seconds,
        worker=longer.best.worker,
    )


def test_a_search_whose_candidates_all_fail_ends_with_the_lowest_proxy(painted):
    run = painted("evaluator.fails=1")
    assert {t.state for t in run.trials if t.proposal.stage == FULL} == {"failed"}
    assert run.state == "finished"
    assert run.best.proposal.stage == PROXY


def test_candidates_are_evaluated_with_pictures_and_the_pool_without(painted, monkeypatch):
    asked: list[tuple[str, bool]] = []
    evaluate = Painted.evaluate

    def recorded(self: Painted, proposal: Proposal, problem: Problem, seed: int) -> Evaluation:
        asked.append((problem.split, problem.artifacts))
        return evaluate(self, proposal, problem, seed)

    monkeypatch.setattr(Painted, "evaluate", recorded)
    painted("references=[]", "evaluator.fails=0")
    assert asked == [("test", True)] * (3 + 1)


def test_resized_candidates_are_another_stage_with_a_side_of_its_own(painted):
    run = painted("strategy.selection=resized", "strategy.side=17", "evaluator.fails=0")
    stages = Counter(t.proposal.stage for t in run.trials)
    assert stages == {PROXY: 9, SMALL: 3}
    assert run.best.proposal.stage == SMALL
    assert run.state == "finished"
    final = run.final_evaluations["found", "test"]
    assert final.proposal == Proposal(run.best.architecture, FULL)
    store = RunStore(run.folder / "run.sqlite")
    state = store.strategy_state() or {}
    store.close()
    shapes = {p.shape for kept in state["restored"].values() for p in kept.values()}
    assert shapes == {(17, 17, 1)}


def test_an_evaluator_that_cannot_shrink_is_refused_before_the_run(painted):
    with pytest.raises(SettingsError, match="selection=full"):
        nasir.search(*PAINTED[:4], "evaluator=toy", "task=two", "strategy.selection=resized")
    assert not Path("runs").exists()


def test_a_proxy_of_which_more_is_better_is_refused_with_inverse_weights(painted):
    with pytest.raises(SettingsError, match=r"volume is not: take strategy\.weights=linear"):
        painted("strategy.proxy=volume")
    run = painted("strategy.proxy=volume", "strategy.weights=linear", "evaluator.fails=0")
    scored = [t for t in run.trials if t.proposal.stage == PROXY]
    most = sorted(scored, key=lambda t: -t.metrics["volume"])[:3]
    fitted = [t.architecture for t in run.trials if t.proposal.stage == FULL]
    assert [t.metrics["volume"] for t in scored if t.architecture in fitted] == pytest.approx(
        [t.metrics["volume"] for t in scored if t in most]
    )


def test_a_misspelt_proxy_is_refused_with_the_nearest(painted):
    with pytest.raises(SettingsError, match="brightness"):
        painted("strategy.proxy=brightnes")


TINY = (
    "strategy=isnas",
    "strategy.pool=6",
    "strategy.keep=2",
    "space.depth=2",
    "space.width=4",
    "space.input_channels=4",
    "evaluator.iterations=3",
    "evaluator.device=cpu",
    "references=[]",
    "task.color=grey",
    "task.picture=0",
    "threads=1",
)


@pytest.fixture
def photograph(tmp_path: Path) -> str:
    """A file with a photograph of 32 x 32 pixels, as ``task.images=FILE``."""
    from PIL import Image
    from skimage import data

    Image.fromarray(data.camera()[64:448:12, 64:448:12]).save(tmp_path / "camera.png")
    return f"task.images={tmp_path / 'camera.png'}"


@pytest.mark.parametrize(
    ("task", "size", "selection"),
    [
        ("denoise", 16, "full"),
        ("inpaint", 16, "resized"),
        ("sr", 32, "full"),
        ("sr", 32, "resized"),
    ],
)
def test_isnas_restores_a_photograph(photograph: str, task: str, size: int, selection: str):
    words = [*TINY, photograph, f"task={task}", f"task.size={size}", "strategy.side=16"]
    if task == "sr":
        words += ["task.scale=2"]
    run = nasir.search(*words, f"strategy.selection={selection}", name="run")
    assert run.state == "finished"
    assert [t.reason for t in run.trials if t.state == "failed"] == []
    assert len(run.trials) == 6 + 2
    assert run.best.proposal.stage == (FULL if selection == "full" else SMALL)
    assert run.best.number >= 6
    final = run.final_evaluations["found", "test"]
    assert final.metrics["psnr"] > 5
    assert final.metrics["degraded_psnr"] > 5
    assert list(Path("runs/run/best").glob("*restored*"))


def test_the_selected_reconstruction_is_the_result(photograph: str):
    """Not another fit of the architecture, which may differ from it by decibels."""
    run = nasir.search(*TINY, photograph, "task=denoise", "task.size=16", name="run")
    selected, final = run.best, run.final_evaluations["found", "test"]
    assert selected.proposal.stage == FULL
    assert final.seed == selected.seed
    for figure, value in selected.metrics.items():
        assert final.metrics[figure] == value


@pytest.mark.parametrize("selection", ["full", "resized"])
def test_the_ground_truth_has_no_influence(photograph: str, selection: str, monkeypatch):
    """With garbage in its place, and without it, proxies, candidates and choice are the same."""
    words = [*TINY, photograph, "task=denoise", f"strategy.selection={selection}", "task.size=24"]
    words += ["strategy.side=16"]
    truthful = nasir.search(*words, name="truthful")
    degrade = Denoise.degrade

    def recommended(clean: Callable[[Any], Any], name: str) -> None:
        def misled(self: Denoise, picture: str, content: Any) -> Sample:
            sample = degrade(self, picture, content)
            return attrs.evolve(sample, clean=clean(sample.clean))

        monkeypatch.setattr(Denoise, "degrade", misled)
        run = nasir.search(*words, name=name)
        assert [t.proposal for t in run.trials] == [t.proposal for t in truthful.trials]
        assert run.best.number == truthful.best.number
        scores = [t.score for t in run.trials if t.proposal.stage != FULL]
        assert scores == [t.score for t in truthful.trials if t.proposal.stage != FULL]

    recommended(lambda clean: torch.zeros_like(clean) + clean.flip(-1).square(), "garbage")
    recommended(lambda clean: None, "nothing")


def test_pictures_that_are_degraded_already_need_no_others(photograph: str):
    run = nasir.search(*TINY, photograph, "task=denoise", "task.degraded=true", "task.size=16")
    assert run.state == "finished"
    assert "psnr" not in run.final_evaluations["found", "test"].metrics
    assert run.best.number >= 6


def test_a_side_that_is_too_small_for_the_space_is_refused_before_the_first_trial(photograph: str):
    words = [*TINY, photograph, "task=denoise", "task.size=32", "space.depth=6"]
    with pytest.raises(PictureError, match="16 x 16 pixels, the space needs 32 x 32"):
        nasir.search(*words, "strategy.selection=resized", "strategy.side=16")
    assert not Path("runs").exists()


def sized(seconds: float, score: float, step: float, full: int = 400) -> tuple[int, int, float]:
    """The pool, the candidates and their steps, where a score and a step take so many seconds."""
    timing = Timing({PROXY: score, FULL: step * full}, 40 / full, 300 / full)
    size = IsnasDip(pool=500, keep=15).sized_to(seconds, timing)
    assert isinstance(size.strategy, IsnasDip)
    assert size.strategy.keep == max(1, size.trials - size.strategy.pool)
    return size.strategy.pool, size.trials - size.strategy.pool, size.share * full


def test_a_search_is_sized_to_its_time():
    # a quarter of 120 s at 0.1 s a score; 0.6 of it at 1.5 times 0.01 s a step
    assert sized(120, 0.1, 0.01) == (300, 15, 300)
    assert sized(1e6, 0.1, 0.01) == (500, 15, 300)
    # 120 steps suffice for three candidates at the fewest
    assert sized(12, 0.1, 0.0399) == pytest.approx((30, 3, 120 / 3), rel=0.01)
    assert sized(1, 0.1, 0.01) == (2, 0, 300)
    assert sized(0, 0.1, 0.01)[0] == 1
    # a method whose whole fit is one step
    assert sized(1.5 * 15 / 0.6, 0.1, 1.0, full=1)[1] == 0


def test_sizes_that_the_user_has_set_stay():
    timing = Timing({PROXY: 1.0, FULL: 1.0})
    size = IsnasDip(pool=50, keep=7).sized_to(1.0, timing, {"pool", "keep"})
    assert (size.strategy.pool, size.strategy.keep, size.trials) == (50, 7, 57)  # type: ignore[attr-defined]


@settings(max_examples=60, deadline=None)
@given(st.floats(0, 1e4), st.floats(1e-4, 10), st.floats(1e-4, 10))
def test_no_search_is_longer_than_its_time(seconds: float, score: float, step: float):
    pool, keep, steps = sized(seconds, score, step)
    assert pool == 1 or pool * score <= seconds / 4 + 1e-9
    assert keep * steps * 1.5 * step <= 0.6 * seconds * (1 + 1e-9)
