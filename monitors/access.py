"""Access: how a Prometheus lets us in: credentials, certificates, and headers that name a tenant.

Credentials come from the environment alone: a command line is there for everybody on the machine to see.
"""

from __future__ import annotations

import os
import re
import ssl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import certifi

from flashcrowd.errors import InputError
from flashcrowd.masking import learn
from flashcrowd.template import fill, names

TOKEN = "FLASHCROWD_PROMETHEUS_TOKEN"
USER = "FLASHCROWD_PROMETHEUS_USER"
PASSWORD = "FLASHCROWD_PROMETHEUS_PASSWORD"
HOW = f"set {TOKEN}, or {USER} and {PASSWORD}"

_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
"""A token of RFC 9110, 5.6.2."""


@dataclass(frozen=True)
class Access:
    """What a server wants to see before it answers.

    token: sent as a bearer token. user, password: basic authentication. ca: PEM of the only authorities that are
    trusted; without it the system's are, and certifi's. cert, key: PEM of our own certificate; the key may be in the
    same file. insecure: any certificate will do. headers: sent with every request.
    """

    token: str | None = field(default=None, repr=False)
    user: str | None = None
    password: str = field(default="", repr=False)
    ca: Path | None = None
    cert: Path | None = None
    key: Path | None = None
    insecure: bool = False
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def has_credentials(self) -> bool:
        return self.token is not None or self.user is not None

    @property
    def wants_tls(self) -> bool:
        """Whether anything here means nothing without TLS."""
        return self.insecure or any(file is not None for file in (self.ca, self.cert, self.key))

    @property
    def all_headers(self) -> dict[str, str]:
        """The headers, the token among them."""
        bearer = {} if self.token is None else {"Authorization": f"Bearer {self.token}"}
        return {**self.headers, **bearer}

    @property
    def auth(self) -> tuple[str, str] | None:
        return None if self.user is None else (self.user, self.password)

    def context(self) -> ssl.SSLContext:
        """What to trust, and what to show. Raises InputError for a file that isn't there or holds something else."""
        context = _trusting(self.ca)
        if self.insecure:
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        if self.cert is not None:
            try:
                context.load_cert_chain(self.cert, self.key, password=lambda: b"")  # never ask on the terminal
            except ssl.SSLError:
                files = " and ".join(str(file) for file in (self.cert, self.key) if file is not None)
                raise InputError(
                    f"--cert: {files} hold no certificate with its key, unencrypted, as PEM; give --cert and --key"
                ) from None
            except OSError as error:
                raise _unreadable("--cert, --key", self.key or self.cert, error) from None
        return context


def of_environment(
    headers: Sequence[str] = (),
    ca: Path | None = None,
    cert: Path | None = None,
    key: Path | None = None,
    insecure: bool = False,
    environment: Mapping[str, str] = os.environ,
) -> Access:
    """The access that options and the environment give; an empty variable, as CI makes of a missing secret, is unset.

    headers: `NAME: VALUE`; `${env.NAME}` in the value stands for a variable, which is kept secret.

    Raises:
        InputError: what contradicts itself, is half given, or can't be sent.
    """
    token, user, password = (environment.get(name, "").strip("\r\n") for name in (TOKEN, USER, PASSWORD))
    learn((token, password))
    if token and (user or password):
        raise InputError(f"{TOKEN} and {USER} are both set; unset one")
    if password and not user:
        raise InputError(f"{PASSWORD} is set without {USER}; set it too")
    if ":" in user:
        raise InputError(f"{USER} holds a colon, which basic authentication can't carry")
    if token and not _sendable(token):
        raise InputError(f"{TOKEN} holds a line break or another character that no header can carry")
    if key is not None and cert is None:
        raise InputError("--key: a key without its certificate; give --cert too")
    if insecure and ca is not None:
        raise InputError("--insecure trusts everybody and --ca one authority; leave one out")
    found = _headers(headers, environment)
    if token and any(name.lower() == "authorization" for name in found):
        raise InputError(f"{TOKEN} and --header Authorization are both given; leave one out")
    return Access(token or None, user or None, password, ca, cert, key, insecure, found)


def _headers(texts: Sequence[str], environment: Mapping[str, str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for text in texts:
        name, colon, template = text.partition(":")
        if not colon or not _HEADER_NAME.fullmatch(name):
            raise InputError(f"--header: '{name}' is no header with its value; write 'X-Scope-OrgID: shop'")
        if name.lower() in (known.lower() for known in found):
            raise InputError(f"--header: {name} is given twice; give it once")
        if name.lower() == "authorization" and not names(template):
            raise InputError(
                f"--header: everybody sees a command line, credentials don't belong there; {HOW}, "
                "or write 'Authorization: ${env.NAME}'"
            )
        found[name] = _value(name, template.strip(), environment)
    return found


def _value(header: str, template: str, environment: Mapping[str, str]) -> str:
    known = {f"env.{name}": value for name, value in environment.items() if value}
    for variable in names(template):
        if variable not in known:
            raise InputError(f"--header: {header}: {variable.removeprefix('env.')} is not set in the environment")
    learn(known[variable] for variable in names(template))
    value = fill(template, known)
    if not _sendable(value):
        raise InputError(f"--header: {header} holds a line break or another character that no header can carry")
    return value


def _sendable(text: str) -> bool:
    return text.isascii() and text.isprintable()


def _trusting(ca: Path | None) -> ssl.SSLContext:
    if ca is None:
        context = ssl.create_default_context()
        context.load_verify_locations(certifi.where())
        return context
    try:
        return ssl.create_default_context(cafile=ca)
    except ssl.SSLError:
        raise InputError(f"--ca: {ca} holds no certificate in PEM") from None
    except OSError as error:
        raise _unreadable("--ca", ca, error) from None


def _unreadable(option: str, file: Path, error: OSError) -> InputError:
    return InputError(f"{option}: {file} can't be read: {(error.strerror or str(error)).lower()}")
