"""Dashboards pushed to a Grafana that is a fake (tests/fake_grafana.py says what it holds callers to)."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from fake_grafana import TOKEN, FakeGrafana, running

from flashcrowd.errors import InputError, NeedError
from flashcrowd.process import free_port
from monitors.dashboards import run as dashboard_run
from monitors.dashboards.provisioning import Provisioned
from monitors.grafana import Grafana

BOARD = json.dumps({"uid": "flashcrowd-crowd", "title": "Live-commerce crowd", "panels": []})


@pytest.fixture
def fake(request: pytest.FixtureRequest) -> Iterator[FakeGrafana]:
    with running(getattr(request, "param", "")) as server:
        yield server


@pytest.mark.parametrize("fake", ["", "/grafana"], indirect=True)
def test_a_dashboard_arrives_as_the_api_wants_it(fake):
    pushed = Grafana(fake.url, TOKEN).push(BOARD, folder="shop")
    ((path, content_type, body),) = fake.asked
    assert (path, content_type) == (f"{fake.prefix}/api/dashboards/db", "application/json")
    assert set(body) == {"dashboard", "overwrite", "message", "folderUid"}
    assert body["overwrite"] is False
    assert body["dashboard"] == {**json.loads(BOARD), "id": None}
    assert (pushed.uid, pushed.version) == ("flashcrowd-crowd", 1)
    assert pushed.url == f"{fake.url}/d/flashcrowd-crowd/name"


def test_what_is_there_is_left_unless_it_may_be_overwritten(fake):
    grafana = Grafana(fake.url, TOKEN)
    grafana.push(BOARD)
    with pytest.raises(InputError, match=r"has 'Live-commerce crowd' already.*changed by someone else.*--overwrite"):
        grafana.push(BOARD.replace("[]", '[{"id": 1}]'))
    assert fake.boards["flashcrowd-crowd"]["panels"] == []
    assert grafana.push(BOARD.replace("[]", '[{"id": 1}]'), overwrite=True).version == 2
    assert fake.boards["flashcrowd-crowd"]["panels"] == [{"id": 1}]


@pytest.mark.parametrize(
    ("status", "error", "says"),
    [
        (400, InputError, r"refuses 'Live-commerce crowd' \(as asked\)"),
        (401, NeedError, "doesn't know the token"),
        (403, NeedError, r"needs the role Editor \(as asked\)"),
        (404, NeedError, "no dashboards' API; give the address that has /api below it"),
        (412, InputError, r"left as it is \(as asked\); add --overwrite"),
        (500, NeedError, r"answers with 500 \(as asked\); look at its log"),
        (503, NeedError, "answers with 503"),
        (302, NeedError, "leads elsewhere"),
    ],
)
def test_each_refusal_is_one_clear_sentence(fake, status, error, says):
    fake.trouble = status
    with pytest.raises(error, match=says) as raised:
        Grafana(fake.url, TOKEN).push(BOARD)
    assert "\n" not in str(raised.value)
    assert len(fake.asked) == 1  # never sent twice


@pytest.mark.parametrize(
    ("status", "body"),
    [(200, b"<html>hello</html>"), (200, b"[]"), (200, b"null"), (500, b"a message"), (502, b"null")],
)
def test_who_answers_otherwise_is_no_grafana(fake, status, body):
    fake.trouble, fake.body = status, body
    with pytest.raises(NeedError, match=r"answers(, but| with 5)"):
        Grafana(fake.url, TOKEN).push(BOARD)


def test_a_folder_that_is_not_there_is_named(fake):
    with pytest.raises(NeedError, match="no folder 'shoop'"):
        Grafana(fake.url, TOKEN).push(BOARD, folder="shoop")


def test_a_late_answer_is_not_waited_for(fake):
    fake.trouble = -1
    with pytest.raises(NeedError, match=r"did not answer within 0\.2 s; look there whether"):
        Grafana(fake.url, TOKEN, timeout=0.2).push(BOARD)


def test_nobody_there_is_said():
    with pytest.raises(NeedError, match=r"does not answer \(connection refused\)"):
        Grafana(f"http://127.0.0.1:{free_port()}", TOKEN).push(BOARD)


@pytest.mark.parametrize("url", ["grafana", "ftp://grafana", "http://me:secret@grafana", "http://grafana:port"])
def test_a_url_that_is_none_is_refused_without_being_shown(url):
    with pytest.raises(InputError) as raised:
        Grafana(url, TOKEN)
    assert "secret" not in str(raised.value)


def test_a_target_file_says_where_grafana_is_and_where_its_token(fake, monkeypatch, tmp_path):
    target = tmp_path / "staging.yaml"
    target.write_text(
        "apiVersion: flashcrowd/v1\nkind: Target\nmetadata: {name: staging}\n"
        "spec: {environment: staging, allow_hosts: [127.0.0.1], max_viewers: 10,\n"
        f"  grafana: {{url: '{fake.url}', token_env: SHOP_TOKEN}}}}\n"
    )
    monkeypatch.setenv("SHOP_TOKEN", TOKEN)
    to = dashboard_run.destination(None, target, None, False, None)
    lines = list(dashboard_run.run(["storefront"], "rehearsal", None, tmp_path / "out", Provisioned(), to))
    assert next(line for line in lines if line.startswith("pushed")).startswith(f"pushed  {fake.url}/d/")


def test_options_that_mean_nothing_are_refused(tmp_path):
    with pytest.raises(InputError, match="are for a push"):
        dashboard_run.destination(None, None, None, True, None)
    with pytest.raises(InputError, match="both name a Grafana"):
        dashboard_run.destination("http://127.0.0.1:1", tmp_path, None, False, None)


def test_what_speaks_to_grafana_leaves_the_urllib3_of_locust_alone():
    """grafana-client, its successor, replaces urllib3 by another package of that name."""
    code = (
        "import urllib3, importlib.metadata as m; before = urllib3.__file__; import monitors.grafana, requests; "
        "print(before == urllib3.__file__, m.metadata('urllib3')['Name'], "
        "'urllib3-future' in {d.metadata['Name'] for d in m.distributions()})"
    )
    root = str(Path(__file__).parents[2])
    env = {**os.environ, "PYTHONPATH": root}
    ended = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True)
    assert ended.stdout.split() == ["True", "urllib3", "False"]
