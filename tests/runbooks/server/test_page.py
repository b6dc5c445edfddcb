"""The page in a real browser: three widths, light and dark, and an alert that would like to be a script."""

from __future__ import annotations

import os
import shutil
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
import pytest_asyncio

from runbooks.server.incident import State

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
SCRIPT = "<script>document.title='owned'</script><img src=http://evil.example/x onerror=\"document.title='owned'\">"
SHOTS = os.environ.get("FLASHCROWD_SHOTS")
"""A folder for pictures, for whoever wants to look at them."""

TOKEN = "correct-horse-battery-staple"


class Look:
    """One tab, and all that it complained of or asked elsewhere for."""

    def __init__(self, page: Any, home: str) -> None:
        self.page, self.complaints, self.foreign = page, list[str](), list[str]()
        page.on("console", lambda line: self.complaints.append(line.text) if line.type == "error" else None)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("request", lambda one: None if one.url.startswith((home, "data:")) else self.foreign.append(one.url))

    async def overflows(self) -> bool:
        """Whether the page has to be moved sideways."""
        found: bool = await self.page.evaluate("document.documentElement.scrollWidth > innerWidth")
        return found


@pytest_asyncio.fixture
async def tab() -> AsyncIterator[Callable[..., Any]]:
    playwright = pytest.importorskip("playwright.async_api", reason="no playwright here")
    if CHROMIUM is None:
        pytest.skip("no chromium here")
    flags = ["--no-sandbox"] if os.geteuid() == 0 else []
    async with playwright.async_playwright() as driver:
        browser = await driver.chromium.launch(executable_path=CHROMIUM, args=flags)

        async def open_tab(home: str, token: str | None = None, **options: Any) -> Look:
            given = {"http_credentials": {"username": "mei", "password": token}} if token else {}
            return Look(await (await browser.new_context(**given, **options)).new_page(), home)

        yield open_tab
        await browser.close()


async def test_a_hostile_alert_is_text_at_every_width_and_the_page_follows(house, shelf, alert, until, tab) -> None:
    shelf()
    async with house(token=TOKEN, mitigate=True) as it:
        it.client.headers["Authorization"] = f"Bearer {TOKEN}"
        home = await tab(it.url, TOKEN)
        await home.page.goto(it.url)
        assert "No incident yet" in await home.page.inner_text("main")
        nasty = {**alert(room=SCRIPT, **{SCRIPT: "x"}), "annotations": {"summary": SCRIPT, "long": "w" * 3000}}
        await it.send(nasty)
        await until(lambda: it.incident.state is State.RECOVERED)
        await home.page.get_by_role("link", name="Slow").wait_for()
        for scheme, width in (("dark", 360), ("light", 768), ("dark", 1280)):
            await home.page.set_viewport_size({"width": width, "height": 800})
            await home.page.emulate_media(color_scheme=scheme)
            await home.page.goto(it.url)
            assert not await home.overflows(), width
            if SHOTS:
                await home.page.screenshot(path=f"{SHOTS}/incidents-{width}.png")
            await home.page.get_by_role("link", name="Slow").click()
            await home.page.wait_for_url("**/incidents/*")
            assert SCRIPT in await home.page.inner_text("main")
            assert await home.page.title() == "Slow: recovered"
            assert not await home.overflows(), width
            if SHOTS:
                await home.page.screenshot(path=f"{SHOTS}/incident-{width}.png", full_page=True)
        assert await home.page.locator("main script, main img").count() == 0
        await it.send({**nasty, "status": "resolved"})
        await home.page.get_by_text("closed").wait_for()
    assert (home.complaints, home.foreign) == ([], [])


async def test_what_a_browser_may_do_is_said_in_every_answer(house, shelf) -> None:
    shelf()
    async with house() as it:
        for path in ("/", "/page.js", "/metrics", "/healthz"):
            answer = await it.client.get(path)
            assert "default-src 'none'" in answer.headers["Content-Security-Policy"], path
            assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert (await it.client.get("/incidents/..%2f..%2fetc%2fpasswd")).status_code == 404


async def test_without_the_token_a_browser_is_asked_for_it(house, shelf) -> None:
    shelf()
    async with house(token=TOKEN) as it:
        refused = await it.client.get("/")
        assert (refused.status_code, refused.headers["WWW-Authenticate"].split()[0]) == (401, "Basic")
        assert (await it.client.get("/", auth=("mei", TOKEN))).status_code == 200
