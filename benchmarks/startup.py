"""How long the commands take that must answer at once.

    python benchmarks/startup.py [--rounds 9] [--json PATH]

Processor time and time of whole processes, beside a Python that does nothing; the commands take
turns. On a machine that others use, the least is what a command takes. Python may keep compiled
modules, as it does by default and for whoever installs with pip.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import time
from pathlib import Path

COMMANDS = {
    "python -c pass": ["-c", "pass"],
    "nasir --help": ["-m", "nasir.cli.main", "--help"],
    "nasir list": ["-m", "nasir.cli.main", "list"],
    "nasir plugins": ["-m", "nasir.cli.main", "plugins"],
    "nasir --complete run task.deg": ["-m", "nasir.cli.main", "--complete", "run", "task.deg"],
    "nasir --complete restore task.no": [
        "-m",
        "nasir.cli.main",
        "--complete",
        "restore",
        "task.no",
    ],
    "nasir run strategy=rll": ["-m", "nasir.cli.main", "run", "strategy=rll"],
    "nasir run space.dpeth=4": ["-m", "nasir.cli.main", "run", "space.dpeth=4"],
    "nasir bench strategy=rll": ["-m", "nasir.cli.main", "bench", "strategy=rll"],
    "nasir restore task=denoize": ["-m", "nasir.cli.main", "restore", "a.png", "task=denoize"],
}


ENVIRONMENT = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}


def seconds(arguments: list[str]) -> tuple[float, float]:
    """Processor time and time of a Python."""
    began, used = time.perf_counter(), processor_time()
    subprocess.run([sys.executable, *arguments], capture_output=True, env=ENVIRONMENT)
    return processor_time() - used, time.perf_counter() - began


def processor_time() -> float:
    """Seconds that all processes took that this one began and that are over."""
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return children.ru_utime + children.ru_stime


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--json")
    arguments = parser.parse_args()
    taken: dict[str, list[tuple[float, float]]] = {name: [] for name in COMMANDS}
    for turn in range(arguments.rounds + 1):
        for name, command in COMMANDS.items():
            spent = seconds(command)
            if turn:
                taken[name].append(spent)
    figures = {
        name: {
            what: {"least": min(one), "median": statistics.median(one), "most": max(one)}
            for what, one in zip(("processor", "wall"), zip(*all_, strict=True), strict=True)
        }
        for name, all_ in taken.items()
    }
    print(json.dumps(figures, indent=2))
    if arguments.json:
        Path(arguments.json).write_text(json.dumps(figures, indent=2))


if __name__ == "__main__":
    main()
