"""What an admin decides about a stray is committed first, and done by its effect whatever goes wrong meanwhile."""

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import pytest

from bot.core.decisions import Refusal
from bot.core.model import EndReason, GrantStatus
from bot.core.strays import Fate, Stray
from bot.providers.fake import Call, Fault
from bot.service import ledger
from bot.service.deciding import WRONG_CODE
from bot.service.effects import LEASE
from tests.core.examples import HOUR, MINUTE, actor
from tests.service.drifting import (
    ALICE,
    PLANTED,
    altered,
    cards,
    decide,
    looked,
    permission,
    planted,
    settled,
    stray,
    strays,
    writes,
)
from tests.service.fakes import FakeClock, code_at
from tests.service.world import World, at_once, secret_of

BOTH = [Fate.REMOVED, Fate.ADOPTED]


def refusal(outcome: object) -> str:
    assert isinstance(outcome, Refusal), outcome
    return outcome.code


def decided(outcome: object) -> Stray:
    assert isinstance(outcome, Stray), outcome
    return outcome


def with_end(end: datetime) -> str:
    """The planted policy with an end of its own."""
    document = json.loads(PLANTED)
    document["Statement"][0]["Condition"] = {"DateLessThan": {"aws:CurrentTime": end.strftime("%Y-%m-%dT%H:%M:%SZ")}}
    return json.dumps(document)


# --- remove ----------------------------------------------------------------------------------------------


def test_removing_takes_the_policy_and_the_block_away_and_settles_the_card(world: World) -> None:
    found = planted(world)
    decided(decide(world, found, Fate.REMOVED, code=False))
    assert (*ALICE, "prod-fix") in world.cloud.written(), "the decision is committed before the cloud is asked"
    settled(world)
    assert world.cloud.written() == {}
    done = stray(world, found.id)
    assert (done.fate, done.settled_by, done.settled_at is not None) == (Fate.REMOVED, "sam", True)
    assert [card.stray.fate for card in cards(world)[0]][-1] is Fate.REMOVED
    assert world.tags("stray.")[-2:] == ["stray.decided", "stray.settled"]
    assert writes(world)[-2:] == [("remove", "prod-fix"), ("remove", found.quarantine)]


def test_nothing_is_removed_that_no_admin_decided_on(world: World) -> None:
    planted(world)
    for _ in range(5):
        world.later(HOUR, "access", "chat")
    assert (*ALICE, "prod-fix") in world.cloud.written()
    assert "remove" not in [operation for operation, _ in writes(world)]


def test_removing_an_altered_policy_revokes_its_grant(world: World) -> None:
    grant, found = altered(world)
    decided(decide(world, found, Fate.REMOVED, code=False))
    settled(world)
    ended = world.grant(grant.id)
    assert (ended.status, ended.end_reason, ended.ended_by) == (GrantStatus.ENDED, EndReason.REVOKED, "sam")
    assert world.cloud.written() == {}
    assert stray(world, found.id).settled_at is not None


def test_removed_is_said_only_once_it_was_observed_absent(world: World) -> None:
    found = planted(world)
    world.cloud.lag = timedelta(seconds=30)
    decided(decide(world, found, Fate.REMOVED, code=False))
    world.run()
    assert stray(world, found.id).settled_at is None
    for _ in range(8):
        world.later(timedelta(seconds=10))
    assert stray(world, found.id).settled_at is not None


@pytest.mark.parametrize("fault", [Fault.THROTTLED, Fault.TIMED_OUT, Fault.TIMED_OUT_AFTER, Fault.REFUSED])
def test_whatever_the_cloud_answers_it_is_removed_in_the_end(world: World, fault: Fault) -> None:
    found = planted(world)
    world.cloud.fail("remove", fault, 3)
    decided(decide(world, found, Fate.REMOVED, code=False))
    for _ in range(6):
        world.later(MINUTE)
    assert world.cloud.written() == {}
    assert stray(world, found.id).settled_at is not None


# --- adopt -----------------------------------------------------------------------------------------------


