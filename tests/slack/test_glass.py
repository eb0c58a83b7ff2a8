"""Broken glass, its review, and what goes without a word, as people see them: in the form, typed, on cards."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.model import AccessRequest, RequestStatus, Review, Way
from bot.core.rules import BreakGlass
from bot.sandbox.slack.screen import words
from bot.sandbox.slack.visitor import Submission
from bot.service.cards import HomeCard, Notice, RequestCard
from bot.slack import glass, ids, views
from bot.slack.cards import request_card
from bot.slack.form import Form, read, to_ask
from bot.slack.home import home
from bot.slack.messenger import render
from bot.slack.typed import parse
from bot.slack.views_request import request_form
from tests.patience import in_time
from tests.slack.conftest import OpenOffice
from tests.slack.office import PEOPLE, READ, catalogue
from tests.slack.shapes import (
    NAMES,
    NOW,
    assert_slack_takes,
    assert_slack_takes_view,
    cards,
    requests,
    typed,
    values_of,
)
from tests.slack.test_cards import many

MAYA = PEOPLE[0]
CATALOGUE = catalogue(replace(READ, break_glass=BreakGlass(timedelta(minutes=30), timedelta(hours=12))))
BOX = ids.block_of(ids.BREAK_GLASS, "s3-read")
BUTTONS = {ids.REVIEW_RIGHT, ids.REVIEW_OBJECT}

reviews = st.builds(
    Review,
    due_at=st.just(NOW + timedelta(hours=12)),
    at=st.none() | st.just(NOW),
    by=st.just("ines"),
    objects=st.booleans(),
    note=typed(glass.NOTE_MAX, multiline=True),
)
silent = st.builds(
    lambda request, way, review: replace(
        request, status=RequestStatus.APPROVED, way=way, review=review if way is Way.BREAK_GLASS else None
    ),
    requests,
    st.sampled_from([Way.AUTOMATIC, Way.BREAK_GLASS]),
    reviews,
)
audiences = st.sampled_from(["approvers", "own", "alarm", "reminder-1", "overdue-5", "objection"])


@many
@given(cards, silent, audiences)
def test_a_card_fits_and_is_reviewed_while_that_is_owed_and_never_decided(
    card: RequestCard, request: AccessRequest, audience: str
) -> None:
    message = request_card(replace(card, request=request, audience=audience))
    assert_slack_takes(message)
    shown = values_of(message.blocks)
    assert not {ids.APPROVE, ids.DENY, ids.CANCEL} & set(shown)
    owed = request.review is not None and request.review.is_owed and audience != "own"
    assert set(shown) & BUTTONS == (BUTTONS if owed else set())


@many
@given(silent)
def test_what_is_told_of_it_fits(request: AccessRequest) -> None:
    assert_slack_takes_view(views.sent(request, CATALOGUE, NAMES))
    assert_slack_takes(render(Notice("reviewed", request, None, "A role", "An account", (), NAMES)))


@many
@given(cards)
def test_its_modals_fit(card: RequestCard) -> None:
    assert_slack_takes_view(glass.objection(card))
    broken = replace(card.request.ask, role="s3-read", break_glass=True)
    view = views.confirmation("r-1", broken, CATALOGUE, with_code=True)
    assert_slack_takes_view(view)
    assert "Nobody is asked first" in str(view)
    assert "within 12 h" in str(view)


@pytest.mark.parametrize(
    ("audience", "owed", "heading"),
    [
        ("alarm", True, "🚨 Glass broken · approved"),
        ("reminder-2", True, "⏰ A review is owed"),
        ("overdue-5", True, "🔴 A review is overdue"),
        ("overdue-5", False, "🚨 Glass broken · reviewed: objection"),
    ],
)
def test_the_heading_says_what_is_to_be_done(audience: str, owed: bool, heading: str) -> None:
    review = Review(NOW) if owed else Review(NOW, NOW, "ines", objects=True, note="Why?")
    ask = to_ask(Form(role="s3-read", account="pay", duration="30m"), MAYA, CATALOGUE)[0]
    request = AccessRequest(
        "r-1",
        replace(ask, break_glass=True),
        RequestStatus.APPROVED,
        *(NOW, NOW, "user/maya", "[]", "d", (), "C0APPROVALS"),
        way=Way.BREAK_GLASS,
        review=review,
    )
    card = RequestCard(audience, request, (), MAYA, "Read", "Payments", "1", "Bug fix", (), (), NAMES)
    assert request_card(card).blocks[0]["text"]["text"] == heading


def test_the_form_offers_it_where_the_role_does_and_then_asks_for_no_start() -> None:
    view = request_form(CATALOGUE, MAYA, Form(role="s3-read"))
    (box,) = [block for block in view["blocks"] if block.get("block_id") == BOX]
    (option,) = box["element"]["options"]
    assert option["text"]["text"] == "🚨 Break glass: no approver, at most 30 min, reviewed within 12 h"
    assert "initial_options" not in box["element"]
    ticked = request_form(CATALOGUE, MAYA, Form(role="s3-read", break_glass=True))
    assert_slack_takes_view(ticked)
    blocks = {block.get("block_id", ""): block for block in ticked["blocks"]}
    assert blocks[BOX]["element"]["initial_options"] == [option]
    assert (ids.START in blocks, "to 30 min" in blocks[ids.DURATION]["hint"]["text"]) == (False, True)
    other = request_form(CATALOGUE, MAYA, Form(role="s3-write", break_glass=True))
    assert BOX not in str(other)
    assert ids.START in {block.get("block_id") for block in other["blocks"]}


def test_a_ticked_box_is_read() -> None:
    view = {**request_form(CATALOGUE, MAYA, Form(role="s3-read", break_glass=True)), "state": {"values": {}}}
    chosen = {"selected_options": [{"value": ids.BREAK_GLASS}]}
    state = {BOX: {ids.BREAK_GLASS: chosen}, ids.ROLE: {ids.ROLE: {"selected_option": {"value": "s3-read"}}}}
    assert not read(view)[0].break_glass
    form, _ = read({**view, "state": {"values": state}})
    assert to_ask(form, MAYA, CATALOGUE)[0].break_glass


@pytest.mark.parametrize("flag", ["--break-glass", "—break-glass"])
def test_it_is_typed_as_a_word_of_its_own(flag: str) -> None:
    found = parse(f"s3-read pay {flag} bucket=pay-logs 20m all is down", CATALOGUE, MAYA, NOW)
    assert (found.problems, found.form.break_glass, found.form.reason) == ((), True, "all is down")
    assert to_ask(found.form, MAYA, CATALOGUE)[0].break_glass


# --- on people's pages -----------------------------------------------------------------------------------


def owed(number: int, hours: int) -> AccessRequest:
    ask = replace(to_ask(Form(role="s3-read", account="pay", duration="30m"), MAYA, CATALOGUE)[0], break_glass=True)
    request = AccessRequest(f"r-{number}", ask, RequestStatus.APPROVED, NOW, NOW, "user/maya", "[]", "d", (), "C0")
    return replace(request, way=Way.BREAK_GLASS, review=Review(NOW + timedelta(hours=hours)))


def shown(**reviews: tuple[AccessRequest, ...]) -> list[str]:
    """The page's blocks, each as text."""
    card = HomeCard(MAYA, True, (), (), (), (), {}, CATALOGUE, NAMES, NOW)
    return [str(block) for block in home(replace(card, **reviews))["blocks"]]


