"""Where a fit that may be promoted is kept, for the longer fit that goes on from it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import attrs
import torch

from nasir.core.architecture import Architecture
from nasir.core.evaluator import Problem
from nasir.core.task import Sample
from nasir.fitting.descent import Descent
from nasir.settings.building import settings_of_component
from nasir.training.checkpoint import load, save

if TYPE_CHECKING:
    from nasir.evaluators.dip import DeepImagePrior
    from nasir.fitting.fit import Fit


@attrs.frozen
class FitCheckpoint:
    """The state of one fit in the file `path`, of any fidelity; `identity` names what it is of.

    `promised` tells whether a longer fit may go on from this one: if so, the state is left there
    at the end; if not, what was there is removed.
    """

    path: Path
    identity: str
    promised: bool

    @classmethod
    def of(
        cls,
        how: DeepImagePrior,
        architecture: Architecture,
        problem: Problem,
        sample: Sample,
        seed: int,
        device: str,
        promised: bool,
    ) -> FitCheckpoint | None:
        """That of a fit, named after all that its steps follow from; None without a folder."""
        if problem.checkpoints is None:
            return None
        identity = {
            "architecture": architecture.json,
            "seeds": [seed, problem.seed],
            "split": problem.split,
            "settings": [settings_of_component(p) for p in (how, problem.space, problem.task)],
            "picture": [sample.name, _digest(sample)],
            "device": torch.device(device).type,
        }
        text = json.dumps(identity, sort_keys=True, default=str)
        name = hashlib.sha256(text.encode()).hexdigest()
        return cls(problem.checkpoints / f"fit-{name[:20]}.safetensors", name, promised)

    def resume(self, descent: Descent, result: Fit, steps: int, marks: Sequence[int]) -> None:
        """Bring a fit that has not begun to the state in the file, and `result` to its looks.

        Nothing changes where there is no whole state of this fit, or it is beyond `steps` or was
        not looked at after each of `marks` that it is past.
        """
        found = load(self.path)
        if found is None or found[1].get("identity") != self.identity:
            return
        tensors, values = found
        looks = values["looks"]
        seen = [look["step"] for look in looks]
        past = [mark for mark in marks if mark <= values["descent"]["step"]]
        if values["descent"]["step"] > steps or not set(past) <= set(seen):
            return
        descent.load(tensors, values["descent"])
        for mark in past:
            place = seen.index(mark)
            result.steps.append(mark)
            result.at.append(tensors[f"at/{place}"])
            result.gauge.extend(looks[place]["gauge"])

    def leave(self, descent: Descent, result: Fit) -> None:
        """Write the state at the end of a fit, or remove what nobody goes on from any more."""
        if not self.promised:
            self.path.unlink(missing_ok=True)
            return
        tensors = descent.tensors() | {f"at/{i}": picture for i, picture in enumerate(result.at)}
        looks = [
            {"step": step, "gauge": result.gauge[i : i + 1]} for i, step in enumerate(result.steps)
        ]
        values = {"identity": self.identity, "descent": descent.values(), "looks": looks}
        save(self.path, tensors, values)


def _digest(sample: Sample) -> str:
    """Made from all pixels of a sample."""
    digest = hashlib.sha256()
    for field in attrs.fields(type(sample)):
        value = getattr(sample, field.name)
        if isinstance(value, torch.Tensor):
            digest.update(f"{field.name} {tuple(value.shape)} {value.dtype}".encode())
            digest.update(value.detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()
