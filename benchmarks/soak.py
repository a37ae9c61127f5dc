"""Many trials that do nothing: does a long search keep its pace and its memory?

    python benchmarks/soak.py [--trials 20000] [--strategy random] [--json PATH]

Printed are the memory after the first hundredth and at the end of the search, and the most of
the whole process with its final evaluation; trials a second in the first and in the last tenth; and
bytes of ``run.sqlite`` for each trial. A machine that others share is not as fast all the time: the
rival is a fixed piece of Python that runs every hundredth, and what counts is how many trials are
done in its time.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import attrs
import made_up

from nasir.apps.search import search as api
from nasir.runs.run import Run


@attrs.define
class Watch:
    """Looks at clock and memory every hundredth of the trials."""

    trials: int
    times: list[float] = attrs.field(factory=list)
    rival: list[float] = attrs.field(factory=list)
    memory: list[float] = attrs.field(factory=list)

    def __call__(self, hook: str, trial: Any = None, **_: Any) -> None:
        if hook == "trial_finished" and trial.number % (self.trials // 100) == 0:
            began = time.perf_counter()
            self.times.append(began - sum(self.rival))
            sum(number * number for number in range(200_000))
            self.rival.append(time.perf_counter() - began)
            self.memory.append(resident())

    def pace(self) -> dict[str, float]:
        """Trials a second, and in the rival's time, in the first and in the last tenth."""
        tenth = 10 * (self.trials // 100)
        rates = {}
        for name, begin, end in (("first_tenth", 0, 10), ("last_tenth", -11, -1)):
            rate = tenth / (self.times[end] - self.times[begin])
            rival = statistics.mean(self.rival[begin:end])
            rates |= {name: rate, f"{name}_in_rivals_time": rate * rival}
        ratio = rates["last_tenth_in_rivals_time"] / rates["first_tenth_in_rivals_time"]
        return rates | {"ratio": ratio}


def resident() -> float:
    """MiB of main memory that this process has."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--trials", type=int, default=20_000)
    parser.add_argument("--strategy", default="random")
    parser.add_argument("--json")
    arguments = parser.parse_args()
    made_up.known()
    watch = Watch(arguments.trials)
    with tempfile.TemporaryDirectory() as folder:
        words = [*made_up.WORDS, f"strategy={arguments.strategy}", f"trials={arguments.trials}"]
        (planned,) = api.plan([*words, f"folder={folder}", "name=soak"], {})
        run = Run(api.start(planned, watch).folder)
        done = sum(trial.state == "complete" for trial in run.trials_from(0))
        size = (run.folder / "run.sqlite").stat().st_size
    figures = {
        "trials": done,
        "strategy": arguments.strategy,
        "memory_MiB": {"after_1_percent": watch.memory[1], "after_all": watch.memory[-1]},
        "memory_grows_MiB": watch.memory[-1] - watch.memory[1],
        "most_memory_MiB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "trials_a_second": watch.pace(),
        "bytes_a_trial": size / done,
    }
    print(json.dumps(figures, indent=2))
    if arguments.json:
        Path(arguments.json).write_text(json.dumps(figures, indent=2))


if __name__ == "__main__":
    main()
