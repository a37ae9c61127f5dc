"""The contract of a search space."""

from __future__ import annotations

import pickle
from collections.abc import Mapping

import numpy as np
import pytest
import torch
from safetensors.torch import load, save
from torch import Tensor, nn

from nasir.core.architecture import Architecture
from nasir.core.errors import ArchitectureError, NasirError
from nasir.core.search_space import SearchSpace, Signature
from nasir.testing.components import ComponentContract

FEW = 2000
"""So many architectures are all listed."""


class SearchSpaceContract(ComponentContract):
    """What every search space must do. A subclass gives `make`; keep the networks small."""

    samples = 3
    """How many architectures are drawn and built."""

    scales: tuple[int, ...] = (1,)
    """The magnifications that the space's networks can have."""

    def make(self) -> SearchSpace:
        raise NotImplementedError(f"{type(self).__name__} wants a method make()")

    @pytest.fixture
    def space(self) -> SearchSpace:
        return self.make()

    @pytest.fixture
    def drawn(self, space: SearchSpace) -> list[Architecture]:
        rng = np.random.default_rng(0)
        return [space.domain.sample(rng) for _ in range(self.samples)]

    @pytest.fixture
    def named(self, space: SearchSpace, drawn: list[Architecture]) -> Mapping[str, Architecture]:
        """The drawn architectures and the references, by name."""
        return {str(a): a for a in drawn} | dict(space.reference())

    def test_the_size_of_the_domain_is_the_number_of_its_architectures(
        self, space: SearchSpace
    ) -> None:
        if space.domain.size > FEW:
            pytest.skip(f"more than {FEW} architectures")
        architectures = list(space.domain)
        assert len(architectures) == space.domain.size
        assert len({a.id for a in architectures}) == space.domain.size

    def test_drawn_and_changed_architectures_are_in_the_domain(self, space: SearchSpace) -> None:
        domain, rng = space.domain, np.random.default_rng(1)
        for _ in range(20):
            first, second = domain.sample(rng), domain.sample(rng)
            mutated = domain.mutate(first, rng)
            assert mutated != first or domain.size == 1
            for architecture in (first, second, mutated, domain.crossover(first, second, rng)):
                assert architecture in domain
        assert all(n in domain and n != first for n in domain.neighbours(first))

    def test_architectures_are_numbers_and_text_and_back(
        self, space: SearchSpace, drawn: list[Architecture]
    ) -> None:
        for architecture in drawn:
            assert space.domain.decode(space.domain.encode(architecture)) == architecture
            again = Architecture.from_json(architecture.json)
            assert (again, again.id, again.json) == (
                architecture,
                architecture.id,
                architecture.json,
            )

    def test_any_integers_decode_to_an_architecture(self, space: SearchSpace) -> None:
        rng = np.random.default_rng(2)
        for row in rng.integers(-(10**6), 10**6, size=(20, len(space.domain.decisions))):
            assert space.domain.decode([int(number) for number in row]) in space.domain

    def test_decisions_that_do_not_apply_never_change_the_id(
        self, space: SearchSpace, drawn: list[Architecture]
    ) -> None:
        for architecture in drawn:
            spare = {d.name: d.options[-1] for d in space.domain.decisions}
            again = space.domain.architecture({**spare, **architecture.choices})
            assert again.id == architecture.id

    def test_unknown_and_missing_decisions_are_refused(
        self, space: SearchSpace, drawn: list[Architecture]
    ) -> None:
        choices = dict(drawn[0].choices)
        unknown = {**choices, "no_such_decision": 1}
        missing = dict(list(choices.items())[1:])
        for wrong in (unknown, missing):
            with pytest.raises(NasirError):
                space.domain.architecture(wrong)
            with pytest.raises(NasirError):
                space.build(Architecture(space.domain.space, wrong), Signature(3, 3))

    def test_rules_make_other_architectures_of_the_domain(self, space: SearchSpace) -> None:
        """Each rule changes some architecture, the same way for the same seed."""
        rng = np.random.default_rng(3)
        drawn = [space.domain.sample(rng) for _ in range(20)] if space.rules else []
        for rule in space.rules:
            changed = {a: made for a in drawn if (made := _changed(space, a, rule)) is not None}
            assert all(made in space.domain and made != a for a, made in changed.items())
            assert all(_changed(space, a, rule) == made for a, made in changed.items())

    def test_the_baseline_is_one_of_the_references(self, space: SearchSpace) -> None:
        assert space.baseline is None or space.baseline in space.reference()

    def test_networks_take_every_size_and_number_of_channels(
        self, space: SearchSpace, named: Mapping[str, Architecture]
    ) -> None:
        side = space.smallest_side
        odd = side + 1 - side % 2
        for name, architecture in named.items():
            for scale in self.scales:
                for channels, height, width in ((1, side, side), (3, odd, odd + 4)):
                    network = space.build(architecture, Signature(channels, channels, scale))
                    y = network(torch.rand(2, channels, height, width))
                    assert y.shape == (2, channels, scale * height, scale * width), name
                    assert y.isfinite().all(), name

    def test_gradients_reach_every_parameter(
        self, space: SearchSpace, named: Mapping[str, Architecture]
    ) -> None:
        for name, architecture in named.items():
            network, x = _built(space, architecture)
            network(x).square().mean().backward()
            unused = [n for n, parameter in network.named_parameters() if parameter.grad is None]
            assert not unused, f"{name} builds what it does not use: {unused}"

    def test_the_same_seed_of_torch_gives_the_same_weights(
        self, space: SearchSpace, named: Mapping[str, Architecture]
    ) -> None:
        for architecture in named.values():
            first, second = (_built(space, architecture)[0].state_dict() for _ in range(2))
            assert first.keys() == second.keys()
            assert all(torch.equal(first[key], second[key]) for key in first)

    def test_networks_pickle_and_their_weights_need_none(
        self, space: SearchSpace, named: Mapping[str, Architecture]
    ) -> None:
        for architecture in named.values():
            network, x = _built(space, architecture)
            weights = load(save(network.state_dict()))
            expected = network.eval()(x)
            other, _ = _built(space, architecture, seed=1)
            other.load_state_dict(weights)
            assert torch.equal(other.eval()(x), expected)
            again = pickle.loads(pickle.dumps(network))
            assert torch.equal(again(x), expected)

    def test_the_space_pickles(self, space: SearchSpace, drawn: list[Architecture]) -> None:
        again = pickle.loads(pickle.dumps(space))
        assert again.domain == space.domain
        assert all(architecture in again.domain for architecture in drawn)

    def test_a_network_exports(self, space: SearchSpace, drawn: list[Architecture]) -> None:
        network, x = _built(space, drawn[0])
        exported = torch.export.export(network.eval(), (x,)).module()
        torch.testing.assert_close(exported(x), network(x))


def _built(
    space: SearchSpace, architecture: Architecture, seed: int = 0
) -> tuple[nn.Module, Tensor]:
    """A network and an input of the smallest size."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        network = space.build(architecture, Signature(3, 3))
        return network, torch.rand(1, 3, space.smallest_side, space.smallest_side)


def _changed(space: SearchSpace, architecture: Architecture, rule: str) -> Architecture | None:
    """What `rule` makes of `architecture`, None if it does not apply."""
    try:
        return space.changed(architecture, rule, 0)
    except ArchitectureError:
        return None
