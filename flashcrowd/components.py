"""Components: the parts of a target that faults and mitigations may touch, and how each can be reached.

What a component doesn't have, no fault can touch: a kind that needs a process, a link or a folder is refused where the
target file names none.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import Field, model_validator

from flashcrowd.addresses import HttpUrl, RedisUrl
from flashcrowd.documents import Model

Port = Annotated[int, Field(ge=1, le=65535)]


class Link(Model):
    """The connection to a component, through a proxy that speaks Toxiproxy's HTTP API.

    probe: an HTTP path that is asked through the link, to see whether a fault bites; null where it isn't HTTP.
    """

    toxiproxy: HttpUrl
    proxy: str
    probe: Annotated[str | None, Field(pattern="^/")] = "/"


class Start(Model):
    """How a process that died is started again: a command, or a POST to whatever supervises it.

    `${name}` in either is the name of the pidfile without its ending.
    """

    command: Annotated[list[str], Field(min_length=1)] | None = None
    post: HttpUrl | None = None

    @model_validator(mode="after")
    def _one(self) -> Start:
        if (self.command is None) == (self.post is None):
            raise ValueError("wants either command or post")
        return self


class ProcessAddress(Model):
    """A component's processes on this machine, by their pidfiles; a pattern such as run/live-*.pid means several.

    command: words that the process's command line holds; a process without them is not touched.
    """

    pidfile: Path
    command: str | None = None
    start: Start | None = None


class NetworkAddress(Model):
    """The network namespace of a component on this machine: `namespace` as `ip netns` names it, or its process's own.

    ports: what the component listens on; all of its traffic, if none is given. interface: the one whose rate is cut.
    """

    namespace: str | None = None
    ports: list[Port] = []
    interface: str = "eth0"


class RedisAddress(Model):
    """A Redis server. password_env: the variable of the environment that has its password, `user`'s if there is one."""

    url: RedisUrl
    user: str | None = None
    password_env: str | None = None


class Clock(Model):
    """The clock of a component that runs under libfaketime (FAKETIME_TIMESTAMP_FILE): the file that sets it."""

    faketime: Path


class KubernetesAddress(Model):
    """The pods of a component: those of `namespace` with all of `labels`, behind a Kubernetes API server.

    api: its URL, or that of `kubectl proxy`. token_env: the variable of the environment that has a bearer token.
    ca_file: the authority that signed the server's certificate.
    """

    api: HttpUrl
    namespace: str
    labels: Annotated[dict[str, str], Field(min_length=1)]
    token_env: str | None = None
    ca_file: Path | None = None


class Component(Model):
    """A part of the target that faults and mitigations may touch, and how.

    probe: a URL of its own that is asked to see what a fault does to it. admin: where mitigations are posted.
    folder: where it keeps its data. resolver: the API of the `chaos.resolver` that it asks for names.
    """

    process: ProcessAddress | None = None
    link: Link | None = None
    admin: HttpUrl | None = None
    probe: HttpUrl | None = None
    network: NetworkAddress | None = None
    folder: Path | None = None
    redis: RedisAddress | None = None
    resolver: HttpUrl | None = None
    clock: Clock | None = None
    kubernetes: KubernetesAddress | None = None
