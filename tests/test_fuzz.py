"""Bad input of every kind comes to a result or to one line: over a hundred cases of each.

The cases are the same in every call; ``benchmarks/fuzz.py`` tries more. What a case may come to is
in ``fuzzing.outcomes``.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from contextlib import redirect_stdout
from functools import partial
from io import StringIO
from pathlib import Path
from random import Random

import pytest
from fuzzing import architectures, pictures, run_folders, settings_files, words
from fuzzing.guard import Forbidden, guarded
from fuzzing.outcomes import Case, Outcome, outcome_of
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nasir.core.errors import NasirError

Make = Callable[[Random, Path], Case]

EVERY_TIME_THE_SAME = settings(
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)


def tried(make: Make, rng: Random) -> None:
    """Try one case in a folder of its own; anything but a result or a refusal fails."""
    with tempfile.TemporaryDirectory() as name:
        case = make(rng, Path(name))
        outcome = outcome_of(case, Path(name))
    assert outcome.defect is None, f"{case.given}\n{outcome.defect}"


@given(rng=st.randoms(use_true_random=False))
@settings(EVERY_TIME_THE_SAME, max_examples=120)
def test_words(rng: Random):
    tried(words.case, rng)


@given(rng=st.randoms(use_true_random=False))
@settings(EVERY_TIME_THE_SAME, max_examples=150)
def test_settings_files(rng: Random):
    tried(settings_files.case, rng)


@given(rng=st.randoms(use_true_random=False))
@settings(EVERY_TIME_THE_SAME, max_examples=150)
def test_pictures(rng: Random):
    tried(pictures.case, rng)


@given(rng=st.randoms(use_true_random=False))
@settings(EVERY_TIME_THE_SAME, max_examples=150)
def test_architectures(rng: Random):
    tried(architectures.case, rng)


@pytest.fixture(scope="module")
def samples(tmp_path_factory: pytest.TempPathFactory) -> run_folders.Samples:
    with redirect_stdout(StringIO()):
        return run_folders.made(tmp_path_factory.mktemp("samples"))


def test_run_folders(samples: run_folders.Samples):
    @given(rng=st.randoms(use_true_random=False))
    @settings(EVERY_TIME_THE_SAME, max_examples=120)
    def each(rng: Random) -> None:
        tried(partial(run_folders.case, samples=samples), rng)

    each()


def test_samples_that_are_not_damaged_are_read_by_every_command(
    samples: run_folders.Samples, tmp_path: Path
):
    """Else the damage would be tried on what is refused anyway."""
    sample = {"tables": "t.safetensors", "benches": "one", "trainings": "finished", "runs": "rl"}
    for kind, name in sample.items():
        for label, command in run_folders.COMMANDS[kind]:
            if (kind, label) == ("runs", "load"):
                continue  # a fit has no weights
            place = tmp_path / kind / name
            place.parent.mkdir(exist_ok=True)
            run_folders.copy(samples.root / kind / name, place)
            case = Case(label, name, partial(command, place, samples.picture))
            outcome = outcome_of(case, place.parent)
            assert outcome == Outcome("well", outcome.stderr), f"{kind}, {label}"
            shutil.rmtree(place.parent)


def raised(error: BaseException) -> None:
    raise error


def written(path: Path) -> None:
    path.write_text("here")


def looped() -> None:
    while True:
        pass


def test_forbidden_outcomes_are_found(tmp_path: Path):
    inside, outside = tmp_path / "given", tmp_path / "outside.txt"
    inside.mkdir()
    (inside / "link").symlink_to(outside)
    wrong = {
        "a traceback": lambda: raised(ValueError("no NasirError")),
        "a refusal of two lines": lambda: print("nasir: a\nb") or 2,
        "an odd exit code": lambda: 7,
        "a write outside": lambda: written(outside),
        "a write by a link": lambda: written(inside / "link"),
        "a deletion outside": lambda: samples_are_gone(tmp_path),
        "a warning": lambda: __import__("warnings").warn("x", stacklevel=1),
        "a process": lambda: __import__("subprocess").run(["true"]) and None,
        "a pickle": lambda: __import__("pickle").loads(b"cos\nsystem\n(S'true'\ntR.") and None,
    }
    for what, action in wrong.items():
        assert outcome_of(Case("", "", action), inside).kind == "wrong", what
    assert outcome_of(Case("", "", looped), inside, seconds=0.05).kind == "wrong"
    assert not outside.exists()
    right = {
        "well": lambda: None,
        "failed": lambda: 1,
        "refused": lambda: raised(NasirError("a\nb")),
    }
    for kind, action in right.items():
        assert outcome_of(Case("", "", action), inside).kind == kind


def samples_are_gone(folder: Path) -> None:
    (folder / "given").rename(folder / "elsewhere")


def test_nothing_is_forbidden_once_a_case_is_over(tmp_path: Path):
    with pytest.raises(Forbidden), guarded(tmp_path):
        (tmp_path.parent / "x").mkdir()
    (tmp_path.parent / "x").mkdir()
