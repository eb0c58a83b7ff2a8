"""Access is made longer once, by a request of its own; what was to go on ends with what it goes on from."""

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.core.decisions import AHEAD, Outcome, Refusal
from bot.core.model import EndReason, Grant, GrantStatus, RequestStatus
from bot.core.policy import Verdict
from bot.core.rules import BreakGlass, Extension
from bot.service.cards import Notice
from bot.service.extending import Extendable, Extending
from tests.core.examples import HOUR, MINUTE, actor
from tests.service.world import World, done, refused

SILENT, APPROVED = Extension(HOUR, approval=False), Extension(HOUR)
SECOND = timedelta(seconds=1)


def held(world: World, rule: Extension = SILENT, **asked: object) -> Grant:
    """Alice's access for an hour, in the cloud; everything was told."""
    world.change_role("s3-read", extend=rule)
    grant = world.granted(**asked)
    world.run("chat")
    return grant


def extended(world: World, grant: Grant) -> tuple[Outcome, str]:
    """What becomes of asking to go on from it as is offered, and the request's id."""
    found = Extending(world.access).of(grant.id, world.person("alice"))
    assert isinstance(found, Extendable), found
    draft = world.drafted(found.ask)
    return world.access.submit(draft, world.person("alice"), actor("alice")), draft.id


def gone_on(world: World, grant: Grant) -> Grant:
    """The grant that goes on from it, by a code alone."""
    (made,) = done(extended(world, grant)[0]).grants
    return made


def until(world: World, moment: Grant, before: timedelta) -> None:
    """Move the clock to that long before the grant's end, and do what is due."""
    world.later(moment.expires_at - before - world.clock.now())


def told(world: World) -> list[str]:
    """What Alice was told in notices, in order."""
    return [m.shows[-1].what for m in world.chat.to("@U1") if isinstance(m.shows[-1], Notice)]


def test_by_a_code_alone_it_begins_where_the_other_ends(world: World) -> None:
    old = held(world)
    new = gone_on(world, old)
    assert (new.starts_at, new.expires_at) == (old.expires_at, old.expires_at + HOUR)
    assert [a.person for a in world.request(new.request_id).approvals] == []


def test_there_is_no_moment_without_it_and_none_before_its_time(world: World) -> None:
    old = held(world)
    new = gone_on(world, old)
    until(world, old, AHEAD + SECOND)
    assert not world.is_written(new)
    until(world, old, AHEAD)
    assert world.is_written(new)
    until(world, old, SECOND)
    assert (world.is_effective(old), world.is_effective(new)) == (True, False)
    world.clock.move(SECOND)
    assert (world.is_effective(old), world.is_effective(new)) == (False, True)
    world.run()
    assert not world.is_written(old)
    assert world.grant(new.id).status is GrantStatus.ACTIVE


def test_where_the_role_says_so_it_waits_for_a_fresh_yes(world: World) -> None:
    old = held(world, APPROVED)
    outcome, request = extended(world, old)
    assert done(outcome).grants == ()
    assert world.request(request).status is RequestStatus.PENDING
    (new,) = done(world.approve(request)).grants
    assert new.starts_at == old.expires_at


def test_it_takes_a_code_for_exactly_this(world: World) -> None:
    old = held(world)
    found = Extending(world.access).of(old.id, world.person("alice"))
    assert isinstance(found, Extendable)
    draft = world.access.draft(world.person("alice"), found.ask)
    assert not isinstance(draft, Verdict)
    world.prove("alice", "something else")
    assert refused(world.access.submit(draft, world.person("alice"), actor("alice"))).code == "step-up"


@pytest.mark.parametrize("rule", [SILENT, APPROVED])
def test_it_is_made_longer_once(world: World, rule: Extension) -> None:
    old = held(world, rule)
    extended(world, old)
    again = Extending(world.access).of(old.id, world.person("alice"))
    assert isinstance(again, Refusal)
    assert "made longer once" in again.text


def test_two_at_once_make_it_longer_once(world: World) -> None:
    old = held(world)
    found = Extending(world.access).of(old.id, world.person("alice"))
    assert isinstance(found, Extendable)
    drafts = [world.drafted(found.ask) for _ in range(2)]
    one, other = (world.access.submit(draft, world.person("alice"), actor("alice")) for draft in drafts)
    done(one)
    assert "made longer once" in refused(other).text


def test_what_makes_longer_is_not_made_longer_itself(world: World) -> None:
    old = held(world)
    new = gone_on(world, old)
    until(world, old, timedelta(0))
    assert isinstance(Extending(world.access).of(new.id, world.person("alice")), Refusal)
    verdict = world.access.judge(world.person("alice"), replace(world.request(new.request_id).ask, extends=new.id))
    assert "It was made longer once; ask for it anew." in [reason.text for reason in verdict.refusals]


def test_nobody_else_makes_it_longer(world: World) -> None:
    old = held(world)
    found = Extending(world.access).of(old.id, world.person("bob"))
    assert isinstance(found, Refusal)
    assert found.code == "unknown"


