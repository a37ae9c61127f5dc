"""An optimiser of nevergrad, on the architectures of a domain."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from difflib import get_close_matches
from typing import Any

import nevergrad as ng
import numpy as np
from nevergrad.common.errors import TellNotAskedNotSupportedError
from nevergrad.optimization.optimizerlib import NGOptBase
from nevergrad.optimization.recaster import RecastOptimizer

from nasir.core.architecture import Architecture
from nasir.core.domain import Domain
from nasir.core.errors import NasirError, SettingsError, UnknownNameError
from nasir.core.seeds import derived_seed
from nasir.strategies.nevergrad.encoding import Encoding, Transitions, Weights

OVER = "Over the budget"
"""Nevergrad's message if all points have been asked for."""

GENERATORS = 2**32
"""Seeds of numpy's older generators are below this."""


class ArchitectureOptimizer:
    """Proposes architectures and learns their losses, the same for the same calls and seed.

    Some optimisers draw from numpy's global generator: they get one of their own.
    """

    def __init__(self, name: str, domain: Domain, seed: int, budget: int, workers: int) -> None:
        if name not in ng.optimizers.registry:
            raise _unknown(name)
        self.name = name
        self._domain = domain
        self._over = False
        self._global = _random_state(seed, "global").get_state()
        start = domain.sample(np.random.default_rng(derived_seed(seed, "nevergrad", "start")))
        with self._own_generator():
            self._encoding, self._optimizer = self._made(seed, start, budget, workers)

    @property
    def sequential(self) -> bool:
        """Whether the optimiser needs the loss of each candidate before the next."""
        mutation = getattr(self._optimizer, "mutation", None)
        return bool(self._optimizer.no_parallelization) or mutation == "doerr"

    @property
    def ended(self) -> bool:
        """Whether an optimiser that plans its points in advance has no more."""
        optimizer = self._optimizer
        return self._over or bool(optimizer.one_shot and optimizer.num_ask >= optimizer.budget)

    def ask(self) -> tuple[Any, Architecture] | None:
        """A candidate, for :meth:`tell`, and its architecture.

        None from then on, if a part of the optimiser that plans its points has no more.
        """
        with self._own_generator():
            try:
                candidate = self._optimizer.ask()
            except AssertionError as error:
                if OVER not in str(error):
                    raise
                self._over = True
                return None
        return candidate, self._domain.decode(self._encoding.numbers(candidate.value))

    def tell(self, candidate: Any, architecture: Architecture, loss: float) -> None:
        """Report the loss of the architecture of `candidate`.

        If conditions changed the architecture, discrete mutations continue from the evaluated
        one. The steps of other optimisers are tied to the candidate that they proposed.
        """
        if isinstance(self._encoding, Transitions):
            asked = self._encoding.numbers(candidate.value)
            evaluated = self._evaluated(architecture, asked)
            if evaluated != asked:
                candidate = self._child(evaluated)
        with self._own_generator():
            self._optimizer.tell(candidate, loss)

    def tell_not_asked(self, architecture: Architecture, loss: float) -> None:
        """Report the loss of an architecture that was not proposed, if the optimiser accepts it."""
        with self._own_generator():
            try:
                self._optimizer.tell(self._child(self._domain.encode(architecture)), loss)
            except TellNotAskedNotSupportedError:
                return

    def _made(
        self, seed: int, start: Architecture, budget: int, workers: int
    ) -> tuple[Encoding, Any]:
        """The optimiser with the right encoding; refuses one that cannot be repeated."""

        def made(encoding: Encoding) -> Any:
            parametrization = encoding.parametrization()
            parametrization.random_state = _random_state(seed, "optimizer")
            return ng.optimizers.registry[self.name](parametrization, budget, workers)

        transitions, encoding = Transitions(self._domain), Weights(self._domain)
        optimizer = made(transitions)
        discrete = [part for part in _parts(optimizer) if _mutates_options(part)]
        if not discrete:
            optimizer = made(encoding)
        if any(isinstance(part, RecastOptimizer) for part in _parts(optimizer)):
            raise SettingsError(
                f"strategy.optimizer={self.name} cannot be stored: it calls another library in a "
                "thread, which would also delay the end of the program: take another, such "
                "as DiscreteOnePlusOne"
            )
        if not discrete:
            return encoding, optimizer
        for part in discrete:
            part.arity_for_discrete_mutation = transitions.arity
        # their own start is the middle of all options, the same for every seed
        optimizer.suggest(transitions.value(self._domain.encode(start)))
        return transitions, optimizer

    def _child(self, numbers: Sequence[int]) -> Any:
        return self._optimizer.parametrization.spawn_child(self._encoding.value(numbers))

    def _evaluated(self, architecture: Architecture, asked: Sequence[int]) -> list[int]:
        """The option numbers of an architecture; `asked` wherever it encodes the same option.

        A decision that does not apply keeps its number, which mutations may change without effect.
        """
        domain = self._domain
        rows = zip(
            domain.decisions,
            domain.prefix(architecture),
            domain.encode(architecture),
            asked,
            strict=True,
        )
        return [
            was if value is None or was % len(decision.options) == number else number
            for decision, value, number, was in rows
        ]

    @contextmanager
    def _own_generator(self) -> Iterator[None]:
        """Calls nevergrad with its own global generator; its errors become one line."""
        kept = np.random.get_state()
        np.random.set_state(self._global)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                yield
        except NasirError:
            raise
        except ImportError as error:
            raise SettingsError(
                f"strategy.optimizer={self.name} needs another package ({_line(error)}): "
                "install it, or take another, such as DiscreteOnePlusOne"
            ) from error
        except Exception as error:
            raise NasirError(
                f"strategy.optimizer={self.name} of nevergrad failed: {_line(error)}: "
                "take another, such as DiscreteOnePlusOne"
            ) from error
        finally:
            self._global = np.random.get_state()
            np.random.set_state(kept)


def _line(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__


def _unknown(name: str) -> UnknownNameError:
    """The error for an unknown optimiser, with the nearest names and not all hundreds."""
    known = sorted(ng.optimizers.registry)
    nearest = get_close_matches(name, known, n=3, cutoff=0.5)
    hint = f"did you mean {' or '.join(map(repr, nearest))}? " if nearest else ""
    return UnknownNameError(
        f"unknown optimizer of nevergrad {name!r}: {hint}nevergrad.optimizers.registry lists all "
        f"{len(known)}, such as DiscreteOnePlusOne, CMA, DE and NGOpt"
    )


def _random_state(seed: int, purpose: str) -> np.random.RandomState:
    return np.random.RandomState(derived_seed(seed, "nevergrad", purpose) % GENERATORS)


def _parts(optimizer: ng.optimizers.base.Optimizer) -> Iterator[ng.optimizers.base.Optimizer]:
    """An optimiser and all its parts."""
    yield optimizer
    chosen = [optimizer.optim] if isinstance(optimizer, NGOptBase) else []
    for value in (*vars(optimizer).values(), *chosen):
        for part in value if isinstance(value, (list, tuple)) else (value,):
            if isinstance(part, ng.optimizers.base.Optimizer):
                yield from _parts(part)


def _mutates_options(optimizer: ng.optimizers.base.Optimizer) -> bool:
    """Whether a mutation of an optimiser draws another option."""
    gaussian = ("gaussian", "cauchy")
    return getattr(optimizer, "mutation", gaussian[0]) not in gaussian
