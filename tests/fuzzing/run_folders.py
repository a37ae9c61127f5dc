"""Folders of runs, trainings, benches, tables and checkpoints, with damage in their files."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path
from random import Random
from typing import Any

import attrs
import numpy as np
import tomli_w
from PIL import Image
from toy_plugin import WORDS
from toy_trained import trained

import nasir
from fuzzing.mutations import NUMBERS, TEXTS, altered, damaged, damaged_json
from fuzzing.outcomes import Case
from nasir.cli.main import main
from nasir.core.errors import NasirError
from nasir.runs import owner
from nasir.settings.overrides import read_file

STRATEGIES = ("random", "rl", "evolution", "local_search", "random+evolution")
"""Whose states and histories are damaged."""

ONE_STEP = ("evaluator.iterations=1", "evaluator.device=cpu", "threads=1")

Command = Callable[[Path, Path], int | None]
"""Gets the damaged folder or file, and the folder that may be written in."""


@attrs.frozen
class Samples:
    """What is damaged: folders by kind, all under one that nothing writes in."""

    root: Path

    @property
    def picture(self) -> Path:
        return self.root / "picture.png"

    @property
    def pictures(self) -> Path:
        """A folder of two."""
        return self.root / "pictures"

    @property
    def good(self) -> Path:
        """A run to compare with."""
        return self.root / "runs" / "random"

    def names(self, kind: str) -> list[str]:
        return sorted(path.name for path in (self.root / kind).iterdir())


def made(root: Path) -> Samples:
    """Make the samples in `root`, once."""
    samples = Samples(root)
    if samples.picture.exists():
        return samples
    root.mkdir(parents=True, exist_ok=True)
    _make_runs(root / "runs")
    trained(root, output="trainings/finished")
    _make_unfinished(root / "trainings" / "finished", root / "trainings" / "unfinished")
    words = (*WORDS, "seed=0,1", "trials=3", f"folder={root / 'sweeps'}", "name=two")
    assert main(["run", "--quiet", *words]) == 0
    (root / "tables").mkdir()
    table = str(root / "tables" / "t.safetensors")
    assert main(["tabulate", str(samples.good), "-o", table]) == 0
    _make_bench(root / "benches" / "one")
    _make_checkpoints(root / "checkpoints")
    values = np.random.default_rng(0).integers(0, 256, (20, 24), np.uint8)
    samples.pictures.mkdir()
    Image.fromarray(values).save(samples.picture)
    for name in ("a.png", "b.tif"):
        Image.fromarray(values).save(samples.pictures / name)
    return samples


def _make_runs(folder: Path) -> None:
    for strategy in STRATEGIES:
        name = strategy.replace("+", "-")
        more = ["objective=psnr,-parameters"] if strategy == "evolution" else []
        run = nasir.search(
            *WORDS, f"strategy={strategy}", f"folder={folder}", f"name={name}", "trials=8", *more
        )
        checkpoints = run.folder / "checkpoints"
        checkpoints.mkdir()
        picture = np.random.default_rng(1).random((12, 16, 3))
        for kind in ("clean", "degraded", "restored"):
            image = Image.fromarray((picture * 255).astype(np.uint8))
            image.save(run.folder / "best" / f"a-{kind}.png")
    died = folder / "died"
    shutil.copytree(folder / "random", died)
    said = {"token": "t", "host": "elsewhere", "machine": "another", "pid": 3}
    (died / "run.owner").write_text(json.dumps(said))
    with closing(sqlite3.connect(died / "run.sqlite")) as connection, connection:
        connection.execute("UPDATE trials SET state = 'running', score = NULL WHERE number = 7")
        connection.execute("UPDATE progress SET value = '\"running\"' WHERE key = 'state'")
        connection.execute("UPDATE progress SET value = '7' WHERE key = 'delivered'")


def _make_unfinished(finished: Path, unfinished: Path) -> None:
    shutil.copytree(finished, unfinished)
    (unfinished / "result.json").unlink()


def _make_bench(folder: Path) -> None:
    from nasir.apps.bench.effort import FullEvaluation
    from nasir.apps.bench.results import ResultsFolder, SearchResult

    kept = ResultsFolder(folder, {"full": 3})
    for seed in range(3):
        found = (FullEvaluation(1.0, "ab", 2.0), FullEvaluation(2.0, "cd", 3.0))
        kept.add(SearchResult(0, seed, 3.0, 1, 0, None, found))


def _make_checkpoints(folder: Path) -> None:
    import torch

    from nasir.training.checkpoint import save

    tensors = {"a": torch.arange(6.0).reshape(2, 3), "b": torch.zeros(1, dtype=torch.bfloat16)}
    values = {"space": {"name": "toy"}, "channels": [1, 1, 1], "partial": 1, "step": 3}
    save(folder / "supernet.safetensors", tensors, values)


def case(rng: Random, folder: Path, samples: Samples) -> Case:
    """Damage a copy of a sample, and have one of the commands that read it do so."""
    kind = rng.choice((*["runs"] * 7, "trainings", "trainings", "sweeps", *sorted(COMMANDS)))
    name = rng.choice(samples.names(kind))
    label, command = rng.choice(COMMANDS[kind])
    seed = rng.randrange(2**32)

    place = folder / name

    def prepare() -> None:
        copy(samples.root / kind / name, place)
        damage(place, Random(seed))

    return Case(
        f"{kind}: {label}",
        f"{kind}/{name}, damage {seed}, {label}",
        lambda: command(place, samples.picture),
        prepare,
    )


def copy(source: Path, target: Path) -> None:
    if target.is_dir():
        shutil.rmtree(target)
    if source.is_dir():
        shutil.copytree(source, target)
    else:
        shutil.copyfile(source, target)


def damage(place: Path, rng: Random) -> None:
    """Damage one to three files of a folder, or a file: bytes, rows of tables, values, names."""
    for _ in range(rng.choice((1, 1, 2, 3))):
        files = [place] if place.is_file() else sorted(p for p in place.rglob("*") if p.is_file())
        if not files:
            return
        weights = [8 if file.name in ("run.sqlite", "settings.toml") else 2 for file in files]
        (file,) = rng.choices(files, weights)
        _damage_file(file, rng)


def _damage_file(file: Path, rng: Random) -> None:
    way = rng.randrange(8)
    if way == 0 and file.parent.parent.exists():
        file.unlink()
        if rng.randrange(2):
            file.mkdir()
    elif way < 4 and file.suffix == ".json":
        file.write_bytes(damaged_json(file.read_text(errors="replace"), rng))
    elif way < 5 and file.suffix == ".toml":
        _alter_toml(file, rng)
    elif way < 6 and file.suffix == ".sqlite":
        _alter_rows(file, rng)
    elif way < 5 and file.suffix == ".safetensors":
        _alter_header(file, rng)
    else:
        file.write_bytes(damaged(file.read_bytes(), rng))


def _alter_toml(file: Path, rng: Random) -> None:
    with suppress(NasirError):
        tree = altered(read_file(file), rng)
        with suppress(TypeError, AttributeError, ValueError):
            file.write_bytes(tomli_w.dumps(tree).encode("utf-8", "surrogatepass"))


def _alter_header(file: Path, rng: Random) -> None:
    """Other values in the JSON of a safetensors file, with a right length before it."""
    content = file.read_bytes()
    length = int.from_bytes(content[:8], "little")
    with suppress(ValueError):
        header: Any = json.loads(content[8 : 8 + length])
        spelt = json.dumps(altered(header, rng)).encode()
        file.write_bytes(len(spelt).to_bytes(8, "little") + spelt + content[8 + length :])


HOSTILE = (
    "DROP TABLE trials",
    "DROP TABLE progress",
    "DROP TABLE final_evaluations",
    "DROP TABLE strategy",
    "DELETE FROM trials",
    "DELETE FROM progress",
    "ALTER TABLE trials RENAME COLUMN score TO scores",
    "ALTER TABLE progress ADD COLUMN more TEXT",
    "PRAGMA user_version = 99",
    "PRAGMA application_id = 7",
    "DROP TABLE progress; CREATE VIEW progress AS WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL "
    "SELECT x + 1 FROM c) SELECT x, x FROM c",
    "CREATE TRIGGER t AFTER INSERT ON trials BEGIN DELETE FROM trials; END",
    "INSERT INTO trials SELECT number + 1000000000000, stage, fidelity, architecture, "
    "architecture_id, state, score, metrics, seed, started, seconds, worker, error FROM trials",
)


def _alter_rows(file: Path, rng: Random) -> None:
    """Other values in the tables of a run, of any type, as no writer of nasir's leaves them."""
    with suppress(sqlite3.Error, ValueError), closing(sqlite3.connect(file)) as connection:
        if rng.randrange(6) == 0:
            connection.executescript(rng.choice(HOSTILE))
            return
        tables = (
            "trials",
            "trials",
            "final_evaluations",
            "progress",
            "strategy",
            "failed_attempts",
        )
        table = rng.choice(tables)
        columns = [row[1] for row in connection.execute(f"PRAGMA table_info({table})")]
        rows = connection.execute(f"SELECT rowid, * FROM {table}").fetchmany(10_000)
        rowid, *values = rng.choice(rows) if rows else (0,)
        if not columns or not values:
            return
        place = rng.randrange(len(columns))
        new = _other(values[place], rng)
        everywhere = rng.randrange(4) == 0
        with connection:
            connection.execute(
                f"UPDATE OR REPLACE {table} SET {columns[place]} = ?"
                + ("" if everywhere else " WHERE rowid = ?"),
                (new,) if everywhere else (new, rowid),
            )


