"""Decisions, and the domain of architectures that they span."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import attrs

from nasir.core.architecture import Architecture, Value
from nasir.core.errors import ArchitectureError, NasirError, unknown_name
from nasir.core.prior import Prior

if TYPE_CHECKING:
    import numpy as np

Condition = Mapping[str, Sequence[Value]]
"""Options by decision name. It holds if each named decision chose one of its options."""

Prefix = tuple[Value | None, ...]
"""The choices of the first decisions, in order; None for a decision that does not apply."""

Offered = tuple[tuple[Value, ...], tuple[int, ...]]
"""The options of a decision, and how many architectures there are with each."""


def _options(given: Iterable[Value]) -> tuple[Value, ...]:
    return tuple(given)


def _decisions(given: Iterable[Decision]) -> tuple[Decision, ...]:
    return tuple(given)


def _conditions(given: Condition | Iterable[Condition] | None) -> tuple[Condition, ...]:
    if given is None:
        return ()
    return (given,) if isinstance(given, Mapping) else tuple(given)


@attrs.frozen
class Decision:
    """One choice among `options`.

    It applies if any of the conditions in `active_if` holds, or if there are none. Conditions
    name earlier decisions only.
    """

    name: str
    options: tuple[Value, ...] = attrs.field(converter=_options)
    active_if: tuple[Condition, ...] = attrs.field(default=None, converter=_conditions)

    def __attrs_post_init__(self) -> None:
        if not self.options:
            raise ValueError(f"decision {self.name!r} has no options")
        if len(set(map(repr, self.options))) != len(self.options):
            raise ValueError(f"decision {self.name!r} repeats an option: {self.options}")


@attrs.frozen
class Domain:
    """The valid architectures of the space called `space`, as ordered decisions.

    `forbidden` lists combinations that no architecture may have. Options without any valid
    completion are never offered, so every walk through the decisions ends at a valid architecture.
    Random methods take a :class:`numpy.random.Generator` and depend on nothing else.
    """

    space: str
    decisions: tuple[Decision, ...] = attrs.field(converter=_decisions)
    forbidden: tuple[Condition, ...] = attrs.field(default=None, converter=_conditions)
    prior: Prior | None = attrs.field(default=None, kw_only=True, eq=False, repr=False)
    _index: dict[str, int] = attrs.field(init=False, eq=False, repr=False)
    _live: tuple[tuple[int, ...], ...] = attrs.field(init=False, eq=False, repr=False)
    _counts: dict[Any, int] = attrs.field(init=False, factory=dict, eq=False, repr=False)
    _offered: dict[Any, Offered] = attrs.field(init=False, factory=dict, eq=False, repr=False)

    def __attrs_post_init__(self) -> None:
        index = {decision.name: i for i, decision in enumerate(self.decisions)}
        if len(index) != len(self.decisions):
            raise ValueError("two decisions have the same name")
        for clause in (*self.forbidden, *(c for d in self.decisions for c in d.active_if)):
            for name in clause:
                if name not in index:
                    raise ValueError(f"a condition names {name!r}, which is no decision")
        groups: list[set[int]] = [{index[name] for name in clause} for clause in self.forbidden]
        for i, decision in enumerate(self.decisions):
            named = {index[name] for clause in decision.active_if for name in clause}
            if any(j >= i for j in named):
                raise ValueError(f"decision {decision.name!r} depends on a later one")
            groups.append(named | {i})
        live = [
            tuple(sorted({j for group in groups if max(group) >= i for j in group if j < i}))
            for i in range(len(self.decisions) + 1)
        ]
        object.__setattr__(self, "_index", index)
        object.__setattr__(self, "_live", tuple(live))
        self._count()
        if not self.size:
            raise ValueError(f"no architecture of space {self.space!r} is valid")

    @property
    def size(self) -> int:
        """How many architectures there are."""
        return self.completions(())

    def completions(self, prefix: Prefix) -> int:
        """How many architectures begin with `prefix`."""
        return self._counts.get(self._key(prefix), 0)

    def options(self, prefix: Prefix) -> tuple[Value, ...]:
        """The options of the decision after `prefix`; empty if it does not apply."""
        return self._offer(prefix)[0]

    def architecture(self, choices: Mapping[str, Value]) -> Architecture:
        """The architecture with these choices; refuses missing, unknown and forbidden ones."""
        for name in choices:
            if name not in self._index:
                raise unknown_name(f"decision of space {self.space!r}:", name, self._index)
        prefix: Prefix = ()
        for decision in self.decisions:
            options = self.options(prefix)
            value = choices.get(decision.name) if options else None
            if options and not _among(value, options):
                raise ArchitectureError(
                    f"decision {decision.name!r} of space {self.space!r} cannot be {value!r} here: "
                    f"choose one of {', '.join(map(str, options))}"
                )
            prefix = (*prefix, value)
        return self._named(prefix)

    def walk(self, choose: Callable[[Decision, tuple[Value, ...]], Value]) -> Architecture:
        """The architecture of the options that `choose` takes at each decision that applies."""
        prefix: Prefix = ()
        for decision in self.decisions:
            options = self.options(prefix)
            prefix = (*prefix, choose(decision, options) if options else None)
        return self._named(prefix)

    def prefix(self, architecture: Architecture) -> Prefix:
        """The choice of each decision, in order; None if a decision does not apply."""
        return tuple(architecture.choices.get(decision.name) for decision in self.decisions)

    def sample(self, rng: np.random.Generator) -> Architecture:
        """An architecture drawn from all valid ones: uniformly, or by the :attr:`prior`."""
        prior = self.prior
        if prior is not None and rng.random() < prior.share:
            return self.walk(lambda decision, options: prior.choose(decision.name, options, rng))
        return self._complete((), rng)

    def mutate(self, architecture: Architecture, rng: np.random.Generator) -> Architecture:
        """A different architecture: one decision changed, the others kept if they still apply.

        Returns `architecture` itself if the domain has no other.
        """
        chosen = self.prefix(architecture)
        places = [i for i in range(len(chosen)) if len(self.options(chosen[:i])) > 1]
        if not places:
            return architecture
        i = places[int(rng.integers(len(places)))]
        others = [v for v in self.options(chosen[:i]) if not _among(v, (chosen[i],))]
        changed = (*chosen[:i], others[int(rng.integers(len(others)))])
        return self._complete(changed, rng, prefer=(chosen,))

    def crossover(
        self, first: Architecture, second: Architecture, rng: np.random.Generator
    ) -> Architecture:
        """A child that takes each decision from either parent, if that is valid."""
        parents = [self.prefix(first), self.prefix(second)]
        return self._complete((), rng, prefer=tuple(parents))

    def neighbours(self, architecture: Architecture) -> Iterator[Architecture]:
        """Every valid architecture with one decision changed and all others kept.

        Decisions that apply only after the change take each of their options.
        """
        chosen = self.prefix(architecture)
        for i, value in enumerate(chosen):
            if value is None:
                continue
            for other in self.options(chosen[:i]):
                if not _among(other, (value,)):
                    for prefix in self._kept((*chosen[:i], other), chosen):
                        yield self._named(prefix)

    def encode(self, architecture: Architecture) -> tuple[int, ...]:
        """The index of the chosen option of each decision; 0 if a decision does not apply."""
        pairs = zip(self.decisions, self.prefix(architecture), strict=True)
        return tuple(0 if v is None else _place(v, d.options) for d, v in pairs)

    def decode(self, numbers: Sequence[int]) -> Architecture:
        """The architecture of any integers, one a decision; cyclically the next valid option."""
        prefix: Prefix = ()
        for decision, number in zip(self.decisions, numbers, strict=True):
            allowed = self.options(prefix)
            n = len(decision.options)
            turns = (decision.options[(int(number) + step) % n] for step in range(n))
            prefix = (*prefix, next((v for v in turns if _among(v, allowed)), None))
        return self._named(prefix)

    def __iter__(self) -> Iterator[Architecture]:
        """All architectures, in the order of their decisions' options."""
        return map(self._named, self._kept((), (None,) * len(self.decisions)))

    def __contains__(self, architecture: Architecture) -> bool:
        try:
            return self.architecture(architecture.choices) == architecture
        except (NasirError, LookupError, ValueError):
            return False

    def _key(self, prefix: Prefix) -> tuple[Any, ...]:
        """What the completions of `prefix` and the options after it depend on."""
        return len(prefix), *[repr(prefix[j]) for j in self._live[len(prefix)]]

    def _offer(self, prefix: Prefix) -> Offered:
        """The options of the decision after `prefix`, and the completions of each."""
        key = self._key(prefix)
        if key not in self._offered:
            pairs = [(v, self.completions((*prefix, v))) for v in self._open(prefix)]
            possible = [(v, n) for v, n in pairs if v is not None and n]
            self._offered[key] = tuple(v for v, _ in possible), tuple(n for _, n in possible)
        return self._offered[key]

    def _count(self) -> None:
        """Count the completions of every prefix, once for all that have the same key.

        Forward to find the prefixes that can occur, one for each key, and back to add up.
        """
        levels: list[dict[Any, Prefix]] = [{self._key(()): ()}]
        for _ in self.decisions:
            longer = ((*p, v) for p in levels[-1].values() for v in self._open(p))
            levels.append({self._key(prefix): prefix for prefix in longer})
        self._counts.update(dict.fromkeys(levels[-1], 1))
        for level in reversed(levels[:-1]):
            for key, prefix in level.items():
                self._counts[key] = sum(self.completions((*prefix, v)) for v in self._open(prefix))

    def _open(self, prefix: Prefix) -> tuple[Value | None, ...]:
        """The options that no condition or forbidden combination of `prefix` rules out."""
        i = len(prefix)
        decision = self.decisions[i]
        if decision.active_if and not any(self._holds(c, prefix) for c in decision.active_if):
            return (None,)
        closing = [c for c in self.forbidden if max(self._index[name] for name in c) == i]
        if not closing:
            return decision.options
        return tuple(
            v for v in decision.options if not any(self._holds(c, (*prefix, v)) for c in closing)
        )

    def _holds(self, condition: Condition, prefix: Prefix) -> bool:
        return all(_among(prefix[self._index[n]], options) for n, options in condition.items())

    def _complete(
        self, prefix: Prefix, rng: np.random.Generator, prefer: tuple[Prefix, ...] = ()
    ) -> Architecture:
        """Complete `prefix`: with a preferred choice if one is open, else by a uniform draw."""
        for i in range(len(prefix), len(self.decisions)):
            options, weights = self._offer(prefix)
            wanted = [p[i] for p in prefer if _among(p[i], options)]
            if not options:
                prefix = (*prefix, None)
            elif wanted:
                prefix = (*prefix, wanted[int(rng.integers(len(wanted)))])
            else:
                total, mark, k = sum(weights), rng.random(), 0
                while k + 1 < len(options) and mark >= weights[k] / total:
                    mark -= weights[k] / total
                    k += 1
                prefix = (*prefix, options[k])
        return self._named(prefix)

    def _kept(self, prefix: Prefix, chosen: Prefix) -> Iterator[Prefix]:
        """The completions of `prefix` that keep the options that were `chosen`."""
        i = len(prefix)
        if i == len(self.decisions):
            yield prefix
            return
        options: tuple[Value | None, ...] = self.options(prefix)
        if options and chosen[i] is not None:
            options = (chosen[i],) if _among(chosen[i], options) else ()
        elif not options:
            options = (None,)
        for value in options:
            yield from self._kept((*prefix, value), chosen)

    def _named(self, prefix: Prefix) -> Architecture:
        pairs = zip(self.decisions, prefix, strict=True)
        return Architecture(self.space, {d.name: v for d, v in pairs if v is not None})


def _place(value: Value, options: Sequence[Value]) -> int:
    return next(i for i, option in enumerate(options) if _among(value, (option,)))


def _among(value: Value | None, options: Iterable[Value | None]) -> bool:
    """Whether `value` is one of `options`; 1, 1.0 and True are different."""
    return any(type(value) is type(option) and value == option for option in options)
