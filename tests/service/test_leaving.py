from dataclasses import replace
from datetime import timedelta

import pytest

from bot.core.model import GrantStatus, RequestStatus
from bot.service import leaving
from bot.service.cards import AlertCard
from bot.service.effects import Runner, Worker
from bot.service.leaving import FEW, LOOK_EVERY, STALE
from bot.service.records import NO_SUCH_ADDRESS, ChatUser
from bot.service.resetting import stop_person
from tests.core.examples import ASK, HOUR, NOW, actor
from tests.service.world import TEAM, World, at_once

GONE = "This Slack account is deactivated."
GUEST = "Guests may not use prodaccess."


def left(world: World) -> list[dict]:
    """What the log says about people who left."""
    return [record for record in world.log() if record["tag"] == "person.left"]


def told(world: World) -> list[str]:
    """What the security channel was told about people who left."""
    world.run("chat")
    return [message.key for message in world.chat.to(world.catalogue.security_channel) if "left:" in message.key]


def start_looking(world: World) -> None:
    world.leaving.keep_looking()
    world.run()


def test_who_is_deactivated_loses_requests_and_grants_whether_they_have_begun_or_not(world: World) -> None:
    active, pending = world.granted(), world.asked(reason="Something else that is broken.")
    scheduled = world.scheduled(start_at=world.clock.now() + HOUR)
    world.directory.change("U1", refused=GONE)
    leaving.note(world.store, "U1")
    world.run()
    request = world.request(pending)
    assert (request.status, request.decided_by) == (RequestStatus.CANCELLED, "prodaccess")
    for grant in (world.grant(active.id), world.grant(scheduled.id)):
        assert (grant.status, str(grant.end_reason), grant.ended_by) == (GrantStatus.ENDED, "revoked", "prodaccess")
        assert GONE in grant.end_note
    assert GONE in request.decision_note
    assert not world.cloud.held()
    (record,) = left(world)
    assert record["person"] == "alice"
    assert record["actor"]["kind"] == "system"
    assert set(record["data"]["ends"]) == {active.id, scheduled.id, pending}
    assert record["data"]["why"] == GONE


def test_the_log_and_the_security_channel_hear_of_it_once_however_often_it_is_said(world: World) -> None:
    world.granted()
    world.directory.change("U1", refused=GONE)
    start_looking(world)
    for _ in range(3):
        leaving.note(world.store, "U1")
        world.run()
    world.later(LOOK_EVERY)
    assert len(left(world)) == len(told(world)) == 1
    assert len(world.tags("grant.revoking")) == len(world.tags("grant.ended")) == 1


def test_what_is_still_being_stopped_is_not_told_again(world: World) -> None:
    grant = world.granted()
    world.directory.change("U1", refused=GONE)
    for _ in range(2):
        leaving.note(world.store, "U1")
        world.worker.run_due("people")
    assert world.grant(grant.id).status is GrantStatus.ACTIVE, "nobody has run what stops it"
    assert len(left(world)) == 1
    world.run()
    assert world.grant(grant.id).status is GrantStatus.ENDED


def test_an_account_that_is_in_order_loses_nothing(world: World) -> None:
    grant, pending = world.granted(), world.asked(requester="bob")
    leaving.note(world.store, "U1")
    start_looking(world)
    world.later(LOOK_EVERY)
    assert world.grant(grant.id).status is GrantStatus.ACTIVE
    assert world.request(pending).status is RequestStatus.PENDING
    assert not left(world)


def test_who_has_nothing_to_lose_leaves_without_a_word(world: World) -> None:
    world.directory.change("U1", refused=GONE)
    leaving.note(world.store, "U1")
    world.run()
    assert not left(world)
    assert not told(world)


def test_the_directory_counts_and_not_what_the_event_said(world: World) -> None:
    """It is asked anew: what it said a minute ago does not count either."""
    grant = world.granted()
    world.directory.change("U1", refused=GONE)
    leaving.note(world.store, "U1")
    world.directory.change("U1", refused="")
    world.run()
    assert world.grant(grant.id).status is GrantStatus.ACTIVE
    assert world.directory.asked == ["U1"]


