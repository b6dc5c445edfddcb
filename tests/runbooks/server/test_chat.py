"""A chat is told; one that doesn't answer holds nobody up, and its address is a secret."""

from __future__ import annotations

import json

import pytest

from flashcrowd import masking
from flashcrowd.errors import InputError
from flashcrowd.process import free_port
from runbooks.server.chat import Chat, text
from runbooks.server.incident import State


async def test_a_chat_is_told_in_words_that_mention_nobody(house, shelf, alert, server, until) -> None:
    shelf(changes={"front": "owner: shop\nseverity: page\nalerts: ['<!channel> & co']"})
    chat = Chat(f"{server.url}/services/T0/B0/very-secret-part")
    async with house(tell=chat.tell) as it:
        await it.send(alert("<!channel> & co"))
        await until(lambda: server.seen)
        await until(lambda: "posted" in (it.incident.run.path / "events.jsonl").read_text())
    ((method, path, _, body),) = server.seen
    assert (method, path) == ("POST", "/services/T0/B0/very-secret-part")
    text = json.loads(body)["text"]
    assert text.startswith("&lt;!channel&gt; &amp; co · runbook slow · diagnosed\nfound: slow. reserve would be next")
    await chat.close()


@pytest.mark.parametrize("status", [None, 500, 302])
async def test_a_chat_that_does_not_answer_is_noted_and_holds_nobody_up(
    house, shelf, alert, server, until, status
) -> None:
    shelf()
    server.answers["/very-secret-part"] = (status, {"location": f"{server.url}/elsewhere"}, b"")
    base = server.url if status else f"http://127.0.0.1:{free_port()}"
    chat = Chat(f"{base}/very-secret-part")
    async with house(tell=chat.tell) as it:
        await it.send(alert())
        await until(lambda: it.incident.state is State.DIAGNOSED)
        events = it.incident.run.path / "events.jsonl"
        await until(lambda: '"kind": "failed"' in events.read_text())
        assert "very-secret-part" not in events.read_text()
    assert "/elsewhere" not in server.paths
    await chat.close()


def test_what_is_no_address_of_a_chat_is_told(monkeypatch) -> None:
    monkeypatch.setenv("SOME_CHAT", "ftp://chat.example/x")
    with pytest.raises(InputError, match="is no http"):
        Chat.of_env("SOME_CHAT")


async def test_a_secret_in_an_alert_reaches_no_chat_and_no_page(house, shelf, alert, until) -> None:
    masking.learn(["very&secret<part"])
    name = "Slow of very&secret<part"
    shelf(changes={"front": f"owner: shop\nseverity: page\nalerts: ['{name}']"})
    async with house() as it:
        await it.send(alert(name, room="very&secret<part"))
        await until(lambda: it.incident.state is State.DIAGNOSED)
        page = (await it.client.get(f"/incidents/{it.incident.name}")).text
        assert text(it.incident).startswith("Slow of *** · runbook slow")
    assert "Slow of ***" in page
    assert "secret&lt;part" not in page
    assert "very-secret-part" not in it.incident.name
