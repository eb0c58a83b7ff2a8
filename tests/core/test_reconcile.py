from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.model import Grant, GrantStatus
from bot.core.reconcile import GRACE, Drift, Found, Recorded, diff, is_quarantine
from bot.core.strays import DriftKind, Fate, Stray
from tests.core.examples import HOUR, MINUTE, NOW, SCHEDULED

ALICE = "user/alice"
SECOND = timedelta(seconds=1)
LONG_AGO = NOW - HOUR

SCHEDULED_ONE = replace(SCHEDULED, starts_at=NOW + HOUR, expires_at=NOW + 2 * HOUR)
GRANTING = replace(SCHEDULED, status=GrantStatus.GRANTING)
ACTIVE = replace(SCHEDULED, status=GrantStatus.ACTIVE, granted_at=LONG_AGO)
REVOKING = replace(ACTIVE, status=GrantStatus.REVOKING, revoking_since=LONG_AGO)
ENDED = replace(REVOKING, status=GrantStatus.ENDED, ended_at=LONG_AGO)
STRAY = Stray("q-1", "payments", "cloud", ALICE, "x", DriftKind.UNKNOWN, "{}", "alice", LONG_AGO)


def seen(name: str = "g-1", *, as_asked: bool = False, principal: str = ALICE) -> Found:
    return Found(principal, name, as_asked)


def kinds(
    *found: Found, grants: tuple[Grant, ...] = (), strays: tuple[Stray, ...] = (), now: datetime = NOW
) -> list[str]:
    """What differs, in words."""
    recorded = Recorded("payments", {g.id: g for g in grants}, {stray.quarantine: stray for stray in strays})
    return [f"{drift.kind} {drift.name}" for drift in diff(recorded, found, {ALICE}, now)]


# What the ledger has; what the cloud shows: nothing, exactly that, or something else under its name.
TABLE: dict[str, tuple[Grant, str, str, str]] = {
    "scheduled": (SCHEDULED_ONE, "", "unknown", "unknown"),
    "granting": (GRANTING, "", "", ""),
    "active": (ACTIVE, "missing", "", "altered"),
    "active, granted within the grace": (replace(ACTIVE, granted_at=NOW - GRACE + SECOND), "", "", ""),
    "active, granted just before the grace": (replace(ACTIVE, granted_at=NOW - GRACE), "missing", "", "altered"),
    "active, its end has come": (replace(ACTIVE, expires_at=NOW), "", "", ""),
    "revoking": (REVOKING, "", "", ""),
    "ended": (ENDED, "", "unknown", "unknown"),
    "ended within the grace": (replace(ENDED, ended_at=NOW - GRACE + SECOND), "", "", ""),
    "ended just before the grace": (replace(ENDED, ended_at=NOW - GRACE), "", "unknown", "unknown"),
}


@pytest.mark.parametrize(("grant", "absent", "as_asked", "else_"), TABLE.values(), ids=TABLE)
def test_what_each_state_of_a_grant_makes_of_what_is_seen(grant: Grant, absent: str, as_asked: str, else_: str) -> None:
    assert kinds(grants=(grant,)) == ([f"{absent} g-1"] if absent else [])
    assert kinds(seen(as_asked=True), grants=(grant,)) == ([f"{as_asked} g-1"] if as_asked else [])
    assert kinds(seen(), grants=(grant,)) == ([f"{else_} g-1"] if else_ else [])


def test_a_name_that_the_ledger_never_heard_of_is_unknown() -> None:
    assert kinds(seen("prod-fix")) == ["unknown prod-fix"]


def test_a_live_grants_name_on_another_principal_is_unknown_there_and_missing_here() -> None:
    assert kinds(seen(principal="user/eve", as_asked=True), grants=(ACTIVE,)) == ["missing g-1", "unknown g-1"]


def test_a_live_grants_name_in_another_account_is_unknown_there() -> None:
    assert kinds(seen(as_asked=True), grants=(replace(ACTIVE, account="search"),)) == ["unknown g-1"]


def test_who_was_not_looked_at_misses_nothing() -> None:
    recorded = Recorded("payments", {"g-1": ACTIVE}, {})
    assert diff(recorded, (), {"user/bob"}, NOW) == ()
    assert diff(recorded, (), {ALICE}, NOW) == (Drift(DriftKind.MISSING, "payments", ALICE, "g-1"),)