@pytest.mark.parametrize("way", ["event", "look"])
def test_nobody_loses_anything_because_the_directory_does_not_answer(world: World, way: str) -> None:
    grant = world.granted()
    start_looking(world)
    world.directory.change("U1", refused=GONE)
    world.directory.down = True
    if way == "event":
        leaving.note(world.store, "U1")
    for _ in range(5):
        world.later(LOOK_EVERY)
    assert world.grant(grant.id).status is GrantStatus.ACTIVE
    assert not left(world)
    world.directory.down = False
    world.later(2 * LOOK_EVERY)
    assert world.grant(grant.id).status is GrantStatus.ENDED
    assert len(left(world)) == 1


def test_who_became_a_guest_without_an_event_is_found_by_the_next_look(world: World) -> None:
    grant = world.granted()
    start_looking(world)
    world.directory.change("U1", refused=GUEST)
    world.later(LOOK_EVERY)
    assert world.grant(grant.id).status is GrantStatus.ENDED
    assert GUEST in world.grant(grant.id).end_note


def test_a_look_asks_only_about_those_who_have_something_to_lose(world: World) -> None:
    world.granted()
    world.asked(requester="bob")
    start_looking(world)
    assert world.directory.asked == ["U1", "U2"]


def test_one_of_several_accounts_that_is_refused_refuses_the_person(world: World) -> None:
    """As the policy has it: such a person's request would not be approved."""
    grant = world.granted()
    world.change_person("alice", slack_ids=frozenset({"U1", "U6"}))
    world.directory.users["U6"] = ChatUser("U6", TEAM, "Alice's other account", refused=GONE)
    start_looking(world)
    assert world.grant(grant.id).status is GrantStatus.ENDED


def test_an_account_that_is_not_there_any_more_counts_as_refused(world: World) -> None:
    grant = world.granted()
    del world.directory.users["U1"]
    start_looking(world)
    assert world.grant(grant.id).status is GrantStatus.ENDED


@pytest.mark.parametrize("way", ["event", "look"])
def test_a_person_known_by_e_mail_only_leaves_too(world: World, way: str) -> None:
    world.change_person("bob", slack_ids=frozenset(), email="Bob@Example.com", manager="mona")
    grant = world.granted(requester="bob")
    if way == "event":
        world.directory.change("U2", refused=GONE)
        leaving.note(world.store, "U2")
    else:
        world.directory.change("U2", refused=GUEST)
    start_looking(world)
    assert world.grant(grant.id).status is GrantStatus.ENDED
    assert [record["person"] for record in left(world)] == ["bob"]


@pytest.mark.parametrize("change", [{"email": "bob.smith@example.com"}, {"refused": GONE}], ids=["changed", "gone"])
def test_whose_address_is_nobody_s_loses_access_as_who_cannot_be_found(world: World, change: dict[str, str]) -> None:
    world.change_person("bob", slack_ids=frozenset(), email="Bob@Example.com", manager="mona")
    grant, pending = world.granted(requester="bob"), world.asked(requester="bob", reason="Something else.")
    world.directory.change("U2", **change)
    start_looking(world)
    ended = world.grant(grant.id)
    assert (ended.status, ended.ended_by) == (GrantStatus.ENDED, "prodaccess")
    assert ended.end_note == f"They cannot be identified in Slack any more. {NO_SUCH_ADDRESS}"
    assert world.request(pending).status is RequestStatus.CANCELLED
    assert not left(world)
    (record,) = [record for record in world.log() if record["tag"] == "person.unidentified"]
    assert (record["person"], record["data"]["account"]) == ("bob", "bob@example.com")
    assert record["data"]["why"] == NO_SUCH_ADDRESS
    (key,) = told(world)
    (card,) = next(message.shows for message in world.chat.messages if message.key == key)
    assert isinstance(card, AlertCard)
    assert "cannot be found in Slack" in card.title


