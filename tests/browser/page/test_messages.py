"""What the middle of the page shows of messages, and how it follows the live line."""

from __future__ import annotations

import threading

from playwright.sync_api import Page, expect

from tests.browser.page.driving import visit
from tests.browser.page.fake_server import CHANNEL, DIRECT, QUIET, Fake
from tests.browser.page.samples import (
    NOW,
    approval_blocks,
    button,
    home_view,
    message,
    mrkdwn,
    option,
    plain,
    section,
)


def test_mrkdwn_is_drawn_with_its_styles_pills_dates_and_entities(page: Page, fake: Fake) -> None:
    text = (
        "*bold* _it_ ~old~ `a &amp; b` <https://x.example/a|the page> <@U0TOMAS> <#C0QUIET> <!here> "
        f"<!date^{NOW}^{{date_short_pretty}} at {{time}}|then> :lock: :nosuch: &lt;i&gt;\n&gt; said\n```\n<b>*raw*\n```"
    )
    fake.messages[CHANNEL] = [message(60, text)]
    visit(page, fake)
    body = page.locator(".message .mrkdwn")
    expect(body.locator("strong")).to_have_text("bold")
    expect(body.locator("em")).to_have_text("it")
    expect(body.locator("s")).to_have_text("old")
    expect(body.locator("code")).to_have_text("a & b")
    expect(body.get_by_role("link", name="the page")).to_have_attribute("href", "https://x.example/a")
    expect(body.locator(".pill")).to_have_text(["@Tomás Okafor", "#payments", "@here"])
    expect(body.locator("time")).to_contain_text("today at")
    expect(body.locator("time")).to_have_attribute("title", "then")
    expect(body.get_by_role("img", name="lock")).to_be_visible()
    expect(body).to_contain_text(":nosuch: <i>")
    expect(body.locator("blockquote")).to_have_text("said")
    expect(body.locator("pre")).to_have_text("<b>*raw*")


def test_marks_inside_words_and_unclosed_marks_stay_text(page: Page, fake: Fake) -> None:
    text = "snake_case_name 2*3*4 *open `tick a * b * c"
    fake.messages[CHANNEL] = [message(60, text)]
    visit(page, fake)
    expect(page.locator(".message .mrkdwn")).to_have_text(text)
    expect(page.locator(".message .mrkdwn :is(strong, em, code)")).to_have_count(0)


def test_plain_text_is_never_read_as_mrkdwn(page: Page, fake: Fake) -> None:
    blocks = [{"type": "section", "block_id": "a", "text": plain("*not bold* <@U0TOMAS> <!channel> &amp; :key:")}]
    fake.messages[CHANNEL] = [message(60, "fallback", blocks)]
    visit(page, fake)
    content = page.locator(".message .content")
    expect(content).to_contain_text("*not bold* <@U0TOMAS> <!channel> &amp;")
    expect(content.locator(".pill, strong")).to_have_count(0)
    expect(content.get_by_role("img", name="key")).to_be_visible()


def test_markup_and_script_links_in_a_message_stay_text(page: Page, fake: Fake) -> None:
    text = "<img src=x onerror=alert(1)> <javascript:alert(1)|click> <script>alert(2)</script>"
    evil = {"type": "image", "block_id": "i", "image_url": "https://tracker.example/x.png", "alt_text": "a chart"}
    fake.messages[CHANNEL] = [message(60, text), message(50, "x", [evil])]
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    visit(page, fake)
    expect(page.locator(".message").first).to_contain_text("click")
    expect(page.locator(".message a, .message img, .message script")).to_have_count(0)
    expect(page.locator(".message").last).to_contain_text("a chart")
    assert [url for url in asked if not url.startswith(fake.url)] == []


def test_a_card_shows_every_block_and_its_buttons_send_slacks_action(page: Page, fake: Fake) -> None:
    fake.messages[CHANNEL] = [message(60, "card", approval_blocks())]
    visit(page, fake)
    card = page.locator(".content.card")
    expect(card.get_by_role("heading", name="Access request from Maya")).to_be_visible()
    expect(card.locator(".fields .mrkdwn")).to_have_count(6)
    gate = fake.gates["/ui/action"] = threading.Event()
    card.get_by_role("button", name="Approve").click()
    expect(card.get_by_role("button", name="Approve")).to_have_attribute("aria-busy", "true")
    gate.set()
    expect(card.get_by_role("button", name="Approve")).not_to_have_attribute("aria-busy", "true")
    sent = fake.wait_for("/ui/action")
    assert sent["user"] == "U0MAYA"
    assert sent["where"] == {"kind": "message", "channel": CHANNEL, "ts": fake.messages[CHANNEL][0]["ts"]}
    assert sent["block_id"] == "decide"
    action = sent["action"]
    assert (action["type"], action["action_id"], action["value"]) == ("button", "approve", "req_1")


