import pytest

from flashcrowd.errors import GuardError
from flashcrowd.guard import Guard
from flashcrowd.target import Target


def target(**spec) -> Target:
    return Target.model_validate(
        {
            "metadata": {"name": "staging"},
            "spec": {"environment": "staging", "allow_hosts": ["127.0.0.1"], "max_viewers": 100, **spec},
        }
    )


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.77", "10.1.2.3", "Shop.Example", "::1"])
def test_listed_names_addresses_and_networks_are_allowed(host):
    Guard(["127.0.0.0/8", "10.0.0.0/8", "shop.example", "::1"]).check_host(host)


@pytest.mark.parametrize("host", ["127.0.0.2", "10.1.2.3", "shop.invalid", "::1", ""])
def test_everything_else_is_refused_by_name(host):
    with pytest.raises(GuardError, match="not in allow_hosts"):
        Guard(["127.0.0.1", "shop.example"]).check_host(host)


def test_a_name_is_allowed_when_all_it_resolves_to_is():
    Guard(["127.0.0.1", "::1"]).check_host("localhost")


def test_every_address_of_the_file_is_looked_at():
    with pytest.raises(GuardError, match=r"spec\.components\.inventory\.admin: 10\.9\.9\.9 is not in allow_hosts"):
        Guard.of(target(components={"inventory": {"admin": "http://10.9.9.9:7003"}}))


def test_production_wants_its_name_typed_again():
    with pytest.raises(GuardError, match="--allow-production staging"):
        Guard.of(target(environment="production"))
    Guard.of(target(environment="production"), allow_production="staging")


def test_too_large_a_crowd_is_refused():
    guard = Guard.of(target())
    guard.check_viewers(100)
    with pytest.raises(GuardError, match="101 viewers are more than the max_viewers of staging"):
        guard.check_viewers(101)
