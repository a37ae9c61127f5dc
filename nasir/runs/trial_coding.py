"""Trials as rows of ``run.sqlite`` and as JSON values."""

from __future__ import annotations

import json
import sys
from typing import Any

import attrs

from nasir.core.architecture import Architecture
from nasir.core.trial import Proposal, Trial
from nasir.runs.validation import checked_trial, curves

FIGURES = ("metrics", "by_picture", "curve")
"""The fields of a trial that are mappings of numbers."""


def trial_row(trial: Trial) -> tuple[Any, ...]:
    """The values of a trial in the order of the store's columns."""
    proposal = trial.proposal
    return (
        trial.number,
        proposal.stage,
        proposal.fidelity,
        json.dumps(proposal.architecture.mapping),
        proposal.architecture.id,
        trial.state,
        trial.score,
        *(json.dumps(dict(getattr(trial, name))) for name in FIGURES),
        trial.stop,
        trial.seed,
        trial.started,
        trial.seconds,
        trial.worker,
        text_of(trial.error),
    )


def trial_from_row(row: tuple[Any, ...]) -> Trial:
    """The trial that :func:`trial_row` made a row of; raises what damaged data raises."""
    number, stage, fidelity, text, _, state, score, *texts = row[:10]
    stop, seed, started, seconds, worker, error = row[10:]
    architecture, metrics, by_picture, curve = (
        json.loads(one, object_pairs_hook=_shared_mapping) for one in (text, *texts)
    )
    proposal = Proposal(Architecture.from_mapping(architecture), _shared(stage), fidelity)
    figures = {"metrics": metrics, "by_picture": by_picture, "curve": curves(curve), "stop": stop}
    how = {"started": started, "seconds": seconds, "worker": _shared(worker), "error": error}
    return checked_trial(Trial(number, proposal, seed, _shared(state), score, **figures, **how))


def encode_trial(trial: Trial) -> dict[str, Any]:
    """A trial as JSON values, without its pictures."""
    content = attrs.asdict(trial, recurse=False)
    proposal, _ = content.pop("proposal"), content.pop("pictures")
    return content | {
        "architecture": json.dumps(proposal.architecture.mapping),
        "stage": proposal.stage,
        "fidelity": proposal.fidelity,
        **{name: dict(getattr(trial, name)) for name in FIGURES},
    }


def decode_trial(content: dict[str, Any]) -> Trial:
    """The trial that :func:`encode_trial` made `content` of, which is used up."""
    architecture = Architecture.from_json(content.pop("architecture"))
    proposal = Proposal(architecture, content.pop("stage"), content.pop("fidelity"))
    content["curve"] = curves(content["curve"])
    return checked_trial(Trial(proposal=proposal, **content))


def text_of(text: str | None) -> str | None:
    """`text` in what UTF-8 can hold: the bytes of file names may be no text."""
    return text and text.encode("utf-8", "backslashreplace").decode()


def _shared_mapping(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    return {sys.intern(name): _shared(value) for name, value in pairs}


def _shared(value: Any) -> Any:
    """One string for all trials that have it, to save memory."""
    return sys.intern(value) if type(value) is str else value