def _other(value: Any, rng: Random) -> Any:
    """Another value than was there: of JSON altered JSON, else anything that SQLite holds."""
    if isinstance(value, str | bytes) and rng.randrange(3):
        text = value.decode("utf-8", "replace") if isinstance(value, bytes) else value
        with suppress(ValueError):
            changed = damaged_json(text, rng)
            return changed if isinstance(value, bytes) else changed.decode("utf-8", "replace")
        return damaged(text.encode(), rng).decode("utf-8", "replace")
    kind = rng.randrange(5)
    if kind == 0:
        return rng.choice(TEXTS).encode("utf-8", "replace").decode()
    if kind == 1:
        return bytes(rng.randrange(256) for _ in range(4))
    if kind == 2:
        return None
    number = rng.choice(NUMBERS)
    return number if isinstance(number, float) or abs(number) < 2**63 else float(2**63)


def _called(*words: str) -> Command:
    """A command with the folder in place of ``RUN``, a place to write in that of ``OUT``."""

    def command(place: Path, picture: Path) -> int:
        names = {
            "RUN": str(place),
            "GOOD": str(picture.parent / "runs" / "random"),
            "PICTURES": str(picture.parent / "pictures"),
            "PICTURE": str(picture),
            "OUT": str(place.parent / "out"),
        }
        given = [_filled(word, names) for word in words]
        for out in place.parent.glob("out*"):
            shutil.rmtree(out) if out.is_dir() else out.unlink()
        owner.WATCHED = 0.01
        return main(given)

    return command


