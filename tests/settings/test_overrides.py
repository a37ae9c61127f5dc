"""The settings language: ``key=value`` words, TOML files, and how they merge."""

from __future__ import annotations

from contextlib import suppress

import pytest
import tomli
import tomli_w
from hypothesis import given
from hypothesis import strategies as st

from nasir.core.errors import SettingsError
from nasir.settings.experiment import experiment
from nasir.settings.overrides import (
    Alternatives,
    Override,
    expand,
    merge,
    overrides_of,
    parse_override,
    read_file,
)


def value_of(text: str) -> object:
    return parse_override(f"key={text}").value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("4", 4),
        ("-4", -4),
        ("0x10", 16),
        ("1_000", 1000),
        ("0.5", 0.5),
        ("1e-3", 1e-3),
        ("true", True),
        ("false", False),
        ("'4'", "4"),
        ('"a b"', "a b"),
        ('"a\\"b"', 'a"b'),
        ('""', ""),
        ("[1, 2]", [1, 2]),
        ("[]", []),
        ("{a = 1}", {"a": 1}),
        ("nasdip", "nasdip"),
        ("True", "True"),
        ("a=b", "a=b"),
        ("pictures/*.png", "pictures/*.png"),
        ("/home/o'brien/a.png", "/home/o'brien/a.png"),
        ("rl+evolution", "rl+evolution"),
        ("a b", "a b"),
        ("1.2.3", "1.2.3"),
    ],
)
def test_a_value_is_toml_and_a_bare_word_a_string(text: str, value: object):
    assert value_of(text) == value
    assert type(value_of(text)) is type(value)


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("1,2", (1, 2)),
        ("rl,random", ("rl", "random")),
        ("1,true,x", (1, True, "x")),
        ("[1, 2],[3]", ([1, 2], [3])),
        ("'a,b',c", ("a,b", "c")),
        ('"a\\",b",c', ('a",b', "c")),
        ("0..3", (0, 1, 2, 3)),
        ("-1..1", (-1, 0, 1)),
        ("5..5", (5,)),
    ],
)
def test_commas_and_ranges_make_alternatives(text: str, values: tuple[object, ...]):
    assert value_of(text) == Alternatives(values)


def test_a_key_is_split_at_its_dots():
    assert parse_override("space.cell.depth=4") == Override(("space", "cell", "depth"), 4)


@pytest.mark.parametrize(
    "text",
    [
        "depth",
        "=4",
        "space.=4",
        ".depth=4",
        "space..depth=4",
        "4=4",
        "depth=",
        "depth=1,,2",
        "depth=1,",
        "depth=[1",
        'depth="a',
        "depth={a=",
        "depth=3..1",
        "seed=0..99999999999",
        "depth=1\nseed=2",
    ],
)
def test_what_cannot_be_read_is_refused_in_one_line(text: str):
    with pytest.raises(SettingsError) as caught:
        parse_override(text)
    assert text.partition("=")[0] in str(caught.value)


def test_a_number_of_five_thousand_digits_is_refused_or_a_string():
    """Python refuses to read such an integer, with an error of its own."""
    digits = "1" * 5000
    with suppress(SettingsError):
        assert value_of(digits) == digits


def test_a_number_that_python_does_not_write_is_refused(tmp_path):
    huge = "0x" + "f" * 5000
    for text in (huge, f"[1, {{a = {huge}}}]"):
        with pytest.raises(SettingsError, match="hundreds of digits"):
            parse_override(f"seed={text}")
        (tmp_path / "huge.toml").write_text(f"seed = {text}")
        with pytest.raises(SettingsError, match="hundreds of digits"):
            read_file(tmp_path / "huge.toml")


names = st.from_regex(r"[a-z_]{1,8}", fullmatch=True)
scalars = st.one_of(
    st.integers(-(2**62), 2**62),
    st.booleans(),
    st.floats(allow_nan=False),
    st.text(st.characters(blacklist_categories=("Cs", "Cc")), max_size=10),
)


@given(scalars | st.lists(scalars, max_size=3))
def test_every_value_that_toml_writes_is_read_back(value: object):
    text = tomli_w.dumps({"value": value}).partition("=")[2].strip()
    assert parse_override(f"key={text}").value == tomli.loads(f"value = {text}")["value"] == value


