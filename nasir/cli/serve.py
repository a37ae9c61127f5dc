"""``nasir serve``: the runs in a folder as live pages."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace

from nasir.cli.command import Command
from nasir.runs.folder import RUNS


class ServeCommand(Command):
    """Show the runs in a folder as live pages in a browser, until Ctrl-C.

    The server only reads, and only what is in the folder. On an address other than this machine's
    own it wants the token that is printed.
    """

    def configure(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "folder", metavar="FOLDER", nargs="?", default=RUNS, help=f"default: {RUNS}"
        )
        parser.add_argument("--host", default="127.0.0.1", help="default: 127.0.0.1")
        parser.add_argument("--port", type=int, default=8421, help="0: any; default: 8421")

    def run(self, arguments: Namespace) -> int:
        from nasir.apps.serve.server import Server

        with Server(arguments.folder, arguments.host, arguments.port) as server:
            print(f"serving {arguments.folder} at {server.address} (Ctrl-C ends it)")
            sys.stdout.flush()
            try:
                server.serve_forever()
            except KeyboardInterrupt:
                print("ended")
        return 0
