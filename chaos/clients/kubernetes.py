"""Kubernetes: the API server behind which a component's pods are, asked for the resources of Chaos Mesh.

Its paths: https://kubernetes.io/docs/reference/using-api/api-concepts/. What it refuses is told with what to do.
"""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

from chaos.clients.plain_http import Answer, ask
from flashcrowd import masking, secret
from flashcrowd.documents import Model, did_you_mean
from flashcrowd.errors import NeedError

if TYPE_CHECKING:
    from ssl import SSLContext

GROUP = "/apis/chaos-mesh.org/v1alpha1"
TIMEOUT = 5.0


class Cluster(Model):
    """An API server and a namespace, as `KubernetesAddress` has them. The token stays in the environment."""

    api: str
    namespace: str
    token_env: str | None = None
    ca_file: Path | None = None

    async def plural(self, kind: str) -> str:
        """The name that a kind of Chaos Mesh has in paths.

        Raises:
            NeedError: Chaos Mesh or this kind of it isn't there, or the server refuses.
        """
        answer = await self.ask("GET", GROUP)
        if answer.status == 404:
            raise NeedError(f"{self.api} knows no chaos-mesh.org/v1alpha1; install Chaos Mesh in the cluster")
        found = {row["kind"]: row["name"] for row in _read(answer).get("resources", []) if "/" not in row["name"]}
        if kind not in found:
            raise NeedError(f"the Chaos Mesh at {self.api} has no {kind}{did_you_mean(kind, found)}")
        return str(found[kind])

    async def create(self, plural: str, resource: dict[str, Any]) -> None:
        await self.ask("POST", self.path(plural), resource)

    async def get(self, plural: str, name: str) -> dict[str, Any] | None:
        """The resource; None when there is none of this name."""
        answer = await self.ask("GET", self.path(plural, name))
        return None if answer.status == 404 else _read(answer)

    async def delete(self, plural: str, name: str) -> None:
        """Delete it, if it is there."""
        await self.ask("DELETE", self.path(plural, name))

    def by_hand(self, plural: str, name: str) -> str:
        """The command that deletes it."""
        words = ["curl -sS -X DELETE"]
        if self.token_env is not None:
            words.append(f'-H "Authorization: Bearer ${self.token_env}"')
        if self.ca_file is not None:
            words.append(f"--cacert {shlex.quote(str(self.ca_file))}")
        return " ".join([*words, shlex.quote(self.api.rstrip("/") + self.path(plural, name))])

    def path(self, plural: str, name: str | None = None) -> str:
        return f"{GROUP}/namespaces/{self.namespace}/{plural}" + (f"/{name}" if name else "")

    async def ask(self, verb: str, path: str, body: object = None) -> Answer:
        """The answer, which is a success or 404.

        Raises:
            NeedError: any other answer, or none. InputError: the token's variable isn't set.
        """
        headers = {"Accept": "application/json"}
        if self.token_env is not None:
            token = secret.read_env(self.token_env)
            masking.learn([token])
            headers["Authorization"] = f"Bearer {token}"
        try:
            answer = await ask(verb, self.api.rstrip("/") + path, TIMEOUT, body, headers, self._tls())
        except OSError as error:
            raise NeedError(masking.of_process()(str(error))) from None
        if answer.status < 300 or (answer.status == 404 and verb != "POST"):
            return answer
        said = _read(answer).get("message", "") or answer.reason
        what = f"{verb} {self.api}{path} was answered with {answer.status}: {said}"
        raise NeedError(f"{what}; {self._remedy(answer.status)}")

    def _remedy(self, status: int) -> str:
        match status:
            case 401 if self.token_env is None:
                return "it wants to know who asks: name the token's variable in token_env"
            case 401:
                return f"it doesn't take the token in {self.token_env}; get a new one"
            case 403:
                return f"grant it create, get and delete on chaos-mesh.org in the namespace {self.namespace}"
            case 404:
                return f"there is no namespace {self.namespace}, or Chaos Mesh is being removed"
            case 400 | 409 | 422:
                return "mend the fault's spec as it says"
            case _:
                return "see what the API server and Chaos Mesh's webhook log"

    def _tls(self) -> SSLContext | None:
        if self.ca_file is None:
            return None
        import ssl

        try:
            return ssl.create_default_context(cafile=str(self.ca_file))
        except (OSError, ssl.SSLError) as error:
            raise NeedError(f"ca_file {self.ca_file} can't be used: {error.strerror or error}") from None


def _read(answer: Answer) -> dict[str, Any]:
    """The body as a mapping, empty when it isn't one."""
    try:
        found = answer.json()
    except ValueError:
        found = None
    return found if isinstance(found, dict) else {}
