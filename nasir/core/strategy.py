"""How to look for an architecture."""

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

    A fit to one picture may be left at a share of its effort from `least`, below which it says
    nothing, to `most`, beyond which it is no better to choose by.
    """

    seconds: Mapping[str, float]
    least: float = 1.0
    most: float = 1.0


@attrs.frozen
class SizedSearch:
    """A search of at most `trials`, in which fits are left at a `share` of their effort."""

    strategy: Strategy
    trials: int
    share: float = 1.0


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

    def sized_to(self, seconds: float, timing: Timing, fixed: Collection[str] = ()) -> SizedSearch:
        """The same search, of a size that ends in about `seconds`.

        `fixed` names the settings that must stay as they are. The search is ended after `seconds`
        whatever its size is. By default it has its usual trials, with shorter fits.
        """
        share = seconds / (self.usual_trials * timing.seconds[FULL])
        return SizedSearch(self, self.usual_trials, min(timing.most, max(timing.least, share)))

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