def test_with_the_right_address_or_an_id_in_access_yaml_they_may_ask_again(world: World) -> None:
    world.change_person("bob", slack_ids=frozenset(), manager="mona")
    world.granted(requester="bob")
    world.directory.change("U2", email="bob.smith@example.com")
    start_looking(world)
    world.change_person("bob", slack_ids=frozenset({"U2"}))
    again = world.granted(requester="bob", reason="It is me, under another address.")
    world.later(LOOK_EVERY)
    assert world.grant(again.id).status is GrantStatus.ACTIVE


def test_the_request_of_a_person_whose_address_is_nobody_s_is_not_approved(world: World) -> None:
    world.change_person("bob", slack_ids=frozenset())
    pending = world.asked(requester="bob")
    del world.directory.users["U2"]
    outcome = world.approve(pending, by="otto")
    assert NO_SUCH_ADDRESS in getattr(outcome, "text", "")
    assert world.request(pending).status is RequestStatus.PENDING


def test_who_comes_back_may_ask_again_and_leaves_again_with_a_word(world: World) -> None:
    world.granted()
    world.directory.change("U1", refused=GONE)
    start_looking(world)
    world.directory.change("U1", refused="")
    again = world.granted(reason="I am back, and the export still fails.")
    world.later(LOOK_EVERY)
    assert world.grant(again.id).status is GrantStatus.ACTIVE
    world.directory.change("U1", refused=GONE)
    world.later(LOOK_EVERY)
    assert world.grant(again.id).status is GrantStatus.ENDED
    assert len(left(world)) == len(told(world)) == 2


def test_a_request_that_is_approved_while_its_owner_leaves_ends_all_the_same(world: World) -> None:
    pending = world.asked()
    world.directory.change("U1", refused=GONE)
    leaving.note(world.store, "U1")
    world.worker.run_due("people")
    world.directory.change("U1", refused="")  # the approver's replica remembers what was so a minute ago
    assert not hasattr(world.approve(pending), "code")
    world.run()
    (grant,) = world.grants(pending)
    assert grant.status is GrantStatus.ENDED
    assert not world.cloud.held()


# --- the look itself -------------------------------------------------------------------------------------


def crowd(world: World, size: int) -> None:
    """So many more people in the directory, each with a pending request."""
    people, alice = dict(world.catalogue.people), world.catalogue.people["alice"]
    for number in range(size):
        chat_id, name = f"U1{number:02}", f"person-{number:02}"
        people[name] = replace(alice, id=name, name=name, email=f"{name}@example.com", slack_ids=frozenset({chat_id}))
        world.directory.users[chat_id] = ChatUser(chat_id, TEAM, name, f"{name}@example.com")
    world.catalogue = replace(world.catalogue, people=people)
    asked = world.request(world.asked())
    with world.store.transaction() as tx:
        for number in range(size):
            ask = replace(ASK, requester=f"person-{number:02}")
            tx.save_request(replace(asked, id=f"r-of-{number:02}", ask=ask, version=0))


