"""Who is asked, who may say yes, with what proof, and what everybody sees of it."""

from datetime import timedelta

from bot.sandbox.slack import screen
from bot.sandbox.slack.jsontypes import Json
from bot.service.proof import REFUSED
from bot.slack import ids
from tests.scenarios.company import APPROVALS, ON_CALL
from tests.scenarios.harness import LINE, World, at_once, mentions

WRITE = "/prodaccess s3-write payments-prod bucket=payments-logs 1h PAY-7 clean up after the failed run"
LOOK = "/prodaccess look payments-prod 30m is it up or is it down"
ON_CALL_LINE = "/prodaccess on-call payments-prod 1h --work incident the checkout is failing"
EXPORTS = "/prodaccess exports payments-prod 1h --work incident the settlement is missing"


def cards(world: World, who: str, request_id: str, channel: str | None = None) -> list[Json]:
    return [message for message in world.visitor(who).messages(channel) if mentions(message, request_id)]


# --- who is asked ----------------------------------------------------------------------------------------


def test_the_approvers_get_a_card_in_their_channel_and_one_of_their_own(world: World) -> None:
    request_id = world.ask()
    for channel in (APPROVALS, None):
        words = screen.words(world.card("ines", request_id, channel))
        for part in ("<@U0MAYA>", "Read objects in a bucket", "Payments (production)", "111111111111", "payments-logs",
                     "app/", "user/maya", "1\u00a0h", "Bug fix", "the nightly export is broken"):  # fmt: skip
            assert part.replace("\u00a0", " ") in words.replace("\u00a0", " ")
        assert {"Approve", "Deny", "Show permissions"} <= set(words.splitlines())


def test_the_catalogues_manager_goes_before_the_profiles(world: World) -> None:
    request_id = world.ask()
    assert world.request(request_id).approvers_asked == ("ines",)
    world.card("ines", request_id, None)
    assert not cards(world, "olga", request_id)


def test_without_one_in_the_catalogue_the_profiles_manager_is_asked(world: World) -> None:
    request_id = world.ask(who="tomas")
    assert world.request(request_id).approvers_asked == ("olga",)
    world.approve(request_id, "olga")
    world.wait_for_grant(request_id, "active")
    assert world.cloud.terminal("tomas", "logs-read") == "allowed"


def test_a_user_groups_members_are_asked_but_no_account_of_the_requesters(world: World) -> None:
    request_id = world.ask(ON_CALL_LINE)
    assert world.request(request_id).approvers_asked == ("olga", "ravi")
    world.card("ravi", request_id, None)
    assert not cards(world, "maya's unlisted account", request_id)


def test_whoever_joined_the_group_after_the_asking_was_not_asked_and_may_not_approve(world: World) -> None:
    request_id = world.ask(ON_CALL_LINE)
    world.slack.change_usergroup(ON_CALL, ("U0RAVI", "U0SAM"))
    sam = world.visitor("sam")
    sam.click(world.card("sam", request_id), ids.APPROVE)
    sam.wait_for_message("was not an approver when this was asked", APPROVALS)
    assert world.is_pending(request_id)


def test_whoever_left_the_group_meanwhile_may_not_approve(world: World) -> None:
    request_id = world.ask(ON_CALL_LINE)
    world.slack.change_usergroup(ON_CALL, ("U0RAVI",))
    olga = world.visitor("olga")

    def refused() -> bool:
        olga.click(world.card("olga", request_id), ids.APPROVE)
        for _ in olga.modals():
            olga.close()
        return any("may not approve" in screen.words(m) for m in olga.messages(APPROVALS))

    olga.wait_for(refused, what="the bot to have heard of the change")
    assert world.is_pending(request_id)


# --- with what proof -------------------------------------------------------------------------------------


def test_a_fresh_step_up_makes_it_one_click_and_an_old_one_asks_for_a_code(world: World) -> None:
    first, second, third = (world.ask(LINE.replace("broken", why)) for why in ("broken", "late", "empty"))
    ines = world.visitor("ines")
    ines.click(world.card("ines", first), ids.APPROVE, value=first)
    modal = ines.wait_for_modal("You approve")
    assert "the nightly export is broken" in screen.words(modal)
    assert world.type_code("ines").action == "clear"
    world.wait_for_grant(first, "active")

    ines.click(world.card("ines", second), ids.APPROVE, value=second)
    world.wait_for_grant(second, "active")
    assert not ines.modals()

    world.advance(timedelta(minutes=16))
    ines.click(world.card("ines", third), ids.APPROVE, value=third)
    ines.wait_for_modal("You approve")
    assert world.is_pending(third)


def test_always_wants_a_code_for_this_very_request(world: World) -> None:
    first, second = world.ask(WRITE), world.ask(WRITE.replace("failed", "second"))
    ravi = world.visitor("ravi")
    for request_id in (first, second):
        ravi.click(world.card("ravi", request_id), ids.APPROVE, value=request_id)
        ravi.wait_for_modal("You approve")
        assert world.is_pending(request_id)
        assert world.type_code("ravi").action == "clear"
        world.wait_for_grant(request_id, "active")


