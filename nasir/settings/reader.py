"""One reader for all verbs: words, settings files, recipes and Python arguments."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import Any, ClassVar, Generic, TypeVar

import attrs

from nasir.core.component import settings_of
from nasir.core.errors import SettingsError, unknown_name
from nasir.settings.building import structure
from nasir.settings.components import check_names, takes_list
from nasir.settings.interfaces import INTERFACES
from nasir.settings.overrides import Alternatives, Override, Settings, expand, merge
from nasir.settings.recipes import overrides_in, overrides_of_arguments
from nasir.settings.strategy_expressions import without_absent


class VerbSettings:
    """The settings of a verb that belong to no component: the fields of an attrs subclass."""

    use: ClassVar[str] = "search"
    """What components are used for: one of :data:`nasir.core.registry.USES`."""

    components: ClassVar[tuple[str, ...]] = ()
    """The kinds of components that the verb takes, such as ``task``."""

    from_files: ClassVar[tuple[str, ...] | None] = None
    """What is taken from settings files and recipes, which are those of searches.

    None: everything, and what the verb does not know is refused.
    """


V = TypeVar("V", bound=VerbSettings)


@attrs.frozen(eq=False)
class Request(Generic[V]):
    """What a user asks of a verb: its own settings, and the choice of each kind of component.

    A choice is ``{"name": ..., field: value}``, in parts or whole, or a component itself.
    """

    own: V
    components: Settings

    @property
    def settings(self) -> Settings:
        """The verb's own settings and the choices of components together."""
        own: Any = self.own
        return attrs.asdict(own, recurse=False) | self.components


def read(
    verb: type[V], words: Sequence[str], settings: Mapping[str, Any], several: Sequence[str] = ()
) -> list[Request[V]]:
    """What words and settings ask for: one request, or one for each value of the keys `several`.

    Raises :class:`~nasir.core.errors.SettingsError` for what cannot be read, for unknown settings,
    and for several values where the verb takes one.
    """
    return requests(verb, read_overrides(verb, words, settings), several)


def read_one(verb: type[V], words: Sequence[str], settings: Mapping[str, Any]) -> Request[V]:
    """What words and settings ask for, with one value for each setting."""
    return only(verb, read_overrides(verb, words, settings))


def only(verb: type[V], overrides: Sequence[Override]) -> Request[V]:
    """What overrides ask for, with one value for each setting."""
    (found,) = requests(verb, overrides)
    return found


def requests(
    verb: type[V], overrides: Sequence[Override], several: Sequence[str] = ()
) -> list[Request[V]]:
    """What overrides ask for: one request, or one for each value of the keys `several`."""
    runs = sweep(verb, overrides)
    for one in overrides if len(runs) > 1 else ():
        sweeps = isinstance(one.value, Alternatives)
        if sweeps and one.key not in several and not takes_list(verb, one, merge(runs[0], {})):
            raise SettingsError(f"{one.key} wants one value here, got several")
    return [request(verb, merge(run, {})) for run in runs]


def given(arguments: Mapping[str, Any], without: Sequence[str] = ()) -> dict[str, Any]:
    """The settings among the arguments of a verb's function: those that are not None.

    `arguments` are all that it was called with, `without` the names of those that are no settings.
    """
    others = ("words", "more", *without)
    named = {k: v for k, v in arguments.items() if k not in others and v is not None}
    return named | arguments.get("more", {})


def read_overrides(
    verb: type[VerbSettings], words: Iterable[str], settings: Mapping[str, Any]
) -> list[Override]:
    """The overrides of words, files, recipes and then settings, in this order."""
    read: list[Override] = []
    for text in words:
        found = overrides_in(text)
        if "=" not in text and verb.from_files is not None:
            found = [one for one in found if one.path[0] in verb.from_files]
        read += found
    return read + [_from_python(one) for one in overrides_of_arguments(settings)]


def sweep(verb: type[VerbSettings], overrides: Sequence[Override]) -> list[list[Override]]:
    """The overrides of each of the runs that all of them make."""
    return without_absent(expand(overrides, partial(takes_list, verb)))


def request(verb: type[V], settings: Settings) -> Request[V]:
    """Settings parted into the verb's own and its components; refuses unknown ones."""
    fields = [field.name for field in settings_of(verb)]
    known = [*fields, *verb.components]
    for key in settings:
        if key not in known:
            raise unknown_name("setting", key, known)
    check_names(verb.components, settings)
    own = structure(verb, {key: value for key, value in settings.items() if key in fields})
    chosen = {key: value for key, value in settings.items() if key in verb.components}
    return Request(own, chosen)


def _from_python(override: Override) -> Override:
    """A value from Python as words have it: paths as text, lists of components as alternatives."""
    value = override.value
    if override.key in INTERFACES and isinstance(value, list | tuple):
        value = Alternatives(tuple(value))
    elif isinstance(value, list | tuple):
        value = [os.fspath(one) if isinstance(one, os.PathLike) else one for one in value]
    elif isinstance(value, os.PathLike):
        value = os.fspath(value)
    return attrs.evolve(override, value=value)
