"""Several targets in one request: given, told of and stopped together."""

from dataclasses import replace
from datetime import timedelta
from types import SimpleNamespace
from typing import cast

from bot.core.model import EndReason, Grant, GrantStatus, Item
from bot.core.rules import Stage
from bot.providers.fake import Fault
from bot.service.cards import Notice
from bot.service.operations import operator, revoke_now
from bot.service.records import Draft
from bot.slack.asking import needs_code
from bot.slack.replies import Caller
from tests.core.examples import ASK, MINUTE, actor
from tests.service.test_unrecorded import log_full
from tests.service.world import World, done, refused

THREE = (
    Item("s3-read", "search", {"bucket": "payments-logs"}),
    Item("deploy", "search", {}),
)


def given(world: World, *approvers: str) -> tuple[str, tuple[Grant, ...]]:
    """Asked for, approved, and active where nothing went wrong."""
    request = world.asked(more=THREE)
    for each in approvers or ("mona",):
        done(world.approve(request, each))
    world.run()
    return request, world.grants(request)


def statuses(world: World, request: str) -> set[GrantStatus]:
    return {grant.status for grant in world.grants(request)}


def told(world: World) -> list[tuple[str, int]]:
    """What alice was told once, and of how many targets."""
    world.run("chat")
    cards = [message.shows[-1] for message in world.chat.to("@U1")]
    return [(card.what, len(card.targets)) for card in cards if isinstance(card, Notice)]


def test_each_target_has_its_grant_and_people_hear_once_of_each_thing(world: World) -> None:
    request, grants = given(world)
    assert statuses(world, request) == {GrantStatus.ACTIVE}
    assert all(world.is_effective(grant) for grant in grants)
    assert told(world) == [("active", 3)]
    world.later(50 * MINUTE)
    assert told(world) == [("active", 3), ("reminder", 3)]
    world.later(10 * MINUTE)
    assert statuses(world, request) == {GrantStatus.ENDED}
    assert told(world) == [("active", 3), ("reminder", 3), ("ended", 3)]


def test_one_that_cannot_be_given_takes_the_others_with_it(world: World) -> None:
    world.cloud.fail("grant", Fault.REFUSED)
    _, grants = given(world)
    assert {grant.end_reason for grant in grants} == {EndReason.FAILED}
    assert world.cloud.held() == {}
    assert told(world) == [("ended", 3)]


def test_the_holder_releases_all_of_it_by_the_requests_id_and_one_by_its_own(world: World) -> None:
    request, grants = given(world)
    alice, bob = world.person("alice"), world.person("bob")
    assert refused(world.access.release(request, bob, actor("bob"))).code == "policy"
    done(world.access.release(grants[0].id, alice, actor("alice")))
    assert [str(grant.status) for grant in world.grants(request)] == ["revoking", "active", "active"]
    done(world.access.release(request, alice, actor("alice")))
    world.run()
    assert world.cloud.held() == {}
    assert refused(world.access.release(request, alice, actor("alice"))).text == "This access has ended."
    assert refused(world.access.release("r-none", alice, actor("alice"))).code == "unknown"


def test_whoever_may_revoke_only_some_of_it_stops_those_and_an_admin_the_rest(world: World) -> None:
    world.change_role("deploy", stages=(Stage(people=frozenset({"sam"})),))
    request, _ = given(world, "mona", "sam")
    mona, sam = world.person("mona"), world.person("sam")
    assert [grant.role for grant in world.access.stopping.revocable(request, mona)] == ["s3-read", "s3-read"]
    done(world.access.revoke(request, mona, actor("mona"), "Odd traffic."))
    world.run()
    assert {grant.role: str(grant.status) for grant in world.grants(request)} == {
        "s3-read": "ended",
        "deploy": "active",
    }
    assert refused(world.access.revoke(request, mona, actor("mona"), "The rest too.")).code == "policy"
    done(world.access.revoke(request, sam, actor("sam"), "The rest too."))
    world.run()
    assert world.cloud.held() == {}
    assert {grant.end_note for grant in world.grants(request)} == {"Odd traffic.", "The rest too."}


def test_an_operator_revokes_a_request_and_sees_each_of_its_grants_through(world: World) -> None:
    request, grants = given(world)
    ended = dict(revoke_now(world.access, world.runner, [request], operator(), "Stop.", patience=timedelta(seconds=5)))
    assert ended == {grant.id: "ended: revoked, observed absent" for grant in grants}


def test_where_nothing_can_be_written_all_of_it_is_taken_away_and_recorded_later(world: World) -> None:
    request, _ = given(world)
    with log_full(world):
        outcome = world.access.release(request, world.person("alice"), actor("alice"))
        assert refused(outcome).code == "unrecorded"
        assert world.cloud.held() == {}
        assert statuses(world, request) == {GrantStatus.ACTIVE}
    assert world.access.stops.settle() == 0
    world.run()
    assert {grant.end_reason for grant in world.grants(request)} == {EndReason.RELEASED}


def test_the_cloud_is_asked_once_for_each_principal_what_it_thinks_of_all_of_it(world: World) -> None:
    draft = world.drafted(replace(world.request(world.asked()).ask, more=THREE))
    asked: list[tuple[str, ...]] = []

    def preflight(*permissions: object) -> tuple[str, ...]:
        asked.append(tuple(permission.principal for permission in permissions))  # type: ignore[attr-defined]
        return ()

    world.cloud.preflight = preflight  # type: ignore[assignment]
    assert world.access.preflight(draft, world.person("alice")) == ()
    assert sorted(asked) == [("role/alice", "role/alice"), ("user/alice",)]


def test_a_code_is_asked_for_where_any_of_its_roles_wants_one(world: World) -> None:
    access, alice = world.access, world.person("alice")
    caller = cast(Caller, SimpleNamespace(desk=SimpleNamespace(access=access), person=alice))
    free = replace(ASK, role="deploy", params={}, more=(Item("deploy", "search", {}),))
    for more, wanted in (((), False), (THREE[:1], True)):
        draft = access.draft(alice, replace(free, more=(*free.more, *more)))
        assert isinstance(draft, Draft)
        assert needs_code(caller, draft) is wanted


def test_several_targets_that_are_about_to_end_are_one_thing_to_be_told(world: World) -> None:
    request, _ = given(world)
    alone, alice = world.granted(), world.person("alice")
    told(world)
    done(world.access.release(alone.id, alice, actor("alice")))
    world.run()
    done(world.access.release(request, alice, actor("alice")))
    assert told(world)[-1] == ("ended", 0), "it waits for no digest"