def _filled(word: str, names: dict[str, str]) -> str:
    for name, value in names.items():
        word = word.replace(name, value)
    return word


def _plans(make: str, *words: str) -> Command:
    """What words about the folder ask for, without doing it."""

    def command(place: Path, picture: Path) -> None:
        from nasir.apps.evaluate.evaluate import plan as evaluation
        from nasir.apps.score import plan as scoring
        from nasir.apps.train.planning import plan as training

        given = [word.replace("RUN", str(place)) for word in words]
        plan: Any = {"evaluate": evaluation, "score": scoring, "train": training}[make]
        plan(given, {})

    return command


def _results(place: Path, picture: Path) -> None:
    from nasir.apps.bench.results import ResultsFolder, known_ranking

    known_ranking(ResultsFolder(place, {"full": 3}).results)


def _checkpoint(place: Path, picture: Path) -> None:
    from nasir.training.checkpoint import load

    load(place)


def _supernet(place: Path, picture: Path) -> None:
    from toy_supernet import ToySpace, ToyTask

    from nasir.core.evaluator import Problem
    from nasir.training.supernet_file import load_supernet

    load_supernet(place, Problem(ToySpace(), ToyTask(), {}))


def _network(place: Path, picture: Path) -> None:
    from nasir.apps.train.training import Training

    Training(place).network()


