"""The form that makes access longer, and favourites, as people use them."""

from dataclasses import replace
from datetime import timedelta

from bot.core.model import Grant
from bot.core.rules import Extension
from bot.sandbox.slack.screen import words
from bot.sandbox.slack.visitor import Visitor
from bot.service.proof import REFUSED
from bot.slack import ids
from tests.slack.conftest import OpenOffice
from tests.slack.doing import LINE, approve, ask
from tests.slack.office import INES, MAYA, READ, TOMAS, Office

LONGER = replace(READ, extend=Extension(timedelta(minutes=30), approval=False))
WRONG = "000000"


def holding(open_office: OpenOffice) -> tuple[Office, Visitor, Grant]:
    """Maya holds what can be made longer."""
    office = open_office(LONGER)
    office.enrol("maya", "ines")
    ask(office)
    approve(office, INES, "ines")
    maya = office.visitor(MAYA)
    maya.wait_for_message("You have access")
    (grant,) = office.grants("maya")
    return office, maya, grant


def test_every_problem_stands_below_its_field_and_a_code_is_always_wanted(open_office: OpenOffice) -> None:
    office, maya, grant = holding(open_office)
    maya.click(maya.wait_for_message("You have access"), ids.EXTEND, value=grant.id)
    form = maya.wait_for_modal("Extend access")
    typed = maya.typed(form)
    assert typed[ids.DURATION][ids.DURATION]["value"] == "30 min"
    assert typed[ids.REASON][ids.REASON]["value"] == "the nightly export is broken"
    maya.fill(duration="soon", reason="no", code=WRONG)
    assert maya.submit().errors.keys() == {ids.DURATION}
    maya.fill(duration="31m")
    assert maya.submit().errors.keys() == {ids.DURATION, ids.REASON}
    maya.fill(duration="30m", reason="the export is half way through")
    assert maya.submit().errors == {ids.CODE: REFUSED}
    assert len(office.grants("maya")) == 1
    maya.fill(code=office.code("maya"))
    assert maya.submit().action == "update"
    maya.wait_for_modal("Your access goes on")
    (_, further) = office.grants("maya")
    assert (further.starts_at, further.expires_at) == (grant.expires_at, grant.expires_at + timedelta(minutes=30))


def test_what_is_typed_after_extend_is_understood_or_said_not_to_be(open_office: OpenOffice) -> None:
    office, maya, grant = holding(open_office)
    for line, told in (
        ("extend soon", "How long:"),
        ("extend g-unknown 1h", "no such request or grant"),
        (f"extend {grant.id} 2h", "to 30 min"),
    ):
        maya.command(f"/prodaccess {line}")
        maya.wait_for_message(told)
    maya.command("/prodaccess extend")
    maya.wait_for_modal("Extend access")
    maya.close()
    tomas = office.visitor(TOMAS)
    tomas.command(f"/prodaccess extend {grant.id} 10m")
    tomas.wait_for_message("no such request or grant")
    maya.command(f"/prodaccess extend {grant.id} 10m")
    assert f"When `{grant.id}` ends" in words(maya.wait_for_modal("exactly this"))


def test_a_favourite_is_kept_asked_for_and_taken_away_on_the_home_tab(office: Office) -> None:
    office.enrol("maya")
    request = ask(office)
    maya = office.visitor(MAYA)
    maya.open_home()
    maya.wait_for_home("Ask again")
    maya.click_home(ids.KEEP, value=request)
    shown = words(maya.wait_for_home("Favourites"))
    assert "Read a bucket in Payments" in shown
    assert "Keep" not in shown
    maya.click_home(ids.ASK_FAVOURITE)
    form = maya.wait_for_modal("Request access")
    assert maya.typed(form)["reason"]["reason"]["value"] == "the nightly export is broken"
    assert maya.submit().action == "push"
    assert "exactly this" in words(maya.wait_for_modal("Code from your authenticator"))
    maya.close()
    maya.close()
    maya.click_home(ids.FORGET)
    maya.wait_for(lambda: "Favourites" not in words(maya.home()), what="the favourite to go")


def test_the_home_tab_follows_what_happens_once_it_was_opened(office: Office) -> None:
    office.enrol("maya", "ines")
    maya = office.visitor(MAYA)
    ask(office)
    office.handled()
    assert maya.home() is None
    maya.open_home()
    maya.wait_for_home("My pending requests")
    ask(office, LINE.replace("broken", "late"))
    maya.wait_for(lambda: words(maya.home()).count("Lapses") == 2, what="the second request on the page")
