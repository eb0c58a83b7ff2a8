"""Somebody with rights in the account works behind prodaccess's back; the security channel decides."""

import json
from datetime import timedelta

import pytest

from bot.core.reconcile import GRACE
from bot.core.strays import Stray
from bot.sandbox.slack import screen
from bot.sandbox.slack.jsontypes import Json
from bot.service import surveying
from bot.service.reconciling import SECOND_LOOK
from bot.slack import ids
from tests.scenarios.company import SECURITY
from tests.scenarios.conftest import OpenWorld, Shell
from tests.scenarios.harness import World, wait_for

PROD = "111111111111"
LOGS = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::payments-logs/*"}
UNKNOWN, ALTERED = "Access that nobody approved here", "Approved access was changed"


def plant(world: World, name: str = "prodaccess-prod-fix", user: str = "maya") -> None:
    document = json.dumps({"Version": "2012-10-17", "Statement": [LOGS]})
    world.cloud.aws.root("iam", PROD).put_user_policy(UserName=user, PolicyName=name, PolicyDocument=document)


def delete(world: World, name: str) -> None:
    world.cloud.aws.root("iam", PROD).delete_user_policy(UserName="maya", PolicyName=name)


def look(world: World) -> None:
    """Both looks."""
    parts = world.service.parts
    world.advance(GRACE)
    parts.reconciling.begin()

    def second_look_waits() -> bool:
        due = parts.store.next_due("drift")
        return due is not None and timedelta(0) < due - world.clock.now() <= SECOND_LOOK

    wait_for(second_look_waits, "something to be looked at twice")
    world.advance(SECOND_LOOK)


def card(world: World, heading: str, showing: str) -> Json:
    """The one card with this heading, as soon as it shows that."""
    sam = world.visitor("sam")

    def there() -> Json | None:
        cards = [m for m in sam.messages(SECURITY) if heading in screen.words(m)]
        assert len(cards) <= 1
        return cards[0] if cards and showing in screen.words(cards[0]) else None

    found = sam.wait_for(there, what=f"a card that says {heading!r} and {showing!r}")
    assert found is not None
    return found


def unsettled(world: World) -> tuple[Stray, ...]:
    return world.service.parts.desk.strays.unsettled()


def settled(world: World) -> None:
    """Retries that wait for a while are due."""

    def none_left() -> bool:
        world.advance(timedelta(seconds=2))
        return not unsettled(world)

    wait_for(none_left, "the stray to be settled")


def test_a_planted_policy_is_blocked_and_an_admin_removes_it_with_one_click(world: World) -> None:
    plant(world)
    assert world.cloud.terminal("maya", "logs-read") == "allowed"
    look(world)
    shown = card(world, UNKNOWN, "Blocked")
    assert world.cloud.terminal("maya", "logs-read") == "denied"
    assert "prodaccess-prod-fix" in world.cloud.policies("maya")
    sam = world.visitor("sam")
    sam.click(shown, ids.REMOVE_STRAY)
    settled(world)
    assert "Removed* by <@U0SAM>" in screen.words(card(world, UNKNOWN, "The policy is gone"))
    assert world.cloud.policies("maya") == {}
    sam.click(shown, ids.REMOVE_STRAY)
    assert "it is removed, by sam" in screen.words(sam.wait_for_message("decided already", SECURITY))
    (decided,) = world.audit("stray.decided")
    assert (decided["actor"]["id"], decided["data"]["fate"]) == ("sam", "removed")


def test_an_admin_adopts_it_with_a_code_and_it_ends(world: World) -> None:
    plant(world)
    look(world)
    sam, maya = world.visitor("sam"), world.visitor("maya")
    sam.click(card(world, UNKNOWN, "Blocked"), ids.ADOPT_STRAY)
    assert "payments-logs" in screen.words(sam.wait_for_modal("You decide this"))
    sam.fill(code=world.wrong_code("sam"))
    assert sam.submit().action == "errors"
    assert world.type_code("sam").action == "clear"
    settled(world)
    maya.wait_for_message("You have access")
    assert world.cloud.terminal("maya", "logs-read") == "allowed"
    ((name, document),) = world.cloud.policies("maya").items()
    assert name != "prodaccess-prod-fix"
    assert "DateLessThan" in json.dumps(document)
    assert "Adopted* by <@U0SAM>" in screen.words(card(world, UNKNOWN, "a grant with an end"))
    world.advance(timedelta(hours=1))
    maya.wait_for_message("Your access has ended")
    assert world.cloud.policies("maya") == {}


def test_what_was_changed_is_blocked_and_restored_with_a_code(world: World) -> None:
    grant = world.granted()
    approved = world.cloud.policies("maya")
    plant(world, f"prodaccess-{grant.id}")
    look(world)
    sam = world.visitor("sam")
    shown = card(world, ALTERED, "Blocked")
    assert world.cloud.terminal("maya", "audit-read") == "denied"
    sam.click(shown, ids.STRAY_POLICY)
    sam.wait_for_modal("As it was approved")
    sam.close()
    sam.click(shown, ids.RESTORE_STRAY)
    sam.wait_for_modal("exactly what was approved")
    assert world.type_code("sam").action == "clear"
    settled(world)
    card(world, ALTERED, "What was approved is in place again")
    assert world.cloud.policies("maya") == approved
    assert world.cloud.terminal("maya", "logs-read") == "allowed"


def test_access_that_was_taken_away_ends_as_lost_and_its_holder_is_told(world: World) -> None:
    grant = world.granted()
    delete(world, f"prodaccess-{grant.id}")
    look(world)
    ended = world.wait_for_grant(grant.request_id, "ended")
    assert (str(ended.end_reason), ended.ended_by) == ("lost", "prodaccess")
    told = world.visitor("maya").wait_for_message("Your access was removed outside of prodaccess")
    assert "does not put it back" in screen.words(told)
    assert world.cloud.policies("maya") == {}
    assert [record["grant_id"] for record in world.audit("grant.lost")] == [grant.id]


def test_what_goes_by_itself_is_said_and_the_block_is_lifted(socket_world: World) -> None:
    world = socket_world
    plant(world)
    look(world)
    card(world, UNKNOWN, "Blocked")
    delete(world, "prodaccess-prod-fix")
    look(world)
    settled(world)
    card(world, UNKNOWN, "Gone by itself")
    assert world.cloud.policies("maya") == {}


# --- at a shell ------------------------------------------------------------------------------------------


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The second look comes right after the first: nothing here is eventually consistent."""
    monkeypatch.setattr("bot.service.reconciling.SECOND_LOOK", timedelta(0))
    monkeypatch.setattr(surveying, "SECOND_LOOK", timedelta(0))
    monkeypatch.setattr(surveying, "QUIET", timedelta(0))


@pytest.mark.usefixtures("at_once")
def test_reconcile_at_a_shell_works_while_the_bot_is_stopped_and_a_dry_run_changes_nothing(
    open_world: OpenWorld, shell: Shell
) -> None:
    world = open_world(behind=timedelta(0))
    world.stop()
    assert shell(world, "reconcile", "--dry-run")[0] == 0
    plant(world)
    before, log = world.cloud.policies("maya"), world.audit()
    status, said = shell(world, "reconcile", "--dry-run")
    assert status == 1
    (row,) = [line.split() for line in said.splitlines() if "prod-fix" in line]
    assert row[:3] == ["payments-prod", "user/maya", "prodaccess-prod-fix"]
    assert "unknown" in row[3]
    assert (world.cloud.policies("maya"), world.audit()) == (before, log)
    assert unsettled(world) == ()
    assert shell(world, "reconcile")[0] == 1
    assert world.cloud.terminal("maya", "logs-read") == "denied"
    (stray,) = unsettled(world)
    assert stray.quarantined_at is not None
    status, said = shell(world, "doctor")
    assert status == 1
    assert f"{stray.id}: blocked, waits for an admin" in said
    assert "blocked, waits" in shell(world, "reconcile", "--dry-run")[1]
    world.start()
    card(world, UNKNOWN, "Blocked")
