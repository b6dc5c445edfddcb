"""`kubernetes.chaosmesh`, against a fake API server: what is asked of it, what is made of its answers."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import AsyncIterator

import pytest
from kubernetes_api import GROUP, TOKEN, FakeCluster, fake_cluster

from chaos.faults import parse_fault
from chaos.injector import Injector
from flashcrowd.errors import GuardError, InputError, NeedError
from flashcrowd.guard import Guard
from flashcrowd.target import Component

DELAY = {"action": "delay", "mode": "all", "delay": {"latency": "200ms"}}


@pytest.fixture
async def cluster(monkeypatch) -> AsyncIterator[FakeCluster]:
    monkeypatch.setenv("CLUSTER_TOKEN", TOKEN)
    async with fake_cluster() as cluster:
        yield cluster


def inventory(cluster: FakeCluster, **more: object) -> Component:
    address = {"api": cluster.url, "namespace": "shop", "labels": {"app": "inventory"}, "token_env": "CLUSTER_TOKEN"}
    return Component.model_validate({"kubernetes": {**address, **more}})


def chaos(resource: str = "NetworkChaos", **spec: object):
    given = {"resource": resource, "spec": spec or DELAY}
    return parse_fault({"kind": "kubernetes.chaosmesh", "on": "inventory", "for": "60s", **given})


async def prepared(component: Component, fault=None):
    return await (fault or chaos()).prepare("0123456789ab", component, Guard(["127.0.0.1"]))


async def test_selector_and_duration_are_made_by_us_and_the_rest_is_as_written(cluster, log):
    guard = Guard(["127.0.0.1"])
    async with Injector({"inventory": inventory(cluster)}, guard, log, lambda *_: None) as injector:
        active = await injector.inject(chaos())
        assert active.bite.ok
        assert active.bite.message == "injected in 1 of 1: shop/inventory-1"
        assert TOKEN not in log.path(active.id).read_text()
    (posted,) = cluster.posted
    assert posted["metadata"]["name"] == f"flashcrowd-{active.id}"
    selector = {"namespaces": ["shop"], "labelSelectors": {"app": "inventory"}}
    assert posted["spec"] == {**DELAY, "selector": selector, "duration": "61s"}
    path = f"{GROUP}/namespaces/shop/networkchaos"
    assert list(dict.fromkeys(row for row in cluster.requests if row[0] != "GET")) == [
        ("POST", path),
        ("DELETE", f"{path}/flashcrowd-{active.id}"),
    ]


async def test_one_pod_is_struck_unless_more_are_asked_for(cluster):
    injection = await prepared(inventory(cluster), chaos("PodChaos", action="pod-failure"))
    assert injection.resource["spec"]["mode"] == "one"


async def test_all_injected_in_no_pod_at_all_is_no_bite(cluster, monkeypatch):
    monkeypatch.setattr("chaos.faults.kubernetes_chaosmesh.PATIENCE", 0.2)
    injection = await prepared(inventory(cluster, labels={"app": "nobody"}))
    await injection.inject()
    probe = await injection.bites()
    assert not probe.ok
    assert "Chaos Mesh has selected no pod" in probe.message


async def test_it_is_healed_only_when_the_finalizer_is_done(cluster, until):
    injection = await prepared(inventory(cluster))
    await injection.inject()
    cluster.recovery = 60.0
    await injection.heal()
    probe = await injection.healed()
    assert not probe.ok
    assert f"networkchaos/{injection.name} is still there: injected in 1 of 1" in probe.message
    cluster.recovery = 0.0
    await injection.heal()
    await until(lambda: not cluster.resources)
    await injection.heal()
    assert (await injection.healed()).ok


async def test_the_command_by_hand_deletes_it(cluster, until):
    injection = await prepared(inventory(cluster))
    await injection.inject()
    assert TOKEN not in injection.by_hand()
    process = await asyncio.create_subprocess_shell(injection.by_hand(), stdout=subprocess.DEVNULL)
    assert await process.wait() == 0
    await until(lambda: not cluster.resources)
    assert (await injection.healed()).ok


@pytest.mark.parametrize(
    ("status", "said", "message"),
    [
        (403, "networkchaos is forbidden", "networkchaos is forbidden; grant it create, get and delete on chaos-mesh"),
        (422, "spec.action: unsupported", "spec.action: unsupported; mend the fault's spec as it says"),
        (404, "namespaces shop not found", "there is no namespace shop"),
        (500, "webhook failed", "webhook failed; see what the API server and Chaos Mesh's webhook log"),
    ],
)
async def test_what_the_server_refuses_is_told_with_what_to_do(cluster, status, said, message):
    cluster.refuses = (status, said)
    injection = await prepared(inventory(cluster))
    with pytest.raises(NeedError, match=message):
        await injection.inject()


async def test_what_is_missing_is_told_before_anything_is_made(cluster, monkeypatch):
    with pytest.raises(NeedError, match=r"has no StressChaos; did you mean '\w+'\?|has no StressChaos; known: "):
        await prepared(inventory(cluster), chaos("StressChaos"))
    with pytest.raises(NeedError, match="name the token's variable in token_env"):
        await prepared(inventory(cluster, token_env=None))
    monkeypatch.setenv("CLUSTER_TOKEN", "an-old-one")
    with pytest.raises(NeedError, match="it doesn't take the token in CLUSTER_TOKEN; get a new one"):
        await prepared(inventory(cluster))
    monkeypatch.setenv("CLUSTER_TOKEN", TOKEN)
    cluster.installed = False
    with pytest.raises(NeedError, match="install Chaos Mesh in the cluster"):
        await prepared(inventory(cluster))
    with pytest.raises(GuardError, match=r"components\.inventory\.kubernetes\.api: 192\.0\.2\.1 is not in allow_hosts"):
        await prepared(inventory(cluster, api="http://192.0.2.1"))
    assert chaos().check(Component()) == (
        "inventory has no kubernetes; give it one (api, namespace, labels) in the target file"
    )
    assert cluster.posted == []


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"duration": "1h"}, "spec: duration may not be given: the fault's for is the duration"),
        ({"selector": {}}, "spec: selector may not be given: the component's namespace and labels"),
        ({"target": {"selector": {}}}, r"spec: target\.selector may not be given"),
        ({"scheduler": {"cron": "@hourly"}}, "spec: scheduler may not be given"),
    ],
)
def test_what_would_strike_others_or_for_longer_is_refused(given, message):
    with pytest.raises(InputError, match=message):
        chaos(action="delay", **given)


def test_resources_that_strike_other_things_are_refused():
    with pytest.raises(InputError, match="resource: Schedule can't be injected: it makes other resources"):
        chaos("Schedule", schedule="@hourly")
