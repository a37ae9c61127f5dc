"""All cells of a domain, and their weights from tables of weights of decisions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import attrs
import torch
from torch import Tensor

from nasir.core.architecture import Value
from nasir.core.domain import Domain
from nasir.kernels.graphs import constant, used
from nasir.search_spaces.nasdip.cell import DECISIONS
from nasir.search_spaces.nasdip.operations import operation

Tables = Mapping[str, Tensor]
"""Weights of options by decision: ``(options,)``, for ``transform`` ``(branches, options)``."""

Weights = Sequence[tuple[int, Tensor]]
"""The index and the weight of each option of weight other than zero."""


@attrs.frozen
class Term:
    """A transform with its kernel and dilation; None where a cell has no such decision."""

    transform: Any
    kernel: Any
    dilation: Any


@attrs.frozen
class BranchOptions:
    """Upsamplings that need the same channels of the transform, and the terms they can have.

    An upsampling without a transform is a branch of its own, and its terms have no transform.
    """

    upsamplings: tuple[Any, ...]
    terms: tuple[Term, ...]


@attrs.frozen
class BranchWeights:
    """The weight `share` of a branch, and those of its options, which add up to 1 each."""

    share: Tensor
    upsamplings: Weights
    terms: Weights
    activations: Weights


class CellOptions:
    """All valid cells of a domain whose first decisions are those of a cell.

    The weight of a cell is the product of the weights of its choices. The possible transforms
    depend on the upsampling: each branch has its own row in the table ``transform``, where
    impossible ones are `closed`. So the weights of all valid cells add up to 1.
    """

    def __init__(self, domain: Domain) -> None:
        self.domain = domain
        self.branches = _branches(domain)
        named = {d.name: d.options for d in domain.decisions if d.name in DECISIONS}
        self.options = {**named, "upsample": domain.options(())}
        possible = [
            [t in {term.transform for term in branch.terms} for t in self.options["transform"]]
            for branch in self.branches
        ]
        self.rows = [place for place, row in enumerate(possible) if any(row)]
        self.closed = ~torch.tensor([possible[place] for place in self.rows], dtype=torch.bool)

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """The shape of each table."""
        shapes: dict[str, tuple[int, ...]] = {n: (len(o),) for n, o in self.options.items()}
        del shapes["transform"]
        return shapes | ({"transform": tuple(self.closed.shape)} if self.rows else {})

    def mix(self, tables: Tables) -> list[BranchWeights | None]:
        """The weights of each branch; None for a branch of weight zero."""
        activations = _used(tables["activation"])
        return [self._of_branch(place, tables, activations) for place in range(len(self.branches))]

    def best(self, tables: Tables) -> dict[str, Value]:
        """The choice of the greatest weight at each decision, also where it does not apply.

        On a tie the first wins.
        """
        chosen = {
            name: self.options[name][int(table.argmax())]
            for name, table in tables.items()
            if name in self.options and name != "transform"
        }
        branch = self._branch_of(chosen["upsample"])
        if branch in self.rows:
            row = tables["transform"][self.rows.index(branch)]
            chosen["transform"] = self.options["transform"][int(row.argmax())]
        return chosen

    def places_of(self, choices: Mapping[str, Value]) -> tuple[int, int, int, int]:
        """The indices of a cell: its branch, and its upsampling, term and activation in there."""
        upsampling = choices["upsample"]
        branch = self._branch_of(upsampling)
        options = self.branches[branch]
        term = Term(*(choices.get(name) for name in ("transform", "kernel", "dilation")))
        return (
            branch,
            options.upsamplings.index(upsampling),
            options.terms.index(term),
            self.options["activation"].index(choices["activation"]),
        )

    def one_hot(self, choices: Mapping[str, Value], like: Tensor) -> dict[str, Tensor]:
        """Tables with all the weight on a cell; arbitrary where a decision does not apply."""
        hot = {}
        for name, shape in self.shapes().items():
            value = choices.get(name)
            place = self.options[name].index(value) if value is not None else 0
            hot[name] = like.new_zeros(shape)
            hot[name][..., place] = 1.0
        return hot

    def _branch_of(self, upsampling: Value) -> int:
        return next(p for p, b in enumerate(self.branches) if upsampling in b.upsamplings)

    def _of_branch(self, branch: int, tables: Tables, activations: Weights) -> BranchWeights | None:
        options = self.branches[branch]
        first = tables["upsample"]
        named = [self.options["upsample"].index(name) for name in options.upsamplings]
        here = constant(named, first)
        share = first[here].sum()
        if not used(share):
            return None
        return BranchWeights(
            share, _used(first[here] / share), _used(self._terms(branch, tables)), activations
        )

    def _terms(self, branch: int, tables: Tables) -> Tensor:
        """The weights of a branch's terms, ``(terms,)``: products over their choices."""
        terms = self.branches[branch].terms
        product = tables["upsample"].new_ones(len(terms))
        for name in ("transform", "kernel", "dilation"):
            chosen = [getattr(term, name) for term in terms]
            if any(value is not None for value in chosen):
                table = tables[name]
                table = table[self.rows.index(branch)] if name == "transform" else table
                with_none = torch.cat((table, table.new_ones(1)))
                indices = [self._place(name, value) for value in chosen]
                product = product * with_none[constant(indices, table)]
        return product

    def _place(self, name: str, value: Any) -> int:
        """The index of an option in its table; -1 without a choice."""
        return -1 if value is None else self.options[name].index(value)


def _branches(domain: Domain) -> tuple[BranchOptions, ...]:
    alike: dict[Any, list[Any]] = {}
    for upsampling in domain.options(()):
        kind = operation("upsample", str(upsampling))
        alone = upsampling if kind.place == "alone" else None
        alike.setdefault((kind.place, kind.channels_per_output, alone), []).append(upsampling)
    return tuple(BranchOptions(tuple(u), _terms_after(domain, u[0])) for u in alike.values())


def _terms_after(domain: Domain, upsampling: Any) -> tuple[Term, ...]:
    nothing = (None,)
    return tuple(
        Term(t, k, d)
        for t in domain.options((upsampling,)) or nothing
        for k in domain.options((upsampling, t)) or nothing
        for d in domain.options((upsampling, t, k)) or nothing
    )


def _used(weights: Tensor) -> Weights:
    """The weights that are not zero, with their indices."""
    pairs = zip(used(weights), weights.unbind(), strict=True)
    return [(place, weight) for place, (is_used, weight) in enumerate(pairs) if is_used]
