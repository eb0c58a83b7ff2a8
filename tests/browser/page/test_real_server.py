"""The page against the local Slack itself, with a Bolt app beside it: the contract holds on both sides."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from bot.sandbox.page import routes
from bot.sandbox.slack.server import LocalSlack
from tests.sandbox.slack.echo import Echo
from tests.sandbox.slack.harness import RunningApp, workspace


@pytest.fixture
def slack() -> Iterator[LocalSlack]:
    with LocalSlack(workspace(), extra_routes=routes()) as running:
        yield running


@pytest.fixture
def echo(slack: LocalSlack) -> Iterator[Echo]:
    echo = Echo()
    app = RunningApp(slack, echo.build)
    yield echo
    app.stop()


@pytest.fixture
def ann(context: BrowserContext, slack: LocalSlack, echo: Echo) -> Page:
    page = context.new_page()
    page.goto(f"{slack.url}/#user=U0ANN")
    expect(page.locator("#app[data-ready]")).to_be_visible()
    return page


def send(page: Page, text: str) -> None:
    page.locator("#composer").fill(text)
    page.locator("#composer").press("Enter")


def test_a_form_is_filled_refused_pushed_and_finished(ann: Page, echo: Echo) -> None:
    send(ann, "/prodaccess")
    form = ann.get_by_role("dialog", name="Form")
    fruit = form.get_by_role("combobox", name="Fruit")
    fruit.click()
    fruit.press_sequentially("ap")
    expect(ann.get_by_role("option")).to_have_text(["Apple", "Apricot"])
    fruit.press("ArrowDown")
    fruit.press("Enter")
    form.get_by_label("Reason").fill("bad")
    form.get_by_role("button", name="Send").click()
    expect(form.get_by_text("Give a better reason")).to_be_visible()
    form.get_by_label("Reason").fill("good enough")
    form.get_by_label("Reason").press("Enter")
    code = ann.get_by_role("dialog", name="Code")
    code.get_by_role("textbox", name="Code").fill("000000")
    code.get_by_role("button", name="Send").click()
    expect(code.get_by_text("Wrong code")).to_be_visible()
    code.get_by_role("textbox", name="Code").fill("123456")
    code.get_by_role("button", name="Send").click()
    expect(ann.get_by_role("dialog")).to_have_count(0)
    values = echo.payloads("form")[-1]["view"]["state"]["values"]
    assert values["fruit"]["pick"]["selected_option"]["value"] == "apricot"
    assert values["note"]["value"] == {"type": "plain_text_input", "value": None}
    ann.get_by_role("link", name="prodaccess", exact=False).first.click()
    expect(ann.get_by_text("Done", exact=True)).to_be_visible()


def test_an_updated_view_of_the_real_server_keeps_what_was_typed(ann: Page) -> None:
    send(ann, "/prodaccess")
    form = ann.get_by_role("dialog", name="Form")
    form.get_by_role("combobox", name="Fruit").click()
    ann.get_by_role("option", name="Banana").click()
    form.get_by_label("Note").fill("kept")
    form.get_by_label("Reason").fill("again")
    form.get_by_role("button", name="Send").click()
    again = ann.get_by_role("dialog", name="Form again")
    expect(again.get_by_label("Note")).to_have_value("kept")
    expect(again.get_by_role("combobox", name="Fruit")).to_have_value("Banana")


def test_a_card_changes_under_the_press_and_home_opens(ann: Page, echo: Echo) -> None:
    send(ann, "/prodaccess card")
    ann.get_by_role("link", name="prodaccess 1 unread").click()
    ann.get_by_role("button", name="Go").click()
    expect(ann.get_by_text("Gone", exact=True)).to_be_visible()
    expect(ann.get_by_text("(edited)")).to_be_visible()
    assert echo.payloads("go")[0]["actions"][0]["value"] == "42"
    ann.get_by_role("tab", name="Home").click()
    expect(ann.get_by_role("heading", name="Welcome")).to_be_visible()


def test_an_app_that_does_not_answer_in_time_is_told_of_once(ann: Page, echo: Echo) -> None:
    echo.before_ack = 2.5
    send(ann, "/prodaccess")
    failed = ann.locator(".toast.error")
    expect(failed).to_have_text('/prodaccess failed with the error "operation_timeout"')
    expect(ann.locator("#composer")).to_have_value("/prodaccess")


def test_private_answers_and_mentions_reach_only_whom_they_should(
    ann: Page, context: BrowserContext, slack: LocalSlack
) -> None:
    other = context.new_page()
    other.goto(f"{slack.url}/#user=U0BEA&channel=C0GENERAL")
    expect(other.locator("#app[data-ready]")).to_be_visible()
    ann.get_by_role("link", name="general").click()
    send(ann, "/prodaccess echo just me")
    expect(ann.get_by_text("Only visible to you")).to_be_visible()
    send(ann, "hello @bea <b>&amp;")
    expect(other.get_by_text("hello @Bea Osei <b>&amp;")).to_be_visible()
    expect(other.get_by_text("just me")).to_have_count(0)
