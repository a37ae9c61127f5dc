"""The runs of a sweep, each with its share of the machine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from nasir.apps.search.search import plan
from nasir.core.errors import SettingsError
from nasir.settings.experiment import Experiment
from nasir.settings.machine import refuse_many_processes
from nasir.settings.reader import read_overrides
from nasir.settings.run_settings import RunSettings


def check_parallel(parallel: int) -> None:
    """Refuse a number of runs at a time that is none."""
    if parallel < 1:
        raise SettingsError(f"parallel={parallel}: so many runs at a time, from 1")
    refuse_many_processes("parallel", parallel)


def shared_plan(
    words: Sequence[str], settings: Mapping[str, Any], parallel: int
) -> list[Experiment]:
    """The runs that words and settings make, each with its share of the threads."""
    check_parallel(parallel)
    plans = plan(words, settings)
    at_a_time = min(parallel, len(plans))
    if at_a_time == 1:
        return plans
    return plan([*words, *thread_share(words, plans, at_a_time)], settings)


def thread_share(words: Sequence[str], plans: Sequence[Experiment], at_a_time: int) -> list[str]:
    """The word for the threads of each of so many runs at a time, where none says how many."""
    overrides = read_overrides(RunSettings, words, {})
    if any(one.path == ("threads",) and one.value != 0 for one in overrides):
        return []
    return [f"threads={max(1, min(one.settings.threads for one in plans) // at_a_time)}"]
