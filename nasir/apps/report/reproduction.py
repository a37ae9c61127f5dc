"""The command, settings and environment to repeat a run."""

from __future__ import annotations

import json
import time

from nasir.apps.formatting import as_typed, flat
from nasir.apps.report.markup import Html, joined, tag
from nasir.apps.report.reading import Reading
from nasir.apps.report.repeating import command
from nasir.runs.inputs import changes


def reproduction(reading: Reading) -> Html:
    """The command, the versions and machine, and all settings."""
    words = command(reading.settings)
    file = "nasir run settings.toml"
    lead = "The same settings as words:" if words else "Save the settings below as a file, then:"
    fields = [
        tag("div", tag("dt", key), tag("dd", as_typed(value)))
        for key, value in flat(reading.settings).items()
    ]
    return joined(
        tag("p", lead),
        copied(words or file),
        _environment(reading),
        tag(
            "details",
            tag("summary", f"All {len(fields)} settings"),
            tag("dl", fields, class_="choices"),
            class_="fold",
        ),
        tag(
            "details",
            tag("summary", "settings.toml"),
            copied(reading.settings_text),
            class_="fold",
        ),
    )


def _environment(reading: Reading) -> Html:
    """Versions, machine and plugins as far as known."""
    known = reading.environment
    versions, plugins = known.get("versions"), known.get("plugins")
    rows = dict(versions) if isinstance(versions, dict) else {}
    for key in ("git", "host", "platform", "cores"):
        if known.get(key) is not None:
            value = known[key]
            rows[key] = value if isinstance(value, str | int) else json.dumps(value)
    if isinstance(plugins, dict):
        others = {
            name: of
            for name, of in plugins.items()
            if isinstance(of, dict) and of.get("distribution") != "nasir"
        }
        rows |= {
            f"plugin {n}": f"{p.get('distribution')} {p.get('version')}" for n, p in others.items()
        }
    for change in changes(known):
        rows[f"changed {_moment(change['time'])}"] = "; ".join(change["what"])
    pairs = [tag("div", tag("dt", name), tag("dd", str(value))) for name, value in rows.items()]
    written = f"written {_moment(time.time())}"
    pairs.append(tag("div", tag("dt", "this page"), tag("dd", written)))
    return tag("dl", pairs, class_="choices environment")


def _moment(seconds: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(seconds))


def copied(words: str) -> Html:
    """Text with a button that copies it."""
    button = tag("button", "Copy", type="button", class_="copy", hidden=True)
    return tag("div", tag("pre", words), button, class_="source")
