"""A wrong target file: every fault at once, each with its line."""

from __future__ import annotations

from pathlib import Path

import pytest

from flashcrowd.errors import DocumentError
from flashcrowd.target import read_target

WRONG = """\
apiVersion: flashcrowd/v1
kind: Target
metadata: {name: staging}
spec:
  environment: staging
  allow_hosts: ["http://127.0.0.1", 127.0.0.1:80, "*.example"]
  max_viewers: 0
  vewers: 5
  mark: {headers: {x-scene-id: "${run}", x-who: "${identity.user}", "no name": x}}
  admin: {headers: {Authorization: "Bearer ${secret.admn}"}}
  secrets:
    admin: {file: not-there}
    password: {env: NOT_SET_ANYWHERE}
    both: {env: HOME, file: x}
  identities: {file: users.csv}
  live:
    url: ws://127.0.0.1:70000/rooms/${romo}
    headers: {Authorization: "Bearer ${identity.tokn}"}
    on_open: ['{"type": join}', '{"text": "${text}"}']
    say: '{"type":"chat","text":"${txt}"}'
    events: {sale.opened: {type: "${env.HOME}"}}
    codec: jsn
  shop:
    url: "http://${env.HOST}:7002"
    browse: catalogue
    order:
      request: {method: post, path: "/orders/${order_id}", json: {sku: "${sku}"}}
      accepted: [200, 409]
      order_id: order_id
      payment: {request: {path: "/orders/${order_id}/payment"}}
    ledger: {get: ledger, command: [cat]}
  prometheus: {url: "http://me:${env.PROM_PASSWORD_X}@127.0.0.1:9090"}
  grafana: {url: "ftp://127.0.0.1", token_env: GRAFANA_TOKEN_X}
  alertmanager: {url: "http://alerts:0", filters: []}
  components:
    inventory: {admin: "http://127.0.0.1/${run}"}
"""

FAULTS = [
    (6, "spec.allow_hosts[0]", "'http://127.0.0.1' is a URL; write the host alone, as shop.example"),
    (6, "spec.allow_hosts[1]", "'127.0.0.1:80' has a port; write the host alone: every port of it is allowed"),
    (6, "spec.allow_hosts[2]", "'*.example' is neither a host nor a network"),
    (7, "spec.max_viewers", "input should be greater than or equal to 1, got 0"),
    (8, "spec.vewers", "unknown field; did you mean"),
    (9, "spec.mark.headers", "'no name' is not the name of a header"),
    (
        9,
        "spec.mark.headers.x-who",
        "${identity.user} is not known here; there are env.NAME, run, secret.NAME, traceparent",
    ),
    (10, "spec.admin.headers.Authorization", "spec.secrets has no 'admn'; did you mean 'admin'?"),
    (12, "spec.secrets.admin", "not-there: no such file or directory"),
    (13, "spec.secrets.password", "the environment variable NOT_SET_ANYWHERE is not set"),
    (14, "spec.secrets.both", "wants either env or file"),
    (17, "spec.live.url", "is not a URL: Port out of range 0-65535"),
    (17, "spec.live.url", "no variable ${romo}; did you mean 'room'?"),
    (18, "spec.live.headers.Authorization", "the identities have no column 'tokn'; did you mean 'token'?"),
    (
        19,
        "spec.live.on_open[1]",
        "${text} is not known here; there are env.NAME, identity.COLUMN, room, run, secret.NAME",
    ),
    (20, "spec.live.say", "no variable ${txt}; did you mean 'text'?"),
    (21, "spec.live.events.sale.opened.type", "${env.HOME} would stay as it is: no variable is filled in here"),
    (22, "spec.live.codec", "no codec 'jsn'; did you mean 'json'?, or write package.module:Class"),
    (24, "spec.shop.url", "has a variable in its host or port"),
    (24, "spec.shop.url", "${env.HOST} would stay as it is"),
    (25, "spec.shop.browse", "'catalogue' is not a path; begin it with / and leave out spaces"),
    (27, "spec.shop.order.request.method", "'post' is not a method; write it in capitals, as POST"),
    (27, "spec.shop.order.request.path", "${order_id} is not known here"),
    (29, "spec.shop.order.order_id", "'order_id' is not a path of names; write it like $.data.order_id"),
    (31, "spec.shop.ledger.get", "'ledger' is not a path; begin it with /"),
    (32, "spec.prometheus.url", "the environment variable PROM_PASSWORD_X is not set"),
    (33, "spec.grafana.token_env", "the environment variable GRAFANA_TOKEN_X is not set"),
    (33, "spec.grafana.url", "'ftp://127.0.0.1' is not a URL of http:// or https://"),
    (34, "spec.alertmanager.filters", "unknown field; did you mean 'filter'?"),
    (34, "spec.alertmanager.url", "'http://alerts:0' is not a URL of http:// or https://"),
    (36, "spec.components.inventory.admin", "${run} would stay as it is"),
]
ROSTER_FAULTS = [(3, "has 1 columns, and the header has 2"), (4, "user 'mei' is there already, in line 2")]


