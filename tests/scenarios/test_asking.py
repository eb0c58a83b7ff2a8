"""The form, the typed line, and the code that confirms."""

import calendar
from datetime import timedelta

import pytest

from bot.sandbox.slack import screen
from bot.sandbox.slack.jsontypes import Json
from bot.service.proof import REFUSED
from bot.slack import ids
from tests.scenarios.company import APPROVALS
from tests.scenarios.harness import LINE, World, has_field


def labels(options: list[Json]) -> set[str]:
    return {option["value"] for option in options}


def open_form(world: World, who: str = "maya", **fields: str) -> None:
    """The form, filled in as far as told; roles and work first, because they change it."""
    visitor = world.visitor(who)
    visitor.command("/prodaccess")
    visitor.wait_for_modal("Request access")
    for name in ("role", "account"):
        if name in fields:
            visitor.fill(**{name: fields.pop(name)})
            visitor.wait_for_modal("Kind of work")
    visitor.fill(*fields.items())


COMPLETE = {
    "role": "s3-read",
    "Bucket": "payments-logs",
    "work": "bug-fix",
    "duration": "1h30m",
    "reason": "The nightly export is broken",
}

# --- the form --------------------------------------------------------------------------------------------


def test_the_form_offers_only_what_this_person_may_ask_for(world: World) -> None:
    engineers = {"s3-write", "ec2-restart", "look", "exports", "on-call", "logs-now", "emergency"}
    for who, expected, others in (("maya", {"s3-read"} | engineers, {"leads-only"}),
                                  ("ravi", {"s3-read", "leads-only"}, engineers)):  # fmt: skip
        visitor = world.visitor(who)
        visitor.command("/prodaccess")
        modal = visitor.wait_for_modal("Request access")
        offered = labels(visitor.options(modal, "role", ""))
        assert (expected - offered, others & offered) == (set(), set())
        assert labels(visitor.options(modal, "role", "ledger")) == expected & {"leads-only"}


def test_only_accounts_where_the_person_has_an_identity_are_offered(world: World) -> None:
    open_form(world, role="ec2-restart")
    maya = world.visitor("maya")
    assert labels(maya.options(maya.modal(), "account", "pay")) == {"payments-prod", "payments-staging"}
    nils = world.visitor("nils")
    open_form(world, "nils", role="ec2-restart")
    assert labels(nils.options(nils.modal(), "account", "pay")) == {"payments-prod"}


def test_a_newcomer_is_offered_nothing_and_told_whom_to_ask(world: World) -> None:
    nora = world.visitor("nora")
    nora.command("/prodaccess")
    nora.wait_for_message("No role is offered to you")
    assert not nora.modals()


def test_the_roles_own_parameters_appear_with_it_and_change_with_it(world: World) -> None:
    open_form(world, role="s3-read")
    maya = world.visitor("maya")
    assert {"Bucket", "Prefix"} <= set(screen.words(maya.modal()).splitlines())
    assert not has_field(maya.modal(), "ticket:s3-read")
    maya.fill(role="s3-write")
    modal = maya.wait_for_modal("Ticket")
    assert "Prefix" not in screen.words(modal).splitlines()


def test_each_kind_of_work_shows_its_own_longest_duration(world: World) -> None:
    open_form(world, role="s3-write")
    maya = world.visitor("maya")
    maya.fill(work="bug-fix")
    maya.wait_for_modal("to 2 h for Bug fix")
    maya.fill(work="incident")
    maya.wait_for_modal("to 4 h for Incident")


def test_every_wrong_field_gets_its_own_error_and_nothing_typed_is_lost(world: World) -> None:
    open_form(
        world,
        role="s3-write",
        Bucket="payments-logs",
        work="bug-fix",
        duration="3h",
        reason="too short",
        Ticket="PAY-x",
    )
    maya = world.visitor("maya")
    before = maya.typed(maya.modal())
    answer = maya.submit()
    assert answer.action == "errors"
    assert "2 h" in answer.errors["duration"]
    assert "15 to 3000" in answer.errors["reason"]
    assert "PAY-123" in answer.errors["ticket:s3-write"]
    assert maya.typed(maya.modal()) == before


