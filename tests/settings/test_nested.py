"""Settings that hold components: names, mappings, instances, short words, and what is refused."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from nasir.core.component import setting
from nasir.core.degradation import Composition, Degradation
from nasir.core.errors import SettingsError
from nasir.settings import nested
from nasir.settings.building import settings_of_component, structure
from nasir.settings.interfaces import name_of
from nasir.settings.overrides import merge, parse_override
from nasir.tasks.degradations.camera_noise import CameraNoise
from nasir.tasks.degradations.gaussian import Gaussian
from nasir.tasks.degradations.poisson import Poisson


@attrs.define
class Holder:
    """Holds a noise whose settings may be given in short, and one more that may be none."""

    noise: Degradation = setting(Gaussian(), "the noise", open=True)
    more: Degradation | None = setting(None, "more noise")
    size: int = setting(1, "a size")


def made(*words: str) -> Holder:
    fields = merge([parse_override(f"task.{word}") for word in words], {"task": {}})["task"]
    return structure(Holder, fields, "task")


@pytest.mark.parametrize(
    ("words", "noise"),
    [
        ([], Gaussian()),
        (["noise=poisson"], Poisson()),
        (["noise.sigma=50"], Gaussian(sigma=50)),
        (["sigma=50"], Gaussian(sigma=50)),
        (["noise=poisson", "noise.peak=9"], Poisson(peak=9)),
        (["noise.peak=9", "noise=poisson"], Poisson(peak=9)),
        (["noise.peak=9", "noise=poisson", "noise=gaussian"], Gaussian()),
        (["peak=9", "noise=poisson"], Poisson(peak=9)),
        (['noise={name="poisson", peak=9.0}'], Poisson(peak=9)),
        (["noise=poisson+camera"], Poisson() + CameraNoise()),
        (["noise=poisson+camera", "noise.camera.shot=0.5"], Poisson() + CameraNoise(shot=0.5)),
        (["noise=poisson+camera", "noise.shot=0.5"], Poisson() + CameraNoise(shot=0.5)),
        (["noise=poisson+camera", "shot=0.5"], Poisson() + CameraNoise(shot=0.5)),
    ],
)
def test_words_make_the_component_and_it_is_written_back(words: list[str], noise: Degradation):
    holder = made(*words)
    assert holder.noise == noise
    assert structure(Holder, settings_of_component(holder), "task") == holder


def test_an_optional_component_is_none_a_name_or_an_instance():
    assert made().more is made("more=none").more is None
    assert made("more=poisson").more == Poisson()
    given: Any = {"noise": Poisson(peak=3), "more": Gaussian()}
    assert structure(Holder, given) == Holder(Poisson(peak=3), Gaussian())


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["noise=poison"], "did you mean 'poisson'"),
        (
            ["noise=poisson", "noise.sigma=3"],
            "unknown setting 'task.noise.sigma': .*task.noise.peak",
        ),
        (["peak=3"], "unknown setting 'task.peak': .*task.sigma"),
        (["sigma=3", "noise.sigma=4"], "task.sigma is short for task.noise.sigma, which is set"),
        (["noise.sigma=-3"], "task.noise: 'sigma' must be >= 0"),
        (["noise=5"], "task.noise: degradation wants a name, a mapping or an instance"),
        (["more.peak=3"], 'task.more wants a name: task.more = "NAME", known: .*poisson'),
        (["noise=gaussian+gaussian"], "has gaussian twice"),
        (["noise=gaussian+"], "lacks a part"),
        (["noise=gaussian+poisson", "clip=true"], "task.noise.clip is unclear: write one of"),
        (["noise=gaussian+poisson", "noise.shot=3"], "no part of task.noise has shot"),
    ],
)
def test_what_the_component_does_not_have_is_refused_in_one_line(words: list[str], message: str):
    with pytest.raises(SettingsError, match=message) as refused:
        made(*words)
    assert "\n" not in str(refused.value)


def test_short_settings_of_an_instance_are_refused():
    with pytest.raises(SettingsError, match=r"task\.sigma cannot be set: .* is an instance"):
        structure(Holder, {"noise": Gaussian(), "sigma": 3.0}, "task")


def test_import_strings_have_short_settings_too():
    assert made(f"noise={__name__}:Unregistered", "sigma=7").noise == Unregistered(sigma=7)


@attrs.frozen
class Unregistered(Gaussian):
    """A component of no plugin."""


def test_a_component_of_no_registry_is_written_with_its_module():
    assert name_of(Unregistered()) == f"{__name__}:Unregistered"


@pytest.mark.parametrize(
    ("path", "fields", "found"),
    [
        (["noise", "sigmas"], {}, "sigmas"),
        (["sigmas"], {}, "sigmas"),
        (["noise", "sigmas"], {"noise": "poisson"}, None),
        (["noise", "gaussian", "sigmas"], {"noise": {"name": "gaussian+poisson"}}, "sigmas"),
        (["size"], {}, "size"),
    ],
)
def test_the_field_that_a_path_leads_to(path: list[str], fields: dict[str, Any], found: str | None):
    field = nested.field_at(Holder, path, fields)
    assert (field and field.name) == found


def test_a_composition_is_flat():
    assert (Gaussian() + Poisson() + CameraNoise()).parts == (Gaussian(), Poisson(), CameraNoise())
    assert isinstance(Gaussian() + Poisson(), Composition)