def test_a_second_press_while_the_first_is_pending_sends_nothing(page: Page, fake: Fake) -> None:
    fake.messages[CHANNEL] = [message(60, "card", approval_blocks())]
    visit(page, fake)
    gate = fake.gates["/ui/action"] = threading.Event()
    approve = page.get_by_role("button", name="Approve")
    approve.dblclick()
    gate.set()
    expect(approve).not_to_have_attribute("aria-busy", "true")
    assert len(fake.of("/ui/action")) == 1


def test_a_confirmation_is_asked_before_the_action_is_sent(page: Page, fake: Fake) -> None:
    confirm = {
        "title": plain("Stop this access?"),
        "text": mrkdwn("*Maya* loses it at once."),
        "confirm": plain("Revoke"),
        "deny": plain("Leave it"),
        "style": "danger",
    }
    blocks = [{"type": "actions", "block_id": "b", "elements": [button("Revoke", "revoke", confirm=confirm)]}]
    fake.messages[CHANNEL] = [message(60, "card", blocks)]
    visit(page, fake)
    opener = page.locator(".message").get_by_role("button", name="Revoke")
    opener.click()
    dialog = page.get_by_role("alertdialog", name="Stop this access?")
    expect(dialog).to_contain_text("Maya loses it at once.")
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    expect(opener).to_be_focused()
    opener.click()
    dialog.get_by_role("button", name="Leave it").click()
    assert fake.of("/ui/action") == []
    opener.click()
    dialog.get_by_role("button", name="Revoke").click()
    fake.wait_for("/ui/action")


def test_an_overflow_menu_is_walked_with_the_arrow_keys(page: Page, fake: Fake) -> None:
    fake.messages[CHANNEL] = [message(60, "card", approval_blocks())]
    visit(page, fake)
    more = page.get_by_role("button", name="More actions")
    more.press("Enter")
    expect(page.get_by_role("menuitem", name="Who can approve this")).to_be_focused()
    page.keyboard.press("Escape")
    expect(more).to_be_focused()
    more.press("Enter")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    sent = fake.wait_for("/ui/action")
    assert sent["action"]["selected_option"] == option("History", "history")


def test_a_changed_card_is_redrawn_in_place_and_pointed_out(page: Page, fake: Fake) -> None:
    card = message(60, "card", approval_blocks())
    fake.messages[CHANNEL] = [card]
    visit(page, fake)
    expect(page.get_by_role("button", name="Approve")).to_be_visible()
    changed = {
        **card,
        "blocks": approval_blocks(":white_check_mark: Approved by <@U0TOMAS>"),
        "edited": True,
    }
    page.evaluate("""() => { window.sawFlash = false;
        new MutationObserver(() => { if (document.querySelector('.message.changed')) window.sawFlash = true; })
            .observe(document.querySelector('.messages'), {subtree: true, attributes: true}); }""")
    fake.say(CHANNEL, changed, "message_changed")
    expect(page.locator(".content.card")).to_contain_text("Approved by @Tomás Okafor")
    expect(page.get_by_role("button", name="Approve")).to_have_count(0)
    expect(page.get_by_text("(edited)")).to_be_visible()
    expect(page.locator(".message")).to_have_count(1)
    page.wait_for_function("() => window.sawFlash")


def test_ephemeral_messages_say_so_and_deleted_ones_go(page: Page, fake: Fake) -> None:
    note = message(30, "Sent to your approvers.", bot=True, ephemeral=True)
    visit(page, fake)
    fake.say(CHANNEL, note)
    shown = page.locator(".message")
    expect(shown).to_contain_text("Only visible to you")
    expect(page.locator("#announcer")).to_contain_text("New message from prodaccess: Sent to your approvers.")
    fake.say(CHANNEL, note, "message_deleted")
    expect(shown).to_have_count(0)
    expect(page.get_by_text("This is the start of #prod-approvals")).to_be_visible()


def test_replies_stand_under_their_message(page: Page, fake: Fake) -> None:
    parent = message(90, "Deploy is stuck", reply_count=1)
    fake.messages[CHANNEL] = [parent, message(60, "Looking", thread_ts=parent["ts"]), message(30, "Later")]
    visit(page, fake)
    thread = page.locator(".messages > .message").first
    expect(thread.get_by_text("1 reply", exact=True)).to_be_visible()
    expect(thread.locator(".replies").first).to_contain_text("Looking")
    expect(page.locator(".messages > .message")).to_have_count(2)