def test_who_broke_glass_sees_that_a_review_is_owed_and_has_no_button_for_it() -> None:
    (said,) = [block for block in shown(owes_review=(owed(1, 12),)) if "A review is owed" in block]
    assert "*A review is owed: until then you cannot break glass again.* Somebody else says by" in said
    assert not BUTTONS & {word for block in shown(owes_review=(owed(1, 12),)) for word in BUTTONS if word in block}


def test_who_may_review_sees_a_few_with_both_buttons_the_most_urgent_first_and_how_many_more() -> None:
    blocks = shown(to_review=tuple(owed(number, hours) for number, hours in enumerate((-1, 2, 3, 4, 5))))
    buttons = [block for block in blocks if ids.REVIEW_RIGHT in block]
    assert [all(button in block for button in BUTTONS) for block in buttons] == [True] * 3
    assert [f"'r-{number}'" in block for number, block in enumerate(buttons)] == [True] * 3
    due = [block for block in blocks if "broke glass for" in block]
    assert "🔴 *Overdue* since" in due[0]
    assert "⏳ Review owed by" in due[1]
    assert any("… and 2 more" in block for block in blocks)
    titles = [block for block in blocks if "Waiting for my review" in block or "My access" in block]
    assert "Waiting for my review" in titles[0]


def test_a_review_is_given_from_the_page_of_who_may_and_leaves_every_page(open_office: OpenOffice) -> None:
    office = open_office(replace(READ, break_glass=BreakGlass(timedelta(minutes=30))))
    office.enrol("maya")
    maya, ines = office.visitor("U0MAYA"), office.visitor("U0INES")
    maya.command("/prodaccess s3-read pay bucket=pay-logs 20m --break-glass the export is down and nobody answers")
    maya.wait_for_modal("exactly this")

    def send() -> Submission:
        maya.fill(code=office.code("maya"))
        return maya.submit()

    assert in_time(send).action == "update"
    maya.wait_for_modal("Glass broken")
    maya.open_home()
    maya.wait_for_home("A review is owed: until then you cannot break glass again.")
    ines.open_home()
    ines.wait_for_home("Waiting for my review")
    ines.click_home(ids.REVIEW_RIGHT)
    ines.wait_for(lambda: "Waiting for my review" not in words(ines.home()), what="the review to be given")
    maya.wait_for(lambda: "A review is owed" not in words(maya.home()), what="the review to be given")
