"""``nasir show``: a run's result and trials, or one trial in full."""

from __future__ import annotations

import json
import shlex
import time
from argparse import ArgumentParser, Namespace
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import attrs

from nasir.apps.formatting import (
    choices_in_words,
    figure,
    heading,
    metric_names,
    pictures_in_words,
    score_columns,
    score_of,
    visible,
)
from nasir.cli.command import Command, add_run, run_of
from nasir.cli.tables import print_json, print_result, table
from nasir.core.errors import NasirError

if TYPE_CHECKING:
    from nasir.core.failures import FailedAttempt
    from nasir.core.trial import Trial
    from nasir.runs.run import Run

SHOWN = 3
"""Trials that are shown unless all are asked for: with the rest they fit a screen of 100 x 30."""


class ShowCommand(Command):
    """Show a run: its result, its settings in short and its best trials."""

    def configure(self, parser: ArgumentParser) -> None:
        add_run(parser)
        parser.add_argument("--trials", action="store_true", help="show all trials, in order")
        parser.add_argument("--trial", type=int, metavar="N", help="show one trial in full")
        parser.add_argument("--json", action="store_true", help="print everything as JSON")

    def run(self, arguments: Namespace) -> int:
        run = run_of(arguments)
        if arguments.trial is not None:
            trial = _numbered(run, arguments.trial)
            _show_trial(trial, run.failed_attempts.get(trial.number, []), arguments.json)
        elif arguments.json:
            _print_json(run)
        else:
            _show_run(run, arguments.trials)
        return 0


def _print_json(run: Run) -> None:
    from nasir.runs.summary import summary, trial_mapping

    trials = run.trials
    content = summary(run) | {"settings": run.settings}
    front = _front(run, trials)
    if front:
        content["pareto_front"] = [trial.number for trial in front]
    print_json(content | {"trial_list": [trial_mapping(trial) for trial in trials]})


def _show_run(run: Run, everything: bool) -> None:
    from nasir.apps.report.repeating import changed
    from nasir.runs.folder import SETTINGS
    from nasir.runs.summary import summary

    said = [("settings", " ".join(changed(run.settings))), ("", f"all: {run.folder / SETTINGS}")]
    content = summary(run)
    pictures = pictures_in_words(content)
    if pictures:
        said.append(("pictures", pictures))
    print(table((), said, fold=1), end="\n\n")
    trials = run.trials
    if trials:
        best = content["best"]
        _print_trials(run, trials, everything, best["trial"] if best else None)
    print_result(content)


def _print_trials(run: Run, trials: Sequence[Trial], everything: bool, found: int | None) -> None:
    """Print the trials, the architecture of each once; that of trial `found` is printed below."""
    from nasir.core.trial import best_first

    printed = {} if found is None else {found: "found, see below"}
    front = _front(run, trials)
    if front:
        print(f"Pareto front of {', '.join(run.settings['objective'])}")
        print(trial_table(front, printed), end="\n\n")
    printed = {trial.number: "see above" for trial in front} | printed
    shown = trials if everything else best_first(trials)[:SHOWN]
    print(trial_table(shown, printed))
    folder = shlex.quote(str(run.folder))
    few = f"the best {len(shown)} of {len(trials)}; " if len(shown) < len(trials) else ""
    print(f"{few}nasir show {folder} --trials: all; --trial {shown[0].number}: one in full\n")


def _front(run: Run, trials: Sequence[Trial]) -> list[Trial]:
    """The trials on the Pareto front, where the run has several objectives."""
    from nasir.core.objectives import objectives, pareto_front

    wanted = objectives(run.settings.get("objective", ()))
    return pareto_front(trials, wanted) if len(wanted) > 1 else []


def trial_table(trials: Sequence[Trial], printed: Mapping[int, str]) -> str:
    """A row of figures for each trial, and below it its architecture, or why it failed.

    In place of an architecture that is printed elsewhere, `printed` has where, by the trial's
    number.
    """
    names = metric_names(trial.metrics for trial in trials)
    staged = any((t.proposal.stage, t.proposal.fidelity) != ("full", 1.0) for t in trials)
    stages = ["stage", "fidelity"] if staged else []
    columns = score_columns(trials)
    header = ["trial", "state", *stages, *columns.values(), *map(heading, names), "seconds"]
    rows = [_cells(trial, names, staged, columns) for trial in trials]
    right = {c for c in range(len(header)) if header[c] not in ("state", "stage")}
    head, *lines = table(header, rows, right=right).splitlines()
    parts = [head]
    for line, trial in zip(lines, trials, strict=True):
        words = printed.get(trial.number) or choices_in_words(trial.architecture.choices)
        more = [("     ", f"{trial.architecture.id}  {words}")]
        if trial.state == "failed":
            more.insert(0, ("     ", f"failed: {trial.reason}"))
        parts += [line, table((), more, fold=1)]
    return "\n".join(parts)


def _cells(
    trial: Trial, names: Sequence[str], staged: bool, columns: Mapping[str, str]
) -> list[str]:
    proposal = trial.proposal
    return [
        str(trial.number),
        trial.state,
        *([proposal.stage, f"{proposal.fidelity:.3g}"] if staged else []),
        *(score_of(trial, stage) for stage in columns),
        *(figure(n, trial.metrics[n]) if n in trial.metrics else "" for n in names),
        f"{trial.seconds:.1f}" if trial.seconds is not None else "",
    ]


def _numbered(run: Run, number: int) -> Trial:
    trials = run.trials
    for trial in trials:
        if trial.number == number:
            return trial
    known = f"it has trials 0 to {trials[-1].number}" if trials else "it has none yet"
    raise NasirError(f"{run.folder} has no trial {number}: {known}")


def _show_trial(trial: Trial, failed: Sequence[FailedAttempt], as_json: bool) -> None:
    from nasir.runs.summary import trial_mapping

    content = trial_mapping(trial)
    if as_json:
        attempts = [attrs.asdict(one) for one in failed]
        print_json(content | ({"failed_attempts": attempts} if attempts else {}))
        return
    metrics, by_picture = content.pop("metrics"), content.pop("by_picture")
    curves = content.pop("curve")
    error, _ = content.pop("error"), content.pop("architecture")
    if trial.started is not None:
        content["started"] = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(trial.started))
    pairs = [(name, str(value)) for name, value in content.items() if value is not None]
    pairs += [(name, figure(name, value)) for name, value in metrics.items()]
    pairs += [(f"attempt {n} failed", one.reason) for n, one in enumerate(failed, 1)]
    print(table((), pairs))
    names = metric_names(by_picture.values())
    if names:
        rows = [
            [picture, *(figure(n, of[n]) if n in of else "" for n in names)]
            for picture, of in by_picture.items()
        ]
        print("\n" + table(["picture", *map(heading, names)], rows, right=range(1, len(names) + 1)))
    for picture, curve in curves.items():
        points = " ".join(f"{share:.3g}:{figure('psnr', psnr)}" for share, psnr in curve)
        print(f"\nPSNR of {picture} by share of the fit\n{points}")
    print(f"\narchitecture\n{json.dumps(trial.architecture.mapping)}")
    if error:
        print(f"\nerror\n{visible(error.rstrip())}")
