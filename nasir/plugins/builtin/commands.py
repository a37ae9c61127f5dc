"""The commands that come with nasir."""

from nasir.plugins import hookimpl
from nasir.plugins.hookspecs import Register


@hookimpl
def register_commands(cli: Register) -> None:
    cli("run", "nasir.cli.run:RunCommand", "search for an architecture")
    cli("resume", "nasir.cli.resume:ResumeCommand", "continue a run after any kind of end")
    cli("watch", "nasir.cli.watch:WatchCommand", "follow a run from another terminal")
    cli("train", "nasir.cli.train:TrainCommand", "train one architecture and evaluate it")
    cli("restore", "nasir.cli.restore:RestoreCommand", "restore pictures")
    cli(
        "evaluate",
        "nasir.cli.evaluate:EvaluateCommand",
        "evaluate architectures and classical methods on the same pictures",
    )
    cli("score", "nasir.cli.score:ScoreCommand", "rank untrained architectures by proxies")
    cli(
        "correlate",
        "nasir.cli.correlate:CorrelateCommand",
        "correlate proxies with the results of fits",
    )
    cli("tabulate", "nasir.cli.tabulate:TabulateCommand", "make a tabular benchmark from runs")
    cli("export", "nasir.cli.export:ExportCommand", "write a trained network as one file")
    cli("runs", "nasir.cli.runs:RunsCommand", "list the runs in a folder")
    cli("show", "nasir.cli.show:ShowCommand", "show a run: its result and its trials")
    cli("compare", "nasir.cli.compare:CompareCommand", "compare runs")
    cli("report", "nasir.cli.report:ReportCommand", "write a run as one HTML page")
    cli("serve", "nasir.cli.serve:ServeCommand", "show the runs in a folder as live pages")
    cli("bench", "nasir.cli.bench:BenchCommand", "compare strategies over many seeds")
    cli("paper", "nasir.cli.paper:PaperCommand", "make a paper's table or figure again")
    cli("list", "nasir.cli.list:ListCommand", "list all registered names")
    cli("describe", "nasir.cli.describe:DescribeCommand", "explain a component and its settings")
    cli(
        "completion",
        "nasir.cli.completion:CompletionCommand",
        "let bash, zsh or fish complete what is typed",
    )
    cli("plugins", "nasir.cli.plugins:PluginsCommand", "list plugins, disable and enable them")
