"""Domains against brute force over all combinations of options."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from itertools import product

import attrs
import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy.stats import chisquare

from nasir.core.architecture import Architecture, Value
from nasir.core.domain import Decision, Domain
from nasir.core.errors import ArchitectureError, UnknownNameError
from nasir.core.prior import Prior

OPTIONS: tuple[Value, ...] = ("a", "b", 1, True, 1.0, 0, False, -2.5)
"""1, 1.0 and True are three options."""

Whole = tuple[Value | None, ...]


def same(a: Value | None, b: Value | None) -> bool:
    return type(a) is type(b) and a == b


def holds(condition: Mapping[str, list[Value]], chosen: Mapping[str, Value | None]) -> bool:
    return all(any(same(chosen[n], option) for option in condition[n]) for n in condition)


def brute_force(domain: Domain) -> Iterator[Whole]:
    """Every combination that the words of `Decision` and `Domain` allow."""
    names = [d.name for d in domain.decisions]
    for whole in product(*((None, *d.options) for d in domain.decisions)):
        chosen = dict(zip(names, whole, strict=True))
        applies = [
            not d.active_if or any(holds(c, chosen) for c in d.active_if) for d in domain.decisions
        ]
        agrees = all(a == (v is not None) for a, v in zip(applies, whole, strict=True))
        if agrees and not any(holds(clause, chosen) for clause in domain.forbidden):
            yield whole


def architecture(domain: Domain, whole: Whole) -> Architecture:
    pairs = zip(domain.decisions, whole, strict=True)
    return Architecture(domain.space, {d.name: v for d, v in pairs if v is not None})


def all_of(domain: Domain) -> list[Architecture]:
    return [architecture(domain, whole) for whole in brute_force(domain)]


@st.composite
def domains(draw: st.DrawFn) -> Domain:
    """Up to four decisions, with conditions on earlier ones and forbidden combinations."""
    decisions: list[Decision] = []

    def condition() -> dict[str, list[Value]]:
        among = draw(st.lists(st.sampled_from(decisions), min_size=1, max_size=3, unique_by=id))
        some = {d.name: st.lists(st.sampled_from(d.options), min_size=1, max_size=3) for d in among}
        return draw(st.fixed_dictionaries(some))

    for i in range(draw(st.integers(1, 4))):
        options = draw(st.lists(st.sampled_from(OPTIONS), min_size=1, max_size=4, unique_by=repr))
        clauses = draw(st.integers(0, 2)) if decisions else 0
        decisions.append(Decision(f"d{i}", options, [condition() for _ in range(clauses)]))
    forbidden = [condition() for _ in range(draw(st.integers(0, 3)))]
    try:
        return Domain("drawn", decisions, forbidden)
    except ValueError:
        assume(False)
        raise


seeds = st.integers(0, 2**32 - 1)
several = settings(max_examples=60, deadline=None)


@given(domains())
@several
def test_iteration_gives_every_valid_architecture_once(domain: Domain):
    listed = list(domain)
    assert len(set(listed)) == len(listed)
    assert set(listed) == set(all_of(domain))


@given(domains())
@several
def test_the_size_is_the_number_of_valid_architectures(domain: Domain):
    assert domain.size == len(all_of(domain))


@given(domains())
@several
def test_every_offered_option_leads_to_an_architecture_and_no_other_does(domain: Domain):
    valid = list(brute_force(domain))
    for i in range(len(domain.decisions)):
        for prefix in {tuple(map(repr, whole[:i])): whole[:i] for whole in valid}.values():
            going_on = [w[i] for w in valid if all(map(same, w[:i], prefix))]
            expected = {repr(v) for v in going_on if v is not None}
            offered = domain.options(prefix)
            assert {repr(v) for v in offered} == expected
            assert len(offered) == len(expected)
            assert domain.completions(prefix) == len(going_on)


@given(domains())
@several
def test_an_architecture_is_in_the_domain_exactly_when_it_is_valid(domain: Domain):
    valid = set(all_of(domain))
    for whole in product(*((None, *d.options) for d in domain.decisions)):
        candidate = architecture(domain, whole)
        assert (candidate in domain) == (candidate in valid)
    assert all(Architecture("another", a.choices) not in domain for a in valid)


@given(domains())
@several
def test_choices_make_the_architecture_that_has_them(domain: Domain):
    for whole in brute_force(domain):
        wanted = architecture(domain, whole)
        assert domain.architecture(wanted.choices) == wanted


@given(domains())
@several
def test_encoding_is_decoded_to_the_same_architecture(domain: Domain):
    valid = all_of(domain)
    assert [domain.decode(domain.encode(a)) for a in valid] == valid


@given(domains(), st.data())
@several
def test_any_integers_decode_to_a_valid_architecture(domain: Domain, data: st.DataObject):
    n = len(domain.decisions)
    numbers = data.draw(st.lists(st.integers(-(10**6), 10**6), min_size=n, max_size=n))
    assert domain.decode(numbers) in set(all_of(domain))


@given(domains(), seeds)
@several
def test_draws_are_valid_and_depend_on_the_generator_alone(domain: Domain, seed: int):
    drawn = [domain.sample(np.random.default_rng(seed)) for _ in range(2)]
    assert drawn[0] == drawn[1]
    assert drawn[0] in set(all_of(domain))


@given(domains(), seeds)
@several
def test_a_mutation_changes_one_decision_and_keeps_what_still_applies(domain: Domain, seed: int):
    rng = np.random.default_rng(seed)
    valid = list(brute_force(domain))
    for whole in valid:
        before = architecture(domain, whole)
        after = domain.mutate(before, rng)
        assert after in domain
        if len(valid) == 1:
            assert after == before
            continue
        assert after != before
        changed = domain.prefix(after)
        first = next(
            i for i, pair in enumerate(zip(whole, changed, strict=True)) if not same(*pair)
        )
        for j in range(first + 1, len(whole)):
            if any(same(whole[j], option) for option in domain.options(changed[:j])):
                assert same(changed[j], whole[j])


@given(domains(), seeds)
@several
def test_child_takes_each_valid_decision_from_a_parent(domain: Domain, seed: int):
    rng = np.random.default_rng(seed)
    first, second = domain.sample(rng), domain.sample(rng)
    child = domain.crossover(first, second, rng)
    assert child in domain
    whole, parents = domain.prefix(child), (domain.prefix(first), domain.prefix(second))
    for i, value in enumerate(whole):
        offered = domain.options(whole[:i])
        inherited = [p[i] for p in parents if any(same(p[i], option) for option in offered)]
        assert not inherited or any(same(value, one) for one in inherited)


def test_child_of_equal_parents_equals_them():
    domain = Domain("d", [Decision("a", range(5)), Decision("b", range(5))])
    one = domain.architecture({"a": 1, "b": 4})
    assert domain.crossover(one, one, np.random.default_rng(0)) == one


@given(domains())
@several
def test_neighbours_differ_in_one_decision_that_both_have(domain: Domain):
    valid = list(brute_force(domain))
    for whole in valid:
        expected = [
            other
            for other in valid
            if sum(
                a is not None and b is not None and not same(a, b)
                for a, b in zip(whole, other, strict=True)
            )
            == 1
        ]
        found = list(domain.neighbours(architecture(domain, whole)))
        assert len(set(found)) == len(found)
        assert set(found) == {architecture(domain, other) for other in expected}


UNEQUAL = Domain(
    "unequal",
    [
        Decision("branch", ("short", "long")),
        Decision("size", range(5), {"branch": ["long"]}),
        Decision("end", (True, 1), [{"size": [0, 1]}, {"branch": ["short"]}]),
    ],
    forbidden=[{"branch": ["short"], "end": [True]}],
)


def test_draws_are_uniform_over_architectures_of_unequal_length():
    rng = np.random.default_rng(0)
    drawn = Counter(UNEQUAL.sample(rng) for _ in range(8000))
    assert UNEQUAL.size == 8
    assert set(drawn) == set(all_of(UNEQUAL))
    assert chisquare(list(drawn.values())).pvalue > 0.001


def test_a_large_domain_is_counted_without_listing_it():
    switches = [Decision(f"s{i}", (0, 1)) for i in range(64)]
    assert Domain("switches", switches).size == 2**64
    tied = [{f"s{i}": [1], f"s{i + 1}": [1]} for i in range(63)]
    assert Domain("tied", switches, tied).size == 27777890035288  # Fibonacci number 66


def test_a_domain_of_a_thousand_decisions_can_be_drawn_from():
    domain = Domain("long", [Decision(f"s{i}", (0, 1)) for i in range(1000)])
    assert domain.size == 2**1000
    assert domain.sample(np.random.default_rng(0)) in domain


def test_unknown_option_is_refused_with_the_options():
    with pytest.raises(ArchitectureError, match=r"'end'.*cannot be True here.*choose one of 1"):
        UNEQUAL.architecture({"branch": "short", "end": True})
    with pytest.raises(ArchitectureError, match=r"'size'.*cannot be None here.*0, 1, 2, 3, 4"):
        UNEQUAL.architecture({"branch": "long"})
    with pytest.raises(UnknownNameError, match=r"'brunch'.*did you mean 'branch'"):
        UNEQUAL.architecture({"brunch": "long"})


def test_a_choice_of_an_inactive_decision_is_left_out():
    given_too_much = UNEQUAL.architecture({"branch": "short", "size": 3, "end": 1})
    assert given_too_much == UNEQUAL.architecture({"branch": "short", "end": 1})
    assert "size" not in given_too_much.choices


@pytest.mark.parametrize(
    ("decisions", "forbidden", "words"),
    [
        ([Decision("a", (1,)), Decision("a", (2,))], (), "same name"),
        ([Decision("a", (1,), {"b": (1,)}), Decision("b", (1,))], (), "depends on a later one"),
        ([Decision("a", (1, 2))], [{"a": (1, 2)}], "no architecture"),
        ([Decision("a", (1, 2))], [{"b": (1, 2)}], "b"),
        ([Decision("a", (1, 2), {"z": (1,)})], (), "z"),
    ],
)
def test_contradictory_domain_is_refused(decisions, forbidden, words):
    with pytest.raises(ValueError, match=words):
        Domain("d", decisions, forbidden)


@pytest.mark.parametrize("options", [(), (1, 1), ("a", "b", "a")])
def test_repeated_options_are_refused(options):
    with pytest.raises(ValueError, match="decision 'a'"):
        Decision("a", options)


def test_a_prior_is_drawn_from_in_its_share_and_excludes_nothing():
    domain = Domain("s", [Decision("a", (1, 2, 3, 4)), Decision("b", (1, 2), {"a": (1,)})])
    believed = Architecture("s", {"a": 1, "b": 2})
    with_prior = attrs.evolve(domain, prior=Prior(believed, 0.6))
    rng = np.random.default_rng(0)
    drawn = Counter(with_prior.sample(rng) for _ in range(20_000))
    uniform = 0.4 / 5
    first = 0.5 + 0.5 / 4
    expected = {(1, 2): 0.6 * first * 0.75, (1, 1): 0.6 * first * 0.25, (2, None): 0.6 * 0.5 / 4}
    for (a, b), like in expected.items():
        choices = {"a": a} | ({"b": b} if b else {})
        assert drawn[Architecture("s", choices)] / 20_000 == pytest.approx(uniform + like, abs=0.01)
    assert set(drawn) == set(domain)


def test_the_share_of_a_prior_says_how_much_it_counts():
    domain = Domain("s", [Decision(name, (0, 1)) for name in "abcdefgh"])
    believed = Architecture("s", dict.fromkeys("abcdefgh", 1))
    for share, mean in ((1.0, 6.0), (0.0, 4.0), (0.5, 5.0)):
        rng = np.random.default_rng(1)
        drawn = attrs.evolve(domain, prior=Prior(believed, share))
        ones = [sum(drawn.sample(rng).choices.values()) for _ in range(2000)]
        assert np.mean(ones) == pytest.approx(mean, abs=0.15)
