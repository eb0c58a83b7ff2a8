"""The one-time page shows a secret to who presses the button, once, and to nobody else."""

import base64
import hashlib
import io
import json
import re
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
import structlog

from bot.service.enrolment_secret import SecretShown
from bot.service.enrolment_steps import CONFIRM_WITHIN
from bot.service.logs import configure
from bot.web import page
from tests.service.enrolling import STEP, Office, actor


@pytest.fixture
def seen(office: Office) -> SecretShown:
    """Alice was shown her secret, with the link to the page."""
    return office.shown(office.vouched("alice", "mona", office.has_phone("mona")))[0]


@pytest.fixture
def path(seen: SecretShown) -> str:
    return path_of(seen)


def path_of(seen: SecretShown) -> str:
    return seen.page_url.removeprefix("https://access.example.com")


def drawn(text: str) -> str:
    """The QR code in a page."""
    found = re.search(r"<svg.*</svg>", text)
    assert found
    return found[0]


def test_fetching_the_link_shows_a_button_and_uses_nothing_up(browser: httpx.Client, path: str) -> None:
    for _ in range(3):
        answer = browser.get(path)
        assert answer.status_code == 200
        assert "Show my QR code" in answer.text
        assert "<svg" not in answer.text


def test_pressing_the_button_draws_the_secret_once(browser: httpx.Client, path: str, seen: SecretShown) -> None:
    answer = browser.post(path)
    assert answer.status_code == 200
    assert drawn(answer.text) == drawn(page.showing(seen.otpauth, seen.account))
    assert "alice@example.com" in answer.text
    for again in (browser.post(path), browser.get(path)):
        assert again.status_code == 404
        assert "no longer good" in again.text
        assert "<svg" not in again.text


def test_another_secret_is_another_drawing() -> None:
    one, other = (page.showing(f"otpauth://totp/p:a?secret={'A' * 31}{end}&issuer=p", "a") for end in "AB")
    assert drawn(one) != drawn(other)


def test_the_secret_is_drawn_and_never_written(browser: httpx.Client, path: str, seen: SecretShown) -> None:
    text = browser.post(path).text
    for secret in (seen.secret, seen.secret.replace(" ", ""), "otpauth:", path.rpartition("/")[2]):
        assert secret not in text


def test_twenty_presses_at_once_show_it_once(browser: httpx.Client, path: str) -> None:
    together = threading.Barrier(20)

    def press(_: int) -> int:
        together.wait()
        return browser.post(path).status_code

    with ThreadPoolExecutor(20) as pool:
        assert sorted(pool.map(press, range(20))) == [200] + [404] * 19


@pytest.mark.parametrize("token", ["x", "A" * 43, "A" * 42 + "%00", "..%2f..%2fhealthz", "A" * 5000, "%F0%9F%98%80"])
def test_a_made_up_link_is_answered_like_a_used_one(browser: httpx.Client, path: str, token: str) -> None:
    browser.post(path)
    used = browser.get(path)
    for answer in (browser.get(f"/enrol/{token}"), browser.post(f"/enrol/{token}")):
        assert answer.status_code == 404
        assert answer.text == used.text or answer.json() == {"error": "Not Found"}


def test_the_link_ends_in_time_and_with_the_confirmation(office: Office, browser: httpx.Client) -> None:
    phone = office.has_phone("mona")
    seen, _ = office.shown(office.vouched("alice", "mona", phone))
    office.clock.move(CONFIRM_WITHIN)
    assert browser.post(path_of(seen)).status_code == 404
    enrolment = office.vouched("alice", "mona", phone)
    seen, own = office.shown(enrolment)
    office.clock.move(STEP)
    office.enrolments.confirm(enrolment.id, office.person("alice"), own.code(-1), own.code(), actor("alice"))
    assert browser.post(path_of(seen)).status_code == 404


def test_no_page_is_kept_framed_or_told_of(browser: httpx.Client, path: str) -> None:
    for answer in (browser.get(path), browser.post(path), browser.post(path)):
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
        assert "set-cookie" not in answer.headers


def test_the_policy_allows_this_pages_style_and_nothing_else(browser: httpx.Client, path: str) -> None:
    answer = browser.post(path)
    directives = dict(part.strip().split(" ", 1) for part in answer.headers["content-security-policy"].split(";"))
    (style,) = re.findall(r"<style>(.*?)</style>", answer.text, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert directives == {
        "default-src": "'none'",
        "style-src": f"'sha256-{digest}'",
        "form-action": "'self'",
        "base-uri": "'none'",
        "frame-ancestors": "'none'",
    }
    assert "style=" not in answer.text
    assert "<script" not in answer.text
    assert not re.findall(r"(?:src|href)=", answer.text)


def test_a_name_cannot_write_into_the_page() -> None:
    assert "<b>" not in page.showing("otpauth://totp/x?secret=AAAA", "<b>alice</b>")


@pytest.fixture
def logged() -> Iterator[io.StringIO]:
    out = io.StringIO()
    configure("json", "debug", stream=out)
    yield out
    configure("json", "warning", stream=io.StringIO())
    structlog.reset_defaults()


def test_no_log_line_holds_the_token(browser: httpx.Client, path: str, logged: io.StringIO) -> None:
    browser.get(path, headers={"Referer": path})
    browser.post(f"{path}?token={path}")
    lines = [json.loads(line) for line in logged.getvalue().splitlines()]
    requests = [line for line in lines if line["event"] == "http.request"]
    assert [(line["method"], line["route"], line["status"]) for line in requests] == [
        ("GET", "/enrol/{token}", 200),
        ("POST", "/enrol/{token}", 200),
    ]
    assert path.rpartition("/")[2] not in logged.getvalue()
