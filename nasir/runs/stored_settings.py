"""The settings in a run's folder, checked when they are read."""

from __future__ import annotations

from pathlib import Path

from nasir.core.component import settings_of
from nasir.core.errors import SettingsError
from nasir.core.limits import limits
from nasir.core.objectives import objectives
from nasir.settings.building import settings_of_component, structure
from nasir.settings.overrides import Settings, read_file
from nasir.settings.run_settings import COMPONENTS, run_settings_class


def read_whole_settings(path: Path) -> Settings:
    """The settings of a run whose components are to be made.

    Raises :class:`SettingsError` if a component is missing: its default would make another run.
    """
    tree = read_settings(path)
    for kind in COMPONENTS:
        if kind not in tree:
            raise SettingsError(f"{path} is damaged: it names no {kind}; restore that line")
    known = {field.name for field in settings_of(run_settings_class())}
    for key in tree.keys() - known - set(COMPONENTS):
        raise SettingsError(
            f"{path} has the run setting {key!r} of a plugin that is not here: install or enable "
            "it (environment.json names the plugins of the run), or delete that line"
        )
    return tree


def read_settings(path: Path) -> Settings:
    """The settings of a run; raises :class:`SettingsError` if they are damaged.

    Components are not made, because their plugins may not be installed. Unknown settings are kept.
    """
    tree = read_file(path)
    for kind in COMPONENTS:
        fields = tree.get(kind, {"name": ""})
        if not isinstance(fields, dict) or not isinstance(fields.get("name"), str):
            raise SettingsError(f"{path} is damaged: it names no {kind}; restore that line")
    cls = run_settings_class()
    known = {field.name for field in settings_of(cls)} & tree.keys()
    try:
        general = structure(cls, {key: tree[key] for key in known})
        objectives(general.objective or ())
        limits(general.limit or ())
    except SettingsError as error:
        raise SettingsError(f"{path} is damaged: {error}") from None
    read = settings_of_component(general)
    return {k: read.get(k, v) for k, v in tree.items() if k not in known or k in read}
