"""The loop of a search: ask, evaluate, store, tell."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, Future
from typing import Any

import attrs

from nasir.core.errors import NasirError, RunFolderError
from nasir.core.evaluator import Problem
from nasir.core.executor import first_ended
from nasir.core.failures import FailurePolicy, TooManyFailuresError
from nasir.core.seeds import derived_seed
from nasir.core.strategy import Strategy
from nasir.core.trial import Proposal, Trial
from nasir.core.trial_store import TrialStore
from nasir.engine.evaluation import Outcome, evaluate_trial, outcome_of, with_pictures
from nasir.engine.retries import Retries
from nasir.engine.returned import checked_proposal

MOST_REFUSED = 1000
"""Proposals beyond a limit in a row, after which a search is given up."""

BEYOND = "beyond a limit: "
"""Begins the error of a trial that was refused, and therefore not evaluated."""


@attrs.define
class Budget:
    """When a search ends: after `trials` trials, or after `seconds` (None: no limit).

    Proposals that are refused for a limit do not count.
    """

    trials: int
    seconds: float | None = None


@attrs.define(eq=False)
class Engine:
    """Searches a problem with a strategy.

    Up to `workers` proposals are in flight. The strategy gets the trials in the order of their
    numbers, and is asked for trial n + `workers` after it has got trial n. A search therefore
    depends on its seed and its number of workers, but not on which evaluation ends first.

    One transaction holds the trials that have ended, the strategy's state after it got them, and
    the proposals that it made next. An interrupted search therefore continues as if it had not
    been interrupted. A trial that is evaluated again keeps its number and seed: its failed
    attempts are stored, and the strategy gets the result of the last one.

    `history` has trials of earlier searches, which the strategy inherits before its first proposal.
    `notify` is called with the name of a hook (``trial_started``, ``trial_finished``) and
    ``trial=``.
    """

    store: TrialStore
    problem: Problem
    strategy: Strategy
    executor: Executor
    budget: Budget
    workers: int = 1
    threads: int = 1
    notify: Callable[..., None] = lambda hook, **arguments: None
    policy: FailurePolicy = attrs.field(factory=FailurePolicy)
    history: Sequence[Trial] = ()
    _asked: int = attrs.field(init=False, default=0)
    _delivered: int = attrs.field(init=False, default=0)
    _refused: int = attrs.field(init=False, default=0)
    _refused_in_a_row: int = attrs.field(init=False, default=0)
    _failed_in_a_row: int = attrs.field(init=False, default=0)
    _spent: float = attrs.field(init=False, default=0.0)
    _began: float = attrs.field(init=False, factory=time.monotonic)
    _ended: dict[int, Trial] = attrs.field(init=False, factory=dict)
    _flying: dict[Future[Outcome], Trial] = attrs.field(init=False, factory=dict)
    _retries: Retries = attrs.field(
        init=False, default=attrs.Factory(lambda self: Retries(self.policy), takes_self=True)
    )
    _given_up: str | None = attrs.field(init=False, default=None)
    _problems: dict[bool, Problem] = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self._problems = {keep: self.problem.keeping(keep) for keep in (False, True)}

    def search(self) -> None:
        """Search, or continue from what the store holds, until budget or strategy end it.

        Raises :class:`TooManyFailuresError` after too many failed trials in a row.
        """
        for _ in self.iterate():
            pass

    def iterate(self) -> Iterator[Trial]:
        """Search as :meth:`search` does, and yield each trial after the strategy has got it.

        Nothing is submitted to the executor before the trial that was yielded last is taken.
        """
        self._start(self.begin())
        finished: list[Trial] = []
        again: list[Trial] = []
        while True:
            delivered, asked = self.record(finished, again)
            yield from delivered
            if self._given_up is not None:
                raise TooManyFailuresError(self._given_up)
            self._submit(again)
            self._start(asked)
            if not self._flying:
                return
            finished, again = self._wait()

    def record(
        self, finished: Sequence[Trial], again: Sequence[Trial] = ()
    ) -> tuple[list[Trial], list[Trial]]:
        """Store trials that have ended, give the strategy those whose turn it is, and ask it.

        Returns the trials that the strategy got, and those to evaluate next. `again` are those
        whose last attempt failed and that will be evaluated again.
        """
        with self.store.transaction():
            for trial in again:
                failed = self._retries.failed[trial.number]
                self.store.save_failed_attempt(trial.number, len(failed), failed[-1])
            for trial in finished:
                self._ended[trial.number] = trial
                self.store.save_trial(trial)
            delivered, asked = self._advance()
            self._save()
        refused = [trial for trial in asked if trial.state == "failed"]
        for trial in (*finished, *refused):
            self.notify("trial_finished", trial=trial)
        return delivered, [trial for trial in asked if trial.state == "running"]

    def begin(self) -> list[Trial]:
        """Bind the strategy, bring it to its stored state, and return what was in flight."""
        self.strategy.bind(self.problem)
        state = self.store.strategy_state()
        if state is None:
            if self.history:
                self.strategy.inherit(self.history)
            return []
        try:
            return self._restore_from(state)
        except NasirError:
            raise
        except Exception as error:  # a strategy of a plugin may raise anything
            raise RunFolderError(
                f"{self.store} is damaged, or of another version of the strategy, which cannot "
                f"continue from it: {type(error).__name__}: {error}"
            ) from error

    def _restore_from(self, state: dict[str, Any]) -> list[Trial]:
        self.strategy.load_state_dict(state)
        progress = self.store.progress()
        self._asked, self._delivered = progress["asked"], progress["delivered"]
        self._spent = progress["seconds"]
        self._refused, self._failed_in_a_row = progress["refused"], progress["failed_in_a_row"]
        attempts = self.store.failed_attempts(self._delivered)
        self._retries.failed = {number: list(failed) for number, failed in attempts.items()}
        trials = self.store.trials()
        delivered = [t for t in trials if t.number < self._delivered]
        self.strategy.remember([*self.history, *delivered])
        open_trials = [t for t in trials if t.number >= self._delivered]
        ended = [t for t in open_trials if t.state != "running"]
        self._ended = {
            t.number: attrs.evolve(t, pictures=self.store.pictures(t.number)) for t in ended
        }
        return [t for t in open_trials if t.state == "running"]

    def _advance(self) -> tuple[list[Trial], list[Trial]]:
        """Give the strategy every trial whose turn it is, and ask for one more after each.

        Returns the trials that it got, and those that it was asked for, refused ones included.
        """
        delivered, asked = [], self._ask()
        while self._delivered in self._ended and self._given_up is None:
            trial = self._ended.pop(self._delivered)
            self.strategy.tell(trial)
            delivered.append(trial)
            self.store.drop_pictures(self._delivered)
            self._delivered += 1
            self._count_failures(trial)
            asked += self._ask()
        for trial in asked:
            self.store.save_trial(trial)
        return delivered, asked

    def _ask(self) -> list[Trial]:
        asked: list[Trial] = []
        while self._asked - self._delivered < self.workers and self._continues():
            proposal = self.strategy.ask()
            if proposal is None:
                break
            checked = checked_proposal(proposal, self.strategy, self.problem)
            asked.append(self._unless_refused(self._numbered(checked)))
            self._asked += 1
        return asked

    def _numbered(self, proposal: Proposal) -> Trial:
        seed = proposal.seed
        if seed is None:
            seed = derived_seed(self.problem.seed, "trial", self._asked)
        return Trial(self._asked, proposal, seed)

    def _unless_refused(self, trial: Trial) -> Trial:
        """The trial; it has failed already if its architecture is beyond a limit."""
        reason = self.problem.refusal(trial.architecture)
        if reason is None:
            self._refused_in_a_row = 0
            return trial
        self._refused += 1
        self._refused_in_a_row += 1
        if self._refused_in_a_row == MOST_REFUSED:
            raise NasirError(
                f"{MOST_REFUSED} proposals in a row are {BEYOND}{reason}; take a wider limit, or "
                "a strategy that draws within it"
            )
        ended = attrs.evolve(trial, state="failed", error=f"{BEYOND}{reason}")
        self._ended[trial.number] = ended
        return ended

    def _count_failures(self, trial: Trial) -> None:
        """Give up after too many failed trials in a row; a resumed run then starts from zero."""
        if trial.reason.startswith(BEYOND):
            return
        self._failed_in_a_row = self._failed_in_a_row + 1 if trial.state == "failed" else 0
        if self._failed_in_a_row == self.policy.stop_after:
            self._failed_in_a_row = 0
            self._given_up = (
                f"{self.policy.stop_after} trials in a row failed, trial {trial.number} with: "
                f"{trial.reason}"
            )

    def _continues(self) -> bool:
        """Whether another proposal is wanted."""
        if self._given_up is not None:
            return False
        in_time = self.budget.seconds is None or self._seconds() < self.budget.seconds
        return in_time and self._asked - self._refused < self.budget.trials

    def _seconds(self) -> float:
        """Seconds of work on this run, over all the processes that worked on it."""
        return self._spent + time.monotonic() - self._began

    def _save(self) -> None:
        self.store.save_strategy(self.strategy)
        self.store.save_progress(
            state="running",
            asked=self._asked,
            delivered=self._delivered,
            refused=self._refused,
            failed_in_a_row=self._failed_in_a_row,
            seconds=self._seconds(),
        )

    def _start(self, trials: list[Trial]) -> None:
        for trial in trials:
            self.notify("trial_started", trial=trial)
            self._submit([trial])

    def _submit(self, trials: list[Trial]) -> None:
        for trial in trials:
            problem = self._problems[self._looks_at(trial)]
            smaller = self._retries.smaller(trial.number)
            future = self.executor.submit(evaluate_trial, trial, problem, self.threads, smaller)
            self._flying[future] = trial

    def _looks_at(self, trial: Trial) -> bool:
        return trial.proposal.stage in self.strategy.looks_at

    def _wait(self) -> tuple[list[Trial], list[Trial]]:
        """Wait for an evaluation; the trials that have ended, and those to evaluate again."""
        done, finished, again = first_ended(self.executor, self._flying), [], []
        for future in sorted(done, key=lambda f: self._flying[f].number):
            trial = self._flying.pop(future)
            outcome = outcome_of(future, trial)
            if self._retries.wants(outcome):
                again.append(trial)
                continue
            finished.append(with_pictures(outcome) if self._looks_at(trial) else outcome.trial)
        return finished, again
