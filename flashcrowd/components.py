"""Components: the parts of a target that faults and mitigations may touch, and how each can be reached.

What a component doesn't have, no fault can touch: a kind that needs a process, a link or a folder is refused where the
target file names none.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, TypeVar
from urllib.parse import quote

from pydantic import Field, model_validator

from flashcrowd.addresses import HttpUrl, RedisUrl
from flashcrowd.documents import Model
from flashcrowd.template import fill

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

    `${name}` in either is the name of the pidfile without its ending. folder: where the command runs, the target file's
    own if not given. log: what the command and what it starts write is added to it; lost, if not given.
    """

    command: Annotated[list[str], Field(min_length=1)] | None = None
    post: HttpUrl | None = None
    folder: Path = Path()
    log: Path | None = None

    @model_validator(mode="after")
    def _one(self) -> Start:
        if (self.command is None) == (self.post is None):
            raise ValueError("wants either command or post")
        if self.post is not None and (self.folder != Path() or self.log is not None):
            raise ValueError("folder and log are the command's; what answers the post has its own")
        return self

    def url(self, name: str) -> str | None:
        """Where to POST for the process of that name; None where it is started by a command."""
        return fill(self.post, {"name": quote(name, safe="*")}) if self.post is not None else None


class ProcessAddress(Model):
    """A component's processes on this machine, by their pidfiles; a pattern such as run/live-*.pid means several.

    command: words that the process's command line holds; a process without them is not touched.
    """

    pidfile: Path
    command: Annotated[str | None, Field(min_length=1)] = None
    start: Start | None = None

    @property
    def start_url(self) -> str | None:
        """Where to POST for all of them, `${name}` being the pattern itself, as `live-*`."""
        return self.start.url(self.pidfile.stem) if self.start is not None else None


class NetworkAddress(Model):
    """The network namespace of a component on this machine: `namespace` as `ip netns` names it, or its process's own.

    ports: what the component listens on; all of its traffic but for loopback's, if none is given. interface: the one
    whose rate is cut.
    """

    namespace: Annotated[str | None, Field(pattern=r"^[A-Za-z0-9_][\w.-]*$")] = None
    ports: list[Port] = []
    interface: Annotated[str, Field(pattern=r"^[^\s/]{1,15}$")] = "eth0"


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

    def anchored(self, folder: Path) -> Component:
        """The component with its paths, which are meant from this folder, as every process can open them.

        A link stays a link, as it matters to some whether a file is one.
        """
        process, clock, kubernetes = self.process, self.clock, self.kubernetes
        if process is not None:
            process = _anchored(process, folder, "pidfile")
            if process.start is not None and process.start.command is not None:
                process = process.model_copy(update={"start": _anchored(process.start, folder, "folder", "log")})
        update = {
            "process": process,
            "clock": clock and _anchored(clock, folder, "faketime"),
            "kubernetes": kubernetes and _anchored(kubernetes, folder, "ca_file"),
        }
        return _anchored(self, folder, "folder").model_copy(update=update)


M = TypeVar("M", bound=Model)


def _anchored(model: M, folder: Path, *fields: str) -> M:
    paths = {field: path for field in fields if (path := getattr(model, field)) is not None}
    return model.model_copy(update={field: folder.absolute() / path for field, path in paths.items()})