def test_never_wants_no_code_of_anybody(world: World) -> None:
    request_id = world.ask(LOOK)
    ravi = world.visitor("ravi")
    ravi.click(world.card("ravi", request_id), ids.APPROVE)
    world.wait_for_grant(request_id, "active")
    assert not ravi.modals()
    assert not world.audit("step-up.passed")


def test_an_approvers_wrong_code_is_refused_below_its_field_and_approves_nothing(world: World) -> None:
    request_id = world.ask()
    ines = world.visitor("ines")
    ines.click(world.card("ines", request_id), ids.APPROVE)
    ines.wait_for_modal("You approve")
    for code in (world.wrong_code("ines"), "１２３４５６"):
        assert world.type_code("ines", code).errors == {"code": REFUSED}
    assert world.is_pending(request_id)
    assert world.type_code("ines").action == "clear"
    world.wait_for_grant(request_id, "active")


def test_the_requesters_own_fresh_code_is_no_approvers_step_up(world: World) -> None:
    request_id = world.ask(who="tomas")
    olga = world.visitor("olga")
    olga.click(world.card("olga", request_id), ids.APPROVE)
    olga.wait_for_modal("You approve")
    assert world.type_code("olga", world.remember(world.phones["tomas"].code())).errors == {"code": REFUSED}
    assert world.is_pending(request_id)


# --- who decides -----------------------------------------------------------------------------------------


def test_nobody_approves_their_own_by_any_account(world: World) -> None:
    request_id = world.ask(ON_CALL_LINE)
    for who, says in (
        ("maya", "Nobody approves their own request"),
        ("maya's second account", "Nobody approves their own request"),
        ("maya's unlisted account", "Nobody approves their own request"),
    ):
        visitor = world.visitor(who)
        visitor.click(world.card(who, request_id), ids.APPROVE)
        visitor.wait_for_message(says, APPROVALS)
        assert not visitor.modals()
    assert world.is_pending(request_id)
    assert not world.grants_of(request_id)
    assert {record["data"]["command"] for record in world.audit("request.refused")} == {"approve"}


def test_a_quorum_of_two_wants_two_different_people(world: World) -> None:
    request_id = world.ask(EXPORTS)
    world.visitor("ravi").click(world.card("ravi", request_id), ids.APPROVE)
    world.visitor("ravi").wait_for_modal("You approve")
    world.type_code("ravi")
    world.card("olga", request_id, APPROVALS, "1 of 2 said yes")
    world.visitor("ravi").click(world.card("ravi", request_id), ids.APPROVE)
    world.visitor("ravi").wait_for_message("You approved this already", APPROVALS)
    assert world.is_pending(request_id)
    world.approve(request_id, "olga")
    world.wait_for_grant(request_id, "active")
    words = screen.words(world.card("maya", request_id, None, "Approved"))
    assert "<@U0RAVI>" in words
    assert "<@U0OLGA>" in words


def test_whoever_is_no_approver_can_neither_approve_nor_deny(world: World) -> None:
    request_id = world.ask()
    tomas = world.visitor("tomas")
    tomas.click(world.card("tomas", request_id), ids.APPROVE)
    tomas.wait_for_message("may not approve", APPROVALS)
    tomas.click(world.card("tomas", request_id), ids.DENY)
    tomas.wait_for(tomas.modals, what="a modal")
    if has_note(tomas.modal()):
        tomas.fill(note="I do not like it")
        tomas.submit()
    assert world.is_pending(request_id)


def has_note(view: Json) -> bool:
    return any(block.get("block_id") == "note" for block in view["blocks"])


def test_a_denial_wants_a_reason_no_code_and_reaches_everybody(world: World) -> None:
    request_id = world.ask()
    ines, maya = world.visitor("ines"), world.visitor("maya")
    ines.click(world.card("ines", request_id, None), ids.DENY)
    ines.wait_for_modal("asks for")
    assert ines.submit().action == "errors"
    ines.fill(note="Use the replica instead")
    assert ines.submit().action == "clear"
    told = screen.words(maya.wait_for_message("was denied"))
    assert "Use the replica instead" in told
    assert "<@U0INES>" in told
    for who, channel in (("ines", APPROVALS), ("ines", None), ("maya", None)):
        words = screen.words(world.card(who, request_id, channel, "Denied"))
        assert "<@U0INES>" in words
        assert "Use the replica instead" in words
        assert "Approve" not in words.splitlines()
    assert not world.grants_of(request_id)
    (record,) = world.audit("request.denied")
    assert record["actor"]["id"] == "ines"
    assert "Use the replica instead" in str(record["data"])


def test_every_copy_shows_the_outcome_and_who_decided(world: World) -> None:
    request_id = world.ask(WRITE)
    world.approve(request_id, "ravi")
    for who, channel in (("ines", APPROVALS), ("ines", None), ("ravi", None), ("maya", None)):
        words = screen.words(world.card(who, request_id, channel, "Active"))
        assert "<@U0RAVI>" in words
        assert "Approve" not in words.splitlines()


