"""A hostile alert does no harm, and the record tells of it."""

from __future__ import annotations

import asyncio
import json
import socket
import time
from pathlib import Path

import aiohttp
import httpx
import pytest

from runbooks.server import bounds
from runbooks.server.bounds import Bucket
from runbooks.server.incident import State
from runbooks.server.journal import Journal

NASTY = (
    "$(touch pwned) `touch pwned`; touch pwned\n' \" | "
    "touch pwned & \0 \x1b[2J ../../etc/passwd {{ 7*7 }} ${shop.admin}"
)
TOKEN = "correct-horse-battery-staple"

SHOWS = (
    'Show.\n\n```sh {"step": "show", "on": ["shop"], "undo": "release"}\nprintf %s "$ALERT_LABEL_room" >"$FOUND"\n```'
)


async def test_labels_of_every_kind_of_malice_are_data_and_nothing_else(
    house, shelf, alert, until, tmp_path, monkeypatch
) -> None:
    monkeypatch.setenv("FOUND", str(tmp_path / "found"))
    monkeypatch.chdir(tmp_path)
    shelf(changes={"Mitigation": SHOWS})
    async with house(mitigate=True) as it:
        answer = await it.send(alert(room=NASTY, **{"$(touch pwned)": NASTY, "../x": "y"}))
        assert answer.json() == {"accepted": 1}
        await until(lambda: it.incident.state is State.RECOVERED)
        page = await it.client.get(f"/incidents/{it.incident.name}")
    assert (tmp_path / "found").read_text() == NASTY.replace("\0", "")
    assert list(tmp_path.rglob("pwned")) == []
    assert "touch pwned" in page.text
    assert "\x1b" not in page.text and "\0" not in page.text
    rows = [json.loads(line) for line in it.incident.audit.read_text().splitlines()]
    assert {row["labels"]["room"] for row in rows if row["kind"] == "begin"} == {NASTY}


@pytest.mark.parametrize("name", ["../../../etc/passwd", "a/b\0c", "x" * 8000, "\n\n", "..", "<script>", "$(id)"])
async def test_the_name_of_an_alert_leads_to_no_other_folder(house, shelf, alert, name, until) -> None:
    shelf(changes={"front": f"owner: shop\nseverity: page\nalerts: [Slow, {json.dumps(name)}]"})
    async with house() as it:
        assert (await it.send(alert(name))).json() == {"accepted": 1}
        assert it.incident.run.path.parent == it.folder
        await until(lambda: it.incident.state is State.DIAGNOSED)
        assert (await it.client.get(f"/incidents/{it.incident.name}")).status_code == 200


@pytest.mark.parametrize(
    "named",
    [
        "../secret",
        "../secret.md",
        "/etc/passwd",
        "https://evil.example/slow.md",
        "slow\0.md",
        "link.md",
        "x" * 8000,
        ".",
    ],
)
async def test_no_page_outside_of_the_folder_is_read_and_none_is_fetched(
    house, shelf, alert, named, tmp_path, page
) -> None:
    shelf()
    (tmp_path / "secret.md").write_text(page())
    if named == "link.md":
        named = str(tmp_path / "runbooks" / ".." / "secret.md")
    async with house() as it:
        answer = await it.send({**alert(), "annotations": {"runbook": named}})
        assert answer.json() == {"no_runbook": 1}
        assert "there is no such runbook here" in it.journal()[0]["why"]
        assert it.desk.incidents == {}


@pytest.mark.parametrize(
    "annotations",
    [{"runbook": "slow"}, {"runbook": "slow.md"}, {"runbook_url": "https://wiki.example/books/slow.md#impact"}, {}],
)
async def test_a_page_of_ours_is_found_by_annotation_or_name(house, shelf, alert, annotations) -> None:
    shelf()
    async with house() as it:
        assert (await it.send({**alert(), "annotations": annotations})).json() == {"accepted": 1}
        assert it.incident.runbook == "slow"


DEEP = b'{"version":"4","alerts":[],"x":' + b"[" * 400_000 + b"]" * 400_000 + b"}"
MANY = [{"status": "firing", "labels": {"alertname": "A"}, "startsAt": "2026-11-26T04:00:00Z"}] * 257
LABELS = [{**MANY[0], "labels": {"alertname": "A", **{f"l{number}": "" for number in range(64)}}}]
LONG = [{**MANY[0], "labels": {"alertname": "A", "text": "x" * 9000}}]


