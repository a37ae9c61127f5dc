"""The command line in forked children of a process that has imported everything once.

Reads lines of JSON, a folder and the arguments of a command to run there; writes the child's
process number, then its exit code. What the child says goes to ``said.txt`` in that folder.
"""

from __future__ import annotations

import json
import os
import signal
import sys

import torch  # noqa: F401 (the costly import that children need not pay)
import toy_plugin  # noqa: F401

import nasir.api
import nasir.cli.live
import nasir.cli.tables
import nasir.strategies.rl.policy_gradient  # noqa: F401
from nasir.cli.main import main


def run(folder: str, *argv: str) -> None:
    """End this process as the command does."""
    os.chdir(folder)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    log = os.open("said.txt", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(log, 1)
    os.dup2(log, 2)
    code = 70
    try:
        code = main(list(argv))
    except BaseException:
        sys.excepthook(*sys.exc_info())
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def serve() -> None:
    for line in sys.stdin:
        child = os.fork()
        if not child:
            run(*json.loads(line))
        print(child, flush=True)
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


if __name__ == "__main__":
    serve()