@pytest.mark.parametrize(
    ("typed", "says"),
    [
        ("0m", "no time at all"),
        ("-2h", "negative"),
        ("90", "say 90m or 90h"),
        ("25h", "from 1 min to 2 h"),
        ("soon", "not a duration"),
        ("30s", "from 1 min to 2 h"),
    ],
)
def test_a_duration_that_cannot_be_granted_is_explained(socket_world: World, typed: str, says: str) -> None:
    world = socket_world
    open_form(world, **{**COMPLETE, "duration": typed})
    answer = world.visitor("maya").submit()
    assert list(answer.errors) == ["duration"]
    assert says in answer.errors["duration"]


@pytest.mark.parametrize(
    ("typed", "shown"), [("1h30m", "1 h 30 min"), ("90m", "1 h 30 min"), ("2 hours", "2 h"), ("1.5h", "1 h 30 min")]
)
def test_durations_are_taken_as_people_write_them(socket_world: World, typed: str, shown: str) -> None:
    world = socket_world
    open_form(world, **{**COMPLETE, "duration": typed})
    assert world.visitor("maya").submit().action == "push"
    assert shown in screen.words(world.visitor("maya").modal())


def test_the_code_modal_repeats_exactly_what_is_confirmed(world: World) -> None:
    open_form(world, **{**COMPLETE, "Prefix": "app/2026/"})
    maya = world.visitor("maya")
    assert maya.submit().action == "push"
    words = screen.words(maya.modal())
    for part in ("Read objects in a bucket", "Payments (production)", "111111111111", "payments-logs", "app/2026/",
                 "1 h 30 min", "Bug fix", "The nightly export is broken"):  # fmt: skip
        assert part in words
    assert world.type_code("maya").action == "update"
    maya.wait_for_modal("Sent.")
    (request,) = world.pending()
    ask = request.ask
    assert (ask.role, ask.account, ask.work, ask.reason) == (
        "s3-read", "payments-prod", "bug-fix", "The nightly export is broken",
    )  # fmt: skip
    assert dict(ask.params) == {"bucket": "payments-logs", "prefix": "app/2026/"}
    assert ask.duration == timedelta(hours=1, minutes=30)


def test_a_start_in_the_past_is_refused_below_its_field(world: World) -> None:
    open_form(world, **COMPLETE)
    maya = world.visitor("maya")
    maya.fill(start=int((world.clock.now() - timedelta(hours=2)).timestamp()))
    answer = maya.submit()
    assert list(answer.errors) == ["start"]


def test_a_value_that_a_role_does_not_take_is_refused_below_its_field(world: World) -> None:
    open_form(world, **{**COMPLETE, "Prefix": "app/*"})
    answer = world.visitor("maya").submit()
    assert list(answer.errors) == ["param:s3-read:prefix"]
    assert "Prefix must be the start of the keys" in answer.errors["param:s3-read:prefix"]


# --- the typed line --------------------------------------------------------------------------------------


