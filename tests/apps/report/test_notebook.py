"""What a notebook shows of nasir's objects, and that each of them is short in words."""

from __future__ import annotations

import base64
import io
import re
from pathlib import Path

import numpy as np
import pytest
from apps.report.conftest import trial
from apps.report.test_run_page import EVIL, Page
from PIL import Image

import nasir
from nasir.apps.bench.problem_results import ProblemResult
from nasir.apps.bench.standings import Standing
from nasir.apps.restore.restoration import Restoration
from nasir.core.architecture import Architecture
from nasir.core.evaluator import Evaluation, RestoredPicture
from nasir.core.task import Sample
from nasir.settings.building import make


def restoration() -> Restoration:
    after = np.linspace(0, 1, 600 * 300 * 3, dtype=np.float32).reshape(600, 300, 3)
    rest = ("denoise", "network clear", None, (), 2.0)
    return Restoration(after, Path("a.png"), None, *rest, by="network clear", before=1 - after)


def objects() -> dict[str, object]:
    picture = np.zeros((64, 64, 3), np.float32)
    restored = RestoredPicture(picture, picture, picture)
    architecture = make("space", "nasdip").named("nasdip_denoising")
    standings = [Standing("", "random", 50, (1.0, 2.0, 3.0), 1.0, 30.0, 0.1, 0.0, 9.0)]
    outcome = [ProblemResult("", [(1.0, "a")] * 640, True, [], standings, [], None, 200)]
    return {
        "restoration": restoration(),
        "picture": restored,
        "evaluation": Evaluation(1.0, restored={"a": restored}, weights={"w": picture}),
        "sample": Sample("a", np.zeros((1, 3, 64, 64), np.float32)),  # type: ignore[arg-type]
        "trial": trial(0, 1.0, choices=architecture.choices),
        "architecture": architecture,
        "bench": outcome,
    }


def test_objects_are_short_in_words():
    for name, one in objects().items():
        assert len(repr(one)) < 200, name
        assert "array(" not in repr(one), name
    words = "Restoration(a.png, 300 x 600, denoise by network clear, 2.0 s)"
    assert repr(restoration()) == words


def test_a_run_says_its_state_and_its_trials_and_has_a_view(make):
    run = make([trial(n, float(n)) for n in range(3)])
    assert repr(run) == f"Run({str(run.folder)!r}, finished, 3 trials)"
    assert "finished" in Page(run._repr_html_()).text
    (run.place / "run.sqlite").write_bytes(b"damaged")
    assert repr(run) == f"Run({str(run.folder)!r})"


def test_an_architecture_is_drawn_as_in_a_report_if_the_space_has_it():
    space = make("space", "nasdip")
    drawn = space.named("nasdip_denoising")
    assert Page(drawn._repr_html_()).count("svg") == 2  # the network, and its block
    listed = Architecture("nasdip", {EVIL: EVIL})
    page = Page(listed._repr_html_())
    assert (page.count("svg"), page.count("script"), page.count("img")) == (0, 0, 0)
    page = Page(trial(4, 27.5, choices=drawn.choices, space="nasdip")._repr_html_())
    assert (page.count("svg"), "27.50" in page.words) == (2, True)


def test_styles_hold_for_the_view_alone():
    style = re.search("<style>(.*)</style>", restoration()._repr_html_(), re.DOTALL)
    assert style is not None
    assert style[1].startswith(".nasir-view {")
    assert ":root" not in style[1]
    depth = outside = 0
    for character in style[1]:
        depth += {"{": 1, "}": -1}.get(character, 0)
        outside += depth < 0
    assert (depth, outside) == (0, 0)


def test_a_restoration_shows_small_pictures_of_before_and_after():
    sources = re.findall('src="data:image/png;base64,([^"]*)"', restoration()._repr_html_())
    shown = [Image.open(io.BytesIO(base64.b64decode(source))) for source in sources]
    assert [picture.size for picture in shown] == [(192, 384)] * 2
    assert np.asarray(shown[0])[0, 0, 0] > 250 > 5 > np.asarray(shown[1])[0, 0, 0]


def test_a_data_frame_has_a_row_for_each_trial(make, monkeypatch):
    trials = [trial(n, float(n), choices={"kernel": n}) for n in range(3)]
    table = make(trials).trials_dataframe()
    assert list(table["trial"]) == [0, 1, 2]
    assert list(table["score"]) == [0.0, 1.0, 2.0]
    assert list(table["choices.kernel"]) == [0, 1, 2]
    assert list(table["architecture"]) == [one.architecture.id for one in trials]
    monkeypatch.setitem(__import__("sys").modules, "pandas", None)
    with pytest.raises(nasir.NasirError, match=r"needs pandas: pip install nasir\[dataframe\]"):
        make(trials).trials_dataframe()