def test_unread_badges_follow_the_server_and_a_visit_reads_the_channel(page: Page, fake: Fake) -> None:
    visit(page, fake)
    fake.unread = {QUIET: 3}
    fake.push({"type": "channels", "channels": fake.channels()})
    entry = page.get_by_role("link", name="payments 3 unread")
    expect(entry).to_be_visible()
    expect(page).to_have_title("(3) prod-approvals · maya · Harbour Pay")
    entry.click()
    expect(page.get_by_role("heading", name="payments", exact=True)).to_be_visible()
    fake.wait_for("/ui/read", 1)
    page.wait_for_function("() => location.hash.includes('C0QUIET')")
    assert any(body["channel"] == QUIET for body in fake.of("/ui/messages"))


def test_a_press_on_a_channel_outlives_a_message_that_arrives_meanwhile(page: Page, fake: Fake) -> None:
    visit(page, fake)
    page.locator(".entry", has_text="payments").hover()
    page.mouse.down()
    fake.unread = {DIRECT: 1}
    fake.push({"type": "channels", "channels": fake.channels()})
    expect(page.locator(f".entry[data-place={DIRECT}]")).to_contain_text("1")
    page.mouse.up()
    expect(page.get_by_role("heading", name="payments", exact=True)).to_be_visible()


def test_a_lost_line_is_said_and_what_was_missed_is_fetched(page: Page, fake: Fake) -> None:
    visit(page, fake)
    fake.messages[CHANNEL] = [message(5, "said while you were away")]
    fake.drop_lines()
    expect(page.get_by_text("said while you were away")).to_be_visible()


def test_a_failed_dispatch_is_told_once_in_slacks_words(page: Page, fake: Fake) -> None:
    fake.messages[CHANNEL] = [message(60, "card", approval_blocks())]
    words = "This app responded with Status Code 500."
    visit(page, fake)
    fake.answers["/ui/action"] = lambda body: {"ok": False, "error": "dispatch_failed"}
    page.get_by_role("button", name="Deny").click()
    expect(page.locator(".toast.error")).to_contain_text("dispatch_failed")
    page.locator(".toast").get_by_role("button", name="Dismiss").click()
    fake.push({"type": "notice", "level": "error", "text": words})
    expect(page.locator(".toast.error")).to_have_text(words)


def test_the_home_tab_opens_draws_and_dispatches(page: Page, fake: Fake) -> None:
    visit(page, fake)
    page.get_by_role("link", name="prodaccess Home").click()
    fake.wait_for("/ui/open_home")
    expect(page.get_by_text("Nothing here yet")).to_be_visible()
    fake.push({"type": "home", "view": home_view()})
    expect(page.get_by_role("heading", name="Your access")).to_be_visible()
    page.get_by_role("button", name="I'm done").click()
    assert fake.wait_for("/ui/action")["where"] == {"kind": "home"}
    page.get_by_role("tab", name="Home").press("ArrowRight")
    expect(page.get_by_role("tab", name="Messages")).to_have_attribute("aria-selected", "true")
    page.wait_for_function("channel => location.hash.includes(channel)", arg=DIRECT)


def test_blocks_without_a_drawing_are_named_and_do_not_break_the_rest(page: Page, fake: Fake) -> None:
    blocks = [{"type": "hologram", "block_id": "h"}, section("still here", block_id="s")]
    fake.messages[CHANNEL] = [message(60, "x", blocks)]
    visit(page, fake)
    expect(page.get_by_text("still here")).to_be_visible()
    expect(page.get_by_text("hologram")).to_be_visible()


def test_rich_text_is_drawn(page: Page, fake: Fake) -> None:
    def words(text: str, **style: bool) -> dict[str, object]:
        return {"type": "text", "text": text, "style": style}

    parts = [
        {
            "type": "rich_text_section",
            "elements": [words("strong", bold=True), {"type": "user", "user_id": "U0TOMAS"}],
        },
        {
            "type": "rich_text_list",
            "style": "ordered",
            "elements": [{"type": "rich_text_section", "elements": [words("first")]}],
        },
        {"type": "rich_text_preformatted", "elements": [words("<pre>")]},
    ]
    fake.messages[CHANNEL] = [message(60, "x", [{"type": "rich_text", "block_id": "r", "elements": parts}])]
    visit(page, fake)
    rich = page.locator(".rich-text")
    expect(rich.locator("strong")).to_have_text("strong")
    expect(rich.locator(".pill")).to_have_text("@Tomás Okafor")
    expect(rich.locator("ol li")).to_have_text("first")
    expect(rich.locator("pre")).to_have_text("<pre>")
