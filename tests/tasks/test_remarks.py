"""What is used of large pictures is said, and degraded ones are restored whole."""

from __future__ import annotations

import numpy as np
import pytest
from made_tasks import degraded, denoise
from PIL import Image

from nasir.apps.progress.displays import show_search
from nasir.core.evaluator import Problem
from nasir.core.trial import FULL
from nasir.settings.building import make


def picture(name: str, width: int, height: int) -> str:
    values = np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)
    Image.fromarray(values).save(name)
    return name


def test_it_is_said_that_the_middle_of_a_picture_is_searched_on():
    names = [picture("a.png", 96, 80), picture("b.png", 70, 20), picture("c.png", 32, 32)]
    task = denoise(images=names, search=2)
    words = "searching on the middle 64 x 64 of 2 pictures, such as a (96 x 80); task.size=0: whole"
    assert task.remarks() == (words,)
    assert [tuple(s.degraded.shape[2:]) for s in task.samples("search")] == [(64, 64), (20, 64)]
    assert denoise(images=names, search=2, size=0).remarks() == ()
    assert denoise(images=names[2:]).remarks() == ()
    (_, few) = denoise(images=[*names, picture("d.png", 70, 20)], search=1).remarks()
    assert few.startswith("searching on 1 of the 4 pictures, testing on the others; task.search=N")
    (own,) = denoise(images=names, search=1).remarks("test")  # a strategy on the test pictures
    assert own.startswith("searching and testing on the middle 64 x 64 of b (70 x 20);")
    (trained,) = denoise(images=names, search=1).remarks(None)
    assert trained.startswith("testing on the middle 64 x 64 of b (70 x 20);")
    alone = denoise(images=names[:1]).remarks()
    assert alone[0].startswith("searching and testing on the middle 64 x 64 of a (96 x 80);")


@pytest.mark.parametrize("make_task", [denoise, degraded])
def test_pictures_that_are_degraded_already_are_restored_whole(make_task):
    name = picture("a.png", 96, 80)
    task = make_task(images=[name], degraded=True, search=0)
    assert task.samples("search")[0].degraded.shape[2:] == (64, 64)
    assert task.samples("test")[0].degraded.shape[2:] == (80, 96)
    assert task.remarks()[0].startswith("searching on the middle 64 x 64 of a")
    small = make_task(images=[name], degraded=True, search=0, size=32)
    assert small.samples("test")[0].degraded.shape[2:] == (32, 32)


def test_a_shrunk_picture_is_said_to_be_so():
    name = picture("a.png", 96, 80)
    hazy = {"name": "dehaze", "images": [name], "size": 48, "degraded": True, "search": 0}
    (words,) = make("task", hazy).remarks()
    assert words.startswith("searching and testing on a copy with at most 48 pixels a side of a (")


def test_a_search_that_trains_on_patches_says_what_is_tested_on():
    task, evaluator = denoise(images=[picture("a.png", 96, 80)]), make("evaluator", "train")
    problem = Problem(make("space", "hinas"), task, {FULL: evaluator})
    assert task.remarks(problem.searched)[0].startswith("testing on the middle")


def test_a_search_says_it_once_and_before_all_else(capsys):
    with show_search(3, False, ["about the pictures"]), show_search(3, True, ["unsaid"]):
        pass
    assert capsys.readouterr().err == "about the pictures\n"
