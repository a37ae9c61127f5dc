"""``nasir score``: rank untrained architectures by proxies."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace, RawDescriptionHelpFormatter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from nasir.apps.progress.displays import show_work
from nasir.cli.command import Command
from nasir.strategies.ranking import bare

if TYPE_CHECKING:
    from nasir.apps.ranking import RankedArchitecture

EXAMPLES = """
  architecture=NAME           a reference architecture (nasir describe space=nasdip), an
                              architecture.json or a run's folder; several with commas
  pool=50                     so many random architectures of the space
  proxies=-synflow,naswot     the proxies (nasir list proxies); - reverses one
  images=FOLDER               the degraded pictures, all of them; short for task.images
  evaluator.initialisations=3 fresh networks a picture; evaluator.side=64: the pictures' middle
  limit="parameters<1e6"      of the pool
  seed=1 threads=2            of the networks, and of the pool
"""

HUGE = 1e15
"""Numbers from here on are shown by their powers of ten."""


class ScoreCommand(Command):
    """Rank architectures by one or several proxies: the best mean rank first."""

    def configure(self, parser: ArgumentParser) -> None:
        parser.add_argument("words", nargs="*", metavar="WORD", help="a setting; see below")
        parser.add_argument("--json", action="store_true", help="print as JSON")
        parser.add_argument("-o", "--output", metavar="FILE", help="write a CSV file, too")
        parser.epilog = EXAMPLES
        parser.formatter_class = RawDescriptionHelpFormatter

    def run(self, arguments: Namespace) -> int:
        from nasir.apps.score import check_writable, plan, write_csv

        planned = plan(arguments.words, {})
        file = Path(arguments.output).expanduser() if arguments.output else None
        if file is not None:
            check_writable(file)
        with show_work("scoring"):
            scored = planned.ranked()
        if file is not None:
            write_csv(file, scored, planned.proxies)
        if arguments.json:
            from nasir.cli.tables import print_json

            print_json([one.mapping for one in scored])
        else:
            _print(scored, planned.proxies)
        return 1 if any(one.error for one in scored) else 0


def _print(scored: Sequence[RankedArchitecture], proxies: Sequence[str]) -> None:
    from nasir.cli.tables import table

    header = ["architecture", *(head for proxy in proxies for head in (proxy, "rank"))]
    several = len(proxies) > 1
    rows = []
    for one in scored:
        if one.error is None:
            cells = [
                c
                for p in proxies
                for c in (_figure(bare(p), one.values[bare(p)]), f"{one.ranks[p]:g}")
            ]
            rows.append([one.name, *cells, *([f"{one.mean_rank:.4g}"] if several else [])])
    header += ["mean rank"] if several else []
    if rows:
        print(table(header, rows, right=range(1, len(header))))
    for one in scored:
        if one.error is not None:
            print(f"{one.name} failed: {one.error}")


def _figure(proxy: str, value: float) -> str:
    from nasir.apps.formatting import figure

    return figure(proxy, value) if abs(value) < HUGE else f"{value:.4g}"
