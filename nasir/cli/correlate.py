"""``nasir correlate``: do proxies rank a run's architectures as their fits do?"""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from typing import TYPE_CHECKING

from nasir.cli.command import Command
from nasir.cli.progress_bar import progress_bar

if TYPE_CHECKING:
    from nasir.core.correlation import Correlation

NOTE = "tau: Kendall's tau-b with PSNR; where less of a proxy is better, near -1 is good"


class CorrelateCommand(Command):
    """Correlate proxies, parameters and multiply-adds with the final PSNR of a run's trials."""

    def configure(self, parser: ArgumentParser) -> None:
        parser.add_argument("folder", metavar="RUN", help="the run's folder")
        parser.add_argument(
            "--proxies",
            metavar="NAMES",
            default="",
            help="compute these now, with commas (nasir list proxies); default: the trials'",
        )
        parser.add_argument(
            "--initialisations",
            type=int,
            metavar="N",
            default=1,
            help="fresh networks an architecture for --proxies; default: 1",
        )
        parser.add_argument("--json", action="store_true", help="print as JSON")

    def run(self, arguments: Namespace) -> int:
        from nasir.core.registry import registries

        proxies = [name for name in arguments.proxies.split(",") if name]
        for name in proxies:
            registries["proxy"].entry(name)
        from nasir.core.correlation import correlations
        from nasir.core.run import Run

        run = Run(arguments.folder)
        with progress_bar(arguments.folder):
            found = correlations(run, proxies, arguments.initialisations)
        if arguments.json:
            import attrs

            from nasir.cli.tables import print_json

            print_json([attrs.asdict(one) for one in found])
        else:
            _print(found)
        return 0


def _print(found: Sequence[Correlation]) -> None:
    from nasir.cli.tables import table

    header = ["predictor", "picture", "architectures", "tau", "p-value", ""]
    rows = [
        [
            one.predictor,
            one.picture or "mean",
            str(one.architectures),
            f"{one.tau:.3f}" if one.tau is not None else "none",
            f"{one.p_value:.2g}" if one.p_value is not None else "",
            one.trouble or "",
        ]
        for one in found
    ]
    print(table(header, rows, right=(2, 3, 4)))
    print(f"\n{NOTE}")
