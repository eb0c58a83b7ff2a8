"""Releasing and revoking, by everyone who may, with Slack and without."""

from datetime import timedelta

from bot.sandbox.slack import screen
from bot.sandbox.slack.faults import Fault
from bot.slack import ids
from tests.scenarios.company import APPROVALS
from tests.scenarios.conftest import OpenWorld, Shell
from tests.scenarios.harness import LINE, World, wait_for

DOWN = Fault("status", status=503)


def test_an_approver_revokes_from_the_card_without_a_code(world: World) -> None:
    grant = world.granted()
    ines, maya = world.visitor("ines"), world.visitor("maya")
    ines.click(world.card("ines", grant.request_id, APPROVALS, "Active"), ids.REVOKE)
    ines.wait_for_modal("holds")
    assert ines.submit().action == "errors"
    ines.fill(note="The incident is over")
    assert ines.submit().action == "clear"
    told = screen.words(maya.wait_for_message("Your access has ended"))
    assert "The incident is over" in told
    assert "<@U0INES>" in told
    assert world.cloud.terminal("maya", "logs-read") == "denied"
    assert not world.cloud.policies("maya")
    for who, channel in (("ines", APPROVALS), ("ines", None), ("maya", None)):
        assert "revoked by <@U0INES>" in screen.words(world.card(who, grant.request_id, channel, "Ended"))


def test_an_admin_revokes_from_the_card(world: World) -> None:
    grant = world.granted()
    sam = world.visitor("sam")
    sam.click(world.card("sam", grant.request_id, APPROVALS, "Active"), ids.REVOKE)
    sam.wait_for_modal("holds")
    sam.fill(note="Laptop was stolen")
    assert sam.submit().action == "clear"
    ended = world.wait_for_grant(grant.request_id, "ended")
    assert (ended.ended_by, str(ended.end_reason), ended.end_note) == ("sam", "revoked", "Laptop was stolen")


def test_an_admin_revokes_by_a_typed_line(world: World) -> None:
    grant = world.granted()
    sam = world.visitor("sam")
    sam.command(f"/prodaccess revoke {grant.id} seen in the wrong hands")
    sam.wait_for_message("it is being removed")
    ended = world.wait_for_grant(grant.request_id, "ended")
    assert ended.end_note == "seen in the wrong hands"
    assert not world.cloud.policies("maya")


def test_revoke_without_a_grant_lists_those_that_one_may_revoke(world: World) -> None:
    grant = world.granted()
    ines, tomas = world.visitor("ines"), world.visitor("tomas")
    tomas.command("/prodaccess revoke")
    tomas.wait_for_message("There is no access that you may revoke")
    ines.command("/prodaccess revoke")
    listed = ines.wait_for_message("Which one should end?")
    ines.click(listed, ids.REVOKE, value=grant.id)
    ines.wait_for_modal("holds")
    ines.fill(note="Enough now")
    ines.submit()
    world.wait_for_grant(grant.request_id, "ended")


def test_whoever_is_neither_admin_nor_approver_cannot_revoke(world: World) -> None:
    grant = world.granted()
    tomas = world.visitor("tomas")
    tomas.click(world.card("tomas", grant.request_id, APPROVALS, "Active"), ids.REVOKE)
    tomas.wait_for_message("Only an admin or one of the role's approvers", APPROVALS)
    tomas.command(f"/prodaccess revoke {grant.id} because I say so")
    tomas.wait_for_message("Only an admin or one of the role's approvers")
    assert str(world.grants_of(grant.request_id)[0].status) == "active"
    assert world.cloud.policies("maya")


def test_nobody_releases_what_somebody_else_holds(world: World) -> None:
    grant = world.granted()
    tomas = world.visitor("tomas")
    tomas.command(f"/prodaccess release {grant.id}")
    tomas.wait_for_message("hold no access")
    assert str(world.grants_of(grant.request_id)[0].status) == "active"


def test_the_only_access_is_released_by_a_bare_line_of_several_one_chooses(world: World) -> None:
    first = world.granted()
    maya = world.visitor("maya")
    second = world.granted(LINE.replace("broken", "late"))
    maya.command("/prodaccess release")
    listed = maya.wait_for_message("Which one are you done with?")
    maya.click(listed, ids.RELEASE, value=first.id)
    world.wait_for_grant(first.request_id, "ended")
    maya.command("/prodaccess release")
    maya.wait_for_message(second.id)
    world.wait_for_grant(second.request_id, "ended")
    assert not world.cloud.policies("maya")


def test_access_is_released_from_the_home_tab(world: World) -> None:
    grant = world.granted()
    maya = world.visitor("maya")
    maya.open_home()
    maya.wait_for_home(" left")
    maya.click_home(ids.RELEASE, value=grant.id)
    world.wait_for_grant(grant.request_id, "ended")
    maya.wait_for_home("You hold no access")


def test_releasing_twice_ends_it_once(world: World) -> None:
    grant = world.granted()
    maya = world.visitor("maya")
    told = maya.wait_for_message("You have access")
    maya.click(told, ids.RELEASE)
    maya.click(told, ids.RELEASE)
    world.wait_for_grant(grant.request_id, "ended")
    maya.click(told, ids.RELEASE)
    maya.wait_for_message("This access has ended")
    assert len(world.audit("grant.revoking")) == len(world.audit("grant.ended")) == 1


def test_an_operator_revokes_at_a_shell_while_slack_and_the_bot_are_down(open_world: OpenWorld, shell: Shell) -> None:
    world = open_world(behind=timedelta(0))
    grant = world.granted()
    world.stop()
    world.slack.order_fault("*", DOWN, times=1000)
    assert grant.id in shell(world, "grants", "list")[1]
    status, said = shell(world, "grants", "revoke", grant.id, "--reason", "Slack is down and this must end")
    assert (status, "observed absent" in said) == (0, True)
    assert not world.cloud.policies("maya")
    assert shell(world, "audit", "verify")[0] == 0
    world.slack.clear_faults()
    world.start()
    assert "Slack is down and this must end" in screen.words(world.visitor("maya").wait_for_message("has ended"))
    (record,) = world.audit("grant.revoking")
    assert record["actor"]["kind"] == "operator"


def test_revocation_goes_on_while_slack_is_down_and_the_messages_come_later(world: World) -> None:
    grant = world.granted()
    world.visitor("maya").wait_for_message("You have access")
    for method in ("chat.postMessage", "chat.update", "views.publish", "conversations.open"):
        world.slack.order_fault(method, DOWN, times=1000)
    world.advance(timedelta(hours=1))
    world.wait_for_grant(grant.request_id, "ended")
    assert not world.cloud.policies("maya")
    world.slack.clear_faults()
    world.advance(timedelta(hours=1))
    world.visitor("maya").wait_for_message("Your access has ended")
    wait_for(lambda: "Ended" in screen.words(world.card("ines", grant.request_id)), "the card")