# Our own denials: (stray, what is seen says what we wrote) → is it drift?
SETTLED = replace(STRAY, fate=Fate.REMOVED, settled_by="sam", decided_at=LONG_AGO, settled_at=LONG_AGO)
QUARANTINES = {
    "of an open stray": (STRAY, True, False),
    "of an open stray, rewritten: it is put again": (STRAY, False, False),
    "of a decided stray": (replace(STRAY, fate=Fate.REMOVED), True, False),
    "of a settled stray, come late: it is lifted again": (SETTLED, True, False),
    "of a settled stray, saying something else": (SETTLED, False, True),
    "of a stray on another principal": (replace(STRAY, principal="user/bob"), True, True),
    "of a stray in another account": (replace(STRAY, account="search"), True, True),
}


@pytest.mark.parametrize(("stray", "as_asked", "drifts"), QUARANTINES.values(), ids=QUARANTINES)
def test_only_our_own_denials_where_we_put_them_are_expected(stray: Stray, as_asked: bool, drifts: bool) -> None:
    found = seen("quarantine-q-1", as_asked=as_asked)
    assert kinds(found, strays=(stray,)) == (["unknown quarantine-q-1"] if drifts else [])
    recorded = Recorded("payments", {}, {"quarantine-q-1": stray})
    assert is_quarantine(recorded, found) is not drifts


def test_a_policy_that_only_borrows_the_quarantines_name_is_unknown() -> None:
    assert kinds(seen("quarantine-of-mine")) == ["unknown quarantine-of-mine"]


# --- whatever there is -----------------------------------------------------------------------------------

moments = st.timedeltas(-HOUR, timedelta(0)).map(lambda since: NOW + since)
ids = st.integers(1, 6).map("g-{}".format)


@st.composite
def ledgers(draw: st.DrawFn, *statuses: GrantStatus) -> dict[str, Grant]:
    grants = {}
    for grant_id in draw(st.sets(ids)):
        status = draw(st.sampled_from(statuses or tuple(GrantStatus)))
        began = status in {GrantStatus.ACTIVE, GrantStatus.REVOKING, GrantStatus.ENDED}
        grants[grant_id] = replace(
            SCHEDULED,
            id=grant_id,
            principal=draw(st.sampled_from([ALICE, "role/alice"])),
            status=status,
            expires_at=NOW + draw(st.timedeltas(-MINUTE, HOUR)),
            granted_at=draw(moments) if began else None,
            ended_at=draw(moments) if status is GrantStatus.ENDED else None,
        )
    return grants


anything = st.lists(st.builds(Found, st.sampled_from([ALICE, "role/alice", "user/bob"]), ids, st.booleans()))
EVERYONE = {ALICE, "role/alice", "user/bob"}


@given(ledgers(), anything)
def test_what_is_in_flux_never_drifts(grants: dict[str, Grant], found: list[Found]) -> None:
    for drift in diff(Recorded("payments", grants, {}), found, EVERYONE, NOW):
        grant = grants.get(drift.name)
        if grant is None or grant.principal != drift.principal:
            assert drift.kind is DriftKind.UNKNOWN
            continue
        assert grant.status not in {GrantStatus.GRANTING, GrantStatus.REVOKING}
        if grant.status is GrantStatus.ACTIVE:
            assert grant.granted_at is not None
            assert NOW - grant.granted_at >= GRACE
            assert grant.expires_at > NOW
        if grant.status is GrantStatus.ENDED:
            assert grant.ended_at is not None
            assert NOW - grant.ended_at >= GRACE


@given(ledgers())
def test_a_cloud_that_is_as_the_ledger_says_has_no_drift(grants: dict[str, Grant]) -> None:
    found = [Found(g.principal, g.id, as_asked=True) for g in grants.values() if g.status is GrantStatus.ACTIVE]
    assert diff(Recorded("payments", grants, {}), found, EVERYONE, NOW) == ()


@given(ledgers(), anything, st.randoms(use_true_random=False))
def test_each_policy_drifts_once_and_the_order_of_what_is_seen_makes_no_difference(
    grants: dict[str, Grant], found: list[Found], random: object
) -> None:
    recorded = Recorded("payments", grants, {})
    one_each = list({(each.principal, each.name): each for each in found}.values())
    drifts = diff(recorded, one_each, EVERYONE, NOW)
    assert len({(drift.principal, drift.name) for drift in drifts}) == len(drifts)
    random.shuffle(one_each)  # type: ignore[attr-defined]
    assert diff(recorded, one_each, EVERYONE, NOW) == drifts
