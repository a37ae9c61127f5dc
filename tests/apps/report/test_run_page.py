"""Every run has a page, however it ended, and nothing in a run becomes markup."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser

import pytest
from apps.report.conftest import pictures, trial

from nasir.apps.report.run_page import run_page
from nasir.runs.run import Run

EVIL = "<script>alert(1)</script><img src=http://evil.example/x onerror=alert(1)>\"'"


class Page(HTMLParser):
    """Elements with attributes, and the text outside scripts and styles."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(self.words)

    def count(self, name: str) -> int:
        return sum(tag == name for tag, _ in self.elements)


def sections(page: Page) -> list[str | None]:
    return [attributes.get("id") for name, attributes in page.elements if name == "section"]


def test_a_finished_run_has_every_section(make):
    trials = [trial(n, float(n), choices={"kernel": n % 2, "skip": True}) for n in range(8)]
    page = Page(run_page(make(trials, pictures())))
    wanted = ["pictures", "search", "decisions", "architecture", "trials", "repeat"]
    assert sections(page) == wanted
    assert [a["id"] for n, a in page.elements if n == "tr" and "id" in a] == [
        f"trial-{n}" for n in range(8)
    ]
    assert page.words.count("PSNR (dB)") == 2  # at the axis, wide and narrow


@pytest.mark.parametrize("state", ["running", "interrupted", "stopped", "finished"])
def test_a_run_without_trials_has_a_page(make, state):
    page = Page(run_page(make(state=state)))
    assert sections(page) == ["search", "decisions", "repeat"]
    assert "There are no trials yet." in page.text


def test_an_unfinished_run_shows_how_to_resume(make):
    run = make([trial(0, 1.0), trial(1, state="running")], state="interrupted")
    assert f"nasir resume {run.folder}" in Page(run_page(run)).text


def test_a_run_whose_trials_all_failed_shows_why(make):
    page = Page(run_page(make([trial(n) for n in range(5)])))
    assert "out of luck" in page.text
    assert "architecture" not in sections(page)
    failed = [a for n, a in page.elements if n == "path" and a.get("class") == "failed"]
    assert len(failed) == 2 * 5  # for wide and for narrow screens


def test_each_stage_has_a_chart_the_full_one_first(make):
    scores = [trial(n, float(n), stage="0.proxy") for n in range(4)]
    fits = [trial(n, 20.0 + n, fidelity=0.5 if n < 6 else 1.0) for n in range(4, 8)]
    page = run_page(make([*scores, *fits]))
    assert page.index("Stage full") < page.index("Stage 0.proxy")
    assert 'class="dot better partial"' not in page
    assert 'class="dot partial"' in page


def test_several_objectives_have_a_front(make):
    metrics = [
        {"psnr": 20.0, "size": 5.0},
        {"psnr": 30.0, "size": 9.0},
        {"psnr": 19.0, "size": 6.0},
    ]
    trials = [trial(n, m["psnr"], metrics=m) for n, m in enumerate(metrics)]
    text = run_page(make(trials, objective=["psnr", "-size"]))
    front = text[text.index('id="front"') : text.index('id="decisions"')]
    assert front.count('class="dot better"') == 2 * 2
    assert front.count('class="dot"') == 2 * 1
    assert len(re.findall(r'class="[^"]*on-front"', text)) == 2


def test_everything_in_a_run_is_escaped(make):
    metrics = {EVIL: 1.0, "psnr": 2.0}
    trials = [
        trial(
            n, float(n), choices={EVIL: EVIL if n % 2 else 1, "k": n}, metrics=metrics, space=EVIL
        )
        for n in range(8)
    ]
    trials += [trial(8, error=EVIL, stage=EVIL), trial(9, float("1e300"), worker=EVIL)]
    run = make(
        trials,
        pictures(),
        environment={"versions": {EVIL: EVIL}, "git": {EVIL: EVIL}, "plugins": {EVIL: {"x": EVIL}}},
        task={"name": EVIL, "images": [EVIL]},
        **{EVIL: EVIL},
    )
    evil = EVIL.replace("/", "\u2044")
    (run.folder / "best" / "cat-clean.png").rename(run.folder / "best" / f"{evil}-clean.png")
    (run.folder / "references" / "hand_made").rename(run.folder / "references" / evil)
    page = Page(run_page(run))
    assert page.count("script") == 1
    names = {name for _, attributes in page.elements for name in attributes}
    assert not [name for name in names if name.startswith("on")]
    for name, attributes in page.elements:
        if name == "img":
            assert attributes.get("src", "data:").startswith("data:")
    assert EVIL in page.text


def test_a_page_has_no_address_of_a_host(make):
    text = run_page(make([trial(0, 1.0)], pictures()))
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', text)[1]
    assert "default-src &#x27;none&#x27;" in policy
    assert not re.findall(r"(?:https?:)?//[a-z]", re.sub(r"data:[^\"]*", "", text))


@pytest.mark.parametrize("content", ["", "[]", "{", '{"versions": 3, "plugins": [1]}', "\x00"])
def test_a_run_without_environment_has_a_page(make, content):
    run = make([trial(0, 1.0)])
    (run.folder / "environment.json").write_text(content)
    assert "environment" in run_page(run)


def test_scores_far_below_the_others_do_not_flatten_the_curve(make):
    trials = [trial(n, 25.0 + 0.1 * n) for n in range(20)] + [trial(20, -1e6)]
    text = run_page(make(trials))
    assert text.count('class="dot below"') == 2
    assert "25" in Page(text).text


def test_a_long_run_shows_its_best_trials(make, monkeypatch):
    monkeypatch.setattr("nasir.apps.report.trial_table.MOST", 5)
    monkeypatch.setattr("nasir.apps.report.progress.MOST", 5)
    page = Page(run_page(make([trial(n, float(-n)) for n in range(30)])))
    assert "The best 5 of 30 trials." in page.text
    rows = [a["id"] for n, a in page.elements if n == "tr" and "id" in a]
    assert rows == [f"trial-{n}" for n in range(5)]
    assert page.count("circle") <= 2 * 7


def test_a_run_of_the_engine_has_a_page_with_its_command(toy):
    run = toy("trials=8", "references=[]")
    page = Page(run_page(Run(run.folder)))
    assert "nasir run space=toy strategy=random task=toy evaluator=toy" in page.text
    assert json.dumps(dict(run.best.architecture.choices), indent=4)[2:20] in page.text


def test_the_page_says_which_pictures_were_searched_on(make):
    searched = trial(0, 1.0, by_picture={"dog": {"psnr": 1.0}})
    page = Page(run_page(make([searched], pictures())))
    assert "Scores are of dog; tested on cat, dog." in page.text
