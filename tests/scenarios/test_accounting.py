"""What is known afterwards: the audit log, the daily summary, which catalogue was in force."""

import csv
import io
import json
import sqlite3
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from bot.core.audit import GENESIS, leaf, link
from bot.sandbox.slack import screen
from bot.service.secretbox import verify
from bot.settings import Transport
from bot.slack import ids
from tests.scenarios.company import AUDIT
from tests.scenarios.conftest import OpenWorld, Shell
from tests.scenarios.harness import LINE, World, at_once

VIENNA = ZoneInfo("Europe/Vienna")


def to_the_next_summary(world: World) -> None:
    """Put the clock forward to a minute after tomorrow's nine o'clock in Vienna."""
    local = world.clock.now().astimezone(VIENNA)
    due = datetime(local.year, local.month, local.day, 9, 1, tzinfo=VIENNA) + timedelta(days=1)
    world.clock.advance(due - world.clock.now())


def summaries(world: World) -> list[str]:
    return [screen.words(m) for m in world.visitor("ines").messages(AUDIT) if "daily summary" in screen.words(m)]


# --- the log ---------------------------------------------------------------------------------------------


def test_the_log_says_who_did_what_why_and_when_and_ties_it_together(world: World, shell: Shell) -> None:
    grant = world.granted()
    maya = world.visitor("maya")
    maya.click(maya.wait_for_message("You have access"), ids.RELEASE)
    world.wait_for_grant(grant.request_id, "ended")
    status, said = shell(world, "audit", "export")
    records = [json.loads(line) for line in said.splitlines()]
    story = [record for record in records if record["request_id"] == grant.request_id]
    assert status == 0
    assert [(record["tag"], record["actor"]["id"]) for record in story] == [
        ("request.submitted", "maya"),
        ("request.approved", "ines"),
        ("grant.scheduled", "ines"),
        ("grant.started", "prodaccess"),
        ("grant.active", "prodaccess"),
        ("grant.revoking", "maya"),
        ("grant.ended", "prodaccess"),
    ]
    assert {record["grant_id"] for record in story[2:]} == {grant.id}
    assert {(record["person"], record["account"]) for record in story} == {("maya", "payments-prod")}
    assert "the nightly export is broken" in json.dumps(story[0]["data"])
    assert story[0]["actor"]["identity"] == "U0MAYA"
    assert [record["seq"] for record in records] == list(range(1, len(records) + 1))
    moments = [datetime.fromisoformat(record["at"]) for record in records]
    assert moments == sorted(moments)
    passed = [record["actor"]["id"] for record in records if record["tag"] == "step-up.passed"]
    assert passed == ["maya", "ines"]


def test_whoever_has_the_export_can_recompute_the_chain(socket_world: World, shell: Shell) -> None:
    world = socket_world
    world.granted()
    chain = GENESIS
    for line in shell(world, "audit", "export")[1].splitlines():
        chain = link(chain, leaf(line.encode()))
    assert chain.hex() in shell(world, "audit", "verify")[1]


def test_the_table_has_every_record_and_starts_no_formula(socket_world: World, shell: Shell) -> None:
    world = socket_world
    request_id = world.ask(LINE.replace("the nightly", "=HYPERLINK nightly"))
    rows = list(csv.DictReader(io.StringIO(shell(world, "audit", "export", "--format", "csv")[1])))
    assert len(rows) == len(world.audit())
    (submitted,) = [row for row in rows if row["request_id"] == request_id]
    assert submitted["actor_id"] == "maya"
    assert "=HYPERLINK nightly" in submitted["data"]
    assert not any(cell.startswith(("=", "+", "-", "@")) for row in rows for cell in row.values())


def test_a_changed_record_is_found(socket_world: World, shell: Shell) -> None:
    """On a copy of the database, where whoever changes it has removed the trigger that forbids it."""
    world = socket_world
    world.granted()
    assert shell(world, "audit", "verify")[0] == 0
    world.stop()
    copy = world.folder / "copy.db"
    with sqlite3.connect(world.folder / "prodaccess.db") as live, sqlite3.connect(copy) as forged:
        live.backup(forged)
        for (trigger,) in forged.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            forged.execute(f'DROP TRIGGER "{trigger}"')
        (table,) = [
            name
            for (name,) in forged.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND name LIKE 'audit%'")
            if any(column[1] == "body" for column in forged.execute(f'PRAGMA table_info("{name}")'))
        ]
        changed = f"UPDATE {table} SET body = CAST(replace(body, 'maya', 'mara') AS BLOB) WHERE seq = 3"
        forged.execute(changed)
    url, world.database_url = world.database_url, f"sqlite:///{copy}"
    status, said = shell(world, "audit", "verify")
    world.database_url = url
    world.start()
    assert status == 1
    assert "3" in said


