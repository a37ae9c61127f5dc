"""A trained network in one file: what it restores, how it was made, and its weights."""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs
from attrs import validators as must

from nasir.core.architecture import Architecture
from nasir.core.errors import NasirError, PluginError, SettingsError, unknown_name
from nasir.core.registry import registries
from nasir.core.search_space import SearchSpace, Signature

if TYPE_CHECKING:
    from torch import nn

    from nasir.core.task import Task

SUFFIX = ".safetensors"

FORMAT = 1
"""Version of the metadata; a file of another version is refused."""

KEY = "nasir"
"""The entry of a safetensors file's metadata that holds ours, as JSON."""

MOST_HEADER = 10_000_000
"""Bytes of a header; more are damage."""


def _names_a_component(_: object, field: attrs.Attribute[Any], given: Any) -> None:
    if not isinstance(given, Mapping) or not isinstance(given.get("name"), str):
        raise ValueError(f"{field.name!r} must be settings with a name")


@attrs.frozen(eq=False)
class TrainedNetwork:
    """A trained network, without its weights, which stay in the file `path`.

    `space` and `task` are settings with a name, as ``nasir.make`` takes them; `task` holds the
    degradations that were trained for, but no pictures. `licence` is that of the weights, with what
    they were trained on; `figures` are means over named test pictures, `made` says in words and
    `recipe` in settings how the weights were got.
    """

    path: Path
    architecture: Architecture
    space: Mapping[str, Any] = attrs.field(validator=_names_a_component)
    signature: Signature
    task: Mapping[str, Any] = attrs.field(validator=_names_a_component)
    licence: str = attrs.field(validator=must.and_(must.instance_of(str), must.min_len(1)))
    figures: Mapping[str, Any] = attrs.field(factory=dict, validator=must.instance_of(dict))
    made: str = attrs.field(default="", validator=must.instance_of(str))
    recipe: Mapping[str, Any] = attrs.field(factory=dict, validator=must.instance_of(dict))

    @property
    def metadata(self) -> dict[str, Any]:
        """All but the path as JSON values."""
        return {
            "format": FORMAT,
            "architecture": self.architecture.mapping,
            "space": dict(self.space),
            "signature": self.signature.mapping,
            "task": dict(self.task),
            "licence": self.licence,
            "figures": dict(self.figures),
            "made": self.made,
            "recipe": dict(self.recipe),
        }

    @property
    def summary(self) -> str:
        """What it restores, in a line."""
        return f"{in_words(self.signature)}, task={self.task['name']}"

    def make_space(self) -> SearchSpace:
        """The space of the architecture, with its settings."""
        from nasir.settings.building import make

        space: SearchSpace = make("space", dict(self.space))
        return space

    def make_task(self, **fields: Any) -> Task:
        """The task that was trained for, with `fields` of it set."""
        from nasir.settings.building import make

        task: Task = make("task", {**self.task, **fields})
        return task

    def load(self) -> nn.Module:
        """The network with its weights, in evaluation mode: ``(N, C, H, W) -> (N, C, sH, sW)``.

        Weights are float32, whatever the file holds. Raises
        :class:`~nasir.core.errors.SettingsError` for weights that are damaged or of another shape.
        """
        from nasir.training.weights import load_weights

        network = self.make_space().build(self.architecture, self.signature)
        load_weights(network, self.path)
        return network.eval().requires_grad_(False)


def read_network(path: str | Path) -> TrainedNetwork:
    """What the file of a network says of itself; no weight is read, and torch is not imported.

    Raises :class:`~nasir.core.errors.SettingsError` for a file that is missing, is no network, is
    damaged, or is of another version.
    """
    path = Path(path).expanduser()
    content = _metadata(path)
    if content.get("format") != FORMAT:
        raise SettingsError(
            f"network {path} has format {content.get('format')!r}, this nasir reads {FORMAT}: take "
            "a network of this version, or another nasir"
        )
    try:
        return TrainedNetwork(
            path,
            Architecture.from_mapping(content["architecture"]),
            content["space"],
            Signature.from_mapping(content["signature"]),
            content["task"],
            content["licence"],
            content.get("figures", {}),
            content.get("made", ""),
            content.get("recipe", {}),
        )
    except (KeyError, TypeError, ValueError, AttributeError, NasirError) as error:
        raise SettingsError(f"network {path} is damaged: {_reason(error)}") from None


def find_network(given: str | Path) -> TrainedNetwork:
    """The network that is registered by a name, or is in a file ``FILE.safetensors``."""
    if str(given) in registries["network"]:
        return read_network(registries["network"][str(given)].target)
    if str(given).endswith(SUFFIX):
        return read_network(given)
    error = unknown_name("network", str(given), registries["network"])
    raise type(error)(f"{error}; or give a file NAME{SUFFIX}")


def check_network(name: str, path: Any) -> None:
    """Refuse a network that is no file; raises :class:`~nasir.core.errors.PluginError`."""
    if not isinstance(path, str | Path) or not Path(path).is_file():
        raise PluginError(
            f"the network {name!r} needs the path of a {SUFFIX} file, got {str(path)!r}"
        )


def in_words(signature: Signature) -> str:
    """Channels and scale: ``colour pictures x2``."""
    kind = {1: "grey", 3: "colour"}.get(signature.in_channels, f"{signature.in_channels}-channel")
    return f"{kind} pictures" + (f" x{signature.scale}" if signature.scale != 1 else "")


def _metadata(path: Path) -> dict[str, Any]:
    """Our part of a safetensors header: 8 bytes of its length, then JSON."""
    try:
        with path.open("rb") as stream:
            (length,) = struct.unpack("<Q", stream.read(8))
            if length > MOST_HEADER:
                raise ValueError("its header is too long")
            header = json.loads(stream.read(length))
        known = header.get("__metadata__", {})
        if KEY not in known:
            raise SettingsError(
                f"{path} has weights, but does not say of which network: make it with nasir export "
                f"TRAINING -o NAME{SUFFIX}"
            )
        content = json.loads(known[KEY])
    except OSError as error:
        raise SettingsError(f"cannot read network {path}: {error.strerror}") from None
    except (ValueError, struct.error, AttributeError, TypeError, RecursionError) as error:
        raise SettingsError(f"network {path} is damaged: {_reason(error)}") from None
    if not isinstance(content, dict):
        raise SettingsError(f"network {path} is damaged: its description is no mapping")
    return content


def _reason(error: BaseException) -> str:
    text = " ".join(str(error.args[0] if error.args else error).split())
    return f"it has no {text}" if isinstance(error, KeyError) else text[:200]
