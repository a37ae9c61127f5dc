"""Where a fit that may be promoted is kept, for the longer fit that continues it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import nullcontext, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs
import torch

from nasir.core.architecture import Architecture
from nasir.core.errors import RunFolderError, SettingsError
from nasir.core.evaluator import Problem
from nasir.core.task import Sample
from nasir.settings.building import settings_of_component
from nasir.training.checkpoint import load, save

if TYPE_CHECKING:
    from torch import Tensor

    from nasir.fitting.fit import FitRequest


@attrs.frozen
class FitCheckpoint:
    """The state of one fit in the file `path`, of any fidelity.

    `identity` names all that the steps of the fit follow from. `promised` says whether a longer
    fit may continue this one: only then is the state kept at its end.
    """

    path: Path
    identity: str
    promised: bool

    @classmethod
    def of(
        cls,
        method: object,
        architecture: Architecture,
        problem: Problem,
        sample: Sample,
        seed: int,
        device: str,
        promised: bool,
        without: Collection[str] = (),
    ) -> FitCheckpoint | None:
        """The checkpoint of a fit; None where the problem has no folder for it.

        None too where a component has settings that cannot be written, as a class in a notebook
        may. Settings of the method in `without` may be others when the fit is continued.
        """
        if problem.checkpoints is None:
            return None
        task = problem.task.origin
        left_out = {*without, *task.picture_settings}  # the picture itself is in the identity
        try:
            written = [settings_of_component(part) for part in (method, problem.space, task)]
        except SettingsError:
            return None
        settings = [{k: v for k, v in one.items() if k not in left_out} for one in written]
        identity = {
            "architecture": architecture.json,
            "seeds": [seed, problem.seed],
            "split": problem.split,
            "settings": settings,
            "picture": [sample.name, _digest(sample)],
            "device": torch.device(device).type,
        }
        text = json.dumps(identity, sort_keys=True, default=str)
        name = hashlib.sha256(text.encode()).hexdigest()
        return cls(problem.checkpoints / f"fit-{name[:20]}.safetensors", name, promised)

    def load(self) -> tuple[dict[str, Tensor], dict[str, Any]] | None:
        """The tensors and values of the state; None where there is no whole one of this fit."""
        found = load(self.path)
        if found is None or found[1].get("identity") != self.identity:
            return None
        return found

    def save(self, tensors: Mapping[str, Tensor], values: Mapping[str, Any]) -> None:
        """Keep the state at the end of a fit."""
        save(self.path, tensors, {**values, "identity": self.identity})

    def remove(self) -> None:
        """Remove what no fit continues any more."""
        self.path.unlink(missing_ok=True)


def kept_state(
    request: FitRequest, full: int, marks: Sequence[int]
) -> tuple[dict[str, Tensor], dict[str, Any]] | None:
    """The state that a fit, of which a full one has `full` steps, continues from.

    None where no whole state of this fit is kept, or the state is beyond its end or lacks the
    output of one of `marks`.
    """
    found = request.checkpoint.load() if request.checkpoint is not None else None
    if found is None or request.limits.continues:
        return found
    step = found[1]["step"]
    past = {mark for mark in marks if mark <= step}
    return found if step <= request.steps(full) and past <= set(found[1]["marks"]) else None


def kept_outputs(
    tensors: Mapping[str, Tensor], marks: Sequence[int], device: torch.device
) -> dict[int, Tensor]:
    """The outputs after `marks` in a state, ascending."""
    return {m: tensors[f"at/{m}"].to(device) for m in marks if f"at/{m}" in tensors}


def keep_state(
    request: FitRequest,
    state: Callable[[], tuple[Mapping[str, Tensor], Mapping[str, Any]]],
    outputs: Mapping[int, Tensor],
) -> None:
    """Keep the state of a fit that may be continued, and remove what none continues any more."""
    kept = request.checkpoint
    if kept is None:
        return
    if not (kept.promised or request.limits.resumable):
        kept.remove()
        return
    tensors, values = state()
    at = {f"at/{step}": output for step, output in outputs.items()}
    # a full disk costs a person the way on, and not the picture
    with nullcontext() if kept.promised else suppress(RunFolderError):
        kept.save({**tensors, **at}, {**values, "marks": list(outputs)})


def _digest(sample: Sample) -> str:
    """Made from all pixels of a sample."""
    digest = hashlib.sha256()
    for field in attrs.fields(type(sample)):
        value = getattr(sample, field.name)
        if isinstance(value, torch.Tensor):
            digest.update(f"{field.name} {tuple(value.shape)} {value.dtype}".encode())
            digest.update(value.detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()