@pytest.fixture
def faults(tmp_path: Path):
    """The faults of a target file of this text."""

    def read(text: str):
        file = tmp_path / "staging.yaml"
        file.write_text(text)
        with pytest.raises(DocumentError) as caught:
            read_target(file)
        return caught.value.problems

    return read


def test_all_faults_of_a_file_are_told_at_once_with_their_lines(faults, tmp_path):
    (tmp_path / "users.csv").write_text("user,token\nmei,t1\nli\nmei,t2\n")
    found = faults(WRONG)
    own = [problem for problem in found if problem.file.name == "staging.yaml"]
    for line, path, message in FAULTS:
        assert any((problem.line, problem.path) == (line, path) and message in problem.message for problem in own), (
            f"{line}: {path}: {message}\n" + "\n".join(map(str, own))
        )
    assert len(own) == len(FAULTS), "\n".join(map(str, own))
    roster = [(problem.line, problem.message) for problem in found if problem.file.name == "users.csv"]
    assert roster == ROSTER_FAULTS


SOUND = """\
apiVersion: flashcrowd/v1
kind: Target
metadata: {name: staging}
spec:
  environment: staging
  allow_hosts: [127.0.0.1]
  max_viewers: 5
"""


@pytest.mark.parametrize(
    ("lines", "line", "message"),
    [
        (
            "  live: {url: 'ws://127.0.0.1', say: '{\"text\": ${text'}",
            8,
            "is not JSON once its variables are filled in",
        ),
        ("  live: {url: 'ws://h', say: '[1]', codec: socketio}", 8, "is no Socket.IO event; write it like"),
        ("  live: {url: 'ws://me:x@h', say: '1'}", 8, "'ws://***@h' has credentials in it, which are not sent"),
        ("  live: {url: 'ws://h/a b', say: '1'}", 8, "holds a space or a line break"),
        ("  identities: {file: nope.csv}", 8, "nope.csv: the identities can't be read: no such file or directory"),
        (
            "  shop: {url: 'http://h', order: {request: {path: /o}, sold_out: [200]}}",
            8,
            "status 200 can mean one thing",
        ),
        ("  shop: {url: 'http://h', order: {request: {path: /o}, limited: [42]}}", 8, "greater than or equal to 100"),
        ("  events: {url: 'http://h', event: {id: '${run}${key}'}}", 8, "${key} is not known here"),
    ],
)
def test_a_fault_is_told_with_its_line(faults, lines, line, message):
    (fault,) = faults(SOUND + lines + "\n")
    assert fault.line == line
    assert message in fault.message