def test_what_was_had_by_breaking_glass_goes_on_only_with_a_yes(world: World) -> None:
    world.change_role("s3-read", extend=SILENT, break_glass=BreakGlass(HOUR))
    draft = world.drafted(replace(world.request(world.asked()).ask, break_glass=True))
    (glass,) = done(world.access.submit(draft, world.person("alice"), actor("alice"))).grants
    world.run()
    outcome, request = extended(world, world.grant(glass.id))
    assert done(outcome).grants == ()
    assert world.request(request).status is RequestStatus.PENDING


# --- what it goes on from is stopped ----------------------------------------------------------------------


def release(world: World, grant: Grant) -> None:
    done(world.access.release(grant.id, world.person("alice"), actor("alice")))


def revoke(world: World, grant: Grant) -> None:
    done(world.access.revoke(grant.id, world.person("sam"), actor("sam"), "Enough."))


@pytest.mark.parametrize(("stop", "how"), [(release, "was released"), (revoke, "was revoked")])
def test_what_was_to_go_on_ends_at_once_and_says_why(world: World, stop: object, how: str) -> None:
    old = held(world)
    new = gone_on(world, old)
    stop(world, old)  # type: ignore[operator]
    world.run()
    ended = world.grant(new.id)
    assert (ended.status, ended.granted_at) == (GrantStatus.ENDED, None)
    assert ended.end_note == f"The access that this goes on from {how}."
    until(world, old, timedelta(0))
    assert not world.is_written(new)


def test_what_waits_for_a_yes_is_cancelled_and_says_why(world: World) -> None:
    old = held(world, APPROVED)
    _, request = extended(world, old)
    release(world, old)
    world.run()
    cancelled = world.request(request)
    assert (cancelled.status, cancelled.decided_by) == (RequestStatus.CANCELLED, "prodaccess")
    assert cancelled.decision_note == "The access that this goes on from was released."


def test_what_is_there_already_in_the_last_seconds_is_taken_away_too(world: World) -> None:
    old = held(world)
    new = gone_on(world, old)
    until(world, old, AHEAD)
    assert world.is_written(new)
    release(world, old)
    world.run()
    assert not world.is_written(new)
    assert world.grant(new.id).status is GrantStatus.ENDED


def test_the_end_by_its_time_stops_nothing(world: World) -> None:
    old = held(world)
    gone_on(world, old)
    until(world, old, timedelta(0))
    with world.store.transaction() as tx:
        assert not tx.is_enqueued(f"follow:{old.id}")


def test_it_does_not_begin_where_the_other_was_stopped_and_nothing_followed_yet(world: World) -> None:
    old = held(world)
    new = gone_on(world, old)
    release(world, old)
    with world.store.transaction() as tx:
        tx.cancel([f"follow:{old.id}"])
    until(world, old, timedelta(0))
    ended = world.grant(new.id)
    assert (ended.status, ended.end_reason) == (GrantStatus.ENDED, EndReason.FAILED)
    assert "It is not live any more" in ended.end_note


# --- what its holder hears ---------------------------------------------------------------------------------


def test_its_holder_hears_that_it_goes_on_and_neither_of_an_end_nor_of_a_beginning(world: World) -> None:
    old = held(world)
    new = gone_on(world, old)
    world.run("chat")
    for before in (10 * MINUTE, AHEAD, timedelta(0)):
        until(world, old, before)
        world.run("chat")
    assert told(world) == ["active", "goes-on"]
    until(world, new, 10 * MINUTE)
    world.run("chat")
    until(world, new, timedelta(0))
    world.run("chat")
    assert told(world) == ["active", "goes-on", "reminder", "ended"]


def test_where_it_does_not_go_on_after_all_the_end_is_told(world: World) -> None:
    old = held(world)
    new = gone_on(world, old)
    world.run("chat")
    revoke(world, new)
    world.run("chat")
    until(world, old, 10 * MINUTE)
    world.run("chat")
    until(world, old, timedelta(0))
    world.run("chat")
    assert told(world) == ["active", "goes-on", "ended", "reminder", "ended"]


def test_an_approval_after_the_end_begins_then_and_is_told_as_a_beginning(world: World) -> None:
    old = held(world, APPROVED)
    _, request = extended(world, old)
    until(world, old, -MINUTE)
    (new,) = done(world.approve(request)).grants
    assert new.starts_at == world.clock.now()
    world.run()
    world.run("chat")
    assert "goes-on" not in told(world)
    assert told(world)[-1] == "active"


def test_it_is_offered_while_it_can_be_had(world: World) -> None:
    old = held(world)

    def offered() -> bool:
        notice = world.queries.notice("reminder", old.id)
        assert notice is not None
        return notice.extendable

    assert offered()
    world.change_role("s3-read", extend=None)
    assert not offered()
    world.change_role("s3-read", extend=SILENT)
    gone_on(world, old)
    assert not offered()
