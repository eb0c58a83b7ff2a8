from dataclasses import replace
from datetime import timedelta
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.model import Effect, GrantStatus, Person, digest_of
from tests.core.examples import ASK, HOUR, NOW, PENDING, SCHEDULED

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("abc", max_size=3), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.text("abcdef", max_size=4), JSON, max_size=6), st.randoms())
def test_a_digest_does_not_depend_on_the_order_of_keys(value: dict[str, object], random: Random) -> None:
    keys = list(value)
    random.shuffle(keys)
    assert digest_of({key: value[key] for key in keys}) == digest_of(value)


def test_an_ask_is_the_same_whichever_parameter_was_typed_first() -> None:
    one = replace(ASK, params={"bucket": "logs", "prefix": "2026/"})
    other = replace(ASK, params={"prefix": "2026/", "bucket": "logs"})
    assert one.digest() == other.digest()


@pytest.mark.parametrize(
    "change",
    [
        {"requester": "bob"},
        {"role": "db-admin"},
        {"account": "search"},
        {"params": {"bucket": "other"}},
        {"params": {}},
        {"work": "incident"},
        {"duration": ASK.duration + timedelta(seconds=1)},
        {"reason": ASK.reason + " "},
        {"ticket": "PAY-1"},
        {"start_at": NOW},
    ],
    ids=lambda change: next(iter(change)),
)
def test_a_step_up_for_one_ask_is_none_for_another(change: dict[str, object]) -> None:
    assert replace(ASK, **change).digest() != ASK.digest()


@pytest.mark.parametrize(
    "change",
    [
        {"id": "r-2"},
        {"ask": replace(ASK, duration=2 * HOUR)},
        {"principal": "user/bob"},
        {"policy": '[{"Effect":"Allow","Action":["s3:*"],"Resource":["*"]}]'},
    ],
    ids=lambda change: next(iter(change)),
)
def test_an_approval_is_for_this_request_principal_and_policy_only(change: dict[str, object]) -> None:
    assert replace(PENDING, **change).digest() != PENDING.digest()


ALICE = Person("alice", "Alice", "alice@example.com", frozenset({"U1", "W1"}), identities={"payments": "user/alice"})


@pytest.mark.parametrize(
    "other",
    [
        Person("alice", "Somebody"),
        Person("slack:W1", "Second account", slack_ids=frozenset({"W1"})),
        Person("b", "By mail", "Alice@EXAMPLE.com"),
        Person("c", "By principal", identities={"payments": "user/alice", "search": "user/c"}),
    ],
    ids=["id", "slack id", "e-mail", "principal"],
)
def test_any_shared_identity_makes_two_records_one_human(other: Person) -> None:
    assert ALICE.is_same_human(other)
    assert other.is_same_human(ALICE)


@pytest.mark.parametrize(
    "other",
    [
        Person("bob", "Alice", "bob@example.com", frozenset({"U2"})),
        Person("bob", "Bob", identities={"search": "user/alice"}),
    ],
    ids=["name", "principal's name in another account"],
)
def test_what_is_no_identity_makes_nobody_the_same(other: Person) -> None:
    assert not ALICE.is_same_human(other)


def test_two_people_without_mail_are_not_the_same_for_that() -> None:
    assert not Person("a", "A", email="").is_same_human(Person("b", "B", email=""))
    assert not Person("a", "A").is_same_human(Person("b", "B"))


@pytest.mark.parametrize(
    ("status", "live"),
    [("scheduled", False), ("granting", True), ("active", True), ("revoking", True), ("ended", False)],
)
def test_a_grant_is_live_from_the_first_cloud_call_until_it_was_seen_gone(status: str, live: bool) -> None:
    assert replace(SCHEDULED, status=GrantStatus(status)).is_live is live


@pytest.mark.parametrize(
    ("kind", "lane"),
    [
        ("chat.cards", "chat"),
        ("chat.tell", "chat"),
        ("grant.start", "people"),
        ("people.leavers", "people"),
        ("grant.converge", "cloud"),
        ("drift.look", "drift"),
        ("ticket.watch", "sources"),
        ("grant.expire", "access"),
        ("request.lapse", "access"),
        ("person.stop", "access"),
    ],
)
def test_nothing_queues_behind_what_waits_for_something_else(kind: str, lane: str) -> None:
    assert Effect(kind, "x", "k", NOW).lane == lane
