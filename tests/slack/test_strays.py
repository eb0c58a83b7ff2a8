"""The card of a stray: what a tired engineer reads at 03:00, within Slack's limits whatever the policy says."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.core.model import Grant, GrantStatus
from bot.core.strays import DriftKind, Fate, Stray
from bot.sandbox.slack import screen
from bot.service.cards import StrayCard
from bot.service.chat import fingerprint
from bot.slack import ids
from bot.slack.messenger import render
from bot.slack.strays import confirm, in_full
from tests.slack.shapes import (
    NAMES,
    NOW,
    assert_slack_takes,
    assert_slack_takes_view,
    grants,
    hostile,
    typed,
    values_of,
)

HOUR = timedelta(hours=1)
ALLOW = {"Effect": "Allow", "Action": ["s3:*"], "Resource": "arn:aws:s3:::pay-logs/*"}
TEXT = json.dumps({"Version": "2012-10-17", "Statement": [ALLOW]})
STRAY = Stray(
    "q-0123456789", "pay", "aws_iam", "user/maya", "prod-fix", DriftKind.UNKNOWN, TEXT, "maya", NOW, quarantined_at=NOW
)
CARD = StrayCard(STRAY, "Payments", "111111111111", ("maya",), None, None, "", NAMES)
GRANT = Grant(
    "g-0123456789",
    "r-1",
    "maya",
    "s3-read",
    "pay",
    "aws_iam",
    "user/maya",
    "[]",
    "d",
    GrantStatus.ACTIVE,
    NOW,
    NOW + HOUR,
)
ALTERED = replace(CARD, stray=replace(STRAY, kind=DriftKind.ALTERED, name=GRANT.id, grant_id=GRANT.id), grant=GRANT)


def with_stray(card: StrayCard, **changes: object) -> StrayCard:
    return replace(card, stray=replace(card.stray, **changes))  # type: ignore[arg-type]


def words(card: StrayCard) -> str:
    return screen.words({"blocks": render(card).blocks})


def buttons(card: StrayCard) -> set[str]:
    return set(values_of(render(card).blocks))


STATES = {
    "blocked": (CARD, "Blocked"),
    "not blocked yet": (with_stray(CARD, quarantined_at=None), "Being blocked"),
    "not to be blocked": (with_stray(CARD, quarantined_at=None, problem="There is no room."), "There is no room."),
    "being removed": (with_stray(CARD, fate=Fate.REMOVED, settled_by="ines", decided_at=NOW), "Being removed"),
    "removed": (
        with_stray(CARD, fate=Fate.REMOVED, settled_by="ines", decided_at=NOW, settled_at=NOW),
        "Removed* by <@U0INES>",
    ),
    "adopted": (with_stray(CARD, fate=Fate.ADOPTED, settled_by="ines", decided_at=NOW, settled_at=NOW), "Adopted*"),
    "restored": (
        with_stray(ALTERED, fate=Fate.RESTORED, settled_by="ines", decided_at=NOW, settled_at=NOW),
        "What was approved is in place again",
    ),
    "gone": (
        with_stray(CARD, fate=Fate.VANISHED, settled_by="prodaccess", decided_at=NOW, settled_at=NOW),
        "Gone by itself",
    ),
}


@pytest.mark.parametrize(("card", "says"), STATES.values(), ids=STATES)
def test_the_card_says_where_it_stands_and_offers_decisions_only_while_it_is_open(card: StrayCard, says: str) -> None:
    assert says in words(card)
    assert (ids.REMOVE_STRAY in buttons(card)) is (card.stray.fate is None)
    assert ids.STRAY_POLICY in buttons(card)


def test_it_says_whose_where_what_it_allows_and_that_it_has_no_end() -> None:
    said = words(CARD)
    for part in ("<@U0MAYA>", "user/maya", "Payments", "prodaccess-prod-fix", "s3:*", "stay for ever"):
        assert part in said


def test_each_choice_is_explained_where_it_is_offered() -> None:
    assert buttons(CARD) == {ids.REMOVE_STRAY, ids.ADOPT_STRAY, ids.STRAY_POLICY}
    assert "1 h at most" in words(CARD)
    assert buttons(ALTERED) == {ids.REMOVE_STRAY, ids.RESTORE_STRAY, ids.STRAY_POLICY}
    assert "ends the grant" in words(ALTERED)
    refused = replace(CARD, owners=(), not_offered="Nobody in access.yaml has this identity.")
    assert buttons(refused) == {ids.REMOVE_STRAY, ids.STRAY_POLICY}
    assert "Nobody in access.yaml has this identity." in words(refused)


def test_what_cannot_be_blocked_is_said_in_the_notification_too() -> None:
    assert "NOT blocked" in render(with_stray(CARD, quarantined_at=None)).text
    assert "NOT" not in render(CARD).text


def test_a_statement_that_allows_all_but_something_says_so() -> None:
    but = json.dumps({"Statement": {"Effect": "Allow", "NotAction": "iam:*", "Resource": ["a", "b", "c", "d", "e"]}})
    said = words(with_stray(CARD, text=but))
    assert "everything but `iam:*`" in said
    assert "and 2 more" in said


def test_a_card_that_changed_has_another_fingerprint() -> None:
    shown = [fingerprint(card) for card, _ in STATES.values()]
    assert len(set(shown)) == len(shown)


policies = st.recursive(
    st.none() | st.integers() | hostile,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3),
    max_leaves=6,
)
statements = st.fixed_dictionaries(
    {"Effect": st.sampled_from(["Allow", "Deny"])},
    optional=dict.fromkeys(("Action", "NotAction", "Resource", "NotResource", "Condition"), policies),
)
documents = st.one_of(
    policies,
    st.fixed_dictionaries({"Statement": st.lists(statements, max_size=30) | statements}),
).map(json.dumps)
strays = st.builds(
    Stray,
    id=st.just("q-0123456789"),
    account=typed(75),
    provider=st.just("aws_iam"),
    principal=typed(140),
    name=typed(140),
    kind=st.sampled_from([DriftKind.UNKNOWN, DriftKind.ALTERED]),
    text=documents,
    person=st.sampled_from(["", "maya"]),
    found_at=st.just(NOW),
    quarantined_at=st.none() | st.just(NOW),
    problem=st.just("") | typed(900),
    fate=st.none() | st.sampled_from(Fate),
    decided_at=st.none() | st.just(NOW),
    settled_by=st.sampled_from(["ines", "prodaccess", "someone"]),
    settled_at=st.none() | st.just(NOW),
)


@settings(max_examples=60, deadline=None)
@given(
    st.builds(
        StrayCard,
        stray=strays,
        account_title=typed(75),
        account_number=typed(20),
        owners=st.lists(st.sampled_from(["maya", "ines"]), max_size=12).map(tuple),
        grant=st.none() | grants,
        end=st.none() | st.just(NOW),
        not_offered=st.just("") | typed(400),
        names=st.just(NAMES),
    )
)
def test_whatever_a_policy_says_its_card_and_modals_fit_and_harm_nobody(card: StrayCard) -> None:
    if card.stray.settled_at is not None and card.stray.fate is None:
        card = with_stray(card, fate=Fate.REMOVED)
    assert_slack_takes(render(card))
    assert set(values_of(render(card).blocks).values()) == {"q-0123456789"}
    assert_slack_takes_view(in_full(card))
    for fate in (Fate.ADOPTED, Fate.RESTORED):
        assert_slack_takes_view(confirm(card, fate))
