"""Pictures side by side, with a slider between any two versions of one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from nasir.apps.formatting import FIRST, figure, heading
from nasir.apps.report.markup import Html, tag
from nasir.apps.report.pictures import FULL_SCALE, HEAT, KINDS, Picture, Pictures, View
from nasir.core.trial import FOUND

SMALL = 320
"""Pixels of a side below which single pixels are shown as squares."""

Figures = Mapping[str, Mapping[str, Mapping[str, float]]]
"""Metrics by view (``found``, references) and picture."""


def gallery(
    pictures: Pictures,
    figures: Figures,
    shown: Sequence[str] = FIRST,
    whole: str = "those in the run's folder are not",
) -> Html:
    """A panel for each picture, under tabs where there are several.

    `shown` are the metrics that are written below a view, and `whole` says where pictures are that
    are not compressed.
    """
    notes = []
    if len(pictures.shown) < pictures.number:
        notes.append(f"{len(pictures.shown)} of {pictures.number} pictures are shown.")
    if any(not view.exact for picture in pictures.shown for view in picture.views):
        notes.append(f"Large pictures are compressed here; {whole}.")
    notes += [f"{file} cannot be read as a picture." for file in pictures.unreadable]
    panels = [_panel(n, picture, figures, shown) for n, picture in enumerate(pictures.shown)]
    tabs = [
        tag("button", picture.name, type="button", data_panel=f"picture-{n}")
        for n, picture in enumerate(pictures.shown)
    ]
    return tag(
        "div",
        tag("div", tabs, class_="tabs", hidden=True) if len(tabs) > 1 else None,
        panels,
        tag("p", " ".join(notes), class_="note") if notes else None,
    )


def _panel(number: int, picture: Picture, figures: Figures, shown: Sequence[str]) -> Html:
    views = picture.views
    return tag(
        "div",
        _slider(picture) if len(views) > 1 else None,
        tag("div", [_thumbnail(view, picture, figures, shown) for view in views], class_="thumbs"),
        _scale() if any(_is_difference(view) for view in views) else None,
        class_="picture pixels" if max(views[0].width, views[0].height) <= SMALL else "picture",
        id=f"picture-{number}",
    )


def _slider(picture: Picture) -> Html:
    """Two views over each other; a script copies them, so that the page has each once."""
    names = [view.name for view in picture.views]
    left = "degraded" if "degraded" in names else names[0]
    right = picture.right or (FOUND if FOUND in names else names[-1])
    largest = max(picture.views, key=lambda view: view.width * view.height)
    stage = tag(
        "div",
        tag("img", class_="right", alt=""),
        tag("img", class_="left", alt=""),
        tag("span", class_="edge"),
        tag("span", left, class_="name left"),
        tag("span", right, class_="name right"),
        tag(
            "input",
            type="range",
            min="0",
            max="100",
            step="0.1",
            value="50",
            aria_label=f"how much of the left version of {picture.name} is seen, in percent",
        ),
        class_="stage",
        style=f"aspect-ratio:{largest.width}/{largest.height}",
    )
    pick = [_select("left", names, left), tag("span", "against"), _select("right", names, right)]
    return tag("div", stage, tag("div", pick, class_="pick"), class_="slider", hidden=True)


def _select(side: str, names: list[str], chosen: str) -> Html:
    options = [tag("option", name, value=name, selected=name == chosen) for name in names]
    return tag("select", options, data_side=side, aria_label=f"picture on the {side}")


def _thumbnail(view: View, picture: Picture, figures: Figures, shown: Sequence[str]) -> Html:
    words = " · ".join(
        f"{heading(name)} {figure(name, value)}"
        for name in shown
        if (value := figures.get(view.name, {}).get(picture.name, {}).get(name)) is not None
    )
    return tag(
        "figure",
        tag(
            "button",
            tag(
                "img",
                src=view.source,
                alt=f"{picture.name}, {view.name}",
                width=view.width,
                height=view.height,
            ),
            type="button",
            data_view=view.name,
            title="show on the right of the slider",
        ),
        tag("figcaption", tag("b", view.name), tag("span", words) if words else None),
    )


def _is_difference(view: View) -> bool:
    return view.name not in (*KINDS, FOUND) and "\N{MINUS SIGN}" in view.name


def _scale() -> Html:
    """The colours of differences."""
    stops = ",".join("rgb({},{},{})".format(*colour) for colour in HEAT)
    bar = tag("i", class_="heat", style=f"background:linear-gradient(90deg,{stops})")
    most = f"{FULL_SCALE:g} and more"
    return tag(
        "p", "absolute difference, mean over channels: 0 ", bar, f" {most}", class_="note scale"
    )
