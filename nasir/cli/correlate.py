"""``nasir correlate``: do proxies rank a run's architectures as their fits do?"""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Mapping, Sequence
from statistics import fmean
from typing import TYPE_CHECKING

from nasir.apps.progress.displays import show_work
from nasir.cli.command import Command
from nasir.runs.table import ENDING, INCLUDED

if TYPE_CHECKING:
    from nasir.apps.correlate import Correlation

SOURCES = f"a run's folder, a table (NAME{ENDING}), or {INCLUDED}, the table that comes with nasir"

NOTE = "tau: Kendall's tau-b with PSNR; where less of a proxy is better, near -1 is good"


class CorrelateCommand(Command):
    """Correlate proxies, parameters and multiply-adds with the final PSNR of runs or tables."""

    def configure(self, parser: ArgumentParser) -> None:
        parser.add_argument("folders", metavar="RUN", nargs="+", help=SOURCES)
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
        parser.add_argument(
            "--clean",
            action="store_true",
            help="compute --proxies against the ground truth, too, as NAME:clean",
        )
        parser.add_argument(
            "--best-step",
            action="store_true",
            help="correlate with the share of the steps where PSNR is best; wants evaluator.curve",
        )
        parser.add_argument("--json", action="store_true", help="print as JSON")

    def run(self, arguments: Namespace) -> int:
        from nasir.apps.correlate import correlations_in
        from nasir.core.registry import registries

        proxies = [name for name in arguments.proxies.split(",") if name]
        for name in proxies:
            registries["proxy"].entry(name)
        found: dict[str, list[Correlation]] = {}
        for name in dict.fromkeys(arguments.folders):
            with show_work(name):
                found |= correlations_in(
                    name,
                    proxies,
                    arguments.initialisations,
                    arguments.clean,
                    arguments.best_step,
                )
        if arguments.json:
            _print_json(found)
        else:
            _print(found)
        return 0


def _print_json(found: Mapping[str, Sequence[Correlation]]) -> None:
    """A list of correlations, which name their runs where there are several."""
    import attrs

    from nasir.cli.tables import print_json

    several = len(found) > 1
    print_json(
        [
            ({"run": run} if several else {}) | attrs.asdict(one)
            for run, correlations in found.items()
            for one in correlations
        ]
    )


def _print(found: Mapping[str, Sequence[Correlation]]) -> None:
    """A table a run, and of several runs one with the taus of all pictures side by side."""
    for run, correlations in found.items():
        if len(found) > 1:
            print(run)
        _print_run(correlations)
        print()
    if len(found) > 1:
        _print_means(found)
        print()
    print(NOTE)


def _print_run(correlations: Sequence[Correlation]) -> None:
    from nasir.cli.tables import table

    header = ["predictor", "picture", "architectures", "tau", "p-value", ""]
    rows = [
        [
            one.predictor,
            one.picture or "mean",
            str(one.architectures),
            _tau(one.tau),
            f"{one.p_value:.2g}" if one.p_value is not None else "",
            one.trouble or "",
        ]
        for one in correlations
    ]
    print(table(header, rows, right=(2, 3, 4)))


def _print_means(found: Mapping[str, Sequence[Correlation]]) -> None:
    """Each predictor's tau with the mean PSNR of every run, and the mean of these."""
    from nasir.cli.tables import table

    taus = [{one.predictor: one.tau for one in of if not one.picture} for of in found.values()]
    rows = []
    for predictor in dict.fromkeys(name for of in taus for name in of):
        each = [of.get(predictor) for of in taus]
        known = [tau for tau in each if tau is not None]
        mean = fmean(known) if known else None
        rows.append([predictor, *map(_tau, each), _tau(mean)])
    header = ["tau with the mean PSNR", *found, "mean"]
    print(table(header, rows, right=range(1, len(header))))


def _tau(tau: float | None) -> str:
    return f"{tau:.3f}" if tau is not None else "none"
