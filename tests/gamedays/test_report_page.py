"""The report in a real browser, one for all: three widths, light and dark, on paper, and without its script."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gamedays import gameday

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
SHOTS = os.environ.get("FLASHCROWD_SHOTS")
"""A folder for pictures, for whoever wants to look at them."""

WIDTHS = (360, 800, 1440)
OVERFLOWS = "document.documentElement.scrollWidth > innerWidth"
LINES = """[...document.querySelectorAll('figure')].map(
    figure => figure.querySelectorAll('.live svg path[d]').length)"""
CLOCKS = """[...document.querySelectorAll('figure')].map(
    figure => [...figure.querySelectorAll('.live .role-axis-label text')].map(text => text.textContent)
        .filter(text => text.includes(':')).sort().join())"""


class Browser:
    """A browser, and all that its pages complained of or asked the network for."""

    def __init__(self, driver: Any) -> None:
        self._driver, self.complaints, self.asked = driver, list[str](), list[str]()

    def open(self, path: Path, width: int = 1440, scheme: str = "light", script: bool = True) -> Any:
        size = {"width": width, "height": 900}
        context = self._driver.new_context(viewport=size, color_scheme=scheme, java_script_enabled=script)
        page = context.new_page()
        page.set_default_timeout(15_000)
        page.on("console", lambda line: self.complaints.append(line.text))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("request", lambda one: None if one.url.startswith(("file:", "data:")) else self.asked.append(one.url))
        page.goto(path.as_uri())
        return page


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    playwright = pytest.importorskip("playwright.sync_api", reason="no playwright here")
    if CHROMIUM is None:
        pytest.skip("no chromium here")
    flags = ["--no-sandbox"] if os.geteuid() == 0 else []
    with playwright.sync_playwright() as driver:
        found = driver.chromium.launch(executable_path=CHROMIUM, args=flags)
        yield Browser(found)
        found.close()


@pytest.fixture
def report(rehearsed) -> Path:
    run = rehearsed(recovered=None)
    gameday.write_reports(gameday.judge(run.path))
    return run.path / "report.html"


def test_the_report_is_drawn_at_every_width_without_a_complaint_or_a_request(browser, report):
    page = browser.open(report)
    page.locator("body.drawn").wait_for()
    for width, scheme in zip(WIDTHS, ("dark", "light", "dark"), strict=True):
        page.set_viewport_size({"width": width, "height": 900})
        page.emulate_media(color_scheme=scheme)
        page.wait_for_function("document.querySelector('figure .live svg').clientWidth <= innerWidth")
        assert not page.evaluate(OVERFLOWS), width
        drawn = page.evaluate(LINES)
        assert len(drawn) == 6
        assert all(drawn), drawn
        if SHOTS:
            page.screenshot(path=f"{SHOTS}/report-{width}-{scheme}.png", full_page=True)
    assert (browser.complaints, browser.asked) == ([], [])


def test_a_zoom_in_one_chart_moves_all_others(browser, report):
    page = browser.open(report)
    page.locator("body.drawn").wait_for()
    whole = page.evaluate(CLOCKS)
    assert len(set(whole)) == 1, whole
    chart = page.locator("figure[data-chart=orders] .live")
    chart.scroll_into_view_if_needed()
    box = chart.bounding_box()
    page.mouse.move(box["x"] + box["width"] * 0.4, box["y"] + 40)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.6, box["y"] + 40, steps=4)
    page.mouse.up()
    page.wait_for_function("Number(document.getElementById('charts').dataset.from) > 30")
    page.wait_for_function(f"{CLOCKS}.every(clocks => clocks !== {whole[0]!r}) && new Set({CLOCKS}).size === 1")
    page.locator("#charts").press("0")
    page.wait_for_function(f"{CLOCKS}[0] === {whole[0]!r}")
    page.get_by_role("button", name="network.latency on inventory").click()
    page.wait_for_function("document.getElementById('charts').dataset.from === '40.00'")
    assert (browser.complaints, browser.asked) == ([], [])


def test_without_its_script_and_on_paper_the_still_pictures_stand(browser, report):
    bare = browser.open(report, width=360, script=False)
    assert bare.locator(".still svg").first.is_visible()
    assert bare.locator(".tools").is_hidden()
    page = browser.open(report)
    page.locator("body.drawn").wait_for()
    page.emulate_media(media="print")
    assert page.locator(".still svg").first.is_visible()
    assert page.locator(".live").first.is_hidden()
