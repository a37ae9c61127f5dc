"""How architectures are searched for."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import attrs

from nasir.core.task import Split
from nasir.core.trial import FULL, Proposal, Trial, best_of

if TYPE_CHECKING:
    from nasir.core.evaluator import Evaluator, Problem


@attrs.frozen
class Timing:
    """How long evaluations take: `seconds` of a full one, by stage.

    A fit may stop at a share of its full effort between `least`, below which its score says
    nothing about the architecture, and `most`, above which it says no more.
    """

    seconds: Mapping[str, float]
    least: float = 1.0
    most: float = 1.0


@attrs.frozen
class SizedSearch:
    """A search of at most `trials`, in which fits stop at a `share` of their full effort."""

    strategy: Strategy
    trials: int
    share: float = 1.0


class Strategy(ABC):
    """Proposes architectures and learns from their trials.

    A subclass is an attrs class; its settable fields are its settings. Its randomness comes from a
    generator that it seeds with ``problem.seed``, and its memory is in its state, so that an
    interrupted search continues as if it had not been interrupted.
    """

    split: ClassVar[Split] = "search"
    """The pictures that trials are evaluated on; ``test`` for a search without ground truth."""

    looks_at: ClassVar[frozenset[str]] = frozenset()
    """The stages whose trials come with their restored pictures."""

    @property
    def usual_trials(self) -> int:
        """The default number of trials of a search."""
        return 10

    def fewest_trials(self, problem: Problem) -> int:
        """The fewest trials after which there is what the search is made to find.

        By default 1, the first full evaluation; more for a strategy whose first trials score or
        train. Fewer are refused. Called before :meth:`bind`.
        """
        return 1

    def sized_to(self, seconds: float, timing: Timing, fixed: Collection[str] = ()) -> SizedSearch:
        """A search of a size that ends in about `seconds`.

        `fixed` names the settings that must not change. The search ends after `seconds` whatever
        its size is. By default it has its usual trials, with shorter fits.
        """
        share = seconds / (self.usual_trials * timing.seconds[FULL])
        return SizedSearch(self, self.usual_trials, min(timing.most, max(timing.least, share)))

    def seconds_before_full(self, problem: Problem) -> float | None:
        """About the seconds here of all trials that come before those of ``full``.

        It is measured by a short part of the work, for a plan. None, the default: unknown. Called
        before :meth:`bind`.
        """
        return None

    def stages(self, full: Evaluator) -> Mapping[str, Evaluator]:
        """The evaluators of the stages that this strategy has besides ``full``, by name."""
        return {}

    @abstractmethod
    def bind(self, problem: Problem) -> None:
        """Prepare to search `problem`; called once, before anything else."""

    @abstractmethod
    def ask(self) -> Proposal | None:
        """The next proposal.

        None means that there is none now, and must change no state: the search ends if no
        evaluation is in progress, else the strategy is asked again.
        """

    @abstractmethod
    def tell(self, trial: Trial) -> None:
        """Learn from a finished trial, complete or failed; called in the order of :meth:`ask`."""

    def inherit(self, trials: Sequence[Trial]) -> None:  # noqa: B027 (most learn nothing)
        """Learn from complete full-stage trials that others proposed.

        They do not count as trials of this strategy.
        """

    @abstractmethod
    def state_dict(self) -> dict[str, Any]:
        """All that :meth:`ask` and :meth:`tell` depend on: JSON values and numpy arrays."""

    @abstractmethod
    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore a state; called after :meth:`bind`."""

    def remember(self, trials: Sequence[Trial]) -> None:  # noqa: B027 (most need the state alone)
        """Get all trials of :meth:`tell` and :meth:`inherit` so far, after a state was loaded.

        What can be computed from the trials need not be in the state.
        """

    def recommend(self, trials: Sequence[Trial]) -> Trial:
        """The trial whose architecture to use: the best score at the full stage by default."""
        return best_of(trials)
