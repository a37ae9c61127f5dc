"""``nasir restore``: a better picture from one bad one."""

from __future__ import annotations

import sys
import time
from argparse import ArgumentParser, Namespace, RawDescriptionHelpFormatter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import attrs

from nasir.cli.command import Command

if TYPE_CHECKING:
    from rich.table import Table

    from nasir.apps.restore.restore import Restoration
    from nasir.core.trial import Trial
    from nasir.runs.run import Run

EXAMPLES = """
WORD is key=value or a settings file NAME.toml; later ones win.
  task=denoise         the default; task=sr task.scale=2, task=inpaint task.mask=FILE, ...
  architecture=NAME    a reference architecture (nasir describe space=nasdip), an
                       architecture.json, a run's folder, or auto: searched for this very picture;
                       the folder of nasir train: its trained network restores, nothing is fitted
  seconds=120          how long that search may take
  tile=512             pictures with a longer side are restored in tiles; 0: whole
  evaluator.iterations=600 space.width=32 seed=1 ...   (nasir describe evaluator=dip)
"""

EVERY = 15.0
"""Seconds between two lines about a fit, where there is no terminal."""


class RestoreCommand(Command):
    """Restore one picture, and write it and a strip of before and after."""

    def configure(self, parser: ArgumentParser) -> None:
        parser.add_argument("image", metavar="IMAGE", help="a picture file")
        parser.add_argument("words", nargs="*", metavar="WORD", help="a setting; see below")
        parser.add_argument(
            "-o", "--output", metavar="OUT", help="what to write; default: IMAGE-restored.png"
        )
        parser.add_argument("--force", action="store_true", help="overwrite what exists")
        parser.add_argument("--json", action="store_true", help="print the summary alone, as JSON")
        parser.add_argument("--quiet", action="store_true", help="print the result alone")
        parser.epilog = EXAMPLES
        parser.formatter_class = RawDescriptionHelpFormatter

    def run(self, arguments: Namespace) -> int:
        from nasir.apps.restore.restore import restore
        from nasir.cli.tables import print_json, table

        with watched(arguments.quiet or arguments.json) as notify:
            done = restore(
                arguments.image,
                *arguments.words,
                output=arguments.output,
                force=arguments.force,
                notify=notify,
            )
        if arguments.json:
            print_json(summary(done))
        else:
            print(table((), rows(done), fold=1))
        return 0


def summary(done: Restoration) -> dict[str, Any]:
    """A restoration as data."""
    found = done.found
    return {
        "output": str(done.output),
        "strip": str(done.strip),
        "task": done.task,
        "chosen": done.chosen,
        "architecture": dict(done.architecture.choices),
        "stops": [{"step": stop.step, "iterations": stop.iterations} for stop in done.stops],
        "seconds": done.seconds,
        "search": found
        and {
            "found": found.architecture is not None,
            "scored": found.scored,
            "fitted": found.fitted,
            "seconds": found.seconds,
            "architecture_file": str(done.description),
        },
    }


def rows(done: Restoration) -> list[tuple[str, str]]:
    """A restoration in words."""
    from nasir.cli.tables import spelt_choices

    pairs = [("restored", str(done.output)), ("strip", str(done.strip))]
    if done.found is not None:
        found = done.found
        what = f"{found.scored} scored, {found.fitted} fitted, {found.seconds:.1f} s"
        if found.architecture is None:
            what += "; too short to find any: took the usual architecture"
        pairs += [("search", what), ("", str(done.description))]
    pairs.append(("architecture", done.chosen))
    pairs.append(("", spelt_choices(done.architecture.choices)))
    for number, stop in enumerate(done.stops, 1):
        tile = f"tile {number}: " if len(done.stops) > 1 else ""
        pairs.append(
            ("" if number > 1 else "stopped", f"{tile}step {stop.step} of {stop.iterations}")
        )
    pairs.append(("time", f"{done.seconds:.1f} s"))
    return pairs


