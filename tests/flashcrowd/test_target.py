import pytest

from flashcrowd.errors import DocumentError
from flashcrowd.target import read_target

HEAD = "apiVersion: flashcrowd/v1\nkind: Target\nmetadata: {name: staging}\n"


def test_a_target_file_is_read(tmp_path, monkeypatch):
    monkeypatch.setenv("SHOP_TOKEN", "hunter-two")
    file = tmp_path / "staging.yaml"
    file.write_text(
        HEAD
        + """spec:
  environment: staging
  allow_hosts: [127.0.0.1]
  max_viewers: 300000
  mark: {headers: {traceparent: "${traceparent}"}}
  shop:
    url: http://127.0.0.1:7002
    order:
      request: {path: /orders, headers: {Authorization: "Bearer ${env.SHOP_TOKEN}"}, json: {sku: "${sku}"}}
  components:
    inventory: {admin: http://127.0.0.1:7003, link: {toxiproxy: http://127.0.0.1:8474, proxy: inventory}}
"""
    )
    target = read_target(file)
    assert target.variables() == {"inventory.admin": "http://127.0.0.1:7003", "shop.url": "http://127.0.0.1:7002"}
    assert set(target.addresses()) == {
        "spec.shop.url",
        "spec.components.inventory.admin",
        "spec.components.inventory.link.toxiproxy",
    }
    assert "hunter-two" not in repr(target)


def test_a_secret_in_an_address_is_filled_in_only_where_it_is_asked(tmp_path, monkeypatch):
    monkeypatch.setenv("PROM_PASSWORD", "hunter-two")
    file = tmp_path / "staging.yaml"
    file.write_text(
        HEAD
        + """spec:
  environment: staging
  allow_hosts: [127.0.0.1]
  max_viewers: 10
  prometheus: {url: "http://me:${env.PROM_PASSWORD}@127.0.0.1:9090"}
  alertmanager: {url: "http://me:${env.PROM_PASSWORD}@127.0.0.1:9093", filter: ['cluster="a"']}
"""
    )
    target = read_target(file)
    assert target.prometheus_url == "http://me:hunter-two@127.0.0.1:9090"
    assert target.alertmanager_url == "http://me:hunter-two@127.0.0.1:9093"
    assert "spec.alertmanager.url" in target.addresses()
    assert "hunter-two" not in target.model_dump_json()


def test_unknown_variables_and_missing_secrets_are_named_with_their_lines(tmp_path):
    file = tmp_path / "staging.yaml"
    file.write_text(
        HEAD
        + """spec:
  environment: staging
  allow_hosts: [127.0.0.1]
  max_viewers: 10
  live:
    url: ws://127.0.0.1:1/rooms/${romo}
    say: '{"token": "${env.NOT_SET_ANYWHERE}"}'
"""
    )
    with pytest.raises(DocumentError) as caught:
        read_target(file)
    first, second = caught.value.problems
    assert (first.line, first.path) == (9, "spec.live.url")
    assert "${romo}" in first.message
    assert (second.line, second.message) == (10, "the environment variable NOT_SET_ANYWHERE is not set")


def mitigations(folder, text):
    file = folder / "target.yaml"
    file.write_text(
        "kind: Target\nmetadata: {name: small}\nspec:\n  environment: test\n  allow_hosts: [127.0.0.1]\n"
        "  max_viewers: 1\n"
        f"  components: {{shop: {{}}, inventory: {{}}}}\n{text}"
    )
    return read_target(file).spec.mitigations


def test_nothing_may_be_mitigated_without_a_person_unless_the_file_says_so(tmp_path):
    assert not mitigations(tmp_path, "").allows({"shop"})
    assert not mitigations(tmp_path, "  mitigations: {automatic: false}\n").allows({"shop"})
    some = mitigations(tmp_path, "  mitigations: {automatic: [shop]}\n")
    assert [some.allows(it) for it in ({"shop"}, {"shop", "inventory"}, {"*"})] == [True, False, False]
    assert mitigations(tmp_path, "  mitigations: {automatic: true}\n").allows({"shop", "*"})
    with pytest.raises(DocumentError, match=r"target.yaml:8: .*no component 'shpo'; did you mean 'shop'"):
        mitigations(tmp_path, "  mitigations: {automatic: [shpo]}\n")