def test_a_complete_line_goes_straight_to_its_confirmation(world: World) -> None:
    maya = world.visitor("maya")
    maya.command("/prodaccess s3-write payments-prod bucket=payments-logs 2h PAY-123 clean up after the failed run")
    words = screen.words(maya.wait_for_modal("exactly this"))
    for part in ("Change objects in a bucket", "payments-logs", "2 h", "PAY-123", "clean up after the failed run"):
        assert part in words


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("s3-raed payments-prod 1h because of reasons", "Did you mean s3-read?"),
        ("leads-only payments-prod 1h because of reasons", "There is no role “leads-only” that you may ask for"),
        ("s3-read data-prod bucket=payments-logs 1h because of reasons", "Not offered in “data-prod”"),
        ("s3-read payments-prod bucket=nowhere 1h because of reasons", "Bucket must be one of"),
        ("s3-read payments-prod 1h because of reasons", "Bucket is missing"),
        ("s3-read payments-prod bucket=payments-logs colour=red 1h because of reasons", "colour"),
        ("s3-read payments-prod bucket=payments-logs because of reasons", "duration"),
        ("s3-read payments-prod bucket=payments-logs 5h because of reasons", "from 1 min to 2 h"),
        ("s3-read payments-prod bucket=payments-logs 0h because of reasons", "no time at all"),
        ("s3-read payments-prod bucket=payments-logs 1h why", "The reason needs 10"),
        ("s3-read payments-prod bucket=payments-logs 1h --work gardening because of reasons", "gardening"),
        ("s3-write payments-prod bucket=payments-logs 1h because of good reasons", "wants a ticket such as PAY-123"),
        ('s3-read payments-prod bucket=payments-logs 1h --start "2026-03-29" it has to be', "start time"),
    ],
)
def test_what_is_wrong_in_a_line_is_named_with_the_fix(socket_world: World, line: str, says: str) -> None:
    world = socket_world
    maya = world.visitor("maya")
    maya.command(f"/prodaccess {line}")
    words = screen.words(maya.wait_for_message("Nothing was sent"))
    assert says in words
    assert line in words
    assert not world.pending()


def test_an_incomplete_line_opens_the_form_with_all_that_was_typed(world: World) -> None:
    maya = world.visitor("maya")
    maya.command("/prodaccess s3-write payments-prod bucket=payments-exports 2h clean up after the failed run")
    maya.click(maya.wait_for_message("Nothing was sent"), ids.ASK_AGAIN)
    typed = maya.typed(maya.wait_for_modal("Request access"))
    assert typed["role"]["role"]["selected_option"]["value"] == "s3-write"
    assert typed["param:s3-write:bucket"]["param"]["selected_option"]["value"] == "payments-exports"
    assert typed["duration"]["duration"]["value"] == "2 h"
    assert typed["reason"]["reason"]["value"] == "clean up after the failed run"
    maya.fill(Ticket="PAY-77")
    assert maya.submit().action in {"push", "update"}
    assert "PAY-77" in screen.words(maya.modal())


def test_dst_nights_are_asked_about_rather_than_guessed(world: World) -> None:
    maya = world.visitor("maya")
    year = world.clock.now().year + 1
    spring, autumn = _last_sunday(year, 3), _last_sunday(year, 10)
    for start, says in ((f"{spring} 02:30", "does not exist in Europe/Vienna"), (f"{autumn} 02:30", "happens twice")):
        maya.command(f'/prodaccess s3-read payments-prod bucket=payments-logs 1h --start "{start}" the night shift')
        maya.wait_for_message(says)


def _last_sunday(year: int, month: int) -> str:
    day = max(week[calendar.SUNDAY] for week in calendar.monthcalendar(year, month))
    return f"{year}-{month:02d}-{day:02d}"


# --- what else can be typed ------------------------------------------------------------------------------


def test_help_says_what_can_be_typed(world: World) -> None:
    maya = world.visitor("maya")
    maya.command("/prodaccess help")
    words = screen.words(maya.wait_for_message("Ask for access"))
    for word in ("status", "history", "release", "revoke", "enrol"):
        assert f"/prodaccess {word}" in words


def test_status_and_history_tell_what_is_held_waited_for_and_was(world: World) -> None:
    grant = world.granted()
    waiting = world.ask(LINE.replace("broken", "late"))
    maya, ines = world.visitor("maya"), world.visitor("ines")
    maya.command("/prodaccess status")
    words = screen.words(maya.wait_for_message("Your pending requests"))
    assert grant.id in words
    assert "Active" in words
    ines.command("/prodaccess status")
    assert "Waiting for you" in screen.words(ines.wait_for_message("You hold no access"))
    maya.command("/prodaccess history")
    words = screen.words(maya.wait_for_message("Your latest requests"))
    assert waiting in words
    assert grant.request_id in words


