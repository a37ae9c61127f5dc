"""``nasir list``."""

from __future__ import annotations

import json

import pytest

from nasir.apps.listing import summary
from nasir.cli.main import main
from nasir.core.registry import KINDS, registries


def test_every_registered_name_is_listed_with_its_summary_and_owner(capsys):
    assert main(["list"]) == main(["list", "recipes"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert f"{len(registries['recipe'])} recipes: nasir list recipes" in lines
    for kind in KINDS:
        for name, entry in registries[kind].items():
            assert any(
                line.split(maxsplit=2) == [name, entry.owner, summary(kind, entry)]
                for line in lines
            )


def test_recipes_are_listed_with_the_first_sentence_of_their_comment(capsys):
    assert main(["list", "recipes"]) == 0
    out = capsys.readouterr().out
    assert "nasdip-table1b-denoise" in out
    assert "table 1b: denoising with sigma 25\n" in out


@pytest.mark.parametrize(
    ("given", "kind"),
    [("space", "space"), ("strategies", "strategy"), ("proxies", "proxy"), ("tasks", "task")],
)
def test_a_kind_may_be_singular_or_plural(given: str, kind: str, capsys):
    assert main(["list", given, "--json"]) == 0
    listed = json.loads(capsys.readouterr().out)
    assert list(listed) == [kind]
    assert [row["name"] for row in listed[kind]] == sorted(registries[kind])


def test_an_empty_kind_prints_none(capsys, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(registries["proxy"], "_entries", {})
    assert main(["list", "proxies"]) == 0
    assert capsys.readouterr().out == "proxies\n  none\n"


def test_an_unknown_kind_is_refused_with_the_nearest(capsys):
    assert main(["list", "spacse"]) == 2
    assert "did you mean 'space'?" in capsys.readouterr().err


def test_the_list_fits_eighty_columns_on_a_terminal(capsys, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("nasir.cli.tables.screen_width", lambda: 80)
    assert main(["list"]) == 0
    assert max(map(len, capsys.readouterr().out.splitlines())) <= 80
