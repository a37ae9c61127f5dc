"""How long the commands take that must answer at once.

    python benchmarks/startup.py [--rounds 9] [--json PATH]

Whole processes, beside a Python that does nothing; the commands take turns. Python may keep
compiled modules, as it does by default and for whoever installs with pip.
"""

from __future__ import annotations

import argparse
import json
import os
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
    "nasir run strategy=rll": ["-m", "nasir.cli.main", "run", "strategy=rll"],
    "nasir run space.dpeth=4": ["-m", "nasir.cli.main", "run", "space.dpeth=4"],
}


ENVIRONMENT = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}


def seconds(arguments: list[str]) -> float:
    began = time.perf_counter()
    subprocess.run([sys.executable, *arguments], capture_output=True, env=ENVIRONMENT)
    return time.perf_counter() - began


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--json")
    arguments = parser.parse_args()
    taken: dict[str, list[float]] = {name: [] for name in COMMANDS}
    for turn in range(arguments.rounds + 1):
        for name, command in COMMANDS.items():
            spent = seconds(command)
            if turn:
                taken[name].append(spent)
    figures = {
        name: {"median": statistics.median(all_), "max": max(all_)} for name, all_ in taken.items()
    }
    print(json.dumps(figures, indent=2))
    if arguments.json:
        Path(arguments.json).write_text(json.dumps(figures, indent=2))


if __name__ == "__main__":
    main()
