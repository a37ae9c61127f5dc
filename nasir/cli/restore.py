"""``nasir restore``: restore pictures."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace, RawDescriptionHelpFormatter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from nasir.cli.command import Command
from nasir.core.errors import SettingsError
from nasir.settings.overrides import is_override

if TYPE_CHECKING:
    from nasir.apps.restore.many import PictureResult, PictureResults
    from nasir.apps.restore.mosaic import Stop
    from nasir.apps.restore.restoration import Restoration
    from nasir.apps.restore.side_by_side import Ways

EXAMPLES = """
A word that is key=value or ends in .toml is a setting; later ones win. Every other word is a
picture, a folder of pictures or a glob. Several pictures go into the folder of -o; those whose
results are there already are skipped.
Where nothing is set, the picture's trouble is found, and the trained network for it restores.
  task=denoise         or task=sr task.scale=2, task=jpeg, ...: the trained network for the task;
                       where there is none (task=inpaint task.mask=FILE), one is fitted
  network=NAME         a trained network (nasir list networks), or a file of nasir export
  method=nlm           a classical method (nasir list methods)
  architecture=NAME    a reference architecture (nasir describe space=nasdip), an
                       architecture.json, a run's folder, or auto: searched for this very picture;
                       the folder of nasir train: its trained network restores, nothing is fitted
  seconds=120          how long that search may take
  tile=512             pictures with a longer side are restored in tiles; 0: whole
  evaluator.iterations=600 space.width=32 seed=1 ...   (nasir describe evaluator=dip)
"""


ENDS = {
    "limit": ", all that it may take: more may be better",
    "time": ", where the time was over: more may be better",
    "interruption": ", cut short by Ctrl-C: this is the best so far",
}
"""What is said of what has not come to its end."""

INTERRUPTED = 130

SOME_FAILED, ALL_FAILED = 1, 2
"""Exit codes where some of several pictures could not be restored, and where none could."""


class RestoreCommand(Command):
    """Restore one picture, and write it and a strip of before and after; or restore many."""

    def configure(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "words", nargs="*", metavar="WORD", help="a picture, or a setting; see below"
        )
        parser.add_argument(
            *("-o", "--output"),
            metavar="OUT",
            help="what to write, or the folder for several; default: IMAGE-restored.png",
        )
        parser.add_argument("--force", action="store_true", help="overwrite what exists")
        parser.add_argument(
            "--open", action="store_true", help="show before and after in the browser"
        )
        parser.add_argument(
            "--continue",
            dest="resume",
            action="store_true",
            help="go on with a fit that its limit, seconds= or Ctrl-C has ended",
        )
        parser.add_argument(
            "--compare",
            action="store_true",
            help="restore one picture in every way that applies, into a folder with a page",
        )
        parser.add_argument("--json", action="store_true", help="print the summary alone, as JSON")
        parser.add_argument("--quiet", action="store_true", help="print the result alone")
        parser.epilog = EXAMPLES
        parser.formatter_class = RawDescriptionHelpFormatter

    def run(self, arguments: Namespace) -> int:
        from nasir.apps.restore.settings import RestoreSettings
        from nasir.apps.restore.sources import check_is_file, is_several
        from nasir.settings.reader import read_one

        words = [word for word in arguments.words if is_setting(word)]
        images = [word for word in arguments.words if not is_setting(word)]
        if not images:
            raise SettingsError(
                "name a picture, a folder of pictures or a glob, as in: nasir restore photo.png"
            )
        read_one(RestoreSettings, words, {})  # a misspelt word is refused at once
        if arguments.resume and (arguments.compare or is_several(images, arguments.output)):
            raise SettingsError(
                "--continue goes on with the fit of one picture, -o OUT.png; of several, the same "
                "command without it skips what is done"
            )
        if arguments.compare:
            return self._compare(images, words, arguments)
        if is_several(images, arguments.output):
            return self._restore_many(images, words, arguments)
        check_is_file(Path(images[0]).expanduser())
        return self._restore(images[0], words, arguments)

    def _restore(self, image: str, words: list[str], arguments: Namespace) -> int:
        from nasir.apps.restore.restore import restore
        from nasir.cli.restoration_displays import show_restoration
        from nasir.cli.tables import print_json, table

        with show_restoration(arguments.quiet or arguments.json) as notify:
            done = restore(
                image,
                *words,
                output=arguments.output,
                force=arguments.force,
                resume=arguments.resume,
                notify=notify,
            )
        pairs = rows(done)
        if arguments.open:
            pairs.append(_opened({done.output.stem: (image, done.output)}, done.output))
        if arguments.json:
            print_json(done.mapping)
        else:
            print(table((), pairs, fold=1))
        return INTERRUPTED if done.interrupted else 0

    def _compare(self, images: list[str], words: list[str], arguments: Namespace) -> int:
        from nasir.apps.restore.looking import open_page
        from nasir.apps.restore.side_by_side import restore_by_all
        from nasir.cli.restoration_displays import show_ways
        from nasir.cli.tables import print_json

        if len(images) > 1:
            raise SettingsError("--compare takes one picture: give one")
        with show_ways(arguments.quiet or arguments.json) as notify:
            made = restore_by_all(
                *(images[0], *words),
                output=arguments.output,
                force=arguments.force,
                notify=notify,
            )
        if arguments.json:
            print_json(made.mapping)
        else:
            print(ways_table(made))
        if arguments.open:
            open_page(made.page)
        return 0 if any(way.output for way in made.ways) else ALL_FAILED

    def _restore_many(self, images: list[str], words: list[str], arguments: Namespace) -> int:
        from nasir.apps.restore.many import restore_many
        from nasir.cli.restoration_displays import show_restorations
        from nasir.cli.tables import print_json, table

        if arguments.output is None:
            raise SettingsError("several pictures need a folder for the results: add -o FOLDER")
        with show_restorations(arguments.quiet or arguments.json) as notify:
            done = restore_many(
                images, *words, output=arguments.output, force=arguments.force, notify=notify
            )
        pairs = summary(done)
        if arguments.open and done.there:
            shown = {source: (source, output) for source, output in done.there.items()}
            pairs.append(_opened(shown, done.folder / "restored"))
        if arguments.json:
            print_json(done.mapping)
        else:
            print(table((), pairs, fold=1))
        failed = len(done.of("failed"))
        return 0 if not failed else SOME_FAILED if failed < len(done.results) else ALL_FAILED


def ways_table(made: Ways) -> str:
    """The ways in which a picture was restored, those left out with the reason, and the page."""
    from nasir.apps.restore.risk import psnr
    from nasir.apps.restore.side_by_side import seconds_of
    from nasir.cli.tables import table

    done = [
        (way.name, "" if way.risk is None else psnr(way.risk), seconds_of(way))
        for way in made.ways
        if way.seconds is not None
    ]
    pairs = [(way.name, f"left out: {way.error}") for way in made.ways if way.error is not None]
    pairs.append(("page", str(made.page)))
    ways = table(("way", "expected PSNR", "seconds"), done, right=(1, 2))
    return f"{ways}\n\n{table((), pairs, fold=1)}"


def _opened(shown: Mapping[str, tuple[str, Path]], output: Path) -> tuple[str, str]:
    """Write the page of pictures beside `output`, open it, and say in a row where it is."""
    from nasir.apps.restore.looking import open_page, write_before_and_after

    page = output.with_name(f"{output.stem}.html")
    write_before_and_after(shown, page)
    return "page" if open_page(page) else "open in a browser", str(page)


def is_setting(word: str) -> bool:
    """Whether a word is a setting; every other one is a picture."""
    return is_override(word) or word.endswith(".toml")


def summary(done: PictureResults) -> list[tuple[str, str]]:
    """What became of several pictures: how many, and each that failed with the reason."""
    restored, skipped, fine, failed = (
        done.of(state) for state in ("restored", "skipped", "fine", "failed")
    )
    pairs = [("restored", f"{len(restored)} of {len(done.results)}, in {done.folder}")]
    if skipped:
        pairs.append(("skipped", f"{len(skipped)}: the results are there; --force makes them anew"))
    if fine:
        pairs.append(("fine", f"{len(fine)}: they need nothing, and nothing is written"))
    if failed:
        pairs.append(("failed", str(len(failed))))
    return pairs + [("", line) for line in failures(failed)]


def failures(failed: Sequence[PictureResult]) -> Iterator[str]:
    """A line for each reason of a failure."""
    sources: dict[str, list[str]] = {}
    for one in failed:
        sources.setdefault(str(one.error), []).append(one.source)
    for error, names in sources.items():
        if all(name in error for name in names):
            yield error
        else:
            yield f"{names[0] if len(names) == 1 else f'{len(names)} pictures'}: {error}"


def end_of_fit(stop: Stop) -> str:
    """How many steps of a fit were done, what ended it, and which step's picture it gave."""
    steps = f"{stop.iterations} of at most {stop.limit}"
    if stop.iterations >= stop.limit:
        steps = f"{stop.iterations}"
    which = "" if stop.step == stop.iterations else f"; the picture is that of step {stop.step}"
    return f"{steps} steps{ENDS.get(stop.end, '')}{which}"


