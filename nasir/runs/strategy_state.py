"""A strategy's state on its way to the store, with messages for the strategy's author."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
from safetensors import SafetensorError

from nasir.core.errors import PluginError, kind_in_words
from nasir.core.import_strings import import_string
from nasir.core.strategy import Strategy
from nasir.runs.state_coding import encode


def encoded(strategy: Strategy) -> tuple[bytes, dict[str, bytes]]:
    """The state of a strategy as bytes (see :func:`~nasir.runs.state_coding.encode`).

    Raises :class:`~nasir.core.errors.PluginError` for a state that cannot be stored.
    """
    state = _checked(strategy)
    try:
        return encode(state)
    except (TypeError, ValueError, RecursionError, SafetensorError):
        raise _unstorable(strategy, state) from None


def _checked(strategy: Strategy) -> dict[str, Any]:
    """What a strategy's ``state_dict`` returned: JSON values and numpy arrays."""
    who = f"strategy {import_string(type(strategy))}: state_dict()"
    state: Any = strategy.state_dict()
    if not isinstance(state, dict):
        raise PluginError(f"{who} returned {kind_in_words(state)}; return a dict, empty if need be")
    return state


def _unstorable(strategy: Strategy, state: Mapping[str, Any]) -> PluginError:
    """The error for a state that could not be encoded."""
    try:
        found = _foreign(state, "state")
    except RecursionError:
        found = None
    where, what = found or ("state", "a value that refers to itself")
    return PluginError(
        f"strategy {import_string(type(strategy))}: state_dict() has {what} at {where:.200}; "
        "a state is of dicts, lists, strings, numbers, booleans, None and numpy arrays of numbers"
    )


def _foreign(value: Any, where: str) -> tuple[str, str] | None:
    """Where in a state the first value is that cannot be stored, and of what kind it is."""
    if isinstance(value, Mapping):
        parts = [(f"{where}[{key!r:.40}]", one) for key, one in value.items()]
    elif isinstance(value, list | tuple):
        parts = [(f"{where}[{number}]", one) for number, one in enumerate(value)]
    elif isinstance(value, np.ndarray) and value.dtype.kind in "biufc":
        return None
    else:
        try:
            json.dumps(value)
        except (TypeError, ValueError):
            return where, kind_in_words(value)
        return None
    return next((found for place, one in parts if (found := _foreign(one, place))), None)
