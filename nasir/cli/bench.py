"""``nasir bench``: which strategy finds the best architectures soonest, and how surely."""

from __future__ import annotations

import os
import re
import sys
from argparse import ArgumentParser, Namespace, RawDescriptionHelpFormatter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import attrs

from nasir.cli.command import Command
from nasir.core.errors import SettingsError

if TYPE_CHECKING:
    from nasir.comparison.bench import Entrant
    from nasir.comparison.outcome import Outcome
    from nasir.comparison.results import Result

EXAMPLES = """
WORD is as for nasir run: key=value, a settings file NAME.toml, or a recipe; later ones win.
  strategy=rl,evolution,zero_cost+evolution   what takes part
  task=denoise,inpaint  another sweep makes a table for each value
  seeds=50              searches of each strategy, with the seeds from 0 on
  full=200              full evaluations that a search may spend
  workers=2             searches at a time; default: one a core; changes no result
Without space= and evaluator= the shipped table is searched: the recipe dipbench.
"""

RECIPE = "dipbench"

DEFAULTS = {"seeds": 50, "full": 200}

FOREIGN = {
    "seed": "write seeds=N, for the seeds from 0 on",
    "trials": "write full=N, the full evaluations that a search may spend",
    "seconds": "write full=N, the full evaluations that a search may spend",
    "executor": "write workers=N",
    "folder": "write -o FOLDER",
    "name": "write -o FOLDER",
}
"""Settings of a run that have another name here."""


@attrs.frozen
class Plan:
    """What the words of a bench ask for."""

    seeds: int
    full: int
    workers: int
    words: tuple[str, ...]


class BenchCommand(Command):
    """Search with several strategies and many seeds; rank them by what they need and find."""

    def configure(self, parser: ArgumentParser) -> None:
        parser.add_argument("words", nargs="*", metavar="WORD", help="a setting; see below")
        parser.add_argument(
            "-o", "--output", metavar="FOLDER", help="keep results and curves there, and go on"
        )
        parser.add_argument("--json", action="store_true", help="print as JSON")
        parser.epilog = EXAMPLES
        parser.formatter_class = RawDescriptionHelpFormatter

    def run(self, arguments: Namespace) -> int:
        planned = plan(arguments.words)
        entrants = _entrants(planned.words)
        for entrant in entrants:
            entrant.planned.problem.check()
        from nasir.cli.bench_tables import print_outcomes, print_outcomes_json
        from nasir.comparison.outcome import outcomes

        found = outcomes(entrants, _conducted(entrants, planned, arguments.output), planned.full)
        if arguments.json:
            print_outcomes_json(found)
        else:
            print_outcomes(found)
        if arguments.output:
            _keep_curves(Path(arguments.output).expanduser(), found)
        return 0


def plan(words: Sequence[str]) -> Plan:
    """Take bench's own words from the others."""
    own: dict[str, int] = {}
    others = []
    for word in words:
        key, _, value = word.partition("=")
        if key in FOREIGN:
            raise SettingsError(f"bench has no {key}=: {FOREIGN[key]}")
        if key not in (*DEFAULTS, "workers"):
            others.append(word)
        elif re.fullmatch(r"[1-9]\d{0,5}", value):
            own[key] = int(value)
        else:
            raise SettingsError(f"{word}: {key} wants a whole number from 1, such as {key}=20")
    return Plan(**{**DEFAULTS, "workers": _cores(), **own}, words=tuple(others))


def _entrants(texts: Sequence[str]) -> list[Entrant]:
    from nasir import api
    from nasir.comparison.bench import entrants
    from nasir.core.experiment import is_list
    from nasir.core.recipes import given_words
    from nasir.core.words import expand

    given = {word.path[0] for word in given_words(texts, {})}
    if "strategy" not in given:
        raise SettingsError("bench wants strategies to compare: strategy=random,evolution")
    if "space" not in given and "evaluator" not in given:
        texts = [RECIPE, *texts]
    elif "evaluator" not in given:
        texts = ["evaluator=table", *texts]
    planned = api.plan(list(texts), {})
    return entrants(expand(given_words(texts, {}), is_list), planned)


def _conducted(entrants: Sequence[Entrant], planned: Plan, output: str | None) -> list[Result]:
    """All results, those that a folder has and those that it lacked."""
    from nasir.cli.progress_bar import progress_bar
    from nasir.comparison.bench import results
    from nasir.comparison.results import ResultsFolder
    from nasir.core import configure
    from nasir.core.progress import report

    folder = None
    if output:
        settings = [[one.problem, one.strategy, one.settings] for one in entrants]
        folder = ResultsFolder(output, {"full": planned.full, "entrants": settings})
    jobs = [(number, seed) for seed in range(planned.seeds) for number in range(len(entrants))]
    done = {(one.entrant, one.seed): one for one in (folder.results if folder else ())}
    done = {job: done[job] for job in jobs if job in done}
    left = [job for job in jobs if job not in done]
    workers = min(planned.workers, len(left))
    if left:
        executor = configure.make("executor", "inline" if workers == 1 else "process")
        pool = executor.start(workers)
        try:
            with progress_bar("searches"):
                for result in results(entrants, left, planned.full, pool, workers):
                    done[result.entrant, result.seed] = result
                    if folder is not None:
                        folder.add(result)
                    report(len(done), len(jobs))
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
    return [done[job] for job in jobs]


def _keep_curves(folder: Path, found: Sequence[Outcome]) -> None:
    from nasir.comparison import plots
    from nasir.comparison.outcome import write_curves

    write_curves(folder / "curves.csv", found)
    panels = [
        plots.Curves(one.problem, one.curves(), limit=one.ranking[0][0] if one.whole else None)
        for one in found
    ]
    try:
        plots.draw(folder / "curves.png", panels)
    except plots.NoMatplotlibError as error:
        print(f"nasir: no curves.png: {error}", file=sys.stderr)


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
