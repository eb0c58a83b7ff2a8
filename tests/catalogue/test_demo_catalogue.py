"""The demo's catalogue and the demo's world are one."""

from datetime import timedelta
from pathlib import Path

import pytest

from bot.catalogue import Loaded, inspect
from bot.catalogue.size import LIMITS, policy_size
from bot.core.policy import roles_offered
from bot.sandbox.aws_seed import OBJECTS
from bot.sandbox.roster import ACCOUNTS, PEOPLE

DEMO = Path(__file__).parents[2] / "bot" / "sandbox" / "demo" / "access.yaml"


@pytest.fixture(scope="module")
def demo() -> Loaded:
    return inspect(DEMO)


def test_it_loads_without_a_warning(demo: Loaded) -> None:
    assert demo.warnings == ()


def test_its_people_are_the_workspaces_and_the_guest_is_none_of_them(demo: Loaded) -> None:
    people = demo.catalogue.people
    assert people.keys() == {person.id for person in PEOPLE if not person.is_guest}
    for person in (each for each in PEOPLE if not each.is_guest):
        entry = people[person.id]
        assert (entry.name, entry.email, entry.slack_ids) == (person.name, person.email, {person.slack_id})
        assert (entry.manager, dict(entry.identities)) == (person.manager, dict(person.principals))


def test_its_accounts_are_the_local_awss(demo: Loaded) -> None:
    accounts = demo.catalogue.accounts
    assert accounts.keys() == {account.id for account in ACCOUNTS}
    for account in ACCOUNTS:
        entry = accounts[account.id]
        assert (entry.title, entry.number, entry.region) == (account.title, account.number, account.region)
        assert (entry.broker_role, entry.external_id) == (account.broker_role, account.external_id)


def test_its_buckets_hold_something(demo: Loaded) -> None:
    bucket = next(each for each in demo.catalogue.roles["s3-read"].parameters if each.id == "bucket")
    dataset = next(each for each in demo.catalogue.roles["data-read"].parameters if each.id == "dataset")
    assert set(bucket.choices) == OBJECTS["payments-prod"].keys()
    assert set(dataset.choices) == {key.partition("/")[0] for key in OBJECTS["data-prod"]["data-lake"]}


def test_an_engineer_is_offered_every_role_for_as_short_as_a_minute(demo: Loaded) -> None:
    roles = roles_offered(demo.catalogue, demo.catalogue.people["maya"])
    assert {role.id for role in roles} == {"s3-read", "s3-write", "ec2-restart", "exports-read", "data-read"}
    assert {role.shortest for role in roles} == {timedelta(minutes=1)}


def test_three_grants_at_once_fit_on_one_user(demo: Loaded) -> None:
    catalogue = demo.catalogue
    sizes = [max(policy_size(role, catalogue.accounts[a]) for a in role.accounts) for role in catalogue.roles.values()]
    assert sum(sorted(sizes)[-3:]) <= LIMITS["user"]
