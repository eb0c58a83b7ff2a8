"""The flow from beginning to end; AWS itself says who gets in."""

from datetime import timedelta

from bot.sandbox.slack import screen
from bot.slack import ids
from tests.scenarios.company import APPROVALS
from tests.scenarios.harness import LINE, World, wait_for


def test_access_is_there_from_the_approval_until_the_requester_is_done(world: World) -> None:
    maya = world.visitor("maya")
    assert world.cloud.terminal("maya", "logs-read") == "denied"
    request_id = world.ask()
    assert world.cloud.terminal("maya", "logs-read") == "denied"
    world.approve(request_id)

    told = maya.wait_for_message("You have access")
    assert world.cloud.terminal("maya", "logs-read") == "allowed"
    assert world.cloud.terminal("maya", "audit-read") == "denied"

    maya.click(told, ids.RELEASE)
    maya.wait_for_message("Your access has ended")
    assert world.cloud.terminal("maya", "logs-read") == "denied"
    assert not world.cloud.policies("maya")
    for who, channel in (("ines", APPROVALS), ("ines", None), ("maya", None)):
        assert "released by" in screen.words(world.card(who, request_id, channel, "Ended"))


def test_the_policy_is_named_for_the_grant_and_carries_its_window_in_every_statement(world: World) -> None:
    grant = world.granted()
    policies = world.cloud.policies("maya")
    assert list(policies) == [f"prodaccess-{grant.id}"]
    windows = {
        (
            statement["Condition"]["DateGreaterThanEquals"]["aws:CurrentTime"],
            statement["Condition"]["DateLessThan"]["aws:CurrentTime"],
        )
        for statement in policies[f"prodaccess-{grant.id}"]["Statement"]
    }
    stamp = "%Y-%m-%dT%H:%M:%SZ"
    assert len(windows) == 1
    assert next(iter(windows))[1] == grant.expires_at.strftime(stamp)
    assert grant.expires_at - grant.starts_at == timedelta(hours=1)


def test_granted_is_said_only_after_the_cloud_said_so(world: World) -> None:
    request_id = world.ask()
    world.approve(request_id)
    world.visitor("maya").wait_for_message("You have access")
    tags = [record["tag"] for record in world.audit() if record["request_id"] == request_id]
    assert tags.index("request.approved") < tags.index("grant.started") < tags.index("grant.active")
    (active,) = world.audit("grant.active")
    assert f"prodaccess-{active['grant_id']}" in world.cloud.policies("maya")


def test_the_holder_is_told_how_to_use_it(world: World) -> None:
    world.granted()
    told = screen.words(world.visitor("maya").wait_for_message("You have access"))
    assert "AWS_PROFILE=payments-prod" in told
    assert "aws s3" in told
    assert "https://" in told


def test_the_home_tab_shows_the_time_left(world: World) -> None:
    world.granted()
    maya = world.visitor("maya")
    maya.open_home()
    assert "59 min" in screen.words(maya.wait_for_home(" left"))
    world.advance(timedelta(minutes=30))
    maya.open_home()
    maya.wait_for_home("29 min")


def test_access_ends_by_itself_is_seen_to_be_gone_and_every_card_says_so(world: World) -> None:
    grant = world.granted()
    maya = world.visitor("maya")
    world.advance(timedelta(hours=1))
    told = screen.words(maya.wait_for_message("Your access has ended"))
    assert "time was up" in told
    assert not world.cloud.policies("maya")
    assert world.cloud.terminal("maya", "logs-read") == "denied"
    for who, channel in (("ines", APPROVALS), ("ines", None), ("maya", None)):
        words = screen.words(world.card(who, grant.request_id, channel, "Ended"))
        assert "active since" in words
        assert "time was up" in words
    (ended,) = world.audit("grant.ended")
    assert ended["data"]["observed_absent"] is True
    assert ended["data"]["reason"] == "expired"


def test_expiry_is_not_stopped_by_a_bot_that_was_down_meanwhile(world: World) -> None:
    world.granted()
    world.stop()
    world.clock.advance(timedelta(hours=2))
    world.start()
    world.visitor("maya").wait_for_message("Your access has ended")
    assert not world.cloud.policies("maya")


def test_the_holder_is_reminded_before_the_end_and_can_be_done_there(world: World) -> None:
    world.granted()
    maya = world.visitor("maya")
    world.advance(timedelta(minutes=50))
    reminder = maya.wait_for_message("Your access ends soon")
    maya.click(reminder, ids.RELEASE)
    maya.wait_for_message("Your access has ended")


def test_a_chosen_start_is_waited_for(world: World) -> None:
    line = '/prodaccess s3-read payments-prod bucket=payments-logs 1h --start "{}" planned migration of the logs'
    start = (world.clock.now() + timedelta(hours=3)).replace(second=0, microsecond=0)
    request_id = world.ask(line.format(f"{start:%Y-%m-%dT%H:%MZ}"))
    world.approve(request_id)
    world.card("ines", request_id, APPROVALS, "Scheduled")
    assert not world.cloud.policies("maya")
    world.advance(timedelta(hours=3))
    grant = world.wait_for_grant(request_id, "active")
    assert (grant.starts_at, grant.expires_at) == (start, start + timedelta(hours=1))
    assert world.cloud.policies("maya")


def test_a_scheduled_grant_can_be_given_back_before_it_begins(world: World) -> None:
    start = (world.clock.now() + timedelta(hours=3)).strftime("%Y-%m-%dT%H:%MZ")
    line = f"/prodaccess s3-read payments-prod bucket=payments-logs 1h --start {start} planned migration of the logs"
    request_id = world.ask(line)
    world.approve(request_id)
    card = world.card("maya", request_id, None, "Scheduled")
    world.visitor("maya").click(card, ids.RELEASE)
    world.wait_for_grant(request_id, "ended")
    world.advance(timedelta(hours=4))
    world.card("ines", request_id, APPROVALS, "never active")
    assert not world.audit("grant.active")


def test_a_request_that_nobody_decides_lapses(world: World) -> None:
    request_id = world.ask()
    card = world.card("ines", request_id)
    world.advance(timedelta(hours=4))
    world.visitor("maya").wait_for_message("Your request lapsed")
    world.card("ines", request_id, APPROVALS, "Lapsed")
    world.visitor("ines").click(card, ids.APPROVE, value=request_id)
    world.visitor("ines").wait_for_message("already lapsed", APPROVALS)
    assert not world.grants_of(request_id)


def test_the_requester_can_cancel(world: World) -> None:
    request_id = world.ask()
    world.visitor("maya").click(world.card("maya", request_id, None), ids.CANCEL)
    world.card("ines", request_id, APPROVALS, "Cancelled")
    world.card("ines", request_id, None, "Cancelled")
    assert str(world.request(request_id).status) == "cancelled"


def test_requests_and_access_are_still_there_after_a_restart(world: World) -> None:
    grant = world.granted()
    waiting = world.ask(LINE.replace("broken", "late"))
    world.restart()
    world.approve(waiting)
    world.wait_for_grant(waiting, "active")
    assert len(world.cloud.policies("maya")) == 2
    world.visitor("maya").command(f"/prodaccess release {grant.id}")
    wait_for(lambda: len(world.cloud.policies("maya")) == 1, "the one policy to go")