@pytest.mark.parametrize(
    ("body", "status", "outcome"),
    [
        (b"{", 400, "malformed"),
        (b"", 400, "malformed"),
        (b"null", 400, "malformed"),
        (b"\xff\xfe\x00", 400, "malformed"),
        (DEEP, 400, "malformed"),
        (b"[" * 900_000, 400, "malformed"),
        (json.dumps({"version": "3", "alerts": []}).encode(), 400, "malformed"),
        (json.dumps({"version": 4, "alerts": []}).encode(), 400, "malformed"),
        (json.dumps({"version": "4", "alerts": [{**MANY[0], "labels": {}}]}).encode(), 400, "malformed"),
        (json.dumps({"version": "4", "alerts": [{**MANY[0], "labels": {"alertname": 1}}]}).encode(), 400, "malformed"),
        (json.dumps({"version": "4", "alerts": [{**MANY[0], "startsAt": "soon"}]}).encode(), 400, "malformed"),
        (json.dumps({"version": "4", "alerts": MANY}).encode(), 413, "too_large"),
        (json.dumps({"version": "4", "alerts": LABELS}).encode(), 413, "too_large"),
        (json.dumps({"version": "4", "alerts": LONG}).encode(), 413, "too_large"),
        (b'{"version": "4", "x": "' + b"x" * 1_048_576 + b'"}', 413, "too_large"),
    ],
    ids=lambda value: repr(value)[:30] if isinstance(value, bytes) else None,
)
async def test_what_is_no_message_is_refused_and_told(house, shelf, body, status, outcome) -> None:
    shelf()
    async with house() as it:
        head = {"Content-Type": "application/json"}
        answer = await it.client.post("/alertmanager", content=body, headers=head)
        assert (answer.status_code, it.outcomes()) == (status, [outcome])
        assert it.desk.incidents == {}


async def test_a_body_without_a_length_is_bounded_too(house, shelf) -> None:
    async def endless():
        for _ in range(300):
            yield b"x" * 10_000

    shelf()
    async with house() as it:
        try:
            answer = await it.client.post(
                "/alertmanager", content=endless(), headers={"Content-Type": "application/json"}
            )
            assert answer.status_code == 413
        except httpx.HTTPError:
            pass  # the connection was closed under the sender
        assert it.outcomes() == ["too_large"]


@pytest.mark.parametrize("head", [{"Content-Type": "text/plain"}, {"Content-Encoding": "gzip"}])
async def test_forms_and_compressed_bodies_are_refused(house, shelf, message, head) -> None:
    shelf()
    async with house() as it:
        answer = await it.client.post(
            "/alertmanager", content=json.dumps(message()), headers={"Content-Type": "application/json", **head}
        )
        assert (answer.status_code, it.outcomes()) == (415, ["malformed"])


@pytest.mark.parametrize(
    "given",
    [
        "",
        "Bearer",
        "Bearer wrong",
        f"Bearer {TOKEN}x",
        f"bearer {TOKEN[:-1]}",
        f"Token {TOKEN}",
        "Basic !!!",
        "Basic Og==",
        "Bearer \u00e9",
    ],
)
async def test_nobody_comes_in_with_a_wrong_token(house, shelf, alert, given) -> None:
    shelf()
    async with house(token=TOKEN) as it:
        it.client.headers = httpx.Headers([(b"Authorization", given.encode("latin-1"))])
        assert (await it.send(alert())).status_code == 401
        for path in ("/", "/metrics", "/incidents/x", "/page.js"):
            assert (await it.client.get(path)).status_code == 401, path
        assert (await it.client.get("/healthz")).status_code == 200
        assert set(it.outcomes()) == {"wrong_token"}
        assert it.desk.incidents == {}
        assert TOKEN not in (it.folder / "server.jsonl").read_text()
        assert "wrong" not in (it.folder / "server.jsonl").read_text().replace("wrong_token", "").replace(
            "a wrong one", ""
        )


async def test_the_right_token_opens_as_bearer_and_as_a_password_and_a_guesser_shuts_nobody_out(
    house, shelf, alert
) -> None:
    shelf()
    async with house(token=TOKEN) as it:
        guesses = [await it.client.get("/", headers={"Authorization": f"Bearer {number}"}) for number in range(40)]
        assert {answer.status_code for answer in guesses} == {401, 429}
        it.client.headers["Authorization"] = f"Bearer {TOKEN}"
        assert (await it.send(alert())).json() == {"accepted": 1}
        assert (
            await it.client.get("/", headers={"Authorization": httpx.BasicAuth("mei", TOKEN)._auth_header})
        ).is_success