def _load(place: Path, picture: Path) -> None:
    nasir.load(place)


def _weights(place: Path, picture: Path) -> None:
    from torch import nn

    from nasir.training.weights import load_weights

    load_weights(nn.Linear(3, 2), place)


SEARCH = ("space=toy", "task=toy", "threads=1", "trials=2", "references=[]", "folder=OUT")

COMMANDS: dict[str, list[tuple[str, Command]]] = {
    "runs": [
        ("show", _called("show", "RUN")),
        ("show", _called("show", "RUN", "--trials")),
        ("show", _called("show", "RUN", "--trial", "0")),
        ("show", _called("show", "RUN", "--json")),
        ("runs", _called("runs", "RUN/..")),
        ("watch", _called("watch", "RUN", "--once")),
        ("resume", _called("resume", "RUN", "--quiet", "--trials", "9")),
        ("resume", _called("resume", "RUN", "--json")),
        ("resume", _called("resume", "RUN", "--quiet", "--take-over")),
        ("compare", _called("compare", "RUN", "GOOD")),
        ("compare", _called("compare", "GOOD", "RUN", "--json")),
        ("compare --html", _called("compare", "RUN", "GOOD", "--html", "OUT.html")),
        ("report", _called("report", "RUN")),
        ("report", _called("report", "RUN", "-o", "OUT.html", "--json")),
        ("correlate", _called("correlate", "RUN")),
        ("tabulate", _called("tabulate", "RUN", "-o", "OUT.safetensors")),
        ("restore", _called("restore", "PICTURE", "architecture=RUN", *ONE_STEP, "-o", "OUT.png")),
        (
            "restore many",
            _called("restore", "PICTURES", "architecture=RUN", *ONE_STEP, "-o", "OUT/"),
        ),
        ("export", _called("export", "RUN", "-o", "OUT.db")),
        ("load", _load),
        ("evaluate", _plans("evaluate", "architecture=RUN")),
        ("score", _plans("score", "architecture=RUN", "proxies=synflow")),
        ("train", _plans("train", "architecture=RUN", "task.sigma=9")),
    ],
    "trainings": [
        ("restore", _called("restore", "PICTURE", "architecture=RUN", "-o", "OUT.png")),
        ("train", _called("train", "RUN", "--quiet")),
        ("train", _called("train", "RUN", "--json")),
        ("evaluate", _plans("evaluate", "architecture=RUN", "task.color=grey")),
        ("weights", _network),
        ("load", _load),
        ("export", _called("export", "RUN", "-o", "OUT.safetensors", "--licence", "mine")),
        ("restore many", _called("restore", "PICTURES", "architecture=RUN", "-o", "OUT/")),
    ],
    "sweeps": [
        ("show", _called("show", "RUN")),
        ("runs", _called("runs", "RUN/..")),
        ("resume", _called("resume", "RUN", "--quiet")),
        ("resume", _called("resume", "RUN", "--quiet", "--trials", "4")),
        ("compare", _called("compare", "RUN", "--json")),
        ("report", _called("report", "RUN", "-o", "OUT.html")),
    ],
    "tables": [
        ("run", _called("run", *SEARCH, "evaluator=table", "evaluator.table=RUN", "--quiet")),
    ],
    "benches": [("bench", _results)],
    "checkpoints": [
        ("load", _checkpoint),
        ("supernet", _supernet),
        ("weights", _weights),
    ],
}
