from __future__ import annotations

from typing import Any

import attrs
import pytest
import torch

from nasir.core.search_space import SearchSpace, Signature
from nasir.search_spaces.clearer.space import Clearer
from nasir.search_spaces.nasdip.space import NasDip
from nasir.settings.building import make

NETWORKS = {
    "bilinear_additive": NasDip(depth=2, width=8),
    "deep_image_prior": NasDip(depth=2, width=8),
    "alternating": Clearer(channels=4, cells=1, columns=2),
}
OTHER = Signature(3, 3)
ALIKE = attrs.evolve(OTHER, alike=True)


def output(space: Any, name: str, signature: Signature, x: torch.Tensor) -> torch.Tensor:
    torch.manual_seed(0)
    with torch.no_grad():
        y: torch.Tensor = space.build(space.named(name), signature)(x)
    return y


@pytest.mark.parametrize("name", NETWORKS)
def test_where_output_and_input_are_alike_the_network_estimates_what_is_taken_away(
    name: str,
) -> None:
    space: SearchSpace = NETWORKS[name]
    x = torch.rand(2, 3, 20, 28)
    r = output(space, name, OTHER, x) - (0.5 if isinstance(space, NasDip) else 0)
    torch.testing.assert_close(output(space, name, ALIKE, x), x - r)
    plain = attrs.evolve(space, residual=False)  # type: ignore[misc]
    assert torch.equal(output(plain, name, ALIKE, x), output(space, name, OTHER, x))


@pytest.mark.parametrize("space", [NETWORKS["bilinear_additive"], NETWORKS["alternating"]])
def test_supernets_have_the_form_of_their_networks(space: SearchSpace) -> None:
    x = torch.rand(1, 3, 16, 16)
    made = []
    for signature in (OTHER, ALIKE):
        torch.manual_seed(0)
        made.append(space.supernet(signature)(x))
    torch.testing.assert_close(made[1], x - made[0] + (0.5 if isinstance(space, NasDip) else 0))


@pytest.mark.parametrize(
    ("task", "alike"),
    [
        ("denoise", True),
        ("jpeg", True),
        ("derain", True),
        ("real_denoise", True),
        ("deblur", True),
        ("inpaint", False),
        ("sr", False),
        ("dehaze", False),
    ],
)
def test_tasks_say_whether_clean_and_degraded_pictures_are_alike(task: str, alike: bool) -> None:
    assert make("task", task).signature.alike is alike


def test_where_pixels_are_missing_a_composition_is_not_alike() -> None:
    both = make("task", {"name": "degraded", "degradation": "blur+mask"})
    assert not both.signature.alike


def test_a_signature_is_read_as_it_is_written() -> None:
    assert Signature.from_mapping(ALIKE.mapping).alike
    older = Signature.from_mapping({"in_channels": 3, "out_channels": 3})
    assert older == OTHER
    assert not older.alike


@pytest.mark.parametrize("wrong", [{"in_channels": 0}, {"in_channels": True}, {"alike": 1}])
def test_a_damaged_signature_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="it has no channels and scale"):
        Signature.from_mapping(ALIKE.mapping | wrong)
