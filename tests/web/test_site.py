"""Health, metrics, Slack over HTTP, and what nobody should get from any of them."""

import asyncio
import hashlib
import hmac
import json
import signal
import socket
import time
from collections.abc import AsyncIterator
from concurrent.futures import Executor
from contextlib import nullcontext
from dataclasses import replace
from datetime import datetime, timedelta
from urllib.parse import urlencode

import httpx
import pytest
from fastapi import Request, Response
from prometheus_client.parser import text_string_to_metric_families
from slack_bolt.adapter.fastapi.async_handler import AsyncSlackRequestHandler
from slack_bolt.async_app import AsyncAck, AsyncApp
from slack_bolt.authorization import AuthorizeResult
from starlette.responses import PlainTextResponse

from bot.core.model import LANES, Effect, Review
from bot.service.enrolment import OPERATOR
from bot.service.records import StoreUnavailable
from bot.store import SqlStore
from bot.web import CannotListen, Readiness, serve
from bot.web.guard import BODY_MOST
from bot.web.health import STALE, WRITE_EVERY
from tests.contracts.store.makers import stray
from tests.core.examples import APPROVED, NOW, PENDING, SCHEDULED
from tests.service.enrolling import Office
from tests.service.fakes import FakeClock
from tests.web.conftest import MakeSite, Open

SECRET = "0123456789abcdef0123456789abcdef"


# --- health ----------------------------------------------------------------------------------------------


def test_alive_needs_nothing_but_the_process(make_site: MakeSite, open_site: Open) -> None:
    def broken() -> dict[str, str]:
        raise AssertionError("not asked")

    answer = open_site(make_site(broken)).get("/healthz")
    assert (answer.status_code, answer.json()) == (200, {"alive": True})


def test_ready_names_what_is_not(make_site: MakeSite, open_site: Open) -> None:
    parts = {"database": "", "slack": "not connected"}
    browser = open_site(make_site(lambda: parts))
    answer = browser.get("/readyz")
    assert answer.status_code == 503
    assert answer.json() == {"ready": False, "parts": {"database": "ok", "slack": "not connected"}}
    parts["slack"] = ""
    assert browser.get("/readyz").status_code == 200


class DeadStore:
    """A database that does not answer."""

    def transaction(self) -> None:
        raise StoreUnavailable("postgresql://bot:hunter2@db is away")

    ping = transaction


def test_readiness_asks_the_database_every_lane_and_slack(store: SqlStore) -> None:
    clock, beats = FakeClock(NOW), dict[str, float]()
    ready = Readiness(store, clock, beats, slack=lambda: "not connected")
    assert ready() == {
        "database": "",
        **{f"worker.{lane}": "has not started" for lane in LANES},
        "slack": "not connected",
        "clock": "",
    }
    beats.update(access=NOW.timestamp(), chat=NOW.timestamp())
    clock.move(STALE)
    assert ready()["worker.access"] == ""
    clock.move(timedelta(seconds=1))
    beats["chat"] = clock.now().timestamp()
    assert (ready()["worker.access"], ready()["worker.chat"]) == ("last looked 121 s ago", "")


def test_readiness_says_how_far_the_clocks_differ() -> None:
    for seconds, said in ((5, ""), (5.1, "+5.1 s off"), (-7, "-7.0 s off")):
        skew = timedelta(seconds=seconds)
        ready = Readiness(DeadStore(), FakeClock(NOW), {}, lanes=(), skew=lambda: skew)  # type: ignore[arg-type]  # noqa: B023
        assert (said in ready()["clock"]) if said else ready()["clock"] == ""


def test_a_database_that_is_away_is_named_without_its_address() -> None:
    ready = Readiness(DeadStore(), FakeClock(NOW), {}, lanes=())  # type: ignore[arg-type]
    assert ready() == {"database": "does not answer", "slack": "", "clock": ""}


class FullStore:
    """A database that can be read only, as on a full disk."""

    def __init__(self) -> None:
        self.is_full = True
        self.tries = 0
        self.time = NOW

    def ping(self) -> datetime:
        return self.time

    def transaction(self) -> nullcontext["FullStore"]:
        return nullcontext(self)

    def once(self, *_: object) -> bool:
        self.tries += 1
        if self.is_full:
            raise StoreUnavailable("the database is not available: database or disk is full")
        return True


