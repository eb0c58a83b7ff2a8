"""App Home and an approval in two stages: asked, two people say yes in turn, it is used, made longer and kept."""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import expect

from tests.browser.story.visiting import Visit

Open = Callable[[str, int, int], Visit]

LINE = "/prodaccess exports-read payments-prod 30m bug-fix two of yesterday's settlements are missing"
HOME = "prodaccess Home"


def test_two_stages_on_the_home_tab(visit: Open) -> None:
    desk = visit("home", 1280, 800)
    home = desk.page.locator(".home")
    ask(desk)
    desk.become("sam")
    desk.open(HOME)
    expect(home).to_contain_text("Not your turn")
    desk.shoot_both("not-ones-turn")
    say_yes(desk, "ines", "stage 1 of 2: Team lead")
    expect(home).not_to_contain_text("Approve")
    desk.shoot_both("said-yes")
    say_yes(desk, "sam", "stage 2 of 2: Security")
    go_on(desk)


def ask(desk: Visit) -> None:
    desk.become("ravi")
    desk.open(HOME)
    desk.open("prod-access")
    desk.send(LINE)
    confirm = desk.dialog("Confirm with a code")
    confirm.get_by_role("textbox").fill(desk.code())
    desk.press(confirm, "Send request")
    desk.press(desk.dialog("Request sent"), "Done")


def say_yes(desk: Visit, person: str, turn: str) -> None:
    desk.become(person)
    desk.open(HOME)
    home = desk.page.locator(".home")
    expect(home).to_contain_text("Your turn")
    expect(home).to_contain_text(turn)
    desk.shoot_both(f"turn-of-{person}", dark=person == "ines")
    desk.press(home, "Approve")
    code = desk.dialog("Approve with a code")
    code.get_by_role("textbox").fill(desk.code())
    desk.press(code, "Approve")
    expect(code).to_have_count(0)
    expect(home).not_to_contain_text("Your turn")


def go_on(desk: Visit) -> None:
    desk.become("ravi")
    desk.open(HOME)
    home = desk.page.locator(".home")
    expect(home).to_contain_text("left")
    home.get_by_role("button", name="Keep").click()
    expect(home).to_contain_text("Favourites")
    desk.shoot_both("active-and-a-favourite", dark=True)
    desk.press(home, "Extend")
    form = desk.dialog("Extend access")
    desk.shoot_both("extend")
    form.get_by_label("How much longer").fill("15m")
    form.get_by_role("textbox", name="Code from your authenticator").fill(desk.code())
    desk.press(form, "Extend")
    desk.press(desk.dialog("Request sent"), "Done")
    expect(home).to_contain_text("You asked for 15 min more")
    desk.shoot_both("asked-to-go-on")
    desk.become("ines")
    desk.open("prod-access")
    desk.card("Goes on from")
    desk.shoot_both("card-goes-on")