def test_what_is_adopted_is_a_grant_with_an_end_under_a_name_of_its_own(world: World) -> None:
    found = planted(world)
    adopted = decided(decide(world, found, Fate.ADOPTED))
    settled(world)
    grant = world.grant(adopted.grant_id)
    request = world.request(grant.request_id)
    assert (grant.status, grant.person, grant.principal) == (GrantStatus.ACTIVE, "alice", "user/alice")
    assert grant.expires_at - grant.starts_at == HOUR
    assert (request.decided_by, grant.digest) == ("sam", request.digest())
    assert request.approvals[0].stepped_up_at is not None
    assert set(world.cloud.written()) == {(*ALICE, grant.id)}
    assert world.is_effective(grant)
    assert stray(world, found.id).settled_at is not None
    world.later(HOUR)
    assert world.grant(grant.id).end_reason is EndReason.EXPIRED
    assert world.cloud.written() == {}
    looked(world)
    assert strays(world) == ()
    assert ledger.verify(world.store).ok


def test_its_own_end_counts_where_it_comes_sooner(world: World) -> None:
    end = (world.clock.now() + 40 * MINUTE).replace(microsecond=0)
    found = planted(world, text=with_end(end))
    adopted = decided(decide(world, found, Fate.ADOPTED))
    grant = world.grant(adopted.grant_id)
    assert end - timedelta(seconds=1) <= grant.expires_at <= end
    assert "CurrentTime" not in grant.policy


def test_the_old_policy_and_its_block_are_gone_before_the_new_one_is_put(world: World) -> None:
    found = planted(world)
    adopted = decided(decide(world, found, Fate.ADOPTED))
    settled(world)
    assert writes(world)[-3:] == [("remove", "prod-fix"), ("remove", found.quarantine), ("grant", adopted.grant_id)]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (PLANTED.replace('"Action"', '"NotAction"'), "everything but"),
        (PLANTED.replace('"Resource"', '"NotResource"'), "everything but"),
        (PLANTED.replace("Allow", "Deny"), "allows nothing"),
    ],
)
def test_what_prodaccess_would_never_grant_cannot_be_adopted_and_the_card_does_not_offer_it(
    world: World, text: str, why: str
) -> None:
    found = planted(world, text=text)
    outcome = decide(world, found, Fate.ADOPTED)
    assert isinstance(outcome, Refusal)
    assert why in outcome.text
    assert why in cards(world)[0][-1].not_offered
    assert stray(world, found.id).fate is None


def test_what_has_ended_by_itself_cannot_be_adopted(world: World) -> None:
    found = planted(world, text=with_end(world.clock.now() - HOUR))
    assert refusal(decide(world, found, Fate.ADOPTED)) == "late"
    assert "grant.scheduled" not in world.tags()


def test_what_nobody_has_cannot_be_adopted_but_removed(world: World) -> None:
    found = planted(world)
    world.without(people="alice")
    assert refusal(decide(world, found, Fate.ADOPTED)) == "policy"
    assert refusal(decide(world, found, Fate.RESTORED)) == "policy"
    decided(decide(world, found, Fate.REMOVED, code=False))
    settled(world)
    assert world.cloud.written() == {}


def test_a_new_grant_that_cannot_be_made_ends_as_failed_and_the_stray_is_settled(world: World) -> None:
    found = planted(world)
    world.cloud.fail("grant", Fault.REFUSED)
    adopted = decided(decide(world, found, Fate.ADOPTED))
    settled(world)
    assert world.grant(adopted.grant_id).end_reason is EndReason.FAILED
    assert world.cloud.written() == {}
    assert stray(world, found.id).settled_at is not None


def test_what_is_adopted_ends_on_time_though_the_cloud_was_away_all_the_while(world: World) -> None:
    found = planted(world)
    adopted = decided(decide(world, found, Fate.ADOPTED))
    world.cloud.fail("remove", Fault.TIMED_OUT, 200)
    for _ in range(61):
        world.later(MINUTE)
    assert world.grant(adopted.grant_id).end_reason is EndReason.EXPIRED
    world.cloud.heal()
    settled(world)
    assert world.cloud.written() == {}
    assert stray(world, found.id).settled_at is not None


# --- restore ---------------------------------------------------------------------------------------------


