"""``nasir.ask_tell``: a search whose evaluations are the caller's."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import Executor
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import attrs

from nasir.apps.search import history as histories
from nasir.apps.search.lifecycle import created, environment_of, write_best_so_far
from nasir.apps.search.search import plan
from nasir.core.errors import SettingsError
from nasir.core.evaluator import Evaluation, Evaluator, Problem
from nasir.core.objectives import check_metrics
from nasir.core.trial import FULL, Proposal, Trial
from nasir.engine.loop import Budget, Engine
from nasir.runs.inputs import compare
from nasir.runs.run import Run, writing
from nasir.settings.components import Choice
from nasir.settings.experiment import Experiment, experiment
from nasir.settings.reader import given

if TYPE_CHECKING:
    from nasir.core.search_space import SearchSpace
    from nasir.core.strategy import Strategy
    from nasir.core.task import Task


@attrs.frozen
class Outside(Evaluator):
    """Stands for evaluations that are made outside of nasir."""

    restores = False

    def evaluate(self, proposal: Proposal, problem: Problem, seed: int) -> Evaluation:
        _refuse()

    def check(self, problem: Problem) -> None:
        _refuse()


def _refuse() -> NoReturn:
    raise SettingsError(
        "this search is evaluated outside of nasir: continue it with nasir.ask_tell(run=...)"
    )


def ask_tell(
    *words: str,
    run: Run | str | Path | None = None,
    space: Choice[SearchSpace] | None = None,
    strategy: Choice[Strategy] | None = None,
    task: Choice[Task] | None = None,
    seed: int | None = None,
    trials: int | None = None,
    workers: int | None = None,
    objective: str | Sequence[str] | None = None,
    limit: str | Sequence[str] | None = None,
    history: str | Path | Sequence[str | Path] | None = None,
    prior: str | None = None,
    prior_share: float | None = None,
    folder: str | Path | None = None,
    name: str | None = None,
    **more: Any,
) -> AskTell:
    """Search with evaluations of your own: ask for architectures, and tell their scores.

    ```python
    with nasir.ask_tell(space="nasdip", strategy="evolution", trials=50) as search:
        while (trial := search.ask()) is not None:
            search.tell(trial, score=evaluate(trial.architecture, trial.seed))
    print(search.run.best.architecture)
    ```

    The settings are those of :func:`nasir.search`; `task` says what the networks are for, whose
    cost `limit` bounds. With `run` alone, an earlier search continues. Up to `workers` trials may
    be asked for before one is told; the search depends on their number, not on the order in which
    they are told. Raises :class:`~nasir.core.errors.NasirError` for a strategy that evaluates in
    its own way (supernets, restored pictures).
    """
    settings = given(locals(), without=("run",))
    if run is not None:
        if words or settings:
            raise SettingsError("a run continues with its own settings: pass run= alone")
        return _continued(run if isinstance(run, Run) else Run(run))
    planned = plan(words, settings | {"evaluator": Outside()})
    if len(planned) != 1:
        raise SettingsError(f"these settings make {len(planned)} runs: make a search for each")
    _check(planned[0])
    return AskTell(created(planned[0]), planned[0])


class AskTell(AbstractContextManager["AskTell"]):
    """A search whose evaluations are the caller's, in a run that can be shown and compared.

    Leave it by ``with`` or :meth:`close`; then it may be continued.
    """

    def __init__(self, run: Run, planned: Experiment, continues: bool = False) -> None:
        self.run = run
        self._planned = planned
        self._closed = False
        self._out: dict[int, Trial] = {}
        with ExitStack() as stack:
            self._store = stack.enter_context(writing(run))
            if continues:
                compare(run, environment_of(planned, run.folder), accept=False)
            self._engine = Engine(
                self._store,
                planned.problem,
                planned.strategy,
                Executor(),  # evaluates nothing
                Budget(planned.trials),
                planned.settings.workers,
                history=histories.of(run, planned),
            )
            self._waiting = self._engine.begin()
            self._record([])
            self._exit = stack.pop_all()

    def ask(self) -> Trial | None:
        """A trial to evaluate, with its ``architecture``, ``seed`` and ``proposal.fidelity``.

        None: there is none before another is told, or the search has ended.
        """
        if not self._waiting:
            return None
        trial = attrs.evolve(self._waiting.pop(0), started=time.time())
        self._out[trial.number] = trial
        return trial

    def tell(
        self,
        trial: Trial,
        score: float | None = None,
        metrics: Mapping[str, float] | None = None,
        error: str | None = None,
    ) -> None:
        """Record the result of a trial that was asked for.

        That is its `score`, greater is better, or the `metrics` that are the objectives of the
        search; or the `error` why it failed.
        """
        if self._closed:
            raise SettingsError("the search is closed: continue it with nasir.ask_tell(run=...)")
        if trial.number not in self._out:
            raise SettingsError(f"trial {trial.number} was not asked for, or was told already")
        asked = self._out[trial.number]
        ended = attrs.evolve(
            asked,
            seconds=time.time() - (asked.started or 0.0),
            **(self._complete(score, metrics or {}) if error is None else _failed(error)),
        )
        del self._out[trial.number]
        self._record([ended])

    def close(self) -> None:
        """Write the best architecture, and let others continue the run."""
        if self._closed:
            return
        self._closed = True
        ended = not self._out and not self._waiting
        with self._exit:
            write_best_so_far(self.run, self._store, self._planned)
            with self._store.transaction():
                self._store.save_progress(state="finished" if ended else "interrupted")

    def __exit__(self, *raised: object) -> None:
        self.close()

    def _record(self, ended: list[Trial]) -> None:
        _, asked = self._engine.record(ended)
        self._waiting += asked

    def _complete(self, score: float | None, metrics: Mapping[str, float]) -> dict[str, Any]:
        """The result of a trial from its figures, which are checked."""
        wanted = self._planned.problem.objectives
        figures = {name: _number(name, value) for name, value in metrics.items()}
        if wanted:
            check_metrics(wanted, figures)
            score = wanted[0].value(figures)
        if score is None:
            raise SettingsError("tell the score of a trial, or the error why it failed")
        return {"state": "complete", "score": _number("score", score), "metrics": figures}


def _failed(error: str) -> dict[str, Any]:
    return {"state": "failed", "error": error}


def _number(name: str, value: Any) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = math.nan
    if not math.isfinite(number):
        raise SettingsError(f"{name} is {value!r}: tell a finite number, or the error")
    return number


def _continued(run: Run) -> AskTell:
    planned = experiment(run.whole_settings)
    if not isinstance(planned.problem.evaluator(FULL), Outside):
        raise SettingsError(f"{run.folder} is evaluated by nasir: continue it with nasir.resume")
    return AskTell(run, planned, continues=True)


def _check(planned: Experiment) -> None:
    """Refuse a strategy that needs evaluations of its own kind."""
    problem, strategy = planned.problem, planned.strategy
    if len(problem.evaluators) > 1 or strategy.looks_at or problem.split == "test":
        raise SettingsError(
            f"strategy={planned.names['strategy']} evaluates in its own way: take nasir.search, or "
            "another strategy"
        )