@pytest.mark.parametrize(
    "head", [{"Origin": "http://evil.example"}, {"Host": "evil.example:80"}, {"Host": "evil.example"}]
)
async def test_a_web_page_in_a_browser_on_this_machine_can_do_nothing(house, shelf, message, alert, head) -> None:
    shelf()
    async with house() as it:
        answer = await it.client.post("/alertmanager", json=message(alert()), headers=head)
        assert (answer.status_code, it.outcomes()) == (403, ["wrong_token"])


async def test_a_thousand_at_once_do_no_harm(house, shelf, alert, message, server, until, monkeypatch) -> None:
    monkeypatch.setattr("runbooks.server.desk.MOST_OPEN", 20)
    shelf()
    async with house(mitigate=True) as it:
        async with aiohttp.ClientSession(it.url, connector=aiohttp.TCPConnector(limit=50)) as client:

            async def post(number: int) -> int:
                async with client.post("/alertmanager", json=message(alert(room=str(number)))) as answer:
                    return answer.status

            codes = await asyncio.gather(*map(post, range(1000)))
        assert (await it.client.get("/healthz")).is_success
        assert set(codes) == {200, 503}
        assert codes.count(200) == len(it.desk.incidents) == 20
        await until(
            lambda: all(one.state in (State.RECOVERED, State.DIAGNOSED) for one in it.desk.incidents.values()), 60
        )
        metrics = (await it.client.get("/metrics")).text
    assert f'flashcrowd_alerts_total{{outcome="overloaded"}} {codes.count(503)}.0' in metrics
    assert server.paths == ["/reserve"] * 3, "the fourth in an hour is a person's"
    told = it.journal()
    assert len(told) <= 2 * 601, "one minute, or two"
    assert {row["why"] for row in told if row["outcome"] == "overloaded"} <= {
        "too many messages",
        "20 incidents are open",
    }


async def test_connections_are_bounded_and_slow_ones_ended(house, shelf, monkeypatch, until) -> None:
    monkeypatch.setattr(bounds, "MOST_CONNECTIONS", 8)
    monkeypatch.setattr(bounds.Connections.__init__, "__defaults__", (0.3,))
    shelf()
    async with house() as it:
        host, port = it.url.removeprefix("http://").split(":")
        slow = [socket.create_connection((host, int(port))) for _ in range(12)]
        for one in slow[:8]:
            one.send(b"POST /alertmanager HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: ")
        assert await asyncio.to_thread(lambda: [_ended(one) for one in slow]) == [True] * 12
        assert it.outcomes() == ["refused"] * 4
        assert (await it.client.get("/healthz")).is_success
        for one in slow:
            one.close()


def _ended(connection: socket.socket) -> bool:
    connection.settimeout(20)
    try:
        return connection.recv(100) == b""
    except ConnectionError:
        return True


def test_a_bucket_fills_again() -> None:
    now = 0.0
    bucket = Bucket(2, 3, lambda: now)
    assert [bucket.take() for _ in range(4)] == [True, True, True, False]
    now = 0.6
    assert [bucket.take() for _ in range(2)] == [True, False]


async def test_a_full_disk_is_answered_so_that_the_alert_comes_again(house, shelf, alert, monkeypatch) -> None:
    shelf()
    async with house() as it:
        real, full = Path.mkdir, [True]

        def mkdir(self: Path, *words: object, **more: object) -> None:
            if full[0] and self.parent == it.folder:
                raise OSError(28, "No space left on device")
            real(self, *words, **more)  # type: ignore[arg-type]

        monkeypatch.setattr(Path, "mkdir", mkdir)
        answer = await it.send(alert())
        assert (answer.status_code, answer.json()) == (500, {"error": "it could not be written down"})
        full[0] = False
        assert (await it.send(alert())).json() == {"accepted": 1}


def test_its_own_record_is_bounded_and_says_what_it_left_out(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr("runbooks.server.journal.MOST_LINES", 10)
    monkeypatch.setattr("runbooks.server.journal.MOST_BYTES", 2000)
    now = [1_764_130_000.0]
    monkeypatch.setattr(time, "time", lambda: now[0])
    heard: list[str] = []
    journal = Journal(tmp_path, heard.append)
    for _ in range(30):
        journal.note("refused", why="x" * 10_000)
    now[0] += 60
    journal.note("accepted")
    rows = [json.loads(line) for file in sorted(tmp_path.iterdir(), reverse=True) for line in file.open()]
    assert rows[-2:] == [{"time": now[0], "outcome": "left_out", "lines": 20}, {"time": now[0], "outcome": "accepted"}]
    assert len(heard) == 31
    assert sum(file.stat().st_size for file in tmp_path.iterdir()) < 4000
