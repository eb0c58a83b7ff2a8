"""Several targets in the form, in a line and on cards."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.core import policy
from bot.core.model import Ask, Catalogue, EndReason, Grant, GrantStatus, Item
from bot.core.rules import Bundle
from bot.service.cards import Names, Notice
from bot.service.targets import Target, targets_asked, titles_of
from bot.slack import ids, several
from bot.slack.blocks import clip
from bot.slack.cards import notes, request_card
from bot.slack.form import Form, on_blocks, problems_of, read, to_ask
from bot.slack.messenger import render
from bot.slack.typed import parse
from bot.slack.views import confirmation, permissions
from bot.slack.views_request import request_form, role_options
from tests.core.examples import PENDING
from tests.slack.office import PEOPLE, catalogue
from tests.slack.shapes import (
    NAMES,
    assert_slack_takes,
    assert_slack_takes_view,
    cards,
    grants,
    how_to_use,
    requests,
    typed,
    values_of,
)

NOW = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)
NIGHT = Bundle("night", "A night's work", (("s3-read", {"bucket": "pay-logs"}), ("s3-write", {})))
DUSK = Bundle("dusk", "Before the night", NIGHT.items[::-1])
CATALOGUE = replace(catalogue(), bundles={"night": NIGHT, "dusk": DUSK})
MAYA, TOMAS = PEOPLE[0], PEOPLE[1]
many = settings(max_examples=8, deadline=None)


def line(text: str, known: Catalogue = CATALOGUE) -> tuple[Ask, tuple[str, ...]]:
    understood = parse(text, known, MAYA, NOW)
    return to_ask(understood.form, MAYA, known)[0], understood.problems


def block(view: dict[str, Any], name: str) -> dict[str, Any]:
    return next(each for each in view["blocks"] if each.get("block_id") == name)


def as_sent(view: dict[str, Any]) -> dict[str, Any]:
    """The view as it comes back when nothing in it is touched."""
    values: dict[str, Any] = {}
    for each in view["blocks"]:
        element = each.get("element", {})
        if "initial_options" in element:
            state: dict[str, Any] = {"selected_options": element["initial_options"]}
        elif "initial_option" in element:
            state = {"selected_option": element["initial_option"]}
        else:
            state = {"value": element.get("initial_value")}
        values[each.get("block_id")] = {element.get("action_id"): state}
    return {**view, "state": {"values": values}}


# --- asking ----------------------------------------------------------------------------------------------


def test_a_role_in_several_accounts_is_asked_for_in_as_many_as_are_chosen() -> None:
    view = request_form(CATALOGUE, MAYA, Form(role="s3-read", account="pay", more_accounts=("pay-test",)))
    assert_slack_takes_view(view)
    menu = block(view, "account:s3-read")["element"]
    assert (menu["type"], menu["max_selected_items"]) == ("multi_external_select", policy.ITEMS_MOST)
    form, _ = read(as_sent(view))
    assert form.accounts == ("pay", "pay-test")
    assert [item.account for item in to_ask(form, MAYA, CATALOGUE)[0].items] == ["pay", "pay-test"]


def test_a_role_in_one_account_stays_a_choice_of_one() -> None:
    view = request_form(CATALOGUE, TOMAS, Form(role="s3-read"))
    assert block(view, "account:s3-read")["element"]["type"] == "external_select"


def test_a_bundle_is_offered_after_the_roles_and_asks_once_for_what_it_leaves_open() -> None:
    known = replace(CATALOGUE, bundles={"night": replace(NIGHT, items=(("s3-read", {}), ("s3-write", {})))})
    options = role_options(policy.choices(known, MAYA), "")
    assert options[-1]["text"]["text"] == "📦 A night's work (2 roles)"
    assert not options[0]["text"]["text"].startswith("📦")
    view = request_form(known, MAYA, Form(role="night"))
    assert_slack_takes_view(view)
    asked = [each.get("block_id", "") for each in view["blocks"]]
    assert asked.count("param:night:bucket") == 1


def test_a_bundle_is_not_offered_to_whom_one_of_its_roles_is_not() -> None:
    roles = {**CATALOGUE.roles, "s3-write": replace(CATALOGUE.roles["s3-write"], ask=())}
    known = replace(CATALOGUE, roles=roles)
    assert "night" not in {role.id for role in policy.choices(known, MAYA)}
    assert line("night pay 1h because", known)[1][0].startswith("There is no role “night”")


@pytest.mark.parametrize("text", ["s3-read pay,pay-test", "s3-read pay, pay-test", "s3-read PAY ,pay-test,pay"])
def test_a_line_names_several_accounts_with_commas(text: str) -> None:
    ask, problems = line(f"{text.replace(' ,', ',')} bucket=pay-logs 1h the export, again")
    assert problems == ()
    assert [item.account for item in ask.items] == ["pay", "pay-test"]
    assert {item.params["bucket"] for item in ask.items} == {"pay-logs"}
    assert ask.reason == "the export, again"


def test_the_one_account_of_several_that_is_not_offered_is_named() -> None:
    assert line("s3-read pay,prod 1h why")[1] == ("Not offered in “prod”. There is: pay, pay-test.",)


def test_a_line_names_a_bundle_in_the_roles_place() -> None:
    ask, problems = line("night pay bucket=pay-exports 1h PAY-1 because the export is broken")
    assert problems == ()
    assert [(item.role, item.params["bucket"]) for item in ask.items] == [
        ("s3-read", "pay-logs"),
        ("s3-write", "pay-exports"),
    ]
    assert ask.ticket == "PAY-1"


@pytest.mark.parametrize(
    "text", ["s3-read pay,pay-test bucket=pay-logs", "night pay bucket=pay-exports", "dusk pay bucket=pay-exports"]
)
def test_asking_again_asks_for_the_same_targets(text: str) -> None:
    ask, _ = line(f"{text} 1h PAY-1 because the export is broken")
    view = request_form(CATALOGUE, MAYA, Form.of(ask))
    form, _ = read(as_sent(view))
    assert to_ask(form, MAYA, CATALOGUE)[0].items == ask.items


def test_what_is_wrong_is_told_at_its_field_with_the_target_and_once_where_it_is_so_of_all() -> None:
    form = Form(role="night", account="pay", params={"bucket": "?"}, work="incident", duration="99h", reason="too long")
    ask, _ = to_ask(form, MAYA, CATALOGUE)
    verdict = policy.may_ask(policy.Asking(CATALOGUE, MAYA, ask, NOW))
    errors = on_blocks(problems_of(verdict), request_form(CATALOGUE, MAYA, form))
    assert errors["param:night:bucket"].startswith("s3-write in pay: Bucket must be")
    assert "s3-read" not in errors["param:night:bucket"]
    assert errors["reason"].count("too") <= 1
    assert errors["duration"]


def test_a_confirmation_names_every_target_in_full() -> None:
    ask, _ = line("night pay bucket=pay-exports 1h PAY-1 because the export is broken")
    view = confirmation("r-1", ask, CATALOGUE, with_code=True)
    assert_slack_takes_view(view)
    shown = str(view["blocks"])
    assert all(words in shown for words in ("pay-logs", "pay-exports", "A night's work (2 roles)"))
    assert [target.account_title for target in targets_asked(CATALOGUE, ask)] == ["Payments", "Payments"]


def test_what_is_no_bundle_any_more_is_counted() -> None:
    ask, _ = line("night pay bucket=pay-exports 1h PAY-1 because the export is broken")
    assert titles_of(catalogue(), ask)[0] == "2 roles"
    assert titles_of(CATALOGUE, replace(ask, more=(*ask.more, Item("s3-read", "pay-test"))))[1] == "2 accounts"


# --- what people see -------------------------------------------------------------------------------------

targets = st.lists(
    st.builds(
        Target,
        role_title=typed(75),
        account_title=typed(75),
        account_number=st.just("111111111111"),
        params=st.lists(st.tuples(typed(75), typed(300)), max_size=12).map(tuple),
        principal=typed(70),
        grant=st.none() | grants,
        how_to_use=how_to_use,
    ),
    min_size=2,
    max_size=policy.ITEMS_MOST,
).map(tuple)


@many
@given(cards, targets)
def test_a_card_of_several_targets_fits_and_its_buttons_are_of_the_request(card, found) -> None:
    shown = tuple(target.grant for target in found if target.grant)
    card = replace(card, targets=found, grants=shown)
    message = request_card(card)
    assert_slack_takes(message)
    assert set(values_of(message.blocks).values()) <= {"r-0123456789"}
    assert_slack_takes_view(permissions(card, "[]"))


@many
@given(st.sampled_from(["active", "ended", "reminder", "denied"]), requests, targets)
def test_a_notice_of_several_targets_fits_and_harms_nobody(what, request, found) -> None:
    message = render(Notice(what, request, None, "Role", "Account", (), NAMES, found))
    assert_slack_takes(message)
    held = what in {"active", "reminder"} and any(target.grant for target in found)
    assert (values_of(message.blocks).get(ids.RELEASE) == request.id) is held


def grant(item: int, status: GrantStatus, **changes: Any) -> Grant:
    made = Grant(
        f"g-{item}", "r-1", "maya", "s3-read", "pay", "p", "user/maya", "[]", "d", status, NOW, NOW + timedelta(hours=1)
    )
    return replace(made, item=item, **changes)


@pytest.mark.parametrize(
    ("statuses", "says"),
    [
        (("active", "active"), "active"),
        (("active", "ended"), "1 of 2 active"),
        (("revoking", "ended"), "being removed"),
        (("granting", "scheduled"), "approved"),
        (("ended", "ended"), "ended: released"),
    ],
)
def test_where_several_stand_is_said_in_a_word(statuses: tuple[str, ...], says: str) -> None:
    found = [grant(at, GrantStatus(each), end_reason=EndReason.RELEASED) for at, each in enumerate(statuses)]
    assert several.state_of(found) == says


def test_what_several_ends_have_in_common_is_said_once() -> None:
    ends = tuple(
        grant(at, GrantStatus.ENDED, end_note=note)
        for at, note in enumerate(("No room.", "s3-read in pay could not be given: No room.", "No room."))
    )
    said = [each["text"]["text"] for each in notes(replace(PENDING, decision_note=""), ends)]
    assert [clip(each, 60) for each in said] == ["*Reason for the end*", "s3-read in pay could not be given: No room."]


def test_how_to_use_the_same_account_is_said_once() -> None:
    pairs = (("Profile", "export AWS_PROFILE=pay"),)
    one = Target("Read", "Payments", "1", (), grant=grant(0, GrantStatus.ACTIVE), how_to_use=pairs)
    other = replace(one, role_title="Write", how_to_use=(*pairs, ("Command line", "aws s3 ls")))
    blocks = several.told(Notice("active", PENDING, None, "Both", "Payments", (), Names(), (one, other)))
    assert str(blocks).count("AWS_PROFILE=pay") == 1
    assert "aws s3 ls" in str(blocks)
    assert ids.RELEASE in str(render(Notice("active", PENDING, None, "Both", "Payments", (), Names(), (one, other))))


def test_the_button_stays_however_much_there_is_to_say_about_many_targets() -> None:
    def one(item: int) -> Target:
        pairs = tuple((f"Label {item}.{at}", f"text {item}.{at}") for at in range(6))
        return Target("Read", "Payments", "1", (), grant=grant(item, GrantStatus.ACTIVE), how_to_use=pairs)

    found = tuple(map(one, range(policy.ITEMS_MOST)))
    message = render(Notice("active", PENDING, None, "Read", "10 accounts", (), Names(), found))
    assert_slack_takes(message)
    assert values_of(message.blocks)[ids.RELEASE] == PENDING.id
