"""A strategy's state as bytes, without pickle: JSON, and arrays as safetensors."""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load, save

_MARK = "__array__"

SUM = "sum:"
"""Begins the key of a checksum; the key of the row that it belongs to follows."""


def encode(state: dict[str, Any]) -> tuple[bytes, dict[str, bytes]]:
    """The JSON of `state`, and its numpy arrays by their path in it, such as ``weights/bias``."""
    arrays: dict[str, bytes] = {}
    plain = _without_arrays(state, "", arrays)
    return json.dumps(plain).encode(), arrays


def decode(plain: bytes, arrays: dict[str, bytes]) -> dict[str, Any]:
    """The state that was encoded; tuples come back as lists."""
    try:
        content = _with_arrays(json.loads(plain), arrays)
    except SafetensorError as error:
        raise ValueError(f"an array of the strategy's state is damaged: {error}") from None
    if not isinstance(content, dict):
        raise ValueError("a strategy's state is a mapping")
    return content


def checksums(rows: Iterable[tuple[str, bytes]]) -> list[tuple[str, bytes]]:
    """The checksum (CRC-32) of each of `rows`, as a row: it detects bits that a disk flipped."""
    return [(f"{SUM}{key}", _checksum(data)) for key, data in rows]


def check_sums(rows: Mapping[str, bytes]) -> None:
    """Refuse rows that are not as they were written."""
    for key, data in rows.items():
        if not key.startswith(SUM) and rows.get(f"{SUM}{key}") != _checksum(data):
            raise ValueError(f"{key!r:.40} of the strategy is not as it was written")


def _checksum(data: bytes) -> bytes:
    return zlib.crc32(data).to_bytes(4, "big")


def _without_arrays(value: Any, path: str, arrays: dict[str, bytes]) -> Any:
    if isinstance(value, dict):
        return {k: _without_arrays(v, f"{path}/{_step(k)}", arrays) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_without_arrays(v, f"{path}/{i}", arrays) for i, v in enumerate(value)]
    if isinstance(value, np.ndarray):
        arrays[path] = save({"array": np.array(value, order="C")})
        return {_MARK: path}
    return value


def _step(key: Any) -> str:
    """A key as one step of a path (as in JSON pointers)."""
    return str(key).replace("~", "~0").replace("/", "~1")


def _with_arrays(value: Any, arrays: dict[str, bytes]) -> Any:
    if isinstance(value, list):
        return [_with_arrays(v, arrays) for v in value]
    if not isinstance(value, dict):
        return value
    if set(value) == {_MARK}:
        return load(arrays[value[_MARK]])["array"]
    return {k: _with_arrays(v, arrays) for k, v in value.items()}
