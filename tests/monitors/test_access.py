"""A real Prometheus behind its own TLS, basic authentication and a path prefix; and servers that want a token."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import pytest_asyncio

from flashcrowd.errors import InputError, NeedError
from flashcrowd.masking import of_process
from flashcrowd.process import Supervisor, free_port
from monitors import access
from monitors.access import PASSWORD, TOKEN, USER, Access, of_environment
from monitors.gate import run as gate_run
from monitors.prometheus import Prometheus

SECRET = "let-me-in"
BCRYPT = "$2b$04$abcdefghijklmnopqrstuudxA/1BY5FxPYA69jUrJOJFmTyoe9T1a"
"""Of that secret, at the lowest cost that there is."""


@dataclass(frozen=True)
class Keys:
    """PEM files: an authority, what it has signed for the server and for a client, and an authority of others."""

    ca: Path
    server: tuple[Path, Path]
    client: tuple[Path, Path]
    stranger: Path


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Keys:
    if shutil.which("openssl") is None:
        pytest.skip("no openssl here")
    folder = tmp_path_factory.mktemp("keys")
    ca, stranger = _authority(folder, "ca"), _authority(folder, "stranger")
    return Keys(ca, _signed(folder, "server", ca), _signed(folder, "client", ca), stranger)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def guarded(keys: Keys, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[str]:
    """The URL of a Prometheus that wants TLS and a password, below a path as Mimir has it."""
    folder = tmp_path_factory.mktemp("guarded")
    web = f"basic_auth_users: {{reader: '{BCRYPT}'}}\n" + _tls(keys)
    async with _prometheus(folder, web, Access(ca=keys.ca, user="reader", password=SECRET)) as url:
        yield url


async def test_a_password_and_an_authority_let_us_in(guarded: str, keys: Keys) -> None:
    entry = of_environment(ca=keys.ca, environment={USER: "reader", PASSWORD: SECRET})
    async with Prometheus(guarded, access=entry) as prometheus:
        assert guarded.endswith("/tenant/prometheus")
        assert await prometheus.scalar("1 + 1") == 2
        assert not prometheus.repeats


async def test_credentials_of_the_url_are_used_and_never_told(guarded: str, keys: Keys) -> None:
    url = guarded.replace("https://", f"https://reader:{SECRET}@")
    async with Prometheus(url, access=Access(ca=keys.ca)) as prometheus:
        assert await prometheus.scalar("1") == 1
        assert prometheus.url == guarded
    with pytest.raises(InputError, match="and the environment too") as caught:
        Prometheus(url, access=Access(token="another"))
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize(
    ("environment", "says"),
    [
        ({}, rf"without credentials \(401 unauthorized\); set {TOKEN}, or {USER} and {PASSWORD}"),
        ({USER: "reader", PASSWORD: "wrong-one"}, f"refuses the credentials of {USER} and {PASSWORD}"),
        ({TOKEN: "wrong-one"}, f"refuses the credentials of {TOKEN}"),
    ],
)
async def test_who_is_not_let_in_is_told_what_to_set(
    guarded: str, keys: Keys, environment: dict[str, str], says: str
) -> None:
    async with Prometheus(guarded, access=of_environment(ca=keys.ca, environment=environment)) as prometheus:
        with pytest.raises(NeedError, match=f"(?i){says}") as caught:
            await prometheus.query("1")
    assert "wrong-one" not in str(caught.value)


async def test_a_stranger_is_not_trusted_and_not_asked_again(guarded: str, keys: Keys) -> None:
    for ca in (None, keys.stranger):
        entry = Access(ca=ca, user="reader", password=SECRET)
        async with Prometheus(guarded, timeout=60, access=entry) as prometheus:  # the test's own limit is its proof
            with pytest.raises(NeedError, match=r"is not trusted: .*; name its authority with --ca FILE"):
                await prometheus.query("1")
            assert not prometheus.repeats


async def test_trusting_everybody_is_said_loudly(guarded: str, keys: Keys, tmp_path: Path) -> None:
    entry = Access(insecure=True, user="reader", password=SECRET)
    found = await gate_run.run(["storefront"], guarded, "5m", access=entry)
    (warning,) = found.warnings
    assert warning.startswith(f"WARNING: --insecure: nobody checked that {guarded}")
    found.save(None, tmp_path / "slo.json", tmp_path / "slo.md")
    assert all("--insecure" in (tmp_path / name).read_text() for name in ("slo.json", "slo.md"))


async def test_plain_http_to_a_server_with_tls_is_told_in_its_words(guarded: str) -> None:
    async with Prometheus(guarded.replace("https", "http")) as prometheus:
        with pytest.raises(NeedError, match="sent an HTTP request to an HTTPS server"):
            await prometheus.query("1")


async def test_our_own_certificate_lets_us_in(keys: Keys, tmp_path: Path) -> None:
    cert, key = keys.client
    web = _tls(keys, f"client_auth_type: RequireAndVerifyClientCert, client_ca_file: {keys.ca}")
    ours = of_environment(ca=keys.ca, cert=cert, key=key, environment={})
    async with _prometheus(tmp_path, web, ours) as url:
        async with Prometheus(url, access=ours) as prometheus:
            assert await prometheus.scalar("1") == 1
        async with Prometheus(url, timeout=1, access=Access(ca=keys.ca)) as prometheus:
            with pytest.raises(NeedError, match="--cert and --key"):  # said by TLS, or by us where it is cut off
                await prometheus.query("1")


async def test_a_token_and_a_tenant_are_sent(tmp_path: Path) -> None:
    environment = {TOKEN: "s3cret-token\n", "TENANT": "shop-one"}
    entry = of_environment(["X-Scope-OrgID: ${env.TENANT}", "x-plain: yes"], environment=environment)
    async with answering([(200, {}, VECTOR)]) as (url, heads), Prometheus(url, access=entry) as prometheus:
        assert await prometheus.scalar("x") == 7
    (head,) = heads
    assert {"Authorization: Bearer s3cret-token", "X-Scope-OrgID: shop-one", "x-plain: yes"} <= set(head.splitlines())
    assert "s3cret-token" not in repr(entry)
    assert "shop-one" not in repr(entry)
    assert of_process()("Bearer s3cret-token of shop-one") == "Bearer *** of ***"


async def test_a_server_that_wants_a_tenant_is_told_apart() -> None:
    async with answering([(401, {}, b"no org id")]) as (url, _), Prometheus(url) as prometheus:
        with pytest.raises(NeedError, match=r"wants a tenant \(401 no org id\); name it with --header 'X-Scope-OrgID"):
            await prometheus.query("x")


async def test_a_page_that_sends_us_elsewhere_does_not_get_the_token() -> None:
    async with answering([(200, {}, VECTOR)]) as (other, heads):
        away = {"Location": f"{other}/login?state=1"}
        async with answering([(302, away, b"")]) as (url, _), Prometheus(url, access=Access(token="t")) as prometheus:
            with pytest.raises(NeedError, match=f"answers with 302 and sends us to {other}/login; give that"):
                await prometheus.query("x")
    assert not heads


async def test_a_server_that_is_asked_too_much_is_left_alone_for_as_long_as_it_says() -> None:
    loop = asyncio.get_running_loop()
    answers = [(429, {"Retry-After": "1"}, b""), (503, {}, b""), (200, {}, VECTOR)]
    async with answering(answers) as (url, _), Prometheus(url, timeout=60) as prometheus:
        began = loop.time()
        assert await prometheus.scalar("x") == 7
        assert loop.time() - began > 0.9
    assert prometheus.repeats == {"its answer was 429": 1, "its answer was 503": 1}


async def test_a_server_that_wants_more_time_than_there_is_is_given_up_at_once() -> None:
    async with answering([(429, {"Retry-After": "3600"}, b"")]) as (url, heads):
        async with Prometheus(url, timeout=60) as prometheus:
            with pytest.raises(NeedError, match=r"did not answer within 60 s \(its answer was 429\)"):
                await prometheus.query("x")
        assert len(heads) == 1


async def test_what_it_took_is_said_at_the_end() -> None:
    async with (
        answering([(503, {}, b""), (503, {}, b""), (200, {}, VECTOR)]) as (url, _),
        Prometheus(url) as prometheus,
    ):
        assert await prometheus.scalar("x") == 7
        warnings = list(gate_run.warnings(prometheus, Access()))
    assert warnings == ["prometheus had to be asked again 2 times: 2 × its answer was 503"]


async def test_a_secret_that_a_server_repeats_is_masked() -> None:
    entry = of_environment(environment={TOKEN: "repeated-token"})
    said = b'{"status":"error","error":"repeated-token has no access"}'
    async with answering([(403, {}, said)]) as (url, _), Prometheus(url, access=entry) as prometheus:
        with pytest.raises(NeedError, match=r"\(403 \*\*\* has no access\)"):
            await prometheus.query("x")


async def test_what_is_missing_in_an_answer_is_heard() -> None:
    warned = VECTOR[:-1] + b',"warnings":["PromQL info: metric might not be a counter","store 3 did not answer"]}'
    partial = VECTOR[:-1] + b',"isPartial":true}'
    answers = [(200, {}, VECTOR), (200, {}, warned), (200, {}, warned), (200, {}, partial)]
    async with answering(answers) as (url, _), Prometheus(url) as prometheus:
        assert [await prometheus.scalar("x") for _ in answers] == [7, 7, 7, 7]
    assert prometheus.partial == ["store 3 did not answer", "a part of its storage did not answer"]


@pytest.mark.parametrize(
    ("options", "environment", "says"),
    [
        ({}, {TOKEN: "a", USER: "b"}, "are both set; unset one"),
        ({}, {PASSWORD: "b"}, f"{PASSWORD} is set without {USER}"),
        ({}, {USER: "a:b"}, "holds a colon"),
        ({}, {TOKEN: "a\nb"}, "no header can carry"),
        ({"key": Path("k")}, {}, "--key: a key without its certificate"),
        ({"ca": Path("c"), "insecure": True}, {}, "leave one out"),
        ({"headers": ["X-Scope-OrgID"]}, {}, "write 'X-Scope-OrgID: shop'"),
        ({"headers": ["A: 1", "a: 2"]}, {}, "given twice"),
        ({"headers": ["Authorization: Bearer x"]}, {}, "everybody sees a command line"),
        ({"headers": ["X-A: ${env.NO_SUCH}"]}, {}, "NO_SUCH is not set in the environment"),
        ({"headers": ["Authorization: ${env.A}"]}, {TOKEN: "x", "A": "y"}, "both given"),
        ({"headers": ["X-A: é"]}, {}, "no header can carry"),
    ],
)
def test_what_contradicts_itself_is_wrong_input(options, environment, says) -> None:
    with pytest.raises(InputError, match=says):
        of_environment(**options, environment=environment)


def test_an_empty_variable_is_a_missing_one() -> None:
    assert of_environment(environment={TOKEN: "", USER: "", PASSWORD: ""}) == Access()


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"ca": "missing"}, "--ca: .*missing can't be read: no such file"),
        ({"ca": "text"}, "--ca: .*text holds no certificate in PEM"),
        ({"cert": "missing"}, "--cert, --key: .*missing can't be read"),
        ({"cert": "text"}, "--cert: .*text hold no certificate with its key"),
        (
            {"cert": "cert", "key": "locked"},
            "--cert: .*cert and .*locked hold no certificate with its key, unencrypted",
        ),
    ],
)
def test_files_that_are_none_are_told(options: dict[str, str], says: str, keys: Keys, tmp_path: Path) -> None:
    (tmp_path / "text").write_text("hello")
    (tmp_path / "cert").write_bytes(keys.client[0].read_bytes())
    _openssl(f"pkey -aes128 -passout pass:abcd -in {keys.client[1]} -out {tmp_path / 'locked'}")
    with pytest.raises(InputError, match=says):
        Prometheus("https://127.0.0.1", access=Access(**{name: tmp_path / file for name, file in options.items()}))


def test_tls_options_for_a_url_without_tls_are_wrong_input() -> None:
    with pytest.raises(InputError, match="has no TLS, so --ca, --cert and --insecure mean nothing"):
        Prometheus("http://127.0.0.1:9090", access=Access(insecure=True))


def test_credentials_without_tls_to_another_machine_are_said() -> None:
    found = list(gate_run.warnings(Prometheus("http://192.0.2.1:9090"), access.Access(token="x")))
    assert found == ["WARNING: credentials went to http://192.0.2.1:9090 without TLS; anybody on the way can read them"]


VECTOR = b'{"status":"success","data":{"resultType":"vector","result":[{"metric":{},"value":[1,"7"]}]}}'


@asynccontextmanager
async def answering(
    answers: Sequence[tuple[int, dict[str, str], bytes]],
) -> AsyncIterator[tuple[str, list[str]]]:
    """An HTTP server with these answers in turn, the last one for ever; its URL, and the heads that it was sent."""
    turn, heads = iter(answers), list[str]()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        heads.append(head)
        status, headers, body = next(turn, answers[-1])
        lines = {"Connection": "close", "Content-Type": "text/plain", "Content-Length": str(len(body)), **headers}
        writer.write(f"HTTP/1.1 {status} x\r\n".encode())
        writer.write("".join(f"{name}: {value}\r\n" for name, value in lines.items()).encode() + b"\r\n" + body)
        await writer.drain()
        writer.close()

    port = free_port()
    async with await asyncio.start_server(serve, "127.0.0.1", port):
        yield f"http://127.0.0.1:{port}", heads


@asynccontextmanager
async def _prometheus(folder: Path, web: str, entry: Access) -> AsyncIterator[str]:
    if (program := shutil.which("prometheus")) is None:
        pytest.skip("no Prometheus here")
    (folder / "prometheus.yml").write_text("global: {}\n")
    (folder / "web.yml").write_text(web)
    url = f"https://127.0.0.1:{free_port()}/tenant/prometheus"
    async with Supervisor(folder) as supervisor:
        child = supervisor.spawn("prometheus", [program, *_flags(folder, url)])
        async with Prometheus(url, access=entry) as prometheus:
            await child.ready(prometheus.ready)
        yield url


def _flags(folder: Path, url: str) -> Iterator[str]:
    yield f"--config.file={folder / 'prometheus.yml'}"
    yield f"--storage.tsdb.path={folder / 'data'}"
    yield f"--web.config.file={folder / 'web.yml'}"
    yield f"--web.listen-address={url.split('/')[2]}"
    yield f"--web.external-url={url}"


def _tls(keys: Keys, more: str = "") -> str:
    cert, key = keys.server
    return f"tls_server_config: {{cert_file: {cert}, key_file: {key}{', ' if more else ''}{more}}}\n"


def _authority(folder: Path, name: str) -> Path:
    cert = folder / f"{name}.crt"
    new = "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2"
    _openssl(f"req -x509 {new} -subj /CN={name} -keyout {folder / name}.key -out {cert}")
    return cert


def _signed(folder: Path, name: str, ca: Path) -> tuple[Path, Path]:
    cert, key, extra = folder / f"{name}.crt", folder / f"{name}.key", folder / f"{name}.ext"
    extra.write_text("subjectAltName=IP:127.0.0.1\n")
    request = folder / f"{name}.csr"
    new = "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes"
    _openssl(f"req {new} -subj /CN={name} -keyout {key} -out {request}")
    authority = f"-CA {ca} -CAkey {ca.with_suffix('.key')} -CAcreateserial -days 2"
    _openssl(f"x509 -req -in {request} {authority} -extfile {extra} -out {cert}")
    return cert, key


def _openssl(arguments: str) -> None:
    subprocess.run(["openssl", *arguments.split()], check=True, capture_output=True)