def test_a_database_that_takes_nothing_is_not_ready_and_who_asks_often_makes_nobody_write() -> None:
    store = FullStore()
    ready = Readiness(store, FakeClock(NOW), {}, lanes=())  # type: ignore[arg-type]
    assert [ready()["database"] for _ in range(2)] == ["takes nothing"] * 2
    store.is_full, store.tries = False, 0
    assert [ready()["database"] for _ in range(3)] == [""] * 3
    assert store.tries == 1
    store.is_full, store.time = True, NOW + WRITE_EVERY
    assert ready()["database"] == "takes nothing"


# --- metrics ---------------------------------------------------------------------------------------------


def scrape(browser: httpx.Client) -> dict[str, float]:
    """Samples by name and labels, as ``name{label}``."""
    answer = browser.get("/metrics")
    assert answer.status_code == 200
    found = {}
    for family in text_string_to_metric_families(answer.text):
        for sample in family.samples:
            labels = ",".join(sample.labels.values())
            found[f"{sample.name}{{{labels}}}" if labels else sample.name] = sample.value
    return found


def test_an_empty_service_has_every_metric(browser: httpx.Client) -> None:
    found = scrape(browser)
    assert found["prodaccess_database_up"] == 1
    assert found["prodaccess_grants{active}"] == 0
    assert found["prodaccess_grants_overdue"] == 0
    assert found["prodaccess_requests_pending"] == 0
    assert found["prodaccess_strays_open"] == 0
    assert found["prodaccess_reviews_owed"] == found["prodaccess_reviews_overdue"] == 0
    assert found["prodaccess_catalogue_changes_waiting"] == 0
    assert found["prodaccess_catalogue_reload_refused"] == 0
    assert found["prodaccess_effect_lag_seconds{access}"] == 0
    assert found["prodaccess_events_total{grant.active}"] == 0
    assert not [name for name in found if "{ended}" in name]


def test_metrics_follow_the_store(browser: httpx.Client, office: Office) -> None:
    scrape(browser)
    with office.store.transaction() as tx:
        tx.save_request(PENDING)
        for name, hours in (("late", 1), ("owed", 2)):
            tx.save_request(replace(APPROVED, id=name, review=Review(NOW + timedelta(hours=hours))))
        tx.save_grant(SCHEDULED)
        tx.enqueue([Effect("grant.expire", "g-1", "expire:g-1", NOW + timedelta(hours=1))])
        tx.save_stray(stray("q1"))
        tx.save_stray(stray("q2", name="settled", settled_at=NOW))
    office.enrolments.invite("sam", timedelta(hours=1), OPERATOR)
    office.clock.move(timedelta(hours=1, minutes=10))
    found = scrape(browser)
    assert found["prodaccess_grants{scheduled}"] == 1
    assert found["prodaccess_grants_overdue"] == 1
    assert found["prodaccess_requests_pending"] == 1
    assert found["prodaccess_strays_open"] == 1
    assert (found["prodaccess_reviews_owed"], found["prodaccess_reviews_overdue"]) == (2, 1)
    assert found["prodaccess_effect_lag_seconds{access}"] == 600
    assert found["prodaccess_effect_lag_seconds{chat}"] == 0
    assert found["prodaccess_events_total{mfa.invited}"] == 1
    assert scrape(browser)["prodaccess_events_total{mfa.invited}"] == 1, "a record is counted once"


def test_metrics_say_so_when_the_database_is_away(office: Office, make_site: MakeSite, open_site: Open) -> None:
    office.store = DeadStore()  # type: ignore[assignment]
    assert scrape(open_site(make_site())) == {"prodaccess_database_up": 0}


# --- what is not there -----------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/", "/docs", "/redoc", "/openapi.json", "/slack/events", "/enrol", "/enrol/"])
def test_what_is_not_there_is_a_plain_json_404(browser: httpx.Client, path: str) -> None:
    answer = browser.get(path, follow_redirects=False)
    assert answer.status_code == 404
    assert answer.json() == {"error": "Not Found"}
    assert answer.headers["content-security-policy"] == "default-src 'none'; frame-ancestors 'none'"


