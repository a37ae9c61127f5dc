"""No file that is loaded can have code run, or take all memory: bombs in every place of each."""

from __future__ import annotations

import io
import json
import pickle
import zlib
from collections.abc import Callable
from functools import partial
from pathlib import Path
from random import Random

import numpy as np
import pytest
import torch
from fuzzing import pictures, run_folders
from fuzzing.outcomes import Case, outcome_of
from fuzzing.run_folders import COMMANDS, Samples

from nasir.core.errors import NasirError
from nasir.runs.state_coding import decode
from nasir.runs.validation import DAMAGE
from nasir.settings.overrides import parse_override, read_file
from nasir.tasks.pictures.reading import picture_shape, read_picture

MARKER = "code-was-run"


class Bomb:
    """Unpickled, it makes a file."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> tuple[object, ...]:
        return open, (str(self.marker), "w")


def pickled(marker: Path) -> bytes:
    return pickle.dumps(Bomb(marker))


def torch_file(marker: Path) -> bytes:
    stream = io.BytesIO()
    torch.save({"weight": Bomb(marker)}, stream)
    return stream.getvalue()


def numpy_file(marker: Path) -> bytes:
    stream = io.BytesIO()
    np.save(stream, np.array([Bomb(marker)], object), allow_pickle=True)
    return stream.getvalue()


def huge_tensor(marker: Path) -> bytes:
    """A header of 4 TB."""
    header = {"a": {"dtype": "F32", "shape": [10**12], "data_offsets": [0, 4 * 10**12]}}
    spelt = json.dumps(header).encode()
    return len(spelt).to_bytes(8, "little") + spelt


def huge_header(marker: Path) -> bytes:
    return (2**63).to_bytes(8, "little") + b"{}"


def nested(marker: Path) -> bytes:
    return b"[" * 100_000


BOMBS = (pickled, torch_file, numpy_file, huge_tensor, huge_header, nested)


@pytest.mark.parametrize("bomb", [pickled, torch_file, numpy_file])
def test_the_bombs_go_off_where_somebody_unpickles(tmp_path: Path, bomb: Callable[..., bytes]):
    content = io.BytesIO(bomb(tmp_path / MARKER))
    if bomb is pickled:
        pickle.load(content)
    elif bomb is torch_file:
        torch.load(content, weights_only=False)
    else:
        np.load(content, allow_pickle=True)
    assert (tmp_path / MARKER).exists()


@pytest.fixture(scope="module")
def samples(tmp_path_factory: pytest.TempPathFactory) -> Samples:
    return run_folders.made(tmp_path_factory.mktemp("samples"))


PLACES = {
    "runs": ("random", ("show", "resume", "report", "restore")),
    "trainings": ("unfinished", ("train", "restore")),
    "tables": ("t.safetensors", ("run",)),
    "benches": ("one", ("bench",)),
    "checkpoints": ("supernet.safetensors", ("load", "supernet", "weights")),
}


@pytest.mark.parametrize("first", range(3))
@pytest.mark.parametrize("kind", PLACES)
def test_a_bomb_in_place_of_any_file_is_harmless(
    samples: Samples, tmp_path: Path, kind: str, first: int
):
    """Each file meets three of the bombs, and each bomb every second file."""
    name, labels = PLACES[kind]
    source, place = samples.root / kind / name, tmp_path / "given" / name
    place.parent.mkdir()
    files = [p.relative_to(source) for p in [source, *source.rglob("*")] if p.is_file()]
    commands = dict(reversed(COMMANDS[kind]))
    for number, file in enumerate(files):
        bomb = BOMBS[(2 * first + number) % len(BOMBS)]
        label = labels[(first + number) % len(labels)] if source.is_dir() else None
        for one in [label] if label else labels:
            run_folders.copy(source, place)
            (place / file).write_bytes(bomb(tmp_path / MARKER))
            case = Case(one, str(file), partial(commands[one], place, samples.picture))
            outcome = outcome_of(case, place.parent)
            assert outcome.defect is None, f"{file}, {one}: {outcome.defect}"
            assert not (tmp_path / MARKER).exists(), f"{file}, {one}"


def test_a_bomb_in_a_strategys_state_is_harmless(tmp_path: Path):
    bomb = pickled(tmp_path / MARKER)
    for plain, arrays in (
        (bomb, {}),
        (b'{"a": {"__array__": "/a"}}', {"/a": bomb}),
        (b'{"a": {"__array__": "/a"}}', {"/a": numpy_file(tmp_path / MARKER)}),
    ):
        with pytest.raises(DAMAGE):
            decode(plain, arrays)
    assert not (tmp_path / MARKER).exists()


@pytest.mark.filterwarnings("ignore:Detected pickle protocol")
@pytest.mark.parametrize("bomb", [pickled, torch_file])
def test_a_bomb_for_the_weights_of_fid_is_harmless(tmp_path: Path, bomb: Callable[..., bytes]):
    from nasir.evaluators.cyclegan.fid import _state

    file = tmp_path / "inception.pth"
    file.write_bytes(bomb(tmp_path / MARKER))
    with pytest.raises(NasirError, match="does not hold"):
        _state(str(file))
    assert not (tmp_path / MARKER).exists()


@pytest.mark.parametrize("read", [read_picture, picture_shape])
def test_a_bomb_for_a_picture_is_harmless(tmp_path: Path, read: Callable[..., object]):
    contents = [bomb(tmp_path / MARKER) for bomb in (pickled, torch_file, numpy_file)]
    contents += [pictures.POSTSCRIPT, *(pictures.overdone(Random(n)) for n in range(60))]
    for content in contents:
        (tmp_path / "a.png").write_bytes(content)
        case = Case("read", "", partial(_read, read, tmp_path / "a.png"))
        assert outcome_of(case, tmp_path).defect is None
    assert not (tmp_path / MARKER).exists()


def _read(read: Callable[[Path], object], file: Path) -> None:
    read(file)


def test_a_picture_that_would_be_run_by_ghostscript_is_not_read(tmp_path: Path):
    (tmp_path / "a.png").write_bytes(pictures.POSTSCRIPT)
    with pytest.raises(NasirError, match="is no picture"):
        read_picture(tmp_path / "a.png")


@pytest.mark.parametrize("side", [100_000, 2**31 - 1])
def test_a_picture_that_claims_to_be_huge_is_refused(tmp_path: Path, side: int):
    (tmp_path / "a.png").write_bytes(pictures.png(side, side, zlib.compress(bytes(100))))
    for read in (read_picture, picture_shape):
        with pytest.raises(NasirError, match=r"too large|cannot read"):
            read(tmp_path / "a.png")


@pytest.mark.parametrize(
    "text",
    [
        "a = " + "[" * 100_000,
        "a = " + "{b = " * 100_000,
        "a" + ".a" * 100_000 + " = 1",
        "[a" + ".a" * 100_000 + "]",
        "a = " + "9" * 100_000,
        "a = '\x00'",
    ],
)
def test_settings_beyond_all_measure_are_refused(tmp_path: Path, text: str):
    file = tmp_path / "mine.toml"
    file.write_text(text)
    case = Case("read", text[:20], lambda: read_file(file) and None)
    assert outcome_of(case, tmp_path).defect is None
    case = Case("word", text[:20], lambda: parse_override(text.replace(" = ", "=", 1)) and None)
    assert outcome_of(case, tmp_path).defect is None
