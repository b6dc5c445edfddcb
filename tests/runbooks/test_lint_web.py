"""Links to the web: opened on the hosts alone that were asked for; here, on this machine."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from flashcrowd.process import free_port
from runbooks.lint.links import Link
from runbooks.lint.web import findings


def link(href: str) -> Link:
    return Link(Path("slow.md"), 3, href)


async def test_pages_that_are_gone_are_told_from_hosts_that_give_no_answer(server: Any) -> None:
    server.answers |= {
        "/gone": (404, {}, b""),
        "/broken": (500, {}, b""),
        "/secret": (401, {}, b""),
        "/moved": (302, {"location": "http://192.0.2.1/x"}, b""),
    }
    paths = ("/there", "/there#part", "/gone", "/gone", "/broken", "/secret", "/moved")
    dead = f"http://127.0.0.1:{free_port()}/x"
    found = await findings([*(link(f"{server.url}{path}") for path in paths), link(dead)], ["127.0.0.1"])
    assert [(one.rule, one.problem.message.partition(" ")[0].partition("#")[0]) for one in found] == [
        ("web", f"{server.url}/gone"),
        ("web", f"{server.url}/gone"),
        ("web-unanswered", f"{server.url}/broken"),
        ("web-unanswered", dead),
    ]
    assert server.paths.count("/there") == 1, "each address once; the server has no HEAD, so GET was tried"


async def test_no_other_host_is_asked(server: Any) -> None:
    elsewhere = [link("http://192.0.2.1/x"), link("https://example.invalid/x"), link("people.md"), link("http://[x/")]
    found = await findings([*elsewhere, link(server.url.replace("127.0.0.1", "127.0.0.2"))], ["127.0.0.1"])
    assert [one.problem.message for one in found] == ["http://[x/ is no address: Invalid IPv6 URL"]
    assert server.paths == []