def test_many_are_looked_up_page_by_page(world: World) -> None:
    crowd(world, FEW + 1)
    world.directory.change("U108", refused=GUEST)
    world.directory.change("U9", refused=GONE)  # has nothing to lose
    start_looking(world)
    pages = -(-len(world.directory.users) // world.directory.page_size)
    assert world.directory.asked.count("page") == 1
    assert sum(asked.startswith("page") for asked in world.directory.asked) == pages
    assert [asked for asked in world.directory.asked if not asked.startswith("page")] == ["U108"]
    assert world.request("r-of-08").status is RequestStatus.CANCELLED
    assert [record["person"] for record in left(world)] == ["person-08"]
    world.directory.asked.clear()
    world.later(LOOK_EVERY)
    assert world.directory.asked[0] == "page", "the next look begins at the first page"


def test_addresses_that_are_on_no_page_are_asked_about_in_turn(world: World) -> None:
    crowd(world, 2 * FEW + 1)
    for number in range(2 * FEW + 1):
        world.change_person(f"person-{number:02}", slack_ids=frozenset())
    last = f"U1{2 * FEW:02}"
    world.directory.change(last, email="another@example.com")
    start_looking(world)
    for _ in range(2):
        assert not [record for record in world.log() if record["tag"] == "person.unidentified"]
        world.directory.asked.clear()
        world.later(LOOK_EVERY)
        assert sum("@" in asked for asked in world.directory.asked) <= FEW + 1
    assert [r["person"] for r in world.log() if r["tag"] == "person.unidentified"] == [f"person-{2 * FEW:02}"]


def test_an_answer_that_does_not_come_in_the_middle_is_asked_for_again_from_there(world: World) -> None:
    crowd(world, FEW + 1)
    world.leaving.keep_looking()
    world.worker.run_due("people")
    world.directory.down = True
    world.worker.run_due("people")
    world.directory.down = False
    world.later(LOOK_EVERY)
    assert world.directory.asked[:3] == ["page", "page 4", "page 4"]


def test_a_cursor_that_leads_nowhere_any_more_begins_anew(world: World) -> None:
    crowd(world, FEW + 1)
    world.leaving.keep_looking()
    world.worker.run_due("people")
    world.directory.cursors_forgotten = True
    world.run()
    world.directory.cursors_forgotten = False
    world.later(LOOK_EVERY)
    assert world.directory.asked[:3] == ["page", "page 4", "page"]


def test_the_look_goes_on_for_ever_and_replicas_that_start_add_none(world: World) -> None:
    assert world.leaving.keep_looking()
    world.granted()
    assert not world.leaving.keep_looking(), "it was taken just now"
    world.directory.asked.clear()
    for turn in range(1, 4):
        world.later(LOOK_EVERY)
        assert not world.leaving.keep_looking()
        assert world.directory.asked == ["U1"] * turn


def test_a_look_that_was_lost_comes_back(world: World) -> None:
    world.granted()
    start_looking(world)
    with world.store.transaction() as tx:
        tx.cancel(["leavers"])
    world.clock.move(STALE - timedelta(seconds=1))
    assert not world.leaving.keep_looking()
    world.clock.move(timedelta(seconds=1))
    assert world.leaving.keep_looking()
    world.directory.asked.clear()
    world.later(LOOK_EVERY)
    assert world.directory.asked == ["U1"]


def test_replicas_that_start_at_once_and_hear_of_it_at_once_do_it_once(crowded_world: World) -> None:
    world = crowded_world
    grant = world.granted()
    world.directory.change("U1", refused=GONE)
    replicas = [Worker(Runner(world.store, world.clock, world.runner.handlers), {}) for _ in range(4)]

    def work(worker: Worker) -> None:
        world.leaving.keep_looking()
        leaving.note(world.store, "U1")
        for lane in ("people", "access", "cloud", "people", "access", "cloud"):
            worker.run_due(lane)

    at_once([lambda worker=worker: work(worker) for worker in replicas])
    world.run()
    assert world.grant(grant.id).status is GrantStatus.ENDED
    assert len(left(world)) == len(told(world)) == 1
    assert len(world.tags("grant.revoking")) == len(world.tags("grant.ended")) == 1


def test_a_worker_that_lost_its_lease_ends_nothing_and_tells_nobody(world: World) -> None:
    grant = world.granted()
    world.directory.change("U1", refused=GONE)
    leaving.note(world.store, "U1")
    late = world.claim("people.leaver")
    world.clock.move(timedelta(minutes=5))
    world.directory.change("U1", refused="")
    world.run()
    world.directory.change("U1", refused=GONE)
    world.leaving.leaver(late)
    world.run()
    assert world.grant(grant.id).status is GrantStatus.ACTIVE
    assert not left(world)


def test_what_a_reset_stopped_already_is_not_ended_by_leaving(world: World) -> None:
    grant = world.granted()
    stop_person(world.access, "alice", actor("sam"), "Lost phone.", NOW + 8 * HOUR)
    world.directory.change("U1", refused=GONE)
    start_looking(world)
    assert world.grant(grant.id).end_note == "Lost phone."
    assert not left(world), "nothing of theirs was left to lose"
