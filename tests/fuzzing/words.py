"""Settings as ``key=value`` words, and command lines."""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path
from random import Random

from toy_plugin import WORDS

from fuzzing.mutations import NUMBERS, TEXTS
from fuzzing.outcomes import Case
from nasir.apps.search import search as api
from nasir.cli.main import main
from nasir.core.component import settings_of
from nasir.core.registry import KINDS, registries
from nasir.plugins.builtin.recipes import FOLDER as RECIPES
from nasir.settings.run_settings import COMPONENTS, run_settings_class

MOST_RUNS = 2
"""Plans of more runs than these are made, but not carried out."""

SHORT_CUTS = ("images", "method", "architecture", "pool", "proxies", "validation", "full", "seeds")

LITERALS = (
    *("true", "false", "none", "[]", "[1,", "[1,2]", "{}", "{name='random'}", "{a=1}", "'", '"'),
    *("'x'", '"\\ud800"', '"\\u0000"', "1..3", "3..1", "0..9999", "0..99999999999", "1,2", "1,,2"),
    *("2020-01-01", "2020-01-01T00:00:00Z", "10:00:00", "0x10", "1_000", "1e3", "-", "+", "-psnr"),
    *("psnr,-parameters", "parameters<1e6", "parameters<", "1\n2", "a=b", "[[[[[[[[1]]]]]]]]"),
    *("[" * 2000, "{a=" * 2000, "9" * 5000, "1e400", "inf", "-inf", "random+rl", "a+b", "+", "x+"),
)


@cache
def _keys() -> tuple[str, ...]:
    return tuple(dict.fromkeys([*SHORT_CUTS, *COMPONENTS, *(key for key, _, _ in _settings())]))


@cache
def _settings() -> list[tuple[str, str, str]]:
    """Every setting of a run: its key, its default as a word, the component that has it."""
    usual = [(field.name, field.default, "") for field in settings_of(run_settings_class())]
    for kind in COMPONENTS:
        for name in registries[kind]:
            fields = settings_of(registries[kind].load(name))
            usual += [(f"{kind}.{f.name}", f.default, f"{kind}={name}") for f in fields]
    return [(key, _spelt(default), owner) for key, default, owner in usual]


def _spelt(default: object) -> str:
    if isinstance(default, tuple):
        return ",".join(map(str, default)) or "[]"
    return "none" if default is None else str(default).lower() if default is True else str(default)


def sane(rng: Random) -> list[str]:
    """A setting near its default, where it may be right, and what has it is picked."""
    key, default, owner = rng.choice(_settings())
    way = rng.randrange(4)
    if way == 1:
        default = str(rng.randrange(4))
    elif way == 2:
        default = ",".join([default, default])
    elif way == 3:
        default = rng.choice(("true", "false", "0.5", "none", "1e-3"))
    return [*([owner] if owner else []), f"{key}={default}"]


def word(rng: Random) -> str:
    """A word that may be right, half right, or nothing at all."""
    way = rng.randrange(20)
    if way == 0:
        return rng.choice(TEXTS)
    if way == 1:
        return rng.choice(_files())
    if way == 2:
        return f"{'.'.join([key(rng)] * rng.choice((2, 3, 50, 3000)))}={value(rng)}"
    made = f"{key(rng)}={value(rng)}"
    if way == 3:
        place = rng.randrange(len(made))
        made = made[:place] + rng.choice(("", "=", ".", ",", "\x00", "é", "\udcff")) + made[place:]
    return made


def key(rng: Random) -> str:
    way = rng.randrange(8)
    if way == 0:
        return rng.choice(("", ".", "a", "x.y", "space.", ".space", "4", "__class__", "é"))
    if way == 1:
        return f"{rng.choice(COMPONENTS)}.{rng.choice(('name', 'nme', 'random', 'rl', 'parts'))}"
    return rng.choice(_keys())


def value(rng: Random) -> str:
    way = rng.randrange(6)
    if way == 0:
        return rng.choice(TEXTS)
    if way == 1:
        return str(rng.choice(NUMBERS))
    if way == 2:
        return str(rng.randrange(-2, 9))
    if way == 3:
        kind = rng.choice(COMPONENTS)
        return ",".join(rng.choice(list(registries[kind])) for _ in range(rng.choice((1, 1, 2))))
    if way == 4:
        return ",".join(value(rng) for _ in range(2))
    return rng.choice(LITERALS)


def case(rng: Random, folder: Path) -> Case:
    """Words for one of the commands that take them; a search is carried out only by the toy."""
    words = [word(rng) for _ in range(rng.choice((0, 0, 1, 1, 2, 5)))]
    for _ in range(rng.randrange(2) if words else rng.choice((1, 2, 3))):
        words += sane(rng)
    actions = {
        "run": lambda: _planned(words),
        "toy": lambda: _toy(words, folder),
        "train": lambda: _train(words),
        "evaluate": lambda: _evaluate(words),
        "restore": lambda: _restore(words, folder),
        "score": lambda: _score(words),
        "bench": lambda: _bench(words),
        "describe": lambda: main(["describe", *words]),
        "command": lambda: main([*words, "--json"][:: rng.choice((1, -1))]),
    }
    label = rng.choice(["run", "toy", *actions])
    return Case(f"words: {label}", repr([label, *words]), actions[label])


def _files() -> tuple[str, ...]:
    recipes = tuple(sorted(path.stem for path in RECIPES.glob("*.toml")))
    return (*recipes, "missing.toml", "../x.toml", "/dev/null.toml", "nasdip")


def _planned(words: list[str]) -> None:
    for planned in api.plan(words, {})[:3]:
        planned.resolved  # noqa: B018 (making it is what is tried)


def _toy(words: list[str], folder: Path) -> int:
    """Search with the toy, which takes no time, unless the words sweep or pick real parts."""
    given = [*WORDS, *words, "trials=2", "workers=1", f"folder={folder / 'runs'}"]
    plans = api.plan(given, {})
    parts = [plans[0].names[kind] for kind in ("space", "task", "evaluator", "executor")]
    if len(plans) > MOST_RUNS or parts != ["toy", "toy", "toy", "inline"]:
        return 0
    if plans[0].problem.evaluators["full"].sleep or plans[0].names["strategy"] not in _QUICK:
        return 0
    if plans[0].settings.threads > (os.cpu_count() or 1):
        return 0
    return main(["run", "--quiet", *given])


_QUICK = ("random", "exhaustive", "evolution", "local_search", "rl")


def _train(words: list[str]) -> None:
    from nasir.apps.train.planning import plan

    plan(words, {})


def _evaluate(words: list[str]) -> None:
    from nasir.apps.evaluate.evaluate import plan

    plan(words, {})


def _restore(words: list[str], folder: Path) -> None:
    from nasir.apps.restore.deciding import decide
    from nasir.apps.restore.settings import RestoreSettings
    from nasir.settings.reader import read_one

    decide(folder / "picture.png", read_one(RestoreSettings, words, {}))


def _score(words: list[str]) -> None:
    from nasir.apps.score import plan

    plan(words, {})


def _bench(words: list[str]) -> None:
    from nasir.apps.bench.bench import plan

    plan(words)


assert set(COMPONENTS) <= set(KINDS)
