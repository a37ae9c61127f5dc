from __future__ import annotations

import numpy as np
import pytest
from torch import nn

import nasir
from nasir.core.architecture import Architecture
from nasir.core.cost import cost
from nasir.core.domain import Decision, Domain
from nasir.core.errors import NasirError, SettingsError
from nasir.core.limits import Limits, limited, limits
from nasir.core.search_space import SearchSpace, Signature
from nasir.core.task import Task

WIDTHS = Domain("widths", [Decision("width", range(1, 65)), Decision("bias", (False, True))])


def parameters(architecture: Architecture, wanted: object) -> dict[str, float]:
    return {"parameters": 9.0 * architecture.choices["width"]}


def within(*texts: str) -> Domain:
    return limited(WIDTHS, Limits(limits(texts), parameters))


def test_limited_domain_samples_mutates_crosses_and_lists_within_the_limits():
    domain = within("parameters<100", "parameters>=18")
    rng = np.random.default_rng(0)
    widths = {a.choices["width"] for a in domain}
    assert widths == set(range(2, 12))
    one = domain.sample(rng)
    for _ in range(50):
        other = domain.sample(rng)
        for drawn in (other, domain.mutate(one, rng), domain.crossover(one, other, rng)):
            assert drawn.choices["width"] in widths
            assert drawn in domain
        one = other
    assert {a.choices["width"] for a in domain.neighbours(one)} == widths


def test_limited_domain_samples_uniformly():
    domain, rng = within("parameters<=45"), np.random.default_rng(1)
    drawn = [domain.sample(rng).choices["width"] for _ in range(2000)]
    counts = np.bincount(drawn, minlength=6)[1:]
    assert (abs(counts - 400) < 4 * np.sqrt(400)).all()


def test_limit_that_nothing_satisfies_is_refused_with_an_example():
    with pytest.raises(NasirError, match=r"none of 1000 .* parameters<3; one has parameters="):
        within("parameters<3").sample(np.random.default_rng(0))


@pytest.mark.parametrize("text", ["parameters", "parameters<", "psnr<3", "parameters=3", "<3"])
def test_text_that_is_no_limit_is_refused(text: str):
    with pytest.raises(SettingsError, match="limit="):
        limits([text])


class OneConvolution(SearchSpace):
    domain = WIDTHS
    input_channels = 4

    def build(self, architecture: Architecture, signature: Signature) -> nn.Module:
        width, bias = architecture.choices["width"], architecture.choices["bias"]
        return nn.Sequential(
            nn.Conv2d(signature.in_channels, width, 3, padding=1, bias=bias),
            nn.Conv2d(width, signature.out_channels, 1, bias=bias),
        )


class ToGrey(Task):
    signature = Signature(1, 1)
    samples = loss = metrics = None


def test_cost_of_a_network_equals_the_formula():
    ToGrey.__abstractmethods__ = OneConvolution.__abstractmethods__ = frozenset()
    architecture = Architecture("widths", {"width": 5, "bias": True})
    counted = cost(architecture, OneConvolution(), ToGrey(), Signature(4, 1))
    assert counted["parameters"] == 5 * (4 * 9 + 1) + 5 + 1
    assert counted["multiply_adds"] == 64 * 64 * (5 * 4 * 9 + 5)


LIMITED = ("space.depth=1", "space.width=4", "task.size=16", "evaluator.iterations=1", "trials=4")


@pytest.mark.parametrize("strategy", ["random", "rl"])
def test_a_search_never_evaluates_what_is_beyond_a_limit(strategy: str):
    run = nasir.search(*LIMITED, f"strategy={strategy}", limit="parameters<2000", references=())
    complete = [t for t in run.trials if t.state == "complete"]
    assert len(complete) == 4
    assert all(t.metrics["parameters"] < 2000 for t in complete)
    refused = [t for t in run.trials if t.state == "failed"]
    assert all(t.reason.startswith("beyond a limit: parameters=") for t in refused)
    assert bool(refused) == (strategy == "rl")


def test_seconds_of_a_pass_are_measured():
    space, task = nasir.make("space", "unet"), nasir.make("task", "denoise")
    narrow, wide = (
        space.domain.architecture({**space.named("dncnn").choices, "width": width, "blocks.0": 2})
        for width in (16, 64)
    )
    seconds = [cost(one, space, task, Signature(3, 3), ["seconds"]) for one in (narrow, wide)]
    assert 0 < 2 * seconds[0]["seconds"] < seconds[1]["seconds"]


def test_several_objectives_make_the_first_the_score():
    run = nasir.search(
        *LIMITED, strategy="random", objective=["-multiply_adds", "psnr"], references=()
    )
    assert all(t.score == -t.metrics["multiply_adds"] for t in run.trials)
    assert run.best.score == max(t.score for t in run.trials)
