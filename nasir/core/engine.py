"""The one loop: ask, evaluate, store, tell."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Executor, Future, wait
from typing import Any

import attrs

from nasir.core.errors import NasirError, RunFolderError
from nasir.core.evaluation import Outcome, evaluate_trial, outcome_of, with_pictures
from nasir.core.evaluator import Problem
from nasir.core.failures import FailurePolicy, TooManyFailuresError
from nasir.core.retries import Tries
from nasir.core.seeds import derived_seed
from nasir.core.strategy import Strategy
from nasir.core.trial import Proposal, Trial
from nasir.runs.run import Run
from nasir.runs.store import RunStore

MOST_REFUSED = 1000
"""Proposals beyond a limit in a row, after which a search is given up."""

BEYOND = "beyond a limit: "
"""Begins the reason of a trial that was refused, and so never evaluated."""


@attrs.define
class Budget:
    """When a search ends: after `trials` trials, or when `seconds` (None: no limit) are over.

    Proposals that are refused for a limit are no trials here.
    """

    trials: int
    seconds: float | None = None


@attrs.define(eq=False)
class Engine:
    """Searches a problem with a strategy.

    Up to `workers` proposals are in flight. Trial n + `workers` is asked for only after trial n
    was told, and trials are told in the order of their numbers, so that a search depends on its
    seed and its number of workers but never on which evaluation ends first, nor on being
    interrupted: each transaction holds the ended trials, the strategy's state after they were
    told, and the proposals that it made next. A trial that is tried again is the same trial: its
    failed tries are stored, and the strategy is told what the last one came to.
    """

    run: Run
    store: RunStore
    problem: Problem
    strategy: Strategy
    executor: Executor
    budget: Budget
    workers: int = 1
    threads: int = 1
    notify: Callable[..., None] = lambda hook, **arguments: None
    policy: FailurePolicy = attrs.field(factory=FailurePolicy)
    _asked: int = attrs.field(init=False, default=0)
    _told: int = attrs.field(init=False, default=0)
    _refused: int = attrs.field(init=False, default=0)
    _refused_in_a_row: int = attrs.field(init=False, default=0)
    _failed_in_a_row: int = attrs.field(init=False, default=0)
    _spent: float = attrs.field(init=False, default=0.0)
    _began: float = attrs.field(init=False, factory=time.monotonic)
    _ended: dict[int, Trial] = attrs.field(init=False, factory=dict)
    _flying: dict[Future[Outcome], Trial] = attrs.field(init=False, factory=dict)
    _tries: Tries = attrs.field(
        init=False, default=attrs.Factory(lambda self: Tries(self.policy), takes_self=True)
    )
    _given_up: str | None = attrs.field(init=False, default=None)

    def search(self) -> None:
        """Begin, or go on from what the store holds, until a limit or the strategy ends it.

        Raises :class:`TooManyFailuresError` where so many trials in a row have failed.
        """
        self._begin(self._restore())
        finished: list[Trial] = []
        again: list[Trial] = []
        while True:
            with self.store.transaction():
                for trial in again:
                    tries = self._tries.failed[trial.number]
                    self.store.save_failed_try(trial.number, len(tries), tries[-1])
                for trial in finished:
                    self.store.save_trial(trial)
                    self.store.keep_pictures(trial)
                asked = self._advance()
                self._save()
            refused = [trial for trial in asked if trial.state == "failed"]
            for trial in (*finished, *refused):
                self.notify("trial_finished", run=self.run, trial=trial)
            if self._given_up is not None:
                raise TooManyFailuresError(self._given_up)
            self._submit(again)
            self._begin([trial for trial in asked if trial.state == "running"])
            if not self._flying:
                return
            finished, again = self._wait()

    def _restore(self) -> list[Trial]:
        """Bind the strategy, bring it to its stored state, and return what was in flight."""
        self.strategy.bind(self.problem)
        state = self.store.strategy()
        if state is None:
            return []
        try:
            return self._restore_from(state)
        except NasirError:
            raise
        except Exception as error:  # a stranger's strategy may raise anything
            raise RunFolderError(
                f"{self.store.path} is damaged, or of another version of the strategy, which "
                f"cannot go on from it: {type(error).__name__}: {error}"
            ) from error

    def _restore_from(self, state: dict[str, Any]) -> list[Trial]:
        self.strategy.load_state_dict(state)
        progress = self.store.progress()
        self._asked, self._told = progress["asked"], progress["told"]
        self._spent = progress["seconds"]
        self._refused = progress.get("refused", 0)
        self._failed_in_a_row = progress.get("failed_in_a_row", 0)
        self._tries.failed = self.store.failed_tries(self._told)
        trials = self.store.trials()
        self.strategy.remember([t for t in trials if t.number < self._told])
        open_trials = [t for t in trials if t.number >= self._told]
        ended = [t for t in open_trials if t.state != "running"]
        self._ended = {
            t.number: attrs.evolve(t, pictures=self.store.pictures(t.number)) for t in ended
        }
        return [t for t in open_trials if t.state == "running"]

    def _advance(self) -> list[Trial]:
        """Tell every trial whose turn it is, and ask for one more after each.

        Returns what was asked for, refused trials among it.
        """
        asked = self._ask()
        while self._told in self._ended and self._given_up is None:
            trial = self._ended.pop(self._told)
            self.strategy.tell(trial)
            self.store.drop_pictures(self._told)
            self._told += 1
            self._count_failures(trial)
            asked += self._ask()
        for trial in asked:
            self.store.save_trial(trial)
        return asked

    def _ask(self) -> list[Trial]:
        asked: list[Trial] = []
        while self._asked - self._told < self.workers and self._goes_on():
            proposal = self.strategy.ask()
            if proposal is None:
                break
            asked.append(self._unless_refused(self._numbered(proposal)))
            self._asked += 1
        return asked

    def _numbered(self, proposal: Proposal) -> Trial:
        seed = proposal.seed
        if seed is None:
            seed = derived_seed(self.problem.seed, "trial", self._asked)
        return Trial(self._asked, proposal, seed)

    def _unless_refused(self, trial: Trial) -> Trial:
        """The trial, failed at once where its architecture is beyond a limit."""
        reason = self.problem.refusal(trial.architecture)
        if reason is None:
            self._refused_in_a_row = 0
            return trial
        self._refused += 1
        self._refused_in_a_row += 1
        if self._refused_in_a_row == MOST_REFUSED:
            raise NasirError(
                f"{MOST_REFUSED} proposals in a row are beyond a limit, the last with {reason}: "
                "take a wider limit, or a strategy that draws within it, such as strategy=random"
            )
        ended = attrs.evolve(trial, state="failed", error=f"{BEYOND}{reason}")
        self._ended[trial.number] = ended
        return ended

    def _count_failures(self, trial: Trial) -> None:
        """Give up after too many trials in a row have failed; then a resumed run counts anew."""
        if trial.reason.startswith(BEYOND):
            return
        self._failed_in_a_row = self._failed_in_a_row + 1 if trial.state == "failed" else 0
        if self._failed_in_a_row == self.policy.stop_after:
            self._failed_in_a_row = 0
            self._given_up = (
                f"{self.policy.stop_after} trials in a row failed, trial {trial.number} with: "
                f"{trial.reason}"
            )

    def _goes_on(self) -> bool:
        """Whether another proposal is wanted."""
        if self._given_up is not None:
            return False
        in_time = self.budget.seconds is None or self._seconds() < self.budget.seconds
        return in_time and self._asked - self._refused < self.budget.trials

    def _seconds(self) -> float:
        """Seconds of work on this run, over all the processes that worked on it."""
        return self._spent + time.monotonic() - self._began

    def _save(self) -> None:
        self.store.save_strategy(self.strategy.state_dict())
        self.store.save_progress(
            state="running",
            asked=self._asked,
            told=self._told,
            refused=self._refused,
            failed_in_a_row=self._failed_in_a_row,
            seconds=self._seconds(),
        )

    def _begin(self, trials: list[Trial]) -> None:
        for trial in trials:
            self.notify("trial_started", run=self.run, trial=trial)
            self._submit([trial])

    def _submit(self, trials: list[Trial]) -> None:
        for trial in trials:
            problem = self.problem.keeping(self._looks_at(trial))
            smaller = self._tries.smaller(trial.number)
            future = self.executor.submit(evaluate_trial, trial, problem, self.threads, smaller)
            self._flying[future] = trial

    def _looks_at(self, trial: Trial) -> bool:
        return trial.proposal.stage in self.strategy.looks_at

    def _wait(self) -> tuple[list[Trial], list[Trial]]:
        """Wait for an evaluation to end; return what has, and what is to be tried again."""
        done, _ = wait(self._flying, return_when=FIRST_COMPLETED)
        finished, again = [], []
        for future in sorted(done, key=lambda f: self._flying[f].number):
            trial = self._flying.pop(future)
            outcome = outcome_of(future, trial)
            if self._tries.again(outcome):
                again.append(trial)
                continue
            ended = with_pictures(outcome) if self._looks_at(trial) else outcome.trial
            self._ended[trial.number] = ended
            finished.append(ended)
        return finished, again
