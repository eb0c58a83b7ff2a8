"""While a request waits: who is on it, what people are reminded of, who is away."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.core.model import Absence
from bot.sandbox.slack import screen
from bot.service.cards import DelegateCard, NudgeCard
from bot.slack import ids
from bot.slack.messenger import render
from tests.slack.doing import again, ask
from tests.slack.office import INES, MAYA, RAVI, SAM, Office, catalogue
from tests.slack.shapes import NAMES, NOW, assert_slack_takes, requests, values_of

many = settings(max_examples=30, deadline=None)
CATALOGUE = catalogue()


@many
@given(st.lists(requests, min_size=1, max_size=12).map(tuple))
def test_a_reminder_fits_and_harms_nobody(waiting) -> None:
    message = render(NudgeCard("ines", waiting, CATALOGUE, NAMES))
    assert_slack_takes(message)
    assert set(values_of(message.blocks).values()) <= {"r-0123456789"}


def test_a_delegate_is_told_until_when() -> None:
    message = render(DelegateCard(Absence("ines", NOW, NOW + timedelta(days=1), "ravi"), NAMES))
    assert_slack_takes(message)
    assert "in the place of" in message.text


# --- I'm on it -------------------------------------------------------------------------------------------


def test_whoever_is_on_it_stands_on_every_card_and_another_may_take_over(either_office: Office) -> None:
    office = either_office
    office.enrol("maya")
    request_id = ask(office)
    ines, ravi, maya = office.visitor(INES), office.visitor(RAVI), office.visitor(MAYA)
    card = ines.wait_for_message("Waiting for approval", "approvals")
    ines.click(card, ids.CLAIM, value=request_id)
    for visitor, channel in ((ines, "approvals"), (ravi, None), (maya, None)):
        visitor.wait_for_message("<@U0INES> is on it", channel)
    assert str(office.desk.access.request(request_id).status) == "pending"
    ravi.click(again(ravi, card, "approvals"), ids.CLAIM, value=request_id)
    maya.wait_for_message("<@U0RAVI> is on it")
    ravi.click(again(ravi, card, "approvals"), ids.CLAIM, value=request_id)
    ravi.wait_for_message("You said so already", "approvals")


def test_whoever_is_no_approver_cannot_be_on_it(office: Office) -> None:
    office.enrol("maya")
    request_id = ask(office)
    sam = office.visitor(SAM)
    sam.click(sam.wait_for_message("Waiting for approval", "approvals"), ids.CLAIM, value=request_id)
    sam.wait_for_message("Only an approver of this request may take it on", "approvals")
    assert office.desk.access.request(request_id).claimed_by == ""


# --- away ------------------------------------------------------------------------------------------------


def day(ahead: int) -> str:
    return f"{datetime.now(UTC) + timedelta(days=ahead):%Y-%m-%d}"


def test_who_is_away_alone_says_so_in_one_line_and_is_back_with_a_button(office: Office) -> None:
    ines = office.visitor(INES)
    ines.command(f"/prodaccess away until {day(3)}")
    ines.wait_for_message("Nobody approves in your place")
    ines.open_home()
    ines.wait_for_home("You are away until")
    ines.click_home(ids.BACK)
    ines.wait_for_home("I'm away…")
    assert [tag for tag in office.tags() if tag.startswith("absence.")] == ["absence.set", "absence.ended"]


def test_a_delegate_is_named_in_a_form_that_takes_a_code(office: Office) -> None:
    office.enrol("ines")
    ines = office.visitor(INES)
    ines.command(f"/prodaccess away until {day(3)} 09:00 delegate <@{RAVI}>")
    ines.wait_for_modal("Who approves meanwhile")
    assert set(ines.submit().errors) == {ids.CODE}
    ines.fill(code=office.code("ines"))
    assert ines.submit().action == "clear"
    office.visitor(RAVI).wait_for_message("You approve in the place of <@U0INES>")
    ines.wait_for_home("<@U0RAVI> approves in your place")
    ravi = office.visitor(RAVI)
    ravi.open_home()
    ravi.wait_for_home("You approve in the place of <@U0INES>")


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("away tomorrow", "away until 2026-12-01"),
        ("away until someday", "Until when?"),
        ("away until 2020-01-01", "over already"),
        (f"away until {day(120)}", "At most 90 days"),
        (f"away @ravi until {day(2)}", "Only an admin"),
        ("back", "You are not away"),
    ],
)
def test_what_is_typed_wrong_is_said(office: Office, line: str, says: str) -> None:
    ines = office.visitor(INES)
    ines.command(f"/prodaccess {line}")
    ines.wait_for_message(says)


def test_an_admin_says_it_for_somebody_else_from_a_mention(office: Office) -> None:
    sam = office.visitor(SAM)
    sam.command(f"/prodaccess away <@{RAVI}> until {day(2)}")
    shown = sam.wait_for_message("is away until")
    assert "<@U0RAVI>" in screen.words(shown)
    sam.command(f"/prodaccess back <@{RAVI}>")
    sam.wait_for_message("asked again")