def test_restoring_puts_back_exactly_what_was_approved(world: World) -> None:
    grant, found = altered(world)
    decided(decide(world, found, Fate.RESTORED))
    settled(world)
    assert world.cloud.observe(permission(world, grant)).as_asked
    assert set(world.cloud.written()) == {(*ALICE, grant.id)}
    assert world.is_effective(grant)
    assert world.grant(grant.id).expires_at == grant.expires_at
    assert stray(world, found.id).settled_at is not None


def test_restoring_makes_room_where_there_is_none(world: World) -> None:
    grant, found = altered(world)
    world.cloud.fail("grant", Fault.REFUSED)
    decided(decide(world, found, Fate.RESTORED))
    settled(world)
    assert world.cloud.observe(permission(world, grant)).as_asked
    assert writes(world)[-4:-1] == [("remove", grant.id), ("remove", found.quarantine), ("grant", grant.id)]


def test_a_grant_that_ends_while_it_is_restored_leaves_nothing(world: World) -> None:
    grant, found = altered(world)

    def release(call: Call, done: bool) -> None:
        if call.operation == "grant" and not done:
            world.around = lambda *_: None
            world.access.release(grant.id, world.person("alice"), actor("alice"))
            for claim in world.store.claim("cloud", 1, LEASE):
                world.runner.run(claim)

    world.around = release
    decided(decide(world, found, Fate.RESTORED))
    settled(world)
    assert world.grant(grant.id).end_reason is EndReason.RELEASED
    assert world.cloud.written() == {}
    assert stray(world, found.id).settled_at is not None


def test_nothing_is_restored_while_the_clocks_differ(world: World) -> None:
    grant, found = altered(world)
    decided(decide(world, found, Fate.RESTORED))
    world.database_clock.own = _Ahead(world.clock, MINUTE)
    world.database_clock.measure()
    settled(world)
    assert stray(world, found.id).settled_at is None
    assert not world.is_effective(grant)
    world.database_clock.own = world.clock
    world.database_clock.measure()
    settled(world)
    assert world.is_effective(grant)
    assert stray(world, found.id).settled_at is not None


@dataclass(frozen=True)
class _Ahead:
    """A machine's clock that was put forward."""

    clock: FakeClock
    by: timedelta

    def now(self) -> datetime:
        return self.clock.now() + self.by


def test_what_has_ended_is_not_restored(world: World) -> None:
    grant, found = altered(world)
    world.access.release(grant.id, world.person("alice"), actor("alice"))
    assert refusal(decide(world, found, Fate.RESTORED)) == "late"
    settled(world)
    assert world.cloud.written().keys() <= {(*ALICE, found.quarantine)}


# --- who may, and how often ------------------------------------------------------------------------------


@pytest.mark.parametrize("fate", BOTH)
def test_only_an_admin_decides_and_the_attempt_is_logged(world: World, fate: Fate) -> None:
    found = planted(world)
    assert refusal(decide(world, found, fate, by="mona")) == "policy"
    assert (world.log()[-1]["tag"], world.log()[-1]["actor"]["id"]) == ("stray.refused", "mona")
    assert stray(world, found.id).fate is None


def test_no_admin_adopts_or_restores_their_own_access(world: World) -> None:
    found = planted(world, where=("payments", "user/sam"))
    assert refusal(decide(world, found, Fate.ADOPTED)) == "separation"
    decided(decide(world, found, Fate.REMOVED, code=False))


def test_nor_that_of_their_other_self(world: World) -> None:
    _, found = altered(world)
    world.change_person("alice", email="SAM@example.com")
    assert refusal(decide(world, found, Fate.RESTORED)) == "separation"


@pytest.mark.parametrize("code", ["", "000000", "12345"])
def test_a_wrong_code_decides_nothing(world: World, code: str) -> None:
    found = planted(world)
    outcome = world.strays.decide(found.id, Fate.ADOPTED, world.person("sam"), actor("sam"), code)
    assert refusal(outcome) == WRONG_CODE
    assert stray(world, found.id).fate is None


def test_a_code_that_was_typed_for_something_else_adopts_nothing(world: World) -> None:
    found = planted(world)
    world.prove("sam", "another digest")
    used = code_at(secret_of("sam"), world.clock.now())
    outcome = world.strays.decide(found.id, Fate.ADOPTED, world.person("sam"), actor("sam"), used)
    assert refusal(outcome) == WRONG_CODE


