"""The command line in forked children of a process that has imported everything once.

Reads a line of JSON, a folder and the arguments of a command to run there, and writes the child's
process number; reads an empty line, waits for the child, and writes its exit code. Until then the
child keeps its number, even dead. What it says goes to ``said.txt`` in the folder.
"""

from __future__ import annotations

import io
import json
import os
import signal
import sys
import tempfile
import traceback
from contextlib import redirect_stdout
from typing import NoReturn

from toy_plugin import WORDS

from nasir.cli.main import main


def run(folder: str, *argv: str) -> NoReturn:
    """End this process as the command does, or with code 70 and a traceback."""
    code = 70
    try:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        os.chdir(folder)
        log = os.open("said.txt", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.dup2(log, 1)
        os.dup2(log, 2)
        code = main(list(argv))
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def warm_up() -> None:
    """Import all that a run needs; with one thread, which is all that a fork takes along."""
    with tempfile.TemporaryDirectory() as folder, redirect_stdout(io.StringIO()):
        words = ["strategy=rl", "strategy.steps=1", f"folder={folder}"]
        assert main(["run", "--quiet", *WORDS, *words]) == 0


def serve() -> None:
    while line := sys.stdin.readline():
        child = os.fork()
        if not child:
            run(*json.loads(line))
        print(child, flush=True)
        sys.stdin.readline()
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


if __name__ == "__main__":
    warm_up()
    serve()
