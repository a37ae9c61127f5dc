"""How to look for an architecture."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import attrs

from nasir.core.architecture import Architecture
from nasir.core.errors import NasirError
from nasir.core.registry import registries
from nasir.core.task import Split

if TYPE_CHECKING:
    from nasir.core.evaluator import Evaluator
    from nasir.core.problem import Problem

FULL = "full"
"""The stage at which an architecture is judged in earnest."""

FOUND = "found"
"""The name of the found architecture where it is judged beside references."""

Curve = tuple[tuple[float, float], ...]
"""The learning curve of a fit: the share of the full effort, in (0, 1], and the PSNR in dB there."""


@attrs.frozen
class Proposal:
    """What to evaluate: an architecture, the evaluator (by stage) and the share of its effort.

    `seed` is that of an earlier trial which this one goes on from; None: one of its own.
    """

    architecture: Architecture
    stage: str = FULL
    fidelity: float = 1.0
    seed: int | None = attrs.field(default=None, eq=False)


@attrs.frozen
class Trial:
    """A proposal and what came of it.

    `score` is None unless the state is ``complete``; `error` is why a trial failed, its first
    line in plain words. `metrics`, `by_picture`, `curve` and `stop` are those of the
    :class:`~nasir.core.evaluator.Evaluation`. `started` is in seconds since the epoch. `pictures`
    are the restored pictures ``(H, W, C)`` by name, where the strategy looks at those of the
    stage (see :attr:`Strategy.looks_at`); they are there when the strategy gets the trial, and
    are not kept.
    """

    number: int
    proposal: Proposal
    seed: int
    state: Literal["running", "complete", "failed"] = "running"
    score: float | None = None
    metrics: Mapping[str, float] = attrs.field(factory=dict)
    by_picture: Mapping[str, Mapping[str, float]] = attrs.field(factory=dict)
    curve: Mapping[str, Curve] = attrs.field(factory=dict)
    stop: float | None = None
    started: float | None = None
    seconds: float | None = None
    worker: str | None = None
    error: str | None = None
    pictures: Mapping[str, Any] = attrs.field(factory=dict, eq=False, repr=False)

    @property
    def architecture(self) -> Architecture:
        return self.proposal.architecture

    @property
    def reason(self) -> str:
        """The first line of `error`."""
        return (self.error or "").partition("\n")[0]


class Strategy(ABC):
    """Proposes architectures and learns from how they did.

    A subclass is an attrs class; its settable fields are its settings. Everything it draws
    comes from a generator that it seeds with ``problem.seed``, and everything it remembers is
    in its state, so that a search that was interrupted goes on as if it never had been.
    """

    split: ClassVar[Split] = "search"
    """The pictures that trials are judged on; ``test`` where no ground truth is looked at."""

    looks_at: ClassVar[frozenset[str]] = frozenset()
    """The stages whose trials are told with their pictures."""

    @property
    def usual_trials(self) -> int:
        """How many trials a search has where the user does not say."""
        return 10

    def stages(self, full: Evaluator) -> Mapping[str, Evaluator]:
        """The evaluators of the stages that this strategy has besides ``full``, by name."""
        return {}

    @abstractmethod
    def bind(self, problem: Problem) -> None:
        """Get ready to search `problem`; called once, before anything else."""

    @abstractmethod
    def ask(self) -> Proposal | None:
        """The next proposal.

        None means there is none now, and must change no state: the search ends if no evaluation
        is under way, else the strategy is asked again.
        """

    @abstractmethod
    def tell(self, trial: Trial) -> None:
        """Take in a finished trial, complete or failed; called in the order of the asking."""

    def inherit(self, trials: Sequence[Trial]) -> None:  # noqa: B027 (most learn nothing)
        """Learn from complete full-stage trials that others proposed.

        They are none of this strategy's own and count for nothing but what they tell.
        """

    @abstractmethod
    def state_dict(self) -> dict[str, Any]:
        """All that :meth:`ask` and :meth:`tell` depend on: JSON values and numpy arrays."""

    @abstractmethod
    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go back to a state; called after :meth:`bind`."""

    def remember(self, trials: Sequence[Trial]) -> None:  # noqa: B027 (most need the state alone)
        """Go through all that was told and inherited so far, in order, after a state was loaded.

        What can be made of the trials again needs no place in the state.
        """

    def recommend(self, trials: Sequence[Trial]) -> Trial:
        """The trial whose architecture to use: the best score at the full stage by default."""
        return best_of(trials)


@attrs.frozen
class Part:
    """A strategy that another holds, with the name that it is registered by."""

    name: str
    strategy: Strategy

    @classmethod
    def of(cls, given: Part | Strategy) -> Part:
        """The strategy as a part; what is one stays as it is."""
        if isinstance(given, Part):
            return given
        name = registries["strategy"].name_of(type(given))
        return cls(name or type(given).__name__, given)


def best_of(trials: Sequence[Trial]) -> Trial:
    """The complete full-stage trial with the greatest fidelity and then score, the first of equals.

    Where none is of the full stage, the one with the best score of any. Raises
    :class:`~nasir.core.errors.NasirError` where none is complete.
    """
    complete = [t for t in trials if t.state == "complete"]
    if not complete:
        failed = next((t for t in trials if t.state == "failed"), None)
        reason = f"; the first failure: {failed.reason}" if failed else ""
        raise NasirError(f"no trial is complete{reason}")
    full = [t for t in complete if t.proposal.stage == FULL]
    if full:
        return max(full, key=lambda t: (t.proposal.fidelity, t.score, -t.number))
    return max(complete, key=lambda t: (t.score, -t.number))


def best_first(trials: Sequence[Trial]) -> list[Trial]:
    """Trials as they are ranked by default: complete, full-stage, of the greatest fidelity, score.

    The failed ones come last, equals in the order they have.
    """

    def rank(trial: Trial) -> tuple[bool, bool, float, float]:
        proposal, value = trial.proposal, trial.score if trial.score is not None else 0.0
        return trial.state == "complete", proposal.stage == FULL, proposal.fidelity, value

    return sorted(trials, key=rank, reverse=True)