def test_what_was_rewritten_after_the_admin_looked_is_not_adopted(world: World) -> None:
    found = planted(world)
    verify = world.codes.verify

    def rewritten(*_: object) -> object:
        proof = verify(*_)  # type: ignore[arg-type]
        world.cloud.plant(*ALICE, "prod-fix", PLANTED.replace("s3:*", "ec2:*"))
        looked(world)
        return proof

    access = replace(world.access, codes=_Codes(rewritten))
    use_cases = replace(world.strays, looking=replace(world.looking, access=access))
    outcome = use_cases.decide(found.id, Fate.ADOPTED, world.person("sam"), actor("sam"), world.code("sam"))
    assert refusal(outcome) == "changed"
    assert stray(world, found.id).fate is None


def test_a_reset_of_the_admins_authenticator_takes_the_proof_with_it(world: World) -> None:
    found = planted(world)
    verify = world.codes.verify

    def reset(*_: object) -> object:
        proof = verify(*_)  # type: ignore[arg-type]
        with world.store.transaction() as tx:
            tx.forget_step_ups("sam")
        return proof

    access = replace(world.access, codes=_Codes(reset))
    use_cases = replace(world.strays, looking=replace(world.looking, access=access))
    outcome = use_cases.decide(found.id, Fate.ADOPTED, world.person("sam"), actor("sam"), world.code("sam"))
    assert refusal(outcome) == "step-up"
    assert stray(world, found.id).fate is None


class _Codes:
    """Codes with something that happens while one is verified."""

    def __init__(self, verify: Callable[..., object]) -> None:
        self.verify = verify


def test_a_second_click_says_what_was_decided_and_changes_nothing(world: World) -> None:
    found = planted(world)
    decided(decide(world, found, Fate.REMOVED, code=False))
    for fate in BOTH:
        outcome = decide(world, found, fate)
        assert isinstance(outcome, Refusal)
        assert (outcome.code, "removed, by sam" in outcome.text) == ("late", True)
    settled(world)
    assert refusal(decide(world, found, Fate.REMOVED)) == "late"
    assert world.tags("stray.").count("stray.decided") == 1


def test_of_many_clicks_at_once_one_decides(crowded_world: World) -> None:
    world = crowded_world
    found = planted(world)
    code = world.code("sam")
    calls = [
        lambda fate=fate: world.strays.decide(found.id, fate, world.catalogue.people["sam"], actor("sam"), code)
        for fate in BOTH * 4
    ]
    outcomes = at_once(calls)
    assert sum(isinstance(outcome, Stray) for outcome in outcomes) == 1
    assert world.tags("stray.").count("stray.decided") == 1
    settled(world)
    assert (*ALICE, "prod-fix") not in world.cloud.written()


# --- whatever dies meanwhile -----------------------------------------------------------------------------


class Died(BaseException):
    """The process is gone."""


@pytest.mark.parametrize("fate", list(Fate)[:3])
@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("nth", range(1, 6))
def test_dying_at_any_call_leaves_what_the_next_start_finishes(world: World, fate: Fate, after: bool, nth: int) -> None:
    grant, found = altered(world) if fate is Fate.RESTORED else (None, planted(world))
    outcome = decided(decide(world, found, fate))
    calls = 0

    def die(_: Call, done: bool) -> None:
        nonlocal calls
        calls += done is after
        if calls == nth and done is after:
            calls += 1000
            raise Died

    world.around = die
    try:
        world.run()
    except Died:
        world.clock.move(LEASE)
    world.around = lambda *_: None
    settled(world)
    assert stray(world, found.id).settled_at is not None
    live = grant.id if grant else outcome.grant_id
    assert set(world.cloud.written()) == ({(*ALICE, live)} if fate is not Fate.REMOVED else set())
    assert world.tags("stray.").count("stray.settled") == 1


def test_a_block_put_by_a_worker_that_was_too_late_is_lifted_again(world: World) -> None:
    found = planted(world)
    decided(decide(world, found, Fate.REMOVED, code=False))
    settled(world)
    world.cloud.deny(world.catalogue.accounts["payments"], "user/alice", found.quarantine, found.text)
    looked(world)
    assert world.cloud.written() == {}
    assert strays(world) == ()