def rows(done: Restoration) -> list[tuple[str, str]]:
    """A restoration in words."""
    from nasir.apps.formatting import choices_in_words

    pairs = [("restored", str(done.output))]
    if done.strip is not None:
        pairs.append(("strip", str(done.strip)))
    if done.search is not None:
        search = done.search
        what = f"{search.scored} scored, {search.fitted} fitted, {search.seconds:.1f} s"
        if search.architecture is None:
            what += "; too short to find any: took the usual architecture"
        pairs += [("search", what), ("", str(done.description))]
    if done.diagnosis is not None:
        pairs.append(("picture", done.diagnosis.words))
    if not done.by.startswith("fit "):
        pairs.append(("by", done.by))
    elif done.architecture is not None:
        pairs.append(("architecture", done.chosen))
        pairs.append(("", choices_in_words(done.architecture.choices)))
    if done.risks is not None:
        pairs.append(("estimated", done.risks.words))
    if done.note is not None:
        pairs.append(("note", done.note))
    pairs += [("file", remark) for remark in done.remarks]
    if done.end:
        pairs.append(("ended", ENDS[done.end].removeprefix(", ")))
    for number, stop in enumerate(done.stops, 1):
        tile = f"tile {number}: " if len(done.stops) > 1 else ""
        pairs.append(("" if number > 1 else "fit", f"{tile}{end_of_fit(stop)}"))
    if not all(stop.finished for stop in done.stops):
        pairs.append(("to go on", "the same command with --continue"))
    pairs.append(("time", f"{done.seconds:.1f} s"))
    return pairs