@contextmanager
def watched(quiet: bool) -> Iterator[Callable[..., None]]:
    """Show on standard error how far a restoration is."""
    if quiet:
        yield lambda hook, **arguments: None
        return
    from rich.console import Console

    from nasir.core.progress import listening

    console = Console(stderr=True)
    if not console.is_terminal or console.is_dumb_terminal:
        lines = Lines()
        with listening(lines.hear):
            yield lines.notify
        return
    from rich.live import Live

    bar = Bar()
    with Live(console=console, get_renderable=bar.render, transient=True), listening(bar.hear):
        yield bar.notify


@attrs.define
class Progress:
    """What is being done, and how far it is."""

    what: str = "reading"
    done: int = 0
    total: int = 0
    figures: dict[str, float] = attrs.field(factory=dict)
    tile: int = 0
    tiles: int = 0
    searching: bool = False
    began: float = attrs.field(factory=time.monotonic)

    def notify(self, hook: str, **arguments: Any) -> None:
        """Hand a hook to the method of its name, where there is one."""
        method = getattr(self, hook, None)
        if method is not None:
            method(**arguments)

    def search_started(self, trials: int, seconds: float) -> None:
        self.searching, self.what = True, f"searching for at most {seconds:.0f} s"
        self.done, self.total = 0, trials

    def trial_finished(self, run: Run, trial: Trial) -> None:
        self.done += 1

    def tile_started(self, number: int, tiles: int) -> None:
        if number == 0:
            self.began = time.monotonic()
        self.searching, self.tile, self.tiles = False, number, tiles
        self.what = "restoring" + (f" tile {number + 1} of {tiles}" if tiles > 1 else "")
        self.done, self.total, self.figures = 0, 0, {}

    def hear(self, done: int, total: int, figures: dict[str, float]) -> None:
        """Take in the progress of a fit; a search counts its trials instead."""
        if not self.searching and self.tiles:
            self.done, self.total, self.figures = done, total, figures

    def left(self) -> float | None:
        """Seconds to the end of all tiles, if no fit stops early; None: cannot tell."""
        if self.searching or not self.done or not self.total:
            return None
        tiles = self.tile + self.done / self.total
        return (time.monotonic() - self.began) * (self.tiles - tiles) / tiles

    def __str__(self) -> str:
        from nasir.cli.tables import figure

        left = self.left()
        parts = [f"{self.done}/{self.total}"] if self.total else []
        parts += [f"{n.replace('_', ' ')} {figure(n, v)}" for n, v in self.figures.items()]
        parts += [f"about {timedelta(seconds=round(left))} left"] if left is not None else []
        return "  ".join(parts)


@attrs.define
class Bar(Progress):
    """A bar that is drawn anew as the work goes."""

    def render(self) -> Table:
        from rich.progress_bar import ProgressBar
        from rich.table import Table
        from rich.text import Text

        grid = Table.grid(padding=(0, 2, 0, 0))
        bar = ProgressBar(total=self.total or None, completed=self.done, width=30)
        grid.add_row(Text(self.what), bar, Text(str(self)))
        return grid


@attrs.define
class Lines(Progress):
    """A line for each thing that is begun, and now and then one about how far it is."""

    told: float = attrs.field(factory=time.monotonic)

    def search_started(self, trials: int, seconds: float) -> None:
        Progress.search_started(self, trials, seconds)
        self._say(f"{self.what}: {trials} trials")

    def trial_finished(self, run: Run, trial: Trial) -> None:
        Progress.trial_finished(self, run, trial)
        self._say_now_and_then()

    def tile_started(self, number: int, tiles: int) -> None:
        Progress.tile_started(self, number, tiles)
        self._say(self.what)

    def hear(self, done: int, total: int, figures: dict[str, float]) -> None:
        Progress.hear(self, done, total, figures)
        self._say_now_and_then()

    def _say_now_and_then(self) -> None:
        if self.total and time.monotonic() - self.told >= EVERY:
            self._say(f"{self.what}: {self}")

    def _say(self, line: str) -> None:
        self.told = time.monotonic()
        # The work outlives the terminal or pipe that it told its progress to.
        with suppress(OSError):
            print(line, file=sys.stderr, flush=True)