def test_the_exact_permissions_are_behind_a_button(world: World) -> None:
    request_id = world.ask()
    ines = world.visitor("ines")
    ines.click(world.card("ines", request_id), ids.PERMISSIONS)
    words = screen.words(ines.wait_for_modal("Exact permissions"))
    for part in ("s3:GetObject", "arn:aws:s3:::payments-logs/app/*", "s3:ListBucket", "user/maya", request_id):
        assert part in words


def test_the_card_says_what_the_person_holds_already(world: World) -> None:
    fresh = world.ask()
    assert "Holds no other access" in screen.words(world.card("ines", fresh))
    world.approve(fresh)
    world.wait_for_grant(fresh, "active")
    second = world.ask(LINE.replace("broken", "late"))
    assert "Holds already" in screen.words(world.card("ines", second))


def test_from_the_home_tab_one_can_approve_too(world: World) -> None:
    request_id = world.ask(LOOK)
    ravi = world.visitor("ravi")
    ravi.open_home()
    ravi.wait_for_home("Waiting for me")
    ravi.click_home(ids.APPROVE, value=request_id)
    world.wait_for_grant(request_id, "active")


# --- what changed between asking and approving -----------------------------------------------------------


def test_when_the_role_went_away_meanwhile_nothing_can_be_approved(world: World) -> None:
    request_id = world.ask(LOOK)
    card = world.card("ravi", request_id)
    world.edit_catalogue("  look:\n", "  look-around:\n")
    ravi = world.visitor("ravi")
    ravi.click(card, ids.APPROVE, value=request_id)
    ravi.wait_for_message("this request cannot be decided", APPROVALS)
    assert world.is_pending(request_id)
    assert not world.grants_of(request_id)


def test_when_the_permissions_changed_meanwhile_the_approval_grants_nothing(world: World) -> None:
    request_id = world.ask(LOOK)
    world.edit_catalogue("actions: [ec2:DescribeInstances]", "actions: [ec2:DescribeInstances, ec2:DescribeVolumes]")
    ravi = world.visitor("ravi")
    ravi.click(world.card("ravi", request_id), ids.APPROVE)
    ravi.wait_for_message("permissions have changed", APPROVALS)
    assert world.is_pending(request_id)
    assert not world.grants_of(request_id)
    assert not world.cloud.policies("maya")


def test_an_approver_who_is_one_no_more_cannot_approve(world: World) -> None:
    request_id = world.ask(LOOK)
    world.edit_catalogue("payments-leads: [ines, ravi]", "payments-leads: [ines, olga]")
    ravi = world.visitor("ravi")
    ravi.click(world.card("ravi", request_id), ids.APPROVE)
    ravi.wait_for_message("may not approve", APPROVALS)
    olga = world.visitor("olga")
    olga.click(world.card("olga", request_id), ids.APPROVE)
    olga.wait_for_message("was not an approver when this was asked", APPROVALS)
    assert world.is_pending(request_id)


# --- double clicks ---------------------------------------------------------------------------------------


def test_twenty_clicks_at_once_make_one_grant(world: World) -> None:
    request_id = world.ask(LOOK)
    card = world.card("ravi", request_id)
    clickers = [world.slack.visitor("U0RAVI" if n % 2 else "U0INES") for n in range(20)]
    at_once([lambda v=visitor: v.click(card, ids.APPROVE, value=request_id) for visitor in clickers])
    world.wait_for_grant(request_id, "active")
    world.advance(timedelta(seconds=5))
    assert len(world.grants_of(request_id)) == 1
    assert len(world.audit("request.approved")) == 1
    assert len(world.audit("grant.active")) == 1
    assert len(world.cloud.policies("maya")) == 1


def test_the_same_confirmation_sent_many_times_asks_once(world: World) -> None:
    maya = world.visitor("maya")
    maya.command(LOOK)
    modal = maya.wait_for_modal("exactly this")
    senders = [world.slack.visitor("U0MAYA") for _ in range(8)]
    at_once([lambda v=visitor: v.submit(modal) for visitor in senders])
    maya.wait_for(world.pending, what="the request")
    assert len(world.pending()) == 1
    assert len(world.audit("request.submitted")) == 1


def test_an_old_card_changes_nothing_and_is_brought_up_to_date(world: World) -> None:
    request_id = world.ask(LOOK)
    old = world.card("ravi", request_id)
    grant = (world.approve(request_id, "ravi"), world.wait_for_grant(request_id, "active"))[1]
    ines = world.visitor("ines")
    before = [record["seq"] for record in world.audit()]
    for action in (ids.APPROVE, ids.DENY):
        ines.click(old, action, value=request_id)
        ines.wait_for_message("already approved", APPROVALS)
    assert [record["seq"] for record in world.audit()] == before
    assert str(world.wait_for_grant(request_id, "active").id) == grant.id
