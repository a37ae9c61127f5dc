"""The run store: whole transactions, exact numbers, and refusal of what is damaged."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import attrs
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nasir.core.architecture import Architecture
from nasir.core.errors import RunFolderError
from nasir.core.trial import Proposal, Trial
from nasir.runs.store import RunStore

ARCHITECTURE = Architecture("toy", {"operation": "conv", "kernel": 3, "skip": True, "rate": 1.0})
TRIAL = Trial(0, Proposal(ARCHITECTURE, "full", 0.1), 2**48 - 1)
COMPLETE = attrs.evolve(
    TRIAL,
    state="complete",
    score=0.1 + 0.2,
    metrics={"psnr": 1 / 3, "parameters": 12.0},
    by_picture={"cat": {"psnr": 1 / 7, "ssim": 0.5}, "real": {}},
    curve={"cat": ((0.1, 20.25), (1.0, 1 / 7))},
    stop=0.85,
    started=1.5e9,
    seconds=0.25,
    worker="host:1",
)


def remembering(state: dict[str, Any]) -> Any:
    """A strategy in this state."""
    return SimpleNamespace(state_dict=lambda: state)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "run.sqlite"


@pytest.fixture
def store(path: Path):
    opened = RunStore(path, write=True)
    yield opened
    opened.close()


def test_a_trial_comes_back_as_it_was(store: RunStore):
    failed = attrs.evolve(TRIAL, number=1, state="failed", error="reason\nand traceback\0")
    with store.transaction():
        store.save_trial(failed)
        store.save_trial(COMPLETE)
    assert store.trials() == [COMPLETE, failed]
    assert store.trials()[0].architecture.choices["skip"] is True


FINITE = st.floats(allow_nan=False, allow_infinity=False)


@given(score=FINITE, seed=st.integers(0, 2**48 - 1), metric=st.floats())
@settings(max_examples=50, deadline=None)
def test_numbers_come_back_to_the_bit(score: float, seed: int, metric: float):
    stored = RunStore(Path(":memory:"), write=True)
    with stored.transaction():
        stored.save_trial(attrs.evolve(COMPLETE, seed=seed, score=score, metrics={"m": metric}))
    (trial,) = stored.trials()
    stored.close()
    assert trial.score == score
    assert trial.seed == seed
    assert trial.metrics["m"].hex() == metric.hex()


def test_a_trial_is_written_over_the_one_of_its_number(store: RunStore):
    for trial in (TRIAL, COMPLETE):
        with store.transaction():
            store.save_trial(trial)
    assert store.trials() == [COMPLETE]


def test_a_transaction_that_fails_leaves_nothing(store: RunStore):
    with store.transaction():
        store.save_progress(delivered=0)
        store.save_strategy(remembering({"a": np.zeros(2)}))
    with pytest.raises(KeyboardInterrupt), store.transaction():
        store.save_trial(TRIAL)
        store.save_progress(delivered=1)
        store.save_strategy(remembering({"a": np.ones(2)}))
        raise KeyboardInterrupt
    assert store.trials() == []
    assert store.progress() == {"delivered": 0}
    assert store.strategy_state()["a"].tolist() == [0, 0]


def test_an_array_is_written_again_after_a_transaction_that_failed(store: RunStore, path: Path):
    with pytest.raises(KeyboardInterrupt), store.transaction():
        store.save_strategy(remembering({"a": np.ones(2)}))
        raise KeyboardInterrupt
    with store.transaction():
        store.save_strategy(remembering({"a": np.ones(2)}))
    assert RunStore(path).strategy_state()["a"].tolist() == [1, 1]


def test_a_reader_sees_whole_transactions_only(store: RunStore, path: Path):
    with store.transaction():
        store.save_trial(TRIAL)
        assert RunStore(path).trials() == []
    assert RunStore(path).trials() == [TRIAL]


@pytest.mark.parametrize("dtype", ["float32", "float64", "int64", "uint8", "bool", "float16"])
def test_arrays_of_a_strategy_come_back_to_the_bit(store: RunStore, path: Path, dtype: str):
    array = np.random.default_rng(0).integers(0, 2**8, (3, 5)).astype(dtype)
    state = {"nested": [{"array": array}], "none": None, "big": 2**200, "rate": 0.1}
    with store.transaction():
        store.save_strategy(remembering(state))
    again = RunStore(path).strategy_state()
    assert again["nested"][0]["array"].dtype == dtype
    assert again["nested"][0]["array"].tobytes() == array.tobytes()
    assert (again["none"], again["big"], again["rate"]) == (None, 2**200, 0.1)


def test_last_state_comes_back(store: RunStore):
    for state in ({"a": np.zeros(2), "b": np.zeros(1)}, {"a": np.ones(3)}, {"a": 5}):
        with store.transaction():
            store.save_strategy(remembering(state))
    assert store.strategy_state() == {"a": 5}


def test_there_is_no_state_before_one_is_written(store: RunStore):
    assert store.strategy_state() is None
    assert store.progress() == {}
    assert store.final_evaluations() == {}


def test_final_evaluations_come_back_in_order_of_writing(store: RunStore):
    with store.transaction():
        for name in ("found", "zebra", "ant"):
            store.save_final_evaluation(name, "test", COMPLETE)
    assert list(store.final_evaluations().items()) == [
        ((name, "test"), COMPLETE) for name in ("found", "zebra", "ant")
    ]
    store.drop_final_evaluations("zebra")
    assert list(store.final_evaluations()) == [("found", "test"), ("ant", "test")]


def written(path: Path) -> Path:
    store = RunStore(path, write=True)
    with store.transaction():
        for number in range(200):
            store.save_trial(attrs.evolve(COMPLETE, number=number))
        store.save_strategy(remembering({"a": np.zeros(1000)}))
    store.close()
    return path


@pytest.mark.parametrize("write", [False, True])
@pytest.mark.parametrize("damage", ["text", "header", "truncated", "middle", "schema", "empty"])
def test_a_damaged_file_is_refused_by_name(path: Path, damage: str, write: bool):
    content = bytearray(written(path).read_bytes())
    if damage == "text":
        content = bytearray(b"these are not the trials you look for\n" * 200)
    elif damage == "header":
        content[:16] = bytes(16)
    elif damage == "truncated":
        del content[len(content) // 2 :]
    elif damage == "middle":
        content[4096:] = b"\xa5" * (len(content) - 4096)
    elif damage == "schema":  # which SQLite tells of in words that are no text
        key = b"PRIMARY KEY (name, split)\n)"
        content[content.index(key) + len(key) - 1] = 0x96
    else:
        content.clear()
    path.write_bytes(content)
    with pytest.raises(RunFolderError, match=r"run\.sqlite") as caught:
        store = RunStore(path, write=write)
        store.trials()
        store.strategy_state()
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE trials SET architecture = '{'",
        "UPDATE trials SET architecture = '[]'",
        "UPDATE trials SET metrics = 'x'",
        "UPDATE trials SET metrics = 'null'",
        "UPDATE trials SET metrics = '[1]'",
        "UPDATE trials SET by_picture = '{\"cat\": 3}'",
        'UPDATE trials SET by_picture = \'{"cat": {"psnr": "high"}}\'',
        "UPDATE trials SET by_picture = '[1]'",
        "UPDATE trials SET curve = '{\"cat\": 3}'",
        "UPDATE trials SET curve = '{\"cat\": [[1, 2, 3]]}'",
        "UPDATE trials SET curve = '{\"cat\": [[1, null]]}'",
        "UPDATE trials SET stop = 'soon'",
        "UPDATE strategy SET value = X'00' WHERE key = 'state'",
        "UPDATE strategy SET value = X'00' WHERE key != 'state'",
        "UPDATE strategy SET value = 3",
        "DELETE FROM strategy WHERE key != 'state'",
        "DROP TABLE trials",
        "DROP TABLE strategy",
    ],
)
def test_impossible_content_is_refused_as_damage(path: Path, change: str):
    connection = sqlite3.connect(written(path))
    connection.execute(change)
    connection.commit()
    connection.close()
    store = RunStore(path)
    with pytest.raises(RunFolderError, match="damaged"):
        store.trials()
        store.strategy_state()


@pytest.mark.parametrize("write", [False, True])
def test_foreign_database_is_refused_and_unchanged(path: Path, write: bool):
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE trials (number INTEGER)")
    connection.commit()
    connection.close()
    before = path.read_bytes()
    with pytest.raises(RunFolderError, match="not the trials of a nasir run"):
        RunStore(path, write=write)
    assert path.read_bytes() == before


def test_a_missing_file_cannot_be_read(path: Path):
    with pytest.raises(RunFolderError, match=r"run\.sqlite"):
        RunStore(path)
    assert not path.exists()


def test_folder_without_write_permission_is_refused(unwritable: Path):
    with pytest.raises(RunFolderError, match=r"cannot use .*write permission"):
        RunStore(unwritable / "run.sqlite", write=True)


def test_run_of_a_killed_process_can_be_read_without_write_permission(readable_only):
    source = RunStore(readable_only.folder / "run.sqlite", write=True)
    with source.transaction():
        source.save_trial(COMPLETE)
    source.close()
    with readable_only():
        reader = RunStore(readable_only.folder / "run.sqlite")
        assert reader.trials() == [COMPLETE]
        reader.close()


def test_full_disk_is_reported_and_stored_trials_remain(path: Path):
    store = RunStore(path, write=True)
    with store.transaction():
        store.save_trial(COMPLETE)
        store.save_strategy(remembering({"a": np.zeros(1)}))
    (pages,) = store._connection.execute("PRAGMA page_count").fetchone()
    store._connection.execute(f"PRAGMA max_page_count = {pages}")
    refused = pytest.raises(RunFolderError, match=r"full; make room .*nasir resume")
    with refused, store.transaction():
        store.save_trial(attrs.evolve(COMPLETE, number=1))
        store.save_strategy(remembering({"a": np.ones(10_000)}))
    assert store.trials() == [COMPLETE]
    store._connection.execute(f"PRAGMA max_page_count = {pages + 100}")
    with store.transaction():
        store.save_strategy(remembering({"a": np.ones(10_000)}))
    assert store.strategy_state()["a"].sum() == 10_000
    store.close()


def test_text_that_is_no_unicode_can_be_stored(store: RunStore):
    """Names of files may have bytes that are no text; Python makes surrogates of them."""
    with store.transaction():
        store.save_trial(attrs.evolve(TRIAL, state="failed", error="no picture: \udcff.png"))
    assert "no picture" in store.trials()[0].error


def test_a_run_that_is_being_removed_is_not_called_damaged(store, path, tmp_path, monkeypatch):
    """Its journal goes first, and what it had not yet put into the file."""
    left = tmp_path / "left.sqlite"
    left.write_bytes(path.read_bytes()[:4096])
    with pytest.raises(RunFolderError, match=r"left\.sqlite is damaged: .*malformed"):
        RunStore(left).trials()
    monkeypatch.setattr("time.sleep", lambda seconds: left.unlink())
    with pytest.raises(RunFolderError, match=r"left\.sqlite is gone: its run was removed or moved"):
        RunStore(left).trials()
