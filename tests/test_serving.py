"""The service as a process sees it: it starts without Slack, says what is wrong, and stops."""

import socket
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import boto3
import httpx
import pytest

from bot import serving
from bot.serving import Service, ServiceError, periodic
from bot.settings import SealingKey, Secret, Settings, Transport
from bot.store import StoreInUse, migrate
from tests.core.examples import MINUTE
from tests.databases import until
from tests.service.world import World

CATALOGUE = Path(__file__).parents[1] / "bot" / "sandbox" / "demo" / "access.yaml"
SESSION = boto3.Session(aws_access_key_id="AKIAEXAMPLE", aws_secret_access_key="example", region_name="us-east-1")


def settings(folder: Path, *, port: int = 0) -> Settings:
    """An installation whose Slack and AWS do not answer."""
    return Settings(
        slack_transport=Transport.SOCKET,
        slack_bot_token=Secret("xoxb-1"),
        slack_app_token=Secret("xapp-1"),
        slack_signing_secret=Secret(""),
        slack_base_url="http://127.0.0.1:9/api/",
        slack_team="T0LOCALDEMO",
        database_url=Secret(f"sqlite:///{folder / 'prodaccess.db'}"),
        catalogue=CATALOGUE,
        keys=(SealingKey("k1", bytes(range(32))),),
        http_host="127.0.0.1",
        http_port=port,
        public_url="",
        aws_endpoint_url="http://127.0.0.1:9",
        log_format="text",
        log_level="warning",
        workers=1,
    )


@pytest.fixture(scope="module")
def away(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service that has started although Slack is down."""
    with Service(settings(tmp_path_factory.mktemp("away")), session=SESSION) as service:
        yield service


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """Its queue is not served by anybody."""
    url = f"sqlite:///{tmp_path / 'world.db'}"
    migrate(url)
    world = World(url)
    yield world
    world.close()


def test_it_starts_without_slack_and_says_that_slack_is_missing(away: Service) -> None:
    assert httpx.get(f"{away.url}/healthz").status_code == 200
    answer = httpx.get(f"{away.url}/readyz")
    parts = answer.json()["parts"]
    assert answer.status_code == 503
    assert parts["slack"] == "is not connected"
    assert {name for name, state in parts.items() if state != "ok"} == {"slack"}


def test_the_catalogue_s_digest_is_in_the_log_once_with_a_signature(away: Service) -> None:
    with away.parts.store.transaction() as tx:
        tags = [record.body for record in tx.audit() if b'"catalogue.changed"' in record.body]
    assert len(tags) == 1
    assert away.parts.catalogue.digest.encode() in tags[0]
    assert b'"signature"' in tags[0]


def test_sighup_reads_the_file_and_a_bad_one_is_said_without_being_less_ready(tmp_path: Path) -> None:
    file, text = tmp_path / "access.yaml", CATALOGUE.read_text(encoding="utf-8")
    file.write_text(text, encoding="utf-8")
    stopped, reload = threading.Event(), threading.Event()
    with Service(replace(settings(tmp_path), catalogue=file), session=SESSION) as service:
        waiting = threading.Thread(target=service.wait, args=(stopped, reload))
        waiting.start()
        for said, admins, problem in (
            (text.replace("admins: [sam]", "admins: [maya]"), {"maya"}, "ok"),
            ("version: [1", {"maya"}, "reload refused"),
            (text, {"sam"}, "ok"),
        ):
            file.write_text(said, encoding="utf-8")
            reload.set()
            until(lambda: not reload.is_set())
            until(lambda: httpx.get(f"{service.url}/readyz").json()["parts"]["catalogue"] == problem)  # noqa: B023
            until(lambda: service.parts.catalogue.admins == admins)  # noqa: B023
            wrong = {
                name for name, state in httpx.get(f"{service.url}/readyz").json()["parts"].items() if state != "ok"
            }
            assert wrong - {"catalogue"} == {"slack"}
            metrics = httpx.get(f"{service.url}/metrics").text
            assert f"prodaccess_catalogue_reload_refused {float(problem != 'ok')}" in metrics
        stopped.set()
        waiting.join()


def test_a_file_that_changes_is_noticed_by_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serving, "LOOK_EVERY", timedelta(milliseconds=50))
    file, text = tmp_path / "access.yaml", CATALOGUE.read_text(encoding="utf-8")
    file.write_text(text, encoding="utf-8")
    with Service(replace(settings(tmp_path), catalogue=file), session=SESSION) as service:
        file.write_text(text.replace("admins: [sam]", "admins: [maya]"), encoding="utf-8")
        until(lambda: service.parts.catalogue.admins == {"maya"})


def test_a_second_process_on_the_same_sqlite_file_is_refused_in_one_line(away: Service) -> None:
    second = Service(away.parts.settings, session=SESSION)
    with pytest.raises(StoreInUse) as refused, second:
        pass
    assert "\n" not in str(refused.value)


def test_a_taken_port_is_refused_with_its_number(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ServiceError, match=str(port)), Service(settings(tmp_path, port=port), session=SESSION):
            pass


@pytest.mark.parametrize(("lane", "stays"), [("access", False), ("cloud", False), ("chat", True)])
def test_what_is_over_is_taken_away_without_the_queue_while_a_lane_that_ends_access_is_away(
    away: Service, world: World, lane: str, stays: bool
) -> None:
    grant = world.granted()
    world.clock.move(grant.expires_at + MINUTE - world.clock.now())
    world.worker.away.add(lane)
    desk = replace(away.parts.desk, access=world.access)
    for job in periodic(replace(away.parts, desk=desk), world.worker):
        job()
    assert world.is_written(grant) is stays
