"""`kubernetes.chaosmesh`: any resource of Chaos Mesh that strikes pods, made for a while and deleted.

    {kind: kubernetes.chaosmesh, on: inventory, resource: PodChaos, spec: {action: pod-failure}, for: 60s}

`spec` is the resource's own, but for three things: `selector` is made of the component's namespace and labels, and
`duration` of `for`, so neither may be given; `mode` is `one` unless it is given.

Needs: `kubernetes` on the component; Chaos Mesh 2 in the cluster; the right to create, get and delete its resources.

Bites: when Chaos Mesh says AllInjected, and has a record of at least one pod in which it injected. It says AllInjected
also when it has selected none.

Heals: the resource is deleted; it is gone only when Chaos Mesh has taken the fault out of every pod (its finalizer).

Holds: Chaos Mesh itself, by the resource's `duration`, a second more than the fault's time.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, Field

from chaos.clients.kubernetes import Cluster
from chaos.fault import Fault, Injection, Probe
from flashcrowd.dial import pinned
from flashcrowd.errors import FlashcrowdError
from flashcrowd.units import format_duration

if TYPE_CHECKING:
    from flashcrowd.components import Component
    from flashcrowd.guard import Guard

PATIENCE = 5.0
"""Seconds in which Chaos Mesh must have injected."""

LOOKS_EVERY = 0.1

GRACE = 1.0
"""Seconds that the resource may outlive the fault's time, in which it is deleted."""

OURS = {
    "selector": "the component's namespace and labels are the selector",
    "duration": "the fault's for is the duration",
    "scheduler": "a fault strikes once, for its time",
}
"""What no spec may have, at any depth: it would strike other pods, or for another time."""

ELSEWHERE = {
    "Schedule": "it makes other resources, which nobody would delete",
    "Workflow": "it makes other resources, which nobody would delete; write several steps instead",
    "PhysicalMachineChaos": "it strikes machines, not the component's pods",
    "AWSChaos": "it strikes machines of a cloud, not the component's pods",
    "GCPChaos": "it strikes machines of a cloud, not the component's pods",
    "AzureChaos": "it strikes machines of a cloud, not the component's pods",
}


class ChaosMeshInjection(Injection):
    """A resource by the name `flashcrowd-IDENTITY`. plural: how paths name its kind."""

    cluster: Cluster
    plural: str
    resource: dict[str, Any]

    async def inject(self) -> None:
        await self.cluster.create(self.plural, self.resource)

    async def bites(self) -> Probe:
        until = time.monotonic() + PATIENCE
        try:
            while not (probe := _seen(await self._found())).ok and time.monotonic() < until:
                await asyncio.sleep(LOOKS_EVERY)
        except FlashcrowdError as error:
            return Probe(False, f"can't be seen: {error}")
        return probe

    async def heal(self) -> None:
        await self.cluster.delete(self.plural, self.name)

    async def healed(self) -> Probe:
        try:
            found = await self._found()
        except FlashcrowdError as error:
            return Probe(False, f"can't be seen: {error}")
        if found is None:
            return Probe(True, f"{self.plural}/{self.name} is gone")
        return Probe(False, f"{self.plural}/{self.name} is still there: {_seen(found).message}")

    def by_hand(self) -> str:
        return self.cluster.by_hand(self.plural, self.name)

    @property
    def name(self) -> str:
        return str(self.resource["metadata"]["name"])

    async def _found(self) -> dict[str, Any] | None:
        return await self.cluster.get(self.plural, self.name)


def _allowed(spec: dict[str, Any]) -> dict[str, Any]:
    for place, name in _names(spec):
        if name in OURS:
            raise ValueError(f"{place} may not be given: {OURS[name]}")
    return spec


def _names(node: object, place: str = "") -> Iterator[tuple[str, str]]:
    """Every key of a tree, and where it is."""
    if isinstance(node, Mapping):
        for name, value in node.items():
            yield f"{place}{name}", name
            yield from _names(value, f"{place}{name}.")
    elif isinstance(node, list):
        for number, value in enumerate(node):
            yield from _names(value, f"{place.removesuffix('.')}[{number}].")


def _strikes_pods(resource: str) -> str:
    if resource in ELSEWHERE:
        raise ValueError(f"{resource} can't be injected: {ELSEWHERE[resource]}")
    return resource


class ChaosMesh(Fault):
    """A `resource` (its kind) with a `spec`."""

    kind: Literal["kubernetes.chaosmesh"] = "kubernetes.chaosmesh"
    resource: Annotated[str, Field(pattern="^[A-Za-z]+$"), AfterValidator(_strikes_pods)]
    spec: Annotated[dict[str, Any], AfterValidator(_allowed)]

    injection: ClassVar[type[Injection]] = ChaosMeshInjection

    def describe(self) -> str:
        action = f" {self.spec['action']}" if "action" in self.spec else ""
        return f"{self.kind} on {self.on}, {self.resource}{action} for {format_duration(self.duration)}"

    def check(self, component: Component) -> str | None:
        if component.kubernetes is None:
            return f"{self.on} has no kubernetes; give it one (api, namespace, labels) in the target file"
        return None

    async def prepare(self, identity: str, component: Component, guard: Guard) -> ChaosMeshInjection:
        address = component.kubernetes
        assert address is not None
        place = f"components.{self.on}.kubernetes.api"
        guard.check_url(address.api, place)
        cluster = Cluster(
            api=(await pinned(guard, address.api, place)).rstrip("/"),
            namespace=address.namespace,
            token_env=address.token_env,
            ca_file=address.ca_file,
        )
        selector = {"namespaces": [address.namespace], "labelSelectors": address.labels}
        duration = f"{math.ceil(self.duration + GRACE)}s"
        resource = {
            "apiVersion": "chaos-mesh.org/v1alpha1",
            "kind": self.resource,
            "metadata": {
                "name": f"flashcrowd-{identity}",
                "namespace": address.namespace,
                "labels": {"app.kubernetes.io/managed-by": "flashcrowd"},
            },
            "spec": {"mode": "one", **self.spec, "selector": selector, "duration": duration},
        }
        return ChaosMeshInjection(cluster=cluster, plural=await cluster.plural(self.resource), resource=resource)


def _seen(found: dict[str, Any] | None) -> Probe:
    """What a resource says of itself."""
    if found is None:
        return Probe(False, "it is not there")
    status = found.get("status") or {}
    records = (status.get("experiment") or {}).get("containerRecords") or []
    injected = [row for row in records if row.get("phase") == "Injected"]
    figures = {"records": float(len(records)), "injected": float(len(injected))}
    if not records:
        return Probe(False, "Chaos Mesh has selected no pod; are the component's labels those of its pods?", figures)
    conditions = {row.get("type"): row.get("status") for row in status.get("conditions") or []}
    where = ", ".join(str(row.get("id")) for row in (injected or records)[:3])
    said = f"injected in {len(injected)} of {len(records)}: {where}{_trouble(records)}"
    return Probe(conditions.get("AllInjected") == "True" and bool(injected), said, figures)


def _trouble(records: list[dict[str, Any]]) -> str:
    """The last failure that a record tells."""
    rows = [event for row in records for event in row.get("events") or [] if event.get("type") == "Failed"]
    return f"; {rows[-1].get('operation', 'it').lower()} failed: {rows[-1].get('message')}" if rows else ""