def test_a_request_can_be_asked_again_from_the_history(world: World) -> None:
    grant = world.granted()
    maya = world.visitor("maya")
    maya.command("/prodaccess history")
    maya.click(maya.wait_for_message("Your latest requests"), ids.ASK_AGAIN, value=grant.request_id)
    typed = maya.typed(maya.wait_for_modal("Request access"))
    assert typed["reason"]["reason"]["value"] == "the nightly export is broken"


def test_whoever_has_no_authenticator_is_told_to_set_one_up_first(world: World) -> None:
    with world.service.parts.store.transaction() as tx:
        tx.remove_authenticator("maya")
    maya = world.visitor("maya")
    maya.command("/prodaccess")
    maya.wait_for_modal("Request access")  # one role wants no code
    maya.close()
    maya.command(LINE)
    maya.wait_for_modal("Set up your authenticator first")


# --- codes -----------------------------------------------------------------------------------------------


def confirm(world: World) -> None:
    maya = world.visitor("maya")
    maya.command(LINE)
    maya.wait_for_modal("exactly this")


def test_wrong_reused_and_malformed_codes_get_one_and_the_same_answer(world: World) -> None:
    used = world.code("maya")
    confirm(world)
    assert world.type_code("maya", used).action == "update"
    world.visitor("maya").wait_for_modal("Sent.")
    world.visitor("maya").close()
    confirm(world)
    answers = [world.type_code("maya", code) for code in (used, world.wrong_code("maya"), "１２３４５６", "abcdef")]
    assert [answer.action for answer in answers] == ["errors"] * 4
    assert {answer.errors["code"] for answer in answers} == {REFUSED}
    assert len(world.pending()) == 1


def test_after_five_failures_a_right_code_does_not_count_for_half_an_hour(world: World) -> None:
    confirm(world)
    for _ in range(5):
        assert world.type_code("maya", world.wrong_code("maya")).errors == {"code": REFUSED}
    assert world.type_code("maya").errors == {"code": REFUSED}
    assert len(world.audit("step-up.failed")) == 5
    assert len(world.audit("step-up.locked")) == 1
    world.advance(timedelta(minutes=31))
    world.visitor("maya").close()
    confirm(world)
    assert world.type_code("maya").action == "update"


def test_a_code_that_is_not_six_digits_is_not_counted_as_a_failure(world: World) -> None:
    confirm(world)
    for _ in range(6):
        assert world.type_code("maya", "12345x").errors == {"code": REFUSED}
    assert world.type_code("maya").action == "update"


def test_a_confirmation_is_good_for_half_an_hour(world: World) -> None:
    confirm(world)
    world.advance(timedelta(minutes=31))
    assert world.type_code("maya").action == "update"
    world.visitor("maya").wait_for_modal("too long ago")
    assert not world.pending()


# --- what can be known before anybody is asked -----------------------------------------------------------


def test_a_principal_that_aws_does_not_know_is_told_before_an_approver_is_asked(world: World) -> None:
    nils, ines = world.visitor("nils"), world.visitor("ines")
    nils.command(LINE)
    nils.wait_for_modal("exactly this")
    assert world.type_code("nils").action == "update"
    words = screen.words(nils.wait_for_modal("Nothing was sent"))
    assert "user/nils" in words or "nils" in words
    assert not world.pending()
    assert not ines.messages(APPROVALS)
    nils.click_modal(ids.ASK_AGAIN)
    typed = nils.typed(nils.wait_for_modal("Request access"))
    assert typed["reason"]["reason"]["value"] == "the nightly export is broken"


def test_a_policy_that_aws_would_not_hold_is_told_before_an_approver_is_asked(world: World) -> None:
    world.cloud.fill_up("maya")
    maya = world.visitor("maya")
    confirm(world)
    assert world.type_code("maya").action == "update"
    words = screen.words(maya.wait_for_modal("Nothing was sent"))
    assert "2,048" in words or "2048" in words
    assert not world.pending()
