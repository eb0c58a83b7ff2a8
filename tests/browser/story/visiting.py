"""What a visitor does on the demo's page, in a visitor's words."""

from __future__ import annotations

import time
from datetime import timedelta
from pathlib import Path

from playwright.sync_api import Locator, Page, expect

from tests.scenarios.harness import STEP, TravelClock

PEOPLE = {
    "maya": "Maya Lindqvist",
    "tomas": "Tomás Ferreira",
    "ines": "Inès Moreau",
    "ravi": "Ravi Subramanian",
    "sam": "Sam Okafor",
}
NARROW = 720
"""Pixels, below which the sidebar is a drawer."""
PHONE = (390, 844)
"""Pixels, width and height."""
ONE_PANE = 1080
"""Pixels, below which phone and terminal are behind tabs."""


class Visit:
    """One browser window; whose eyes it is are changed by the switch on the left."""

    def __init__(self, page: Page, url: str, clock: TravelClock, shots: Path, name: str) -> None:
        self.page, self.clock, self._shots, self._name = page, clock, shots, name
        self._taken = 0
        self._used: dict[str, set[str]] = {}
        self.person = "maya"
        self.width = page.viewport_size["width"] if page.viewport_size else 0
        shots.mkdir(parents=True, exist_ok=True)
        for old in shots.glob(f"{name}-*.png"):
            old.unlink()
        page.goto(url)
        self._ready()

    # --- looking around ----------------------------------------------------------------------------------

    def become(self, person: str) -> None:
        """Be somebody else, by the switch."""
        self._pane("Chat")
        self._drawer()
        self.page.locator("#person-switcher").click()
        self.page.get_by_role("menuitemradio", name=PEOPLE[person]).click()
        expect(self.page.locator("#person-switcher .person-name")).to_have_text(PEOPLE[person])
        self.person = person
        self._ready()

    def open(self, place: str) -> None:
        """A channel, the messages of the bot, or its Home tab, by its name on the left."""
        self._pane("Chat")
        self._drawer()
        self.page.get_by_role("navigation", name="Workspace").locator(".entry").filter(has_text=place).first.click()
        expect(self.page.locator(".entry[aria-current=page]")).to_contain_text(place)

    def shoot(self, what: str, *, dark: bool = False, page: Page | None = None) -> None:
        """Take a picture; fails when something is cut off at the right edge. ``dark`` takes a second one."""
        page = page or self.page
        expect(page.locator(".spinner")).to_have_count(0)
        assert page.evaluate("() => document.documentElement.scrollWidth") <= self.width
        self._taken += 1
        stem = f"{self._name}-{self._taken:02}-{what}"
        page.screenshot(path=self._shots / f"{stem}.png")
        if dark:
            page.emulate_media(color_scheme="dark")
            page.screenshot(path=self._shots / f"{stem}-dark.png")
            page.emulate_media(color_scheme="light")

    def shoot_both(self, what: str, *, dark: bool = False) -> None:
        """As ``shoot``, and once more at a phone's size; the window is then as it was."""
        wide, size = self.width, self.page.viewport_size
        self.shoot(what, dark=dark)
        self.page.set_viewport_size({"width": PHONE[0], "height": PHONE[1]})
        self.width = PHONE[0]
        self.shoot(f"{what}-phone", dark=dark)
        self.width = wide
        if size is not None:
            self.page.set_viewport_size(size)

    # --- doing -------------------------------------------------------------------------------------------

    def send(self, text: str) -> None:
        """Type into the composer."""
        self._pane("Chat")
        self.page.locator("#composer").fill(text)
        self.page.locator("#composer").press("Enter")
        expect(self.page.locator("#composer")).to_have_value("")

    def dialog(self, title: str) -> Locator:
        """The modal on top, once it has this title."""
        dialog = self.page.get_by_role("dialog", name=title)
        expect(dialog).to_be_visible()
        return dialog

    def choose(self, dialog: Locator, label: str, option: str) -> None:
        """Pick from a menu of a form by typing."""
        field = dialog.get_by_role("combobox", name=label)
        field.click()
        field.fill(option)
        self.page.get_by_role("option", name=option).first.click()
        expect(field).to_have_value(option)

    def press(self, within: Locator, button: str) -> None:
        """Press a button by its words; of a dialog the one at its foot, not the cross."""
        within.get_by_role("button", name=button, exact=True).last.click()

    def card(self, *texts: str) -> Locator:
        """The latest message that shows all of these."""
        found = self.page.locator("li.message")
        for text in texts:
            found = found.filter(has_text=text)
        expect(found.last).to_be_visible()
        return found.last

    def code(self) -> str:
        """A code of the person's own phone that was not used yet; puts the clock forward to the next where it must."""
        used = self._used.setdefault(self.person, set())
        # While a modal is open the phone stands beside it, or behind a tab of its own.
        shown = self.page.locator("#phone .code").first
        expect(shown).not_to_be_empty()
        while (code := (shown.text_content() or "").replace(" ", "")) in used:
            self.later(STEP)
            expect(shown).not_to_have_text(f"{code[:3]} {code[3:]}")
        used.add(code)
        return code

    def later(self, by: timedelta) -> None:
        """Come back to the window when some time has gone by: the phone then looks for what it has to show."""
        self.clock.advance(by)
        self.page.evaluate("dispatchEvent(new Event('focus'))")

    def run(self, call: str, outcome: str) -> None:
        """Run a call of the Terminal and see how it ends; the result is the last one shown."""
        self._pane("Terminal")
        terminal = self.page.get_by_role("region", name="Terminal", exact=True)
        terminal.locator(".call", has_text=call).click()
        expect(terminal.locator(".call[aria-busy]")).to_have_count(0)
        expect(terminal.locator(".run .outcome").last).to_have_text(outcome)

    def until(self, call: str, outcome: str, seconds: int) -> None:
        """Run a call of the Terminal again and again until it ends like this."""
        self._pane("Terminal")
        terminal = self.page.get_by_role("region", name="Terminal", exact=True)
        deadline = time.monotonic() + seconds
        while True:
            terminal.locator(".call", has_text=call).click()
            expect(terminal.locator(".call[aria-busy]")).to_have_count(0)
            if terminal.locator(".run .outcome").last.text_content() == outcome:
                return
            assert time.monotonic() < deadline, f"the Terminal never said {outcome}"
            self.page.wait_for_timeout(1000)

    # --- pieces ------------------------------------------------------------------------------------------

    def _ready(self) -> None:
        expect(self.page.locator("#app[data-ready]")).to_be_visible()

    def _pane(self, name: str) -> None:
        if self.width < ONE_PANE:
            self.page.get_by_role("navigation", name="Panels").get_by_role("button", name=name).click()

    def _drawer(self) -> None:
        if self.width < NARROW:
            self.page.get_by_role("button", name="Open the menu").click()
