from dataclasses import replace
from datetime import timedelta

import pytest

from bot.core.decisions import Refusal
from bot.core.model import GrantStatus, Person
from bot.core.strays import (
    ADOPTED_FOR,
    Deciding,
    DriftKind,
    Fate,
    Stray,
    adopted_for,
    is_settled_by_itself,
    why_not,
)
from tests.core.examples import CATALOGUE, HOUR, MINUTE, NOW, SCHEDULED

PEOPLE = CATALOGUE.people
ACTIVE = replace(SCHEDULED, status=GrantStatus.ACTIVE, granted_at=NOW)
UNKNOWN = Stray("q-1", "payments", "cloud", "user/alice", "x", DriftKind.UNKNOWN, '{"Statement":[]}', "alice", NOW)
ALTERED = replace(UNKNOWN, name="g-1", kind=DriftKind.ALTERED, grant_id="g-1")


def deciding(stray: Stray, fate: Fate, by: str = "sam", **changes: object) -> Deciding:
    owners = tuple(p for p in PEOPLE.values() if p.identities.get(stray.account) == stray.principal)
    grant = ACTIVE if stray.grant_id else None
    found = Deciding(stray, fate, PEOPLE[by], by in CATALOGUE.admins, owners, PEOPLE.get(stray.person), grant, NOW)
    return replace(found, **changes)  # type: ignore[arg-type]


def code(refusal: Refusal | None) -> str:
    if refusal is None:
        return ""
    assert refusal.text.endswith(".")
    return refusal.code


SAMS = replace(UNKNOWN, principal="user/sam", person="sam")
NOBODYS = replace(UNKNOWN, principal="user/ghost", person="")
CASES = {
    "an admin removes": (deciding(UNKNOWN, Fate.REMOVED), ""),
    "an admin removes an altered one": (deciding(ALTERED, Fate.REMOVED), ""),
    "an admin adopts": (deciding(UNKNOWN, Fate.ADOPTED), ""),
    "an admin restores": (deciding(ALTERED, Fate.RESTORED), ""),
    "an approver removes": (deciding(UNKNOWN, Fate.REMOVED, by="mona"), "policy"),
    "the owner adopts": (deciding(UNKNOWN, Fate.ADOPTED, by="alice"), "policy"),
    "an admin adopts their own": (deciding(SAMS, Fate.ADOPTED), "separation"),
    "an admin restores their own": (deciding(replace(ALTERED, principal="user/sam"), Fate.RESTORED), "separation"),
    "an admin removes their own": (deciding(SAMS, Fate.REMOVED), ""),
    "an admin adopts what their other self has": (
        deciding(UNKNOWN, Fate.ADOPTED, owners=(Person("sam-too", "Sam", None, PEOPLE["sam"].slack_ids),), holder=None),
        "separation",
    ),
    "an admin restores the grant of their other self": (
        deciding(ALTERED, Fate.RESTORED, holder=Person("sam-too", "Sam", "SAM@example.com")),
        "separation",
    ),
    "what nobody has is adopted": (deciding(NOBODYS, Fate.ADOPTED), "policy"),
    "what nobody has is removed": (deciding(NOBODYS, Fate.REMOVED), ""),
    "an altered one is adopted": (deciding(ALTERED, Fate.ADOPTED), "policy"),
    "an unknown one is restored": (deciding(UNKNOWN, Fate.RESTORED), "policy"),
    "restored when its grant is being removed": (
        deciding(ALTERED, Fate.RESTORED, grant=replace(ACTIVE, status=GrantStatus.REVOKING)),
        "late",
    ),
    "restored when its grant's end has come": (deciding(ALTERED, Fate.RESTORED, now=ACTIVE.expires_at), "late"),
    "decided twice": (deciding(replace(UNKNOWN, fate=Fate.ADOPTED, settled_by="sam"), Fate.REMOVED), "late"),
}


@pytest.mark.parametrize(("d", "refusal"), CASES.values(), ids=CASES)
def test_who_may_decide_what(d: Deciding, refusal: str) -> None:
    assert code(why_not(d)) == refusal


def test_a_second_decision_is_told_the_first() -> None:
    refusal = why_not(deciding(replace(UNKNOWN, fate=Fate.REMOVED, settled_by="sam"), Fate.ADOPTED))
    assert refusal is not None
    assert "removed, by sam" in refusal.text


def test_a_code_counts_for_one_fate_of_one_text_of_one_stray() -> None:
    others = (
        UNKNOWN.digest(Fate.RESTORED),
        replace(UNKNOWN, id="q-2").digest(Fate.ADOPTED),
        replace(UNKNOWN, text="{}").digest(Fate.ADOPTED),
        replace(UNKNOWN, principal="user/bob").digest(Fate.ADOPTED),
    )
    assert UNKNOWN.digest(Fate.ADOPTED) not in others
    assert replace(UNKNOWN, quarantined_at=NOW, version=7).digest(Fate.ADOPTED) == UNKNOWN.digest(Fate.ADOPTED)


@pytest.mark.parametrize(
    ("end", "lives"),
    [
        (None, ADOPTED_FOR),
        (NOW + 20 * MINUTE, 20 * MINUTE),
        (NOW + timedelta(days=365), ADOPTED_FOR),
        (NOW + timedelta(seconds=9, microseconds=999_999), timedelta(seconds=9)),
        (NOW, timedelta(0)),
    ],
)
def test_what_is_adopted_ends_with_its_own_end_or_within_an_hour(end, lives) -> None:
    assert adopted_for(end, NOW) == lives
    assert adopted_for(NOW - HOUR, NOW) <= timedelta(0)


@pytest.mark.parametrize(
    ("stray", "found", "grant", "gone"),
    [
        (UNKNOWN, [], None, True),
        (UNKNOWN, [("x", False)], None, False),
        (UNKNOWN, [("y", False)], None, True),
        (ALTERED, [("g-1", False)], ACTIVE, False),
        (ALTERED, [("g-1", True)], ACTIVE, True),
        (ALTERED, [("g-1", False)], replace(ACTIVE, status=GrantStatus.REVOKING), False),
        (ALTERED, [], replace(ACTIVE, status=GrantStatus.REVOKING), True),
    ],
)
def test_a_stray_is_one_no_more_when_it_went_or_was_put_right(stray, found, grant, gone) -> None:
    assert is_settled_by_itself(stray, found, grant) is gone
