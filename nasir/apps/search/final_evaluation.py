"""The end of a run: the found architecture and the references on pictures no search has seen."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Executor, Future

import attrs

from nasir.core.architecture import Architecture
from nasir.core.errors import RunFolderError
from nasir.core.evaluator import Problem
from nasir.core.failures import FailurePolicy
from nasir.core.seeds import derived_seed
from nasir.core.trial import FOUND, FULL, Proposal, Trial
from nasir.engine.evaluation import Outcome, evaluate_trial, failed, outcome_of
from nasir.engine.retries import Retries
from nasir.runs.result import file_name, write_result
from nasir.runs.run import Run
from nasir.runs.store import RunStore

Key = tuple[str, str]


@attrs.frozen(eq=False)
class FinalEvaluation:
    """Evaluates the found architecture and the references, all with the same seeds.

    A search on the test pictures themselves, as ISNAS-DIP, has fitted its architecture to them
    already: that one is evaluated with the seed of this trial, so that what was selected is what is
    returned, to the bit.

    If the evaluator estimates on the search split when to stop
    (:attr:`~nasir.core.evaluator.Evaluation.stop`), references are evaluated there too,
    and each stops at its own share.
    """

    run: Run
    store: RunStore
    problem: Problem
    executor: Executor
    threads: int
    notify: Callable[..., None]
    policy: FailurePolicy = attrs.field(factory=FailurePolicy)

    def evaluate(self, found: Trial, references: Sequence[str]) -> None:
        """Evaluate what has not been evaluated yet, store it, and write ``best/``."""
        architectures = {FOUND: found.architecture}
        architectures |= {name: self.problem.space.named(name) for name in references}
        if self.store.final_evaluations().get((FOUND, "search")) != found:
            with self.store.transaction():
                self.store.drop_final_evaluations(FOUND)
                self.store.save_final_evaluation(FOUND, "search", found)
        if found.stop is not None:
            self._evaluate(found, {(n, "search"): a for n, a in architectures.items()})
        self._evaluate(found, {(n, "test"): a for n, a in architectures.items()})

    def _is_final(self, found: Trial) -> bool:
        """Whether a trial was evaluated in full on the pictures that are tested on."""
        proposal = found.proposal
        whole = proposal.stage == FULL and proposal.fidelity == 1.0
        return self.problem.split == "test" and whole

    def _evaluate(self, found: Trial, architectures: dict[Key, Architecture]) -> None:
        done = self.store.final_evaluations()
        futures = {}
        for number, (key, architecture) in enumerate(architectures.items()):
            if key in done:
                continue
            name, split = key
            before = done.get((name, "search"))
            stop = (before.stop or 1.0) if before and split == "test" else 1.0
            seed = derived_seed(self.problem.seed, "final", split)
            if name == FOUND and self._is_final(found):
                seed = found.seed
            trial = Trial(number, Proposal(architecture, FULL, stop), seed)
            self.notify("final_started", run=self.run, name=name, split=split, trial=trial)
            future = self._submit(split, trial)
            if future.done():
                self._keep(key, future, trial)
            else:
                futures[key] = (future, trial)
        for key, (future, trial) in futures.items():
            self._keep(key, future, trial)

    def _submit(self, split: str, trial: Trial, smaller: int = 0) -> Future[Outcome]:
        problem = self.problem.for_test() if split == "test" else self.problem
        return self.executor.submit(evaluate_trial, trial, problem, self.threads, smaller)

    def _last_attempt(self, future: Future[Outcome], split: str, trial: Trial) -> Outcome:
        """The outcome of the last attempt, the first being `future`."""
        outcome, retries = outcome_of(future, trial), Retries(self.policy)
        while retries.wants(outcome):
            outcome = outcome_of(self._submit(split, trial, retries.smaller(trial.number)), trial)
        return outcome

    def _keep(self, key: Key, future: Future[Outcome], trial: Trial) -> None:
        name, split = key
        outcome = self._last_attempt(future, split, trial)
        with self.store.transaction():  # only the process that owns the run writes its files
            if split == "test":
                outcome = self._written(name, outcome)
            self.store.save_final_evaluation(name, split, outcome.trial)
        ended = outcome.trial
        self.notify("final_finished", run=self.run, name=name, split=split, trial=ended)

    def _written(self, name: str, outcome: Outcome) -> Outcome:
        """Write what was restored; what cannot be written makes a failed evaluation."""
        inside = ("best",) if name == FOUND else ("references", file_name(name))
        folder, architecture = self.run.folder.joinpath(*inside), outcome.trial.architecture
        try:
            write_result(folder, architecture, self.run.settings, outcome.restored, outcome.weights)
        except RunFolderError:
            raise
        except Exception as error:
            write_result(folder, architecture, self.run.settings)
            return failed(outcome.trial, error)
        return outcome
