"""Every card is one that Slack takes, whatever people wrote into it."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.core.model import Ask, EndReason, Favourite, GrantStatus, Person, RequestStatus, Review, Way
from bot.core.rules import Extension
from bot.service.cards import (
    AlertCard,
    EnrolmentCard,
    HomeCard,
    Notice,
    SummaryCard,
    SummaryLine,
)
from bot.service.extending import Extendable
from bot.service.going_on import GoingOn
from bot.service.records import Enrolment, EnrolmentStatus
from bot.service.turns import Turn
from bot.slack import blocks as b
from bot.slack import extending, ids, views
from bot.slack.cards import request_card
from bot.slack.form import Form
from bot.slack.home import REVIEWS_MOST, home
from bot.slack.messenger import render
from bot.slack.views_request import request_form
from tests.slack.office import PEOPLE, catalogue
from tests.slack.shapes import (
    NAMES,
    NOW,
    asks,
    assert_slack_takes,
    assert_slack_takes_view,
    cards,
    grants,
    how_to_use,
    requests,
    typed,
    values_of,
)

CATALOGUE = catalogue()
many = settings(max_examples=40, deadline=None)


@many
@given(cards)
def test_a_requests_card_fits_and_harms_nobody(card) -> None:
    message = request_card(card)
    assert_slack_takes(message)
    assert set(values_of(message.blocks).values()) <= {"r-0123456789", "g-0123456789"}


@many
@given(
    st.builds(
        Notice,
        what=st.sampled_from(["active", "goes-on", "ended", "denied", "cancelled", "lapsed", "reminder"]),
        request=requests,
        grant=st.none() | grants,
        role_title=typed(75),
        account_title=typed(75),
        how_to_use=how_to_use,
        names=st.just(NAMES),
        going_on=st.none() | st.builds(GoingOn, requests, st.none() | grants),
        extendable=st.booleans(),
    )
)
def test_a_notice_fits_and_harms_nobody(notice) -> None:
    assert_slack_takes(render(notice))


@many
@given(st.lists(st.tuples(typed(75), st.lists(st.builds(SummaryLine, typed(60), typed(400), typed(30)), max_size=60))))
def test_a_summary_fits_however_much_happened(sections) -> None:
    found = tuple((title, tuple(lines)) for title, lines in sections)
    assert_slack_takes(render(SummaryCard(NOW, NOW + timedelta(days=1), "Europe/Vienna", found, NAMES)))


@many
@given(typed(500), st.lists(st.tuples(typed(200), typed(1000)), max_size=40))
def test_an_alert_fits_and_harms_nobody(title, facts) -> None:
    assert_slack_takes(render(AlertCard(title, tuple(facts))))


@pytest.mark.parametrize("audience", ["own", "approvers"])
@pytest.mark.parametrize("status", EnrolmentStatus)
def test_an_enrolments_card_fits_in_every_state(audience: str, status: EnrolmentStatus) -> None:
    enrolment = Enrolment("e-1", "slack:U0NEW", status, NOW, NOW + timedelta(hours=1), vouched_by="ines")
    card = EnrolmentCard(enrolment, Person("slack:U0NEW", "New <!channel>"), NAMES, audience)
    message = render(card)
    assert_slack_takes(message)
    vouching = audience == "approvers" and status is EnrolmentStatus.REQUESTED
    assert (ids.VOUCH in values_of(message.blocks)) is vouching
    assert (ids.SET_UP in values_of(message.blocks)) is (audience == "own" and status is EnrolmentStatus.VOUCHED)


@many
@given(
    st.lists(grants, max_size=15),
    st.lists(requests, max_size=15),
    st.booleans(),
    st.none() | st.builds(GoingOn, requests, st.none() | grants.map(lambda grant: replace(grant, id="g-1"))),
    st.none()
    | st.builds(Turn, st.just(1), st.integers(1, 3), typed(75), *[st.integers(0, 3)] * 2, *[st.booleans()] * 2),
    st.lists(requests.map(lambda request: replace(request, way=Way.BREAK_GLASS, review=Review(NOW))), max_size=5),
)
def test_a_home_tab_fits_however_much_there_is(held, asked, enrolled, going_on, turn, owed) -> None:
    card = HomeCard(
        person=PEOPLE[0],
        enrolled=enrolled,
        live=tuple(held),
        pending=tuple(asked),
        waiting_for_me=tuple(asked),
        recent=tuple(asked),
        roles=CATALOGUE.roles,
        catalogue=CATALOGUE,
        names=NAMES,
        now=NOW,
        going_on={grant.id: going_on for grant in held if going_on},
        extendable=frozenset(grant.id for grant in held),
        turns={request.id: turn for request in asked if turn},
        favourites=tuple(Favourite("f-1", request.ask.role, request.ask, NOW) for request in asked),
        owes_review=tuple(owed),
        to_review=tuple(owed),
    )
    view = home(card)
    assert_slack_takes_view(view)
    # Nothing is left out below what each part shows at most.
    assert "parts more" not in str(view["blocks"][-1])
    assert "As of" in str(view["blocks"][-1])
    assert str(view["blocks"]).count(f"'{ids.REVIEW_RIGHT}'") == min(len(owed), REVIEWS_MOST)


@many
@given(grants, asks, st.sampled_from([Extension(timedelta(hours=1)), Extension(timedelta(days=2), approval=False)]))
def test_the_form_that_makes_access_longer_fits_and_fills_in_no_code(grant, ask, rule) -> None:
    role = replace(CATALOGUE.roles["s3-read"], extend=rule)
    there = replace(CATALOGUE, roles={grant.role: role})
    view = extending.form(Extendable(grant, ask, rule.longest), there)
    assert_slack_takes_view(view)
    (code,) = [block["element"] for block in view["blocks"] if block.get("block_id") == ids.CODE]
    assert "initial_value" not in code


_forms = st.builds(
    Form,
    role=st.sampled_from(["", "s3-read", "s3-write", "look", "unknown"]),
    account=typed(60),
    params=st.dictionaries(st.sampled_from(["bucket", "prefix", "other"]), typed(300)),
    work=st.sampled_from(["", "bug-fix", "incident", "other"]),
    duration=typed(40),
    start=st.none() | st.just(NOW),
    reason=typed(3000, multiline=True),
    ticket=typed(100),
)


@many
@given(_forms)
def test_the_form_can_be_shown_again_with_anything_in_it(form) -> None:
    assert_slack_takes_view(request_form(CATALOGUE, PEOPLE[0], form))


@many
@given(asks, st.booleans())
def test_a_confirmation_shows_everything_that_is_confirmed(ask: Ask, with_code: bool) -> None:
    view = views.confirmation("r-1", ask, CATALOGUE, with_code=with_code)
    assert_slack_takes_view(view)
    assert view["private_metadata"] == "r-1"
    shown = [block["text"]["text"] for block in view["blocks"] if block["type"] == "section" and "text" in block]
    assert (ask.reason or "–") in shown


@many
@given(cards, st.builds(str.__mul__, st.text(alphabet='{}[]":,`<>&\n abc', max_size=40), st.integers(0, 700)))
def test_the_exact_permissions_fit_and_are_whole(card, policy) -> None:
    view = views.permissions(card, policy)
    assert_slack_takes_view(view)
    assert_slack_takes_view(views.approve_code(card))
    assert_slack_takes_view(views.deny_note(card))
    assert_slack_takes_view(views.revoke_note(card, "g-1"))
    after = view["blocks"][
        [block.get("text", {}).get("text") for block in view["blocks"]].index("*Exact permissions*") + 1 :
    ]
    fences = [block["text"]["text"] for block in after[:-1] if block["type"] == "section"]
    assert all(text.startswith("```") and text.endswith("```") and text.count("```") == 2 for text in fences)


@many
@given(typed(3000), st.integers(1, 500))
def test_escaping_never_cuts_an_entity_in_two(text: str, limit: int) -> None:
    shown = b.esc(text, limit)
    assert len(shown) <= limit
    rest = shown.replace("&amp;", "").replace("&lt;", "").replace("&gt;", "")
    assert not set("&<>") & set(rest)


def test_a_secret_is_shown_with_its_link_and_two_fields_for_codes() -> None:
    view = views.secret("e-1", "otpauth://totp/x?secret=ABC&issuer=y", "ABCD EFGH", "https://access.example/enrol/t")
    assert_slack_takes_view(view)
    assert view["private_metadata"] == "e-1"
    assert "otpauth" not in view["private_metadata"]


@many
@given(cards)
def test_buttons_are_only_there_while_they_do_something(card) -> None:
    shown = values_of(request_card(card).blocks)
    pending = card.request.status is RequestStatus.PENDING
    assert (ids.APPROVE in shown) is (ids.DENY in shown) is (pending and card.audience == "approvers")
    assert (ids.CANCEL in shown) is (pending and card.audience == "own")
    stoppable = {GrantStatus.SCHEDULED, GrantStatus.GRANTING, GrantStatus.ACTIVE}
    alive = any(grant.status in stoppable for grant in card.grants)
    assert (ids.REVOKE in shown) is (alive and not pending and card.audience == "approvers")
    assert (ids.RELEASE in shown) is (alive and not pending and card.audience == "own")


@many
@given(cards, grants)
def test_an_ended_grant_says_when_and_why(card, grant) -> None:
    grant = replace(
        grant, status=GrantStatus.ENDED, ended_at=NOW, granted_at=NOW, end_reason=EndReason.RELEASED, ended_by="maya"
    )
    request = replace(card.request, status=RequestStatus.APPROVED)
    text = str(request_card(replace(card, request=request, grants=(grant,))).blocks)
    assert "released by <@U0MAYA>" in text
    assert "active since <!date^" in text
