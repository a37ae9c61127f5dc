"""The commands that come with nasir."""

from nasir.plugins import hookimpl
from nasir.plugins.hookspecs import Register


@hookimpl
def register_commands(cli: Register) -> None:
    cli("run", "nasir.cli.run:RunCommand", "search for an architecture")
    cli("resume", "nasir.cli.resume:ResumeCommand", "go on with a run after any kind of end")
    cli("watch", "nasir.cli.watch:WatchCommand", "follow a run from another terminal")
    cli("train", "nasir.cli.train:TrainCommand", "train one architecture and judge it")
    cli("restore", "nasir.cli.restore:RestoreCommand", "restore a picture that you have")
    cli(
        "evaluate",
        "nasir.cli.evaluate:EvaluateCommand",
        "judge architectures and classical methods on the same pictures",
    )
    cli("score", "nasir.cli.score:ScoreCommand", "rank untrained architectures by proxies")
    cli("correlate", "nasir.cli.correlate:CorrelateCommand", "do proxies rank as the fits do?")
    cli("tabulate", "nasir.cli.tabulate:TabulateCommand", "make a tabular benchmark of runs")
    cli("export", "nasir.cli.export:ExportCommand", "write a trained network as ONNX or .pt2")
    cli("runs", "nasir.cli.runs:RunsCommand", "list the runs in a folder")
    cli("show", "nasir.cli.show:ShowCommand", "show a run: its result and its trials")
    cli("compare", "nasir.cli.compare:CompareCommand", "put runs side by side")
    cli("report", "nasir.cli.report:ReportCommand", "write a run as one HTML page")
    cli("bench", "nasir.cli.bench:BenchCommand", "compare strategies over many seeds")
    cli("list", "nasir.cli.list:ListCommand", "list what is registered")
    cli("describe", "nasir.cli.describe:DescribeCommand", "explain a component and its settings")
    cli("plugins", "nasir.cli.plugins:PluginsCommand", "list plugins, disable and enable them")
