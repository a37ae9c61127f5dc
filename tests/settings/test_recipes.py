"""A word of the command line that is nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from nasir.core.errors import SettingsError
from nasir.settings.recipes import overrides_in


@pytest.mark.parametrize(
    ("word", "hint"),
    [
        ("dipbnch", "did you mean dipbench? all: nasir list recipes"),
        ("?", "a recipe; all: nasir list recipes"),
        ("folder", "a folder is given as architecture=folder, or to nasir resume"),
    ],
)
def test_a_word_that_is_nothing_is_refused_with_what_may_be_meant(word: str, hint: str) -> None:
    Path("folder").mkdir()
    with pytest.raises(SettingsError) as raised:
        overrides_in(word)
    assert str(raised.value).endswith(hint)
