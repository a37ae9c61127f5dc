"""``nasir run``: search for an architecture."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from nasir.cli.command import Command

EXAMPLES = """
WORD is key=value, a settings file NAME.toml, or a recipe; later ones win.
  space=nasdip          picks a component (nasir list), space.depth=4 sets its field
  seed=0,1,2  seed=0..9 a comma list or a range makes one run for each value
  trials=50 workers=2   settings of the run itself (nasir describe run)
"""


class RunCommand(Command):
    """Search, show it live, and end with what was found beside the baseline."""

    def configure(self, parser: ArgumentParser) -> None:
        parser.add_argument("words", nargs="*", metavar="WORD", help="a setting; see below")
        parser.add_argument("--json", action="store_true", help="print the summary alone, as JSON")
        parser.add_argument("--quiet", action="store_true", help="print the result alone")
        parser.epilog = EXAMPLES
        from argparse import RawDescriptionHelpFormatter

        parser.formatter_class = RawDescriptionHelpFormatter

    def run(self, arguments: Namespace) -> int:
        from nasir import api

        plans = api.plan(arguments.words, {})  # first: a misspelt word is told at once
        from nasir.cli.live import watched
        from nasir.cli.tables import print_comparison, print_json, print_summary
        from nasir.core.summary import summary

        runs = []
        for planned in plans:
            with watched(planned.trials, arguments.quiet or arguments.json) as notify:
                runs.append(api.start(planned, notify))
            if runs[-1].state == "interrupted":
                break
        if arguments.json:
            content = [summary(run) for run in runs]
            print_json(content[0] if len(content) == 1 else content)
        elif len(runs) == 1:
            print_summary(runs[0])
        else:
            print_comparison(runs)
        return exit_code(runs[-1].state, bool(summary(runs[-1])["best"]))


def exit_code(state: str, found: bool) -> int:
    """0, or 130 after an interruption, or 1 where no trial came to anything."""
    if state == "interrupted":
        return 130
    return 0 if found else 1
