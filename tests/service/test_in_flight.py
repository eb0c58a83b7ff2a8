"""access.yaml changes under open requests: each is looked at anew, at the click and at the grant."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from bot.core.model import EndReason, GrantStatus, RequestStatus, Statement
from bot.core.rules import Stage, TicketRule
from tests.core.examples import HOUR, actor
from tests.service.world import World, done, refused

Edit = Callable[[World], object]


def leave_group(world: World) -> None:
    world.change_person("alice", groups=frozenset())


EDITS: dict[str, tuple[Edit, str]] = {
    "the requester left the group": (leave_group, "no role"),
    "their identity is another": (lambda w: w.change_person("alice", identities={"payments": "user/x"}), "identity"),
    "they have none there": (lambda w: w.change_person("alice", identities={}), "Not offered"),
    "the role permits something else": (
        lambda w: w.change_role("s3-read", statements=(Statement(("s3:*",), ("*",)),)),
        "permissions have changed",
    ),
    "it is for a shorter time": (lambda w: w.change_role("s3-read", longest=HOUR / 2), "not within"),
    "it is for other work": (lambda w: w.change_role("s3-read", work=("incident",)), "kind of work"),
    "a parameter is narrower": (
        lambda w: w.change_role(
            "s3-read", parameters=(replace(w.catalogue.roles["s3-read"].parameters[0], pattern="other"),)
        ),
        "must be",
    ),
    "a ticket is wanted": (lambda w: w.change_role("s3-read", ticket=TicketRule("PAY-[0-9]+")), "ticket"),
}


def edited(world: World, edit: Edit) -> None:
    edit(world)
    world.catalogue = replace(world.catalogue, digest="catalogue-2")


@pytest.mark.parametrize(("edit", "says"), EDITS.values(), ids=EDITS)
def test_a_click_under_the_new_catalogue_approves_nothing_that_it_does_not_offer(
    world: World, edit: Edit, says: str
) -> None:
    request_id = world.asked()
    edited(world, edit)
    refusal = refused(world.approve(request_id))
    assert refusal.code == "policy"
    assert says in refusal.text
    assert world.request(request_id).status is RequestStatus.PENDING
    assert world.cloud_calls() == []
    done(world.access.deciding.deny(request_id, world.person("otto"), "Ask again.", actor("otto")))


@pytest.mark.parametrize(("edit", "says"), EDITS.values(), ids=EDITS)
def test_a_grant_that_was_approved_under_the_old_catalogue_is_not_made_under_the_new(
    world: World, edit: Edit, says: str
) -> None:
    grant = world.scheduled()
    edited(world, edit)
    world.run()
    ended = world.grant(grant.id)
    assert (ended.status, ended.end_reason) == (GrantStatus.ENDED, EndReason.FAILED)
    assert says in ended.end_note
    assert not world.cloud.held()


def test_an_approver_who_is_none_by_the_new_catalogue_approves_nothing(world: World) -> None:
    request_id = world.asked()
    edited(world, lambda w: w.change_role("s3-read", stages=(Stage(people=frozenset({"sam"})),)))
    assert "may not approve" in refused(world.approve(request_id, "otto")).text
    assert "was not an approver when this was asked" in refused(world.approve(request_id, "sam")).text


@pytest.mark.parametrize("stage", [Stage(people=frozenset({"sam"})), Stage(manager=True, quorum=2)])
def test_an_approval_that_is_not_enough_by_the_new_catalogue_grants_nothing(world: World, stage: Stage) -> None:
    grant = world.scheduled()
    edited(world, lambda w: w.change_role("s3-read", stages=(stage,)))
    world.run()
    assert world.grant(grant.id).end_reason is EndReason.FAILED


def test_what_did_not_change_for_a_request_goes_on_and_keeps_the_digest_that_it_was_asked_under(world: World) -> None:
    request_id = world.asked()
    edited(world, lambda w: w.change_role("vault", longest=HOUR))
    (made,) = done(world.approve(request_id)).grants
    world.run()
    assert world.grant(made.id).status is GrantStatus.ACTIVE
    assert world.request(request_id).catalogue_digest == "catalogue-1"


def test_what_is_live_already_stays_until_its_end_or_somebody_s_word(world: World) -> None:
    grant = world.granted()
    edited(world, leave_group)
    world.run()
    assert world.is_effective(grant)
    world.later(2 * HOUR)
    assert world.grant(grant.id).end_reason is EndReason.EXPIRED
