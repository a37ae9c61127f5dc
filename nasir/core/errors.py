"""The mistakes of a user, one class for each kind.

Every message says what was given and what to do. The command line prints it as one line and exits
with code 2. Any other exception is a defect of nasir and keeps its traceback.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

LONGEST = 4000
"""Characters of a message; what was given may have megabytes."""

MOST_OF_A_VALUE = 200
"""Characters of a value in a message."""


class NasirError(Exception):
    """A mistake of the user, described in one line."""

    def __init__(self, message: object = "") -> None:
        super().__init__(bounded(str(message)))


class SettingsError(NasirError):
    """A setting has a wrong key, type or value, or a settings file cannot be read."""


class UnknownNameError(SettingsError):
    """Nothing has this name."""


class NameTakenError(NasirError):
    """Two plugins register the same name."""


class PluginError(NasirError):
    """A plugin cannot be loaded, or uses a hook wrongly."""


class ArchitectureError(NasirError):
    """An architecture does not belong to its space or cannot be built."""


class PictureError(NasirError):
    """A picture cannot be read, or does not suit the task."""


class RunFolderError(NasirError):
    """A run's folder is missing, damaged, in use, or cannot be written."""


class EvaluationError(NasirError):
    """An evaluation has no result (NaN, a crashed worker, a time-out)."""


def unknown_name(kind: str, name: str, known: Iterable[str]) -> UnknownNameError:
    """The error for a `name` that is not among the `known` ones; it names the nearest of them."""
    names = sorted(known)
    nearest = nearest_name(name, names)
    hint = f"did you mean {nearest!r}? " if nearest else ""
    listed = f"known: {', '.join(names)}" if names else "there are none"
    return UnknownNameError(f"unknown {kind} {name!r}: {hint}{listed}")


def nearest_name(name: str, known: Iterable[str]) -> str | None:
    """The one of the `known` names that is meant where `name` is misspelt, if any is like it."""
    from difflib import get_close_matches

    return next(iter(get_close_matches(name, sorted(known), n=1, cutoff=0.5)), None)


def bounded(text: str, most: int = LONGEST) -> str:
    """A text without its middle, if it has more than `most` characters."""
    left_out, end = len(text) - most, most // 8
    if left_out <= 0:
        return text
    return f"{text[: most - end]} [{left_out} characters] {text[-end:]}"


def first_of(names: Sequence[str], most: int) -> str:
    """Names in one line, those beyond `most` counted."""
    more = len(names) - most
    return ", ".join(names[:most]) + (f" and {more} more" if more > 0 else "")


def as_given(value: object) -> str:
    """A value for a message: as it is written, if it can be written; else its kind."""
    if value is None or isinstance(value, str | int | float | list | tuple | dict):
        return bounded(repr(value), MOST_OF_A_VALUE)
    return kind_in_words(value)


def kind_in_words(value: object) -> str:
    """A value's kind with its article, for a message."""
    if value is None:
        return "None"
    name = type(value).__name__
    return f"{'an' if name[0].lower() in 'aeiou' else 'a'} {name}"
