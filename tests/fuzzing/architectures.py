"""``architecture.json``: damaged, altered, of other spaces."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from random import Random

import numpy as np

import nasir
from fuzzing.mutations import damaged_json
from fuzzing.outcomes import Case
from nasir.apps.report.diagrams import diagram
from nasir.runs.architecture_file import find_architecture
from nasir.settings import building

SPACES = {
    "nasdip": {"depth": 2, "width": 4},
    "hinas": {},
    "irnas": {},
    "clearer": {},
    "toy": {},
}


@cache
def described(space: str, seed: int) -> str:
    """A file as a search leaves it."""
    made = building.make("space", {"name": space, **SPACES[space]})
    architecture = made.domain.sample(np.random.default_rng(seed))
    return json.dumps(architecture.mapping | {"settings": building.settings_of_component(made)})


def case(rng: Random, folder: Path) -> Case:
    """Find, build or draw the architecture in a damaged file.

    A network is built on torch's ``meta`` device: of its shapes, without memory for its weights.
    """
    content = damaged_json(described(rng.choice(sorted(SPACES)), rng.randrange(4)), rng)
    label = rng.choice(("find", "build", "draw"))
    file = folder / rng.choice(("architecture.json", "other.json"))
    actions = {"find": _find, "build": _build, "draw": _draw}
    what = content if len(content) < 400 else content[:100] + b" ..."

    return Case(
        f"architectures: {label}",
        f"{what!r}",
        lambda: actions[label](file),
        lambda: file.write_bytes(content),
    )


def _find(file: Path) -> None:
    find_architecture(str(file), building.make("space", "nasdip"))


def _build(file: Path) -> None:
    import torch

    with torch.device("meta"):
        nasir.build(file)


def _draw(file: Path) -> None:
    architecture, space = find_architecture(str(file), building.make("space", "nasdip"))
    str(diagram(architecture, {"name": architecture.space} | building.settings_of_component(space)))
