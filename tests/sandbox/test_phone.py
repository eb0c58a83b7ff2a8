"""The demo's authenticator, over HTTP as the page uses it."""

import base64
import json
import stat
from pathlib import Path

import pyotp
import pytest

from bot.sandbox.phone import Phone, phone_routes
from tests.sandbox.browsing import Browser

SECRET = base64.b32encode(bytes(range(20))).decode()
AT = 1_772_334_015.0


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "demo" / "phone.json"


@pytest.fixture
def browser(path: Path) -> Browser:
    return browser_at(path)


def browser_at(path: Path, at: float = AT) -> Browser:
    return Browser(phone_routes(Phone(path, now=lambda: at)))


def tokens(browser: Browser, user: str = "U0MAYA") -> list[dict[str, object]]:
    answer = browser.get(f"/phone/{user}").json()
    assert answer["ok"]
    return list(answer["tokens"])


def test_a_new_phone_shows_nothing(browser: Browser) -> None:
    assert tokens(browser) == []


@pytest.mark.parametrize(
    "pasted",
    [
        SECRET,
        SECRET.lower(),
        " ".join(SECRET[i : i + 4] for i in range(0, len(SECRET), 4)),
        f"  {SECRET}\n",
        f"{SECRET[:8]}-{SECRET[8:]}==",
    ],
)
def test_a_secret_is_taken_however_it_was_copied(browser: Browser, pasted: str) -> None:
    assert browser.post("/phone/U0MAYA", json={"secret": pasted}).json() == {"ok": True}
    (token,) = tokens(browser)
    assert token["code"] == pyotp.TOTP(SECRET).at(int(AT))
    assert token["seconds_left"] == 15


def test_an_otpauth_link_brings_its_label_and_issuer(browser: Browser) -> None:
    link = pyotp.TOTP(SECRET, name="maya@shopworks.example", issuer="prodaccess").provisioning_uri()
    browser.post("/phone/U0MAYA", json={"secret": link})
    (token,) = tokens(browser)
    assert (token["issuer"], token["label"]) == ("prodaccess", "maya@shopworks.example")
    assert token["code"] == pyotp.TOTP(SECRET).at(int(AT))


def test_a_links_own_period_digits_and_algorithm_are_kept(browser: Browser) -> None:
    link = f"otpauth://totp/x:y?secret={SECRET}&issuer=x&period=60&digits=8&algorithm=SHA256"
    browser.post("/phone/U0MAYA", json={"secret": link})
    (token,) = tokens(browser)
    assert token["code"] == pyotp.parse_uri(link).at(int(AT))  # type: ignore[union-attr, call-arg]
    assert len(str(token["code"])) == 8
    assert token["seconds_left"] == 60 - int(AT) % 60


def test_enrolling_anew_replaces_the_entry_of_that_name(browser: Browser) -> None:
    for secret in (pyotp.random_base32(), SECRET):
        link = pyotp.TOTP(secret, name="maya", issuer="prodaccess").provisioning_uri()
        browser.post("/phone/U0MAYA", json={"secret": link})
    (token,) = tokens(browser)
    assert token["code"] == pyotp.TOTP(SECRET).at(int(AT))


def test_everyone_has_their_own_phone_and_losing_it_empties_it(browser: Browser) -> None:
    browser.post("/phone/U0MAYA", json={"secret": SECRET})
    browser.post("/phone/U0INES", json={"secret": SECRET})
    assert browser.delete("/phone/U0MAYA").json() == {"ok": True}
    assert tokens(browser) == []
    assert len(tokens(browser, "U0INES")) == 1


@pytest.mark.parametrize(
    ("pasted", "says"),
    [
        ("", "empty"),
        ("not base32: 018!", "A–Z and 2–7"),
        (SECRET[:10], "paste all of it"),
        ("otpauth://totp/maya?issuer=prodaccess", "copy it whole"),
        (f"otpauth://hotp/maya?secret={SECRET}&counter=1", "time-based"),
        (f"otpauth://totp/maya?secret={SECRET}&period=soon", "copy it whole"),
        ("A" * 1_001, "1,001 characters"),
        (None, "secret: send"),
        (7, "secret: send"),
    ],
)
def test_what_is_no_secret_is_refused_with_what_to_paste_instead(browser: Browser, pasted: object, says: str) -> None:
    answer = browser.post("/phone/U0MAYA", json={"secret": pasted})
    assert answer.status_code == 400
    assert answer.json()["ok"] is False
    assert says in answer.json()["error"]
    assert SECRET not in answer.text
    assert tokens(browser) == []


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"\xff"])
def test_a_body_that_is_no_json_object_is_refused(browser: Browser, body: bytes) -> None:
    answer = browser.post("/phone/U0MAYA", content=body)
    assert answer.status_code == 400
    assert "secret" in answer.json()["error"]


def test_a_stranger_has_no_phone(browser: Browser) -> None:
    assert browser.get("/phone/U0NOBODY").status_code == 404
    assert browser.post("/phone/U0NOBODY", json={"secret": SECRET}).json()["ok"] is False


def test_secrets_survive_a_restart_in_a_file_that_only_its_owner_reads(browser: Browser, path: Path) -> None:
    browser.post("/phone/U0MAYA", json={"secret": SECRET})
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert json.loads(path.read_text())["U0MAYA"][0]["secret"] == SECRET
    (token,) = tokens(browser_at(path, AT + 30))
    assert token["code"] == pyotp.TOTP(SECRET).at(int(AT + 30))
