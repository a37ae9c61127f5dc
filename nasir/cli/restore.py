"""``nasir restore``: restore one picture."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace, RawDescriptionHelpFormatter
from typing import TYPE_CHECKING

from nasir.cli.command import Command

if TYPE_CHECKING:
    from nasir.apps.restore.restore import Restoration

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
        from nasir.cli.displays import show_restoration
        from nasir.cli.tables import print_json, table

        with show_restoration(arguments.quiet or arguments.json) as notify:
            done = restore(
                arguments.image,
                *arguments.words,
                output=arguments.output,
                force=arguments.force,
                notify=notify,
            )
        if arguments.json:
            print_json(done.mapping)
        else:
            print(table((), rows(done), fold=1))
        return 0


def rows(done: Restoration) -> list[tuple[str, str]]:
    """A restoration in words."""
    from nasir.apps.formatting import choices_in_words

    pairs = [("restored", str(done.output)), ("strip", str(done.strip))]
    if done.search is not None:
        search = done.search
        what = f"{search.scored} scored, {search.fitted} fitted, {search.seconds:.1f} s"
        if search.architecture is None:
            what += "; too short to find any: took the usual architecture"
        pairs += [("search", what), ("", str(done.description))]
    pairs.append(("architecture", done.chosen))
    pairs.append(("", choices_in_words(done.architecture.choices)))
    for number, stop in enumerate(done.stops, 1):
        tile = f"tile {number}: " if len(done.stops) > 1 else ""
        pairs.append(
            ("" if number > 1 else "stopped", f"{tile}step {stop.step} of {stop.iterations}")
        )
    pairs.append(("time", f"{done.seconds:.1f} s"))
    return pairs