@pytest.mark.parametrize(
    ("method", "path"), [("POST", "/healthz"), ("DELETE", "/metrics"), ("PUT", f"/enrol/{'a' * 43}")]
)
def test_another_method_is_a_plain_json_405(browser: httpx.Client, method: str, path: str) -> None:
    answer = browser.request(method, path)
    assert answer.status_code == 405
    assert answer.json() == {"error": "Method Not Allowed"}
    assert answer.headers["allow"]


def test_an_error_of_ours_is_a_reference_not_a_traceback(make_site: MakeSite, open_site: Open) -> None:
    def broken() -> dict[str, str]:
        raise RuntimeError("postgresql://bot:hunter2@db")

    answer = open_site(make_site(broken)).get("/readyz")
    assert answer.status_code == 500
    assert set(answer.json()) == {"error", "reference"}
    assert answer.json()["reference"].startswith("x-")
    assert "hunter2" not in answer.text
    assert answer.headers["x-content-type-options"] == "nosniff"


# --- Slack over HTTP -------------------------------------------------------------------------------------


def signed(body: str, secret: str = SECRET, at: float | None = None) -> dict[str, str]:
    """Slack's headers over a body (docs: Verifying requests from Slack)."""
    stamp = str(int(time.time() if at is None else at))
    digest = hmac.new(secret.encode(), f"v0:{stamp}:{body}".encode(), hashlib.sha256).hexdigest()
    return {
        "X-Slack-Request-Timestamp": stamp,
        "X-Slack-Signature": f"v0={digest}",
        "Content-Type": "application/x-www-form-urlencoded",
    }


async def _authorized(**_: object) -> AuthorizeResult:
    return AuthorizeResult(enterprise_id=None, team_id="T1", bot_token="xoxb-1", bot_id="B1", bot_user_id="U0")


@pytest.fixture
def bolt() -> AsyncApp:
    """The real Bolt app, with one command."""
    app = AsyncApp(signing_secret=SECRET, authorize=_authorized)

    @app.command("/prodaccess")
    async def answer(ack: AsyncAck) -> None:
        await ack("Hello.")

    return app


COMMAND = urlencode({"command": "/prodaccess", "text": "", "user_id": "U1", "team_id": "T1", "trigger_id": "1.2"})


def test_a_signed_command_reaches_bolt(make_site: MakeSite, open_site: Open, bolt: AsyncApp) -> None:
    slack = open_site(make_site(slack=AsyncSlackRequestHandler(bolt).handle))
    answer = slack.post("/slack/events", content=COMMAND, headers=signed(COMMAND))
    assert (answer.status_code, answer.text) == (200, "Hello.")


@pytest.mark.parametrize("forgery", ["no signature", "another secret", "another body", "ten minutes old"])
def test_a_forged_or_stale_one_does_not(make_site: MakeSite, open_site: Open, bolt: AsyncApp, forgery: str) -> None:
    headers = {
        "no signature": {"Content-Type": "application/x-www-form-urlencoded"},
        "another secret": signed(COMMAND, "f" * 32),
        "another body": signed(COMMAND + "x"),
        "ten minutes old": signed(COMMAND, at=time.time() - 600),
    }[forgery]
    slack = open_site(make_site(slack=AsyncSlackRequestHandler(bolt).handle))
    answer = slack.post("/slack/events", content=COMMAND, headers=headers)
    assert answer.status_code == 401
    assert "Hello" not in answer.text


def test_without_the_http_transport_nobody_takes_slacks_requests(browser: httpx.Client) -> None:
    assert browser.post("/slack/events", content=COMMAND, headers=signed(COMMAND)).status_code == 404


async def _fails(_: Request) -> Response:
    raise RuntimeError("token=hunter2")


async def _counts(request: Request) -> Response:
    return PlainTextResponse(str(len(await request.body())))


def test_an_error_before_the_ack_is_a_200_with_a_reference(make_site: MakeSite, open_site: Open) -> None:
    answer = open_site(make_site(slack=_fails)).post("/slack/events", content=COMMAND)
    assert answer.status_code == 200
    assert "Reference: x-" in answer.json()["text"]
    assert "hunter2" not in answer.text


