"""Who is let in: over the network nobody without a token or a certificate."""

from __future__ import annotations

import shutil
import ssl
import subprocess
from pathlib import Path

import httpx
import pytest

from flashcrowd.errors import InputError
from runbooks.server.access import is_loopback, listen

TOKEN = "correct-horse-battery-staple"


@pytest.mark.parametrize("address", ["0.0.0.0:9095", "[::]:9095", "192.0.2.1:9095", "shop.example:9095"])
def test_beyond_loopback_it_wants_a_token_or_certificates(address) -> None:
    with pytest.raises(InputError, match="is not loopback, and whoever reaches it could send alerts"):
        listen(address)
    assert listen(address, TOKEN).token == TOKEN


@pytest.mark.parametrize("address", ["127.0.0.1:9095", "[::1]:9095", "localhost:9095", "127.9.9.9:0"])
def test_on_loopback_it_does_not(address) -> None:
    assert listen(address).is_loopback


@pytest.mark.parametrize("address", ["9095", ":9095", "127.0.0.1", "127.0.0.1:http", "127.0.0.1:99999", ""])
def test_what_is_no_address_is_told(address) -> None:
    with pytest.raises(InputError, match=r"is no address; write it as 127\.0\.0\.1:9095"):
        listen(address)


def test_a_token_that_can_be_guessed_and_half_a_certificate_are_refused(tmp_path) -> None:
    with pytest.raises(InputError, match="fewer than 16 characters; make one with"):
        listen("127.0.0.1:0", "hunter2")
    with pytest.raises(InputError, match="TLS wants --tls-cert and --tls-key"):
        listen("127.0.0.1:0", cert=tmp_path / "cert.pem")
    with pytest.raises(InputError, match="TLS wants --tls-cert and --tls-key"):
        listen("127.0.0.1:0", client_ca=tmp_path / "ca.pem")
    (tmp_path / "cert.pem").write_text("none")
    with pytest.raises(InputError, match="can't be used"):
        listen("127.0.0.1:0", cert=tmp_path / "cert.pem", key=tmp_path / "cert.pem")


def test_what_loopback_is() -> None:
    assert [is_loopback(host) for host in ("127.0.0.2", "::1", "localhost", "10.0.0.1", "0.0.0.0", "evil")] == [
        True, True, True, False, False, False,
    ]  # fmt: skip


@pytest.fixture
def certificates(tmp_path: Path) -> Path:
    """An authority, and a server's and a client's certificate by it."""
    if shutil.which("openssl") is None:
        pytest.skip("no openssl here")

    def openssl(*words: str) -> None:
        subprocess.run(["openssl", *words], cwd=tmp_path, check=True, capture_output=True)

    key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "1"]
    openssl("req", "-x509", *key, "-keyout", "ca.key", "-out", "ca.pem", "-subj", "/CN=authority")
    (tmp_path / "names").write_text("subjectAltName=IP:127.0.0.1")
    for name in ("server", "client"):
        openssl("req", "-new", *key[:-2], "-keyout", f"{name}.key", "-out", f"{name}.csr", "-subj", f"/CN={name}")
        openssl(
            "x509", "-req", "-in", f"{name}.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial",
            "-out", f"{name}.pem", "-days", "1", "-extfile", "names",
        )  # fmt: skip
    return tmp_path


async def test_with_an_authority_only_clients_with_a_certificate_of_its_are_let_in(
    house, shelf, message, alert, certificates
) -> None:
    shelf()
    pem = {name: certificates / f"{name}.pem" for name in ("ca", "server", "client")}
    where = listen("127.0.0.1:0", None, pem["server"], certificates / "server.key", pem["ca"])
    async with house(where=where) as it:
        trusting = ssl.create_default_context(cafile=pem["ca"])
        async with httpx.AsyncClient(verify=trusting, trust_env=False) as stranger:
            with pytest.raises(httpx.HTTPError):
                await stranger.post(f"{it.url}/alertmanager", json=message(alert()))
        assert it.desk.incidents == {}
        trusting.load_cert_chain(pem["client"], certificates / "client.key")
        async with httpx.AsyncClient(verify=trusting, trust_env=False) as known:
            answer = await known.post(f"{it.url}/alertmanager", json=message(alert()))
        assert answer.json() == {"accepted": 1}