# --- the daily summary -----------------------------------------------------------------------------------


def test_the_summary_is_posted_at_its_hour_once_with_everything_in_it(world: World) -> None:
    active = world.granted("/prodaccess s3-read payments-prod bucket=payments-logs 24h --work incident a very long day")
    ended = world.granted(LINE)
    maya, ines = world.visitor("maya"), world.visitor("ines")
    maya.command(f"/prodaccess release {ended.id}")
    world.wait_for_grant(ended.request_id, "ended")
    denied = world.ask(LINE.replace("broken", "late"))
    ines.click(world.card("ines", denied), ids.DENY)
    ines.wait_for_modal("asks for")
    ines.fill(note="Not today")
    ines.submit()
    lapsing = world.ask(LINE.replace("broken", "empty"))
    world.advance(timedelta(hours=4))
    ines.wait_for(lambda: not world.is_pending(lapsing), what="the lapse")
    assert not summaries(world)
    to_the_next_summary(world)
    world.restart()
    words = screen.words(ines.wait_for_message("daily summary", AUDIT))
    for section in ("*Granted* · 2", "*Released* · 1", "*Denied* · 1", "*Lapsed* · 1"):
        assert section in words
    for subject in (ended.id, denied, lapsing, active.id):
        assert subject in words
    assert "<@U0MAYA>" in words
    world.restart()
    assert world.wait_for_audit("summary.posted")
    assert len(summaries(world)) == 1


def test_on_an_empty_day_it_is_said_that_nothing_happened(world: World) -> None:
    to_the_next_summary(world)
    world.restart()
    assert "Nothing happened" in screen.words(world.visitor("ines").wait_for_message("daily summary", AUDIT))


def test_two_replicas_on_one_postgresql_post_one_summary_and_grant_once(
    postgres_url: str, open_world: OpenWorld
) -> None:
    world = open_world(database_url=postgres_url)
    world.start()
    assert world.slack.connections == 2
    for why in ("broken", "late", "empty"):
        request_id = world.ask(LINE.replace("broken", why))
        world.approve(request_id)
        world.wait_for_grant(request_id, "active")
    assert len(world.cloud.policies("maya")) == 3
    assert len(world.audit("grant.active")) == 3
    world.stop()
    to_the_next_summary(world)
    at_once([world.start, world.start])
    world.visitor("ines").wait_for_message("daily summary", AUDIT)
    world.wait_for_audit("grant.ended", 3)
    world.wait_for_audit("summary.posted")
    assert len(summaries(world)) == 1
    assert len(world.audit("summary.posted")) == 1
    assert len(world.audit("grant.ended")) == 3
    assert not world.cloud.policies("maya")


def test_the_whole_flow_works_on_postgresql_over_http(postgres_url: str, open_world: OpenWorld) -> None:
    world = open_world(database_url=postgres_url, transport=Transport.HTTP)
    grant = world.granted()
    assert world.cloud.terminal("maya", "logs-read") == "allowed"
    world.advance(timedelta(hours=1))
    world.wait_for_grant(grant.request_id, "ended")
    assert world.cloud.terminal("maya", "logs-read") == "denied"


# --- the catalogue ---------------------------------------------------------------------------------------


def test_whenever_the_catalogue_changes_its_signed_digest_is_in_the_log(socket_world: World) -> None:
    world = socket_world
    world.restart()
    (first,) = world.audit("catalogue.changed")
    world.edit_catalogue("max_duration: 24h", "max_duration: 12h")
    _, second = world.audit("catalogue.changed")
    assert second["data"]["before"] == first["data"]["digest"] != second["data"]["digest"]
    for record in (first, second):
        data = record["data"]
        assert verify(data["digest"], data["signature"], data["public_key"])
        assert not verify(GENESIS.hex(), data["signature"], data["public_key"])