@pytest.mark.parametrize(
    ("roster", "message"),
    [
        ("name,token\nmei,t\n", "wants a header with at least the column 'user'"),
        ("user,user\nmei,t\n", "has the column 'user' twice"),
        ("user,token\n", "has a header and nobody below it"),
        ('user,token\nmei,"t\n', "is no CSV"),
        ("user;token\n" + "mei;t\n" * 20, "wants a header with at least the column 'user'"),
        ("user,token\n" + "mei\n" * 20, "and more lines are wrong from here on"),
    ],
)
def test_a_broken_roster_is_told(faults, tmp_path, roster, message):
    (tmp_path / "users.csv").write_text(roster)
    assert message in "\n".join(map(str, faults(SOUND + "  identities: {file: users.csv}\n")))


CODECS = {
    "good": "from flashcrowd.codecs import JsonCodec\nclass C(JsonCodec):\n    pass\n",
    "half": "from flashcrowd.codecs import Codec\nclass C(Codec):\n    def encode(self, text):\n        return text\n",
    "none": "class C:\n    pass\n",
    "broken": "raise ValueError('out of order')\n",
    "picky": "from flashcrowd.codecs import *\nclass C(JsonCodec):\n    def __init__(self, more):\n        pass\n",
}


@pytest.mark.parametrize(
    ("codec", "message"),
    [
        ("half:C", "codec half:C lacks the method decode"),
        ("none:C", "none is no codec: derive from flashcrowd.codecs.Codec the class 'C'"),
        ("good:D", "good has no class 'D'"),
        ("broken:C", "codec module broken can't be imported: out of order"),
        ("picky:C", "codec picky:C can't be made"),
        ("nowhere.at_all:C", "codec module nowhere.at_all can't be imported: No module named 'nowhere'"),
        ("gone.py:C", "codec module gone.py can't be imported: there is no such file"),
    ],
)
def test_a_bad_codec_is_told_with_its_line(faults, tmp_path, codec, message):
    for name, text in CODECS.items():
        (tmp_path / f"{name}.py").write_text(text)
    (fault,) = faults(SOUND + f"  live:\n    url: ws://127.0.0.1\n    say: '1'\n    codec: {codec}\n")
    assert (fault.line, fault.path) == (11, "spec.live.codec")
    assert message in fault.message


def test_what_a_file_names_is_meant_from_its_folder(tmp_path, monkeypatch):
    (tmp_path / "good.py").write_text(CODECS["good"])
    (tmp_path / "users.csv").write_text("user,token\nmei,t\n")
    (tmp_path / "word").write_text("a-secret-word\n")
    (tmp_path / "staging.yaml").write_text(
        SOUND
        + "  secrets: {word: {file: word}}\n  identities: {file: users.csv}\n"
        + "  live: {url: 'ws://127.0.0.1/${secret.word}', say: '1', codec: 'good:C'}\n"
    )
    monkeypatch.chdir("/")
    spec = read_target(tmp_path / "staging.yaml").spec
    assert spec.identities.file == tmp_path / "users.csv"
    assert spec.live is not None
    assert spec.live.codec == f"{tmp_path / 'good.py'}:C"
    assert spec.secrets["word"].read() == "a-secret-word"


def test_a_password_can_name_no_other_host(tmp_path, monkeypatch):
    monkeypatch.setenv("PROM_PASSWORD", "x@10.9.9.9/")
    (tmp_path / "staging.yaml").write_text(SOUND + "  prometheus: {url: 'http://me:${env.PROM_PASSWORD}@127.0.0.1'}\n")
    assert read_target(tmp_path / "staging.yaml").prometheus_url == "http://me:x%4010.9.9.9%2F@127.0.0.1"


def test_a_shell_s_own_variables_are_left_to_it(tmp_path):
    (tmp_path / "staging.yaml").write_text(
        SOUND + "  shop: {url: 'http://h', order: {request: {path: /o}}, ledger: {command: [sh, -c, 'psql ${DB}']}}\n"
    )
    read_target(tmp_path / "staging.yaml")
