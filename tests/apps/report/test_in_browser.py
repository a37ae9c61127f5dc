"""Pages in headless Chromium: silent, alone, and the slider moves."""

from __future__ import annotations

import pytest
from apps.report.conftest import pictures, trial

from nasir.apps.report.page import write
from nasir.apps.report.run_page import run_page

PAPER = "getComputedStyle(document.body).backgroundColor"
OVER = "getComputedStyle(document.querySelector('.stage img.left')).clipPath"
ORDER = "[...document.querySelectorAll('#trials tbody tr')].map((row) => row.id.slice(6))"
LIGHT, DARK = "rgb(251, 250, 248)", "rgb(19, 20, 23)"


@pytest.fixture
def page(make, tmp_path, chromium):
    """A page with two pictures and eight trials, open in the browser."""
    trials = [trial(n, float(n * 3 % 8), choices={"kernel": n % 2}) for n in range(8)]
    trials.append(trial(8, error="<script>alert(1)</script>"))
    run = make(trials, pictures("cat") | pictures("dog"))
    file = tmp_path / "page.html"
    write(file, run_page(run))
    chromium.screen(1200, 900)
    chromium.open(file)
    return chromium


def test_a_page_loads_nothing_and_logs_no_error(page):
    assert page.requests == []
    assert page.complaints == []


def test_requests_to_other_hosts_are_seen_and_refused(page):
    page.run("new Image().src = 'http://127.0.0.1:9/x.png'")
    page.run("fetch('http://127.0.0.1:9/y').catch(() => 0)")
    assert any("Content Security Policy" in complaint for complaint in page.complaints)


def test_the_slider_shows_more_or_less_of_the_left_picture(page):
    assert page.run(OVER) == "inset(0px 50% 0px 0px)"
    page.run(
        "(() => { const range = document.querySelector('.stage input'); range.value = 80;"
        "range.dispatchEvent(new Event('input', {bubbles: true})); })()"
    )
    assert page.run(OVER) == "inset(0px 20% 0px 0px)"
    names = "[...document.querySelectorAll('#picture-0 .stage .name')].map((n) => n.textContent)"
    assert page.run(names) == ["degraded", "found"]


def test_a_small_picture_goes_to_the_right_of_the_slider(page):
    page.run("document.querySelector('#picture-0 [data-view=clean]').click()")
    same = (
        "document.querySelector('#picture-0 .stage img.right').src ==="
        "document.querySelector('#picture-0 [data-view=clean] img').src"
    )
    assert page.run(same) is True


def test_tabs_show_one_picture_at_a_time(page):
    shown = "[...document.querySelectorAll('.picture')].map((one) => !one.hidden)"
    assert page.run(shown) == [True, False]
    page.run("document.querySelectorAll('.tabs button')[1].click()")
    assert page.run(shown) == [False, True]


def test_a_page_is_light_or_dark_by_system_setting_and_by_button(page):
    assert page.run(PAPER) == LIGHT
    page.screen(1200, 900, dark=True)
    assert page.run(PAPER) == DARK
    page.run("document.getElementById('theme').click()")
    assert page.run(PAPER) == LIGHT
    page.run("document.getElementById('theme').click()")
    assert page.run(PAPER) == DARK


def test_a_click_on_a_head_sorts_with_missing_values_last(page):
    click = "document.querySelectorAll('#trials th button')[2].click()"
    page.run(click)
    assert page.run(ORDER) == ["5", "2", "7", "4", "1", "6", "3", "0", "8"]
    page.run(click)
    assert page.run(ORDER) == ["0", "3", "6", "1", "4", "7", "2", "5", "8"]


def test_a_dot_shows_its_trial(page):
    page.run(
        "document.querySelector('.chart a circle').dispatchEvent("
        "new PointerEvent('pointerover', {bubbles: true, clientX: 300, clientY: 300}))"
    )
    assert page.run("document.getElementById('tip').textContent").startswith("trial 0\nscore 0")


def test_a_phone_sees_the_narrow_diagrams_and_no_sideways_page(page):
    page.screen(390, 800)
    widths = page.run("[document.documentElement.scrollWidth, innerWidth]")
    assert widths == [390, 390]
    shown = "['wide', 'narrow'].map((of) => document.querySelector('.plot .' + of).offsetWidth > 0)"
    assert page.run(shown) == [False, True]