def test_a_body_at_the_limit_is_taken(make_site: MakeSite, open_site: Open) -> None:
    slack = open_site(make_site(slack=_counts))
    assert slack.post("/slack/events", content=b"x" * BODY_MOST).text == str(BODY_MOST)


@pytest.mark.parametrize("length", [str(BODY_MOST + 1), "9" * 19])
def test_a_body_that_is_announced_too_large_is_not_even_read(make_site: MakeSite, open_site: Open, length: str) -> None:
    url = open_site(make_site(slack=_counts)).base_url
    with socket.create_connection((url.host, url.port or 80), timeout=30) as wire:
        wire.sendall(f"POST /slack/events HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\n\r\n".encode())
        answer = b"".join(iter(lambda: wire.recv(65_536), b""))
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert b"connection: close" in answer.lower()
    assert answer.endswith(b'{"error":"The body is too large."}')


@pytest.mark.parametrize("body", [b"\xff\xfe", b"payload=\xc3("])
def test_a_body_that_is_no_text_is_refused(make_site: MakeSite, open_site: Open, body: bytes) -> None:
    answer = open_site(make_site(slack=_counts)).post("/slack/events", content=body)
    assert answer.status_code == 400


# --- the server ------------------------------------------------------------------------------------------


async def _endless() -> AsyncIterator[bytes]:
    while True:
        yield b"x" * 65_536


def test_a_server_serves_in_the_loop_that_is_there_and_stops(make_site: MakeSite) -> None:
    async def story() -> str:
        async with serve(make_site(slack=_counts), "127.0.0.1", 0) as url, httpx.AsyncClient() as client:
            alive = await client.get(f"{url}/healthz")
            assert alive.json() == {"alive": True}
            assert "server" not in alive.headers
        return url

    url = asyncio.run(story())
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"{url}/healthz")


def test_a_body_without_an_end_is_cut_off(make_site: MakeSite) -> None:
    """No Content-Length announces it."""

    async def story() -> None:
        async with serve(make_site(slack=_counts), "127.0.0.1", 0) as url, httpx.AsyncClient() as client:
            try:
                answer = await client.post(f"{url}/slack/events", content=_endless())
            except httpx.NetworkError:  # the server hung up before the client looked for an answer
                return
            assert answer.status_code == 413

    asyncio.run(story())


def test_a_taken_port_is_told_plainly(make_site: MakeSite) -> None:
    async def story() -> None:
        async with serve(make_site(), "127.0.0.1", 0) as url:
            port = int(url.rpartition(":")[2])
            with pytest.raises(CannotListen, match=f"cannot listen on 127.0.0.1 port {port}: Address already in use"):
                async with serve(make_site(), "127.0.0.1", port):
                    raise AssertionError("two servers on one port")

    asyncio.run(story())


def test_a_server_leaves_the_processs_signals_alone(make_site: MakeSite) -> None:
    def handlers() -> tuple[object, object]:
        return signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)

    async def story() -> None:
        before = handlers()
        async with serve(make_site(), "127.0.0.1", 0):
            assert handlers() == before
        assert handlers() == before

    asyncio.run(story())


def test_what_blocks_does_not_hold_up_the_loop(make_site: MakeSite, executor: Executor) -> None:
    async def story() -> None:
        release = asyncio.Event()
        loop = asyncio.get_running_loop()

        def waits_for_the_loop() -> dict[str, str]:
            asyncio.run_coroutine_threadsafe(release.wait(), loop).result(timeout=30)
            return {}

        async with serve(make_site(waits_for_the_loop), "127.0.0.1", 0) as url, httpx.AsyncClient() as client:
            slow = asyncio.create_task(client.get(f"{url}/readyz", timeout=30))
            assert (await client.get(f"{url}/healthz", timeout=30)).status_code == 200
            assert not slow.done()
            release.set()
            assert (await slow).status_code == 200

    asyncio.run(story())


def test_json_only_where_json_is_promised(browser: httpx.Client) -> None:
    for path in ("/healthz", "/readyz", "/nothing"):
        assert json.loads(browser.get(path).text)
        assert browser.get(path).headers["content-type"] == "application/json"
