"""What is shown of restorations in progress."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import attrs

from nasir.apps.progress.displays import Notify, figures_in_words, hooks_of, shown_display
from nasir.apps.progress.screen import Row, Screen

if TYPE_CHECKING:
    from nasir.apps.restore.diagnosis import Diagnosis
    from nasir.apps.restore.many import PictureResult


@contextmanager
def show_restoration(quiet: bool) -> Iterator[Notify]:
    """Show the restoration of a picture by its hooks."""
    with shown_display(RestorationDisplay, quiet) as display:
        yield hooks_of(display)


@contextmanager
def show_restorations(quiet: bool) -> Iterator[Notify]:
    """Show the restoration of several pictures by its hooks."""
    with shown_display(RestorationsDisplay, quiet) as display:
        yield display.notify


@contextmanager
def show_ways(quiet: bool) -> Iterator[Notify]:
    """Show the restoration of a picture in several ways by its hooks."""
    with shown_display(WaysDisplay, quiet) as display:
        yield display.notify


@attrs.define
class RestorationDisplay:
    """What is being done, or a line for each thing that is begun, and now and then one between."""

    screen: Screen
    what: str = "reading"
    tile: int = 0
    tiles: int = 0
    searching: bool = False
    began: float = attrs.field(factory=time.monotonic)

    def __attrs_post_init__(self) -> None:
        self._draw(Row(0, None))

    def diagnosed(self, diagnosis: Diagnosis) -> None:
        self.screen.print(diagnosis.words)

    def search_started(self, trials: int, seconds: float) -> None:
        self.searching, self.what = True, f"searching for at most {seconds:.0f} s"
        self._draw(Row(0, trials, f"0/{trials}"))
        self.screen.print(f"{self.what}: {trials} trials")

    def trial_finished(self, **_: Any) -> None:
        row = self.screen.rows[self.what]
        done = row.done + 1
        self._draw_and_print(Row(done, row.total, f"{done}/{row.total}"))

    def tile_started(self, number: int, tiles: int) -> None:
        if number == 0:
            self.began = time.monotonic()
        self.searching, self.tile, self.tiles = False, number, tiles
        self.what = "restoring" + (f" tile {number + 1} of {tiles}" if tiles > 1 else "")
        self._draw(Row(0, None))
        self.screen.print(self.what)

    def receive(self, done: int, total: int, figures: Mapping[str, float]) -> None:
        """Take in the progress of a fit; a search counts its trials instead."""
        if self.searching or not self.tiles:
            return

        def left() -> float | None:
            return self._left(done, total)

        words = (f"{done}/{total}" if total else "", figures_in_words(figures))
        self._draw_and_print(Row(done, total, "  ".join(filter(None, words)), left))

    def _left(self, done: int, total: int) -> float | None:
        """Seconds to the end of all tiles, if no fit stops early."""
        if not done or not total:
            return None
        tiles = self.tile + done / total
        return (time.monotonic() - self.began) * (self.tiles - tiles) / tiles

    def _draw(self, row: Row) -> None:
        self.screen.rows = {self.what: row}

    def _draw_and_print(self, row: Row) -> None:
        self._draw(row)
        if row.total:
            self.screen.print_now_and_then(f"{self.what}: {row}")


@attrs.define
class PartsDisplay:
    """How many parts of some work are done, and what is done in one of them."""

    screen: Screen
    what: str
    done: int = 0
    total: int = 0
    one: RestorationDisplay = attrs.field(factory=lambda: RestorationDisplay(Screen()))

    def notify(self, hook: str, **arguments: Any) -> None:
        """Take in a hook: of this class, or of the part that is being done."""
        method = getattr(self, hook, None)
        if method is None:
            hooks_of(self.one)(hook, **arguments)
        else:
            method(**arguments)
        self._draw()

    def receive(self, done: int, total: int, figures: Mapping[str, float]) -> None:
        """Take in the progress of the part that is being done."""
        self.one.receive(done, total, figures)
        self._draw()

    def begin(self, number: int, total: int, name: str) -> None:
        self.done, self.total = number, total
        self.screen.title = name
        self.one = RestorationDisplay(Screen())

    def _left(self) -> float | None:
        return None

    def _draw(self) -> None:
        row = Row(self.done, self.total, f"{self.done}/{self.total}", self._left)
        self.screen.rows = {self.what: row, **self.one.screen.rows}


@attrs.define
class RestorationsDisplay(PartsDisplay):
    """How many pictures are done and what is done to one, or a line for each that is done."""

    what: str = "pictures"
    worked: int = 0
    """Pictures that were restored: the others take next to no time."""
    began: float = attrs.field(factory=time.monotonic)

    def picture_started(self, number: int, total: int, source: str) -> None:
        self.begin(number, total, source)

    def picture_finished(self, number: int, total: int, result: PictureResult) -> None:
        self.done = number + 1
        self.worked += result.state == "restored"
        words = [f"{self.done}/{total}", result.source, outcome(result)]
        if (left := self._left()) is not None:
            words.append(f"about {timedelta(seconds=round(left))} left")
        self.screen.print("  ".join(words))

    def _left(self) -> float | None:
        if not self.worked or self.done == self.total:
            return None
        return (time.monotonic() - self.began) * (self.total - self.done) / self.worked


@attrs.define
class WaysDisplay(PartsDisplay):
    """How many ways to restore a picture were tried, or a line for each that begins."""

    what: str = "ways"

    def way_started(self, number: int, total: int, name: str) -> None:
        self.begin(number, total, name)
        self.screen.print(f"{number + 1}/{total}  {name}")


def outcome(result: PictureResult) -> str:
    """What became of a picture, in a few words."""
    if result.state == "failed":
        return f"failed: {result.error}"
    if result.state == "fine":
        return "needs nothing"
    if result.state == "skipped":
        return "skipped: its result is there"
    seconds = f"{result.restoration['seconds']:.1f} s"
    return f"{result.restoration['by']}  {seconds}"
