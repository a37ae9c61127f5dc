"""Freed memory is reused, unless the user has set what the C library does."""

from __future__ import annotations

from unittest.mock import Mock, call

import pytest

from nasir.training import memory
from nasir.training.memory import MMAP_MAX, TRIM_THRESHOLD, VARIABLES, freed_memory_reused


@pytest.fixture
def library(monkeypatch) -> Mock:
    made = Mock()
    monkeypatch.setattr(memory.ctypes, "CDLL", lambda name: made)
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    return made


def test_memory_is_kept_inside_and_given_back_at_the_end(library: Mock):
    with freed_memory_reused():
        inside = [call.mallopt(MMAP_MAX, 0), call.mallopt(TRIM_THRESHOLD, 2**31 - 1)]
        assert library.mock_calls == inside
    assert library.mock_calls == [*inside, call.malloc_trim(0)]


@pytest.mark.parametrize("name", VARIABLES)
def test_setting_of_the_user_is_unchanged(library: Mock, monkeypatch, name: str):
    monkeypatch.setenv(name, "1000")
    with freed_memory_reused():
        pass
    assert library.mock_calls == []


@pytest.mark.parametrize("error", [OSError, TypeError])
def test_other_c_libraries_are_unchanged(monkeypatch, error: type[Exception]):
    monkeypatch.setattr(memory.ctypes, "CDLL", Mock(side_effect=error))
    with freed_memory_reused():
        pass