def test_later_words_win():
    words = map(parse_override, ["seed=1", "space.depth=4", "seed=2", "space.depth=5"])
    assert merge(words, {}) == {"seed": 2, "space": {"depth": 5}}


def test_words_win_over_defaults_and_leave_them_unchanged():
    defaults = {"space": {"name": "a", "depth": 4}, "seed": 0}
    merged = merge([parse_override("space.depth=5")], defaults)
    assert merged == {"space": {"name": "a", "depth": 5}, "seed": 0}
    assert defaults == {"space": {"name": "a", "depth": 4}, "seed": 0}


@pytest.mark.parametrize(
    ("words", "space"),
    [
        (["space=a", "space.x=1", "space=b"], {"name": "b"}),
        (["space=a", "space.x=1", "space=b", "space=a"], {"name": "a"}),
        (["space=a", "space.x=1", "space=a"], {"name": "a", "x": 1}),
        (["space.x=1", "space=a"], {"name": "a", "x": 1}),
        (["space=a", "space=b", "space.x=1"], {"name": "b", "x": 1}),
    ],
)
def test_picking_another_component_drops_its_fields(words: list[str], space: dict):
    assert merge(map(parse_override, words), {})["space"] == space


@pytest.mark.parametrize("words", [["space=3"], ["space=[1]"], ["space=true"], ["seed.x=1"]])
def test_a_pick_that_is_no_name_and_a_field_of_no_component_are_refused(words: list[str]):
    with pytest.raises(SettingsError):
        experiment(merge(map(parse_override, words), {}))


def trees(words: list[str], lists: tuple[str, ...] = ()) -> list[dict]:
    parsed = [parse_override(text) for text in words]
    return [merge(run, {}) for run in expand(parsed, lambda word, tree: word.key in lists)]


def test_a_comma_list_sweeps_with_the_last_word_turning_fastest():
    assert trees(["strategy=rl,random", "seed=0..1"]) == [
        {"strategy": {"name": "rl"}, "seed": 0},
        {"strategy": {"name": "rl"}, "seed": 1},
        {"strategy": {"name": "random"}, "seed": 0},
        {"strategy": {"name": "random"}, "seed": 1},
    ]


def test_a_comma_list_is_the_value_of_a_setting_that_is_a_list():
    assert trees(["space.kernel=1,3", "seed=7"], ("space.kernel",)) == [
        {"space": {"kernel": [1, 3]}, "seed": 7}
    ]


def test_a_later_single_value_wins_over_an_earlier_sweep():
    """Otherwise two runs would have the same settings."""
    assert trees(["seed=0,1", "seed=5"]) == [{"seed": 5}]


def test_no_words_are_one_run():
    assert trees([]) == [{}]


def write(tmp_path, text: str):
    path = tmp_path / "settings.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_file_merges_like_words(tmp_path):
    text = 'seed = 3\nstrategy = "rl"\n[space]\ndepth = 4\nname = "a"\nkernel = [1, 3]\n'
    words = overrides_of(read_file(write(tmp_path, text)))
    assert merge(words, {}) == {
        "seed": 3,
        "strategy": {"name": "rl"},
        "space": {"name": "a", "depth": 4, "kernel": [1, 3]},
    }
    other = merge([*words, parse_override("space=b")], {})
    assert other["space"] == {"name": "b"}


@pytest.mark.parametrize("text", ["seed =", "seed = 1\nseed = 2", "[space", "a\0b", "= 3"])
def test_a_damaged_file_is_refused_by_name(tmp_path, text: str):
    path = write(tmp_path, text)
    with pytest.raises(SettingsError, match=r"settings\.toml is damaged"):
        read_file(path)


def test_a_file_that_is_no_text_is_refused_by_name(tmp_path):
    path = tmp_path / "settings.toml"
    path.write_bytes(b"seed = \xff\xfe")
    with pytest.raises(SettingsError, match=r"settings\.toml is damaged"):
        read_file(path)


def test_a_file_that_windows_editors_mark_is_read(tmp_path):
    path = tmp_path / "settings.toml"
    path.write_bytes(b"\xef\xbb\xbfseed = 3\r\n")
    assert read_file(path) == {"seed": 3}


def test_a_missing_file_and_a_folder_are_refused_by_name(tmp_path):
    for path in (tmp_path / "missing.toml", tmp_path):
        with pytest.raises(SettingsError, match=f"cannot read settings file {path}"):
            read_file(path)
