"""Whole payloads that are nearly right, through the real Bolt app, over both of Slack's ways in.

Each gets an answer that Slack takes, leaves no traceback and no secret anywhere, and does at most what its sender may.
"""

import copy
import json
import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from bot.core.model import RequestStatus, StepUpPolicy
from bot.sandbox.slack.server import LocalSlack
from bot.service import ledger
from bot.service.logs import configure
from tests.fuzz.mutations import change, fuzzed, places
from tests.fuzz.recorded import CODED, REASON, RULES, Recorded, Subjects, record
from tests.slack.office import FREE, GUS, INES, MAYA, RAVI, SAM, TOMAS, Office, workspace

TEAM = "T0LOCALDEMO"
HARMLESS = frozenset({"step-up.passed", "step-up.failed", "step-up.locked", "request.refused"})
"""What anybody of the team may leave in the log."""
OTHERS = (MAYA, INES, RAVI, SAM, TOMAS, GUS, "U0NOBODY", "U0PRODACC01", "B0PRODACC01", "")


class Rig:
    """An office that is sent payloads, and what is looked at after each."""

    def __init__(self, office: Office, log: Path) -> None:
        self.office, self._log, self._read, self._sent = office, log, 0, 0
        self.recorded = record(office)
        self.subjects = Subjects(office)
        self.answer: dict[str, Any] = {}
        self._audited = len(self._records(0))
        self._menu = copy.deepcopy(self.recorded["block_suggestion"].payload)

    def send(self, recorded: Recorded, payload: Any) -> dict[str, Any]:
        """Send it about something that is still open; what was sent.

        Raises DispatchError where it is not acknowledged, or answered as Slack does not take it.
        """
        text = json.dumps(payload)
        if recorded.subject:
            text = text.replace(recorded.subject, self.subjects.of(recorded))
        if recorded.code:
            person = "maya" if recorded.payload["user"]["id"] == MAYA else "ravi"
            text = text.replace(f'"{recorded.code}"', f'"{self.subjects.code(person)}"')
        self._sent += 1
        fresh: dict[str, Any] = {**json.loads(text), "fuzz": self._sent}
        if fresh.get("event_id") == recorded.payload.get("event_id") and recorded.kind == "events_api":
            fresh["event_id"] = f"Ev{self._sent}"
        self.answer = self.office.slack.deliver(recorded.kind, fresh)
        self.office.answered()
        return fresh

    def news(self) -> list[dict[str, Any]]:
        """The audit log's records since the last look."""
        records = self._records(self._audited)
        self._audited += len(records)
        return records

    def logged(self) -> str:
        """What was logged since the last look."""
        with self._log.open("rb") as log:
            log.seek(self._read)
            new = log.read()
        self._read += len(new)
        return new.decode()

    def still_serves(self) -> None:
        """Maya gets the accounts that she may ask for, as if nothing had been."""
        self._sent += 1
        answer = self.office.slack.deliver("interactive", {**self._menu, "fuzz": self._sent, "value": ""})
        assert {option["value"] for option in answer["options"]} == {"pay", "pay-test"}

    def leaks(self, text: str) -> list[str]:
        """Which secrets stand in it."""
        codes = [code for code in self.subjects.typed if re.search(rf"(?<![\w.]){code}(?!\w)", text)]
        slack = self.office.slack
        return codes + [one for one in (slack.bot_token, slack.app_token, slack.signing_secret) if one in text]

    def _records(self, after: int) -> list[dict[str, Any]]:
        with self.office.store.transaction() as tx:
            return [json.loads(each.body) for each in tx.audit(after, 10_000)]


@pytest.fixture(scope="module", params=["socket", "http"])
def rig(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    folder = tmp_path_factory.mktemp("payloads")
    told = workspace(kept_envelopes=1000)
    told = replace(told, app=replace(told.app, events=told.app.events | {"team_join"}))
    coded = replace(FREE, id=CODED, approve_step_up=StepUpPolicy())
    with as_production_logs(folder / "bot.log") as log, LocalSlack(told) as slack:
        office = Office(slack, folder, (coded,), over_http=request.param == "http", clock_paces=True)
        try:
            office.enrol("maya", "ravi", "ines")
            yield Rig(office, log)
        finally:
            office.close()


@contextmanager
def as_production_logs(file: Path) -> Iterator[Path]:
    """Everything into a file, at the most talkative level."""
    root = logging.getLogger()
    before = list(root.handlers)
    configure("json", "debug", file=file)
    try:
        yield file
    finally:
        for handler in [each for each in root.handlers if each not in before]:
            root.removeHandler(handler)
            handler.close()
        root.setLevel(logging.WARNING)
        structlog.reset_defaults()


def altered(draw: st.DrawFn, payload: dict[str, Any]) -> dict[str, Any]:
    """Changed in one to three places, and now and then sent by somebody else or from elsewhere."""
    value = copy.deepcopy(payload)
    for _ in range(draw(st.integers(0, 3))):
        there = list(places(value))
        outer = [path for path in there if len(path) <= 2]
        if there:
            change(draw, value, draw(st.sampled_from(outer) | st.sampled_from(there)))
    if draw(st.integers(0, 2)) == 0:
        other = draw(st.sampled_from(OTHERS))
        for holder, key in ((value.get("user"), "id"), (value, "user_id"), (value.get("event"), "user")):
            if isinstance(holder, dict) and isinstance(holder.get(key), str):
                holder[key] = other
    if draw(st.integers(0, 9)) == 0:
        value[draw(st.sampled_from(["team", "team_id"]))] = draw(st.sampled_from([{"id": "T0OTHER"}, "T0OTHER", {}]))
    return value


def sender(sent: dict[str, Any]) -> object:
    """The account that a payload names as its sender."""
    user = sent.get("user")
    return user.get("id") if isinstance(user, dict) else sent.get("user_id")


def foreign(sent: dict[str, Any]) -> bool:
    """Whether it names another team than ours where Slack names the sender's."""
    user, team = sent.get("user"), sent.get("team")
    named = [sent.get("team_id")]
    named += [part.get(key) for part, key in ((user, "team_id"), (team, "id")) if isinstance(part, dict)]
    return any(isinstance(one, str) and one not in {TEAM, ""} for one in named)


def assert_legal(rig: Rig, recorded: Recorded, sent: dict[str, Any], records: list[dict[str, Any]]) -> None:
    """What people did is what this sender may do with this payload; the rest is the service's own."""
    for each in records:
        actor, tag = each["actor"], each["tag"]
        if actor["kind"] != "person" or actor["via"] != "slack":
            continue
        assert actor["identity"] == sender(sent), each
        assert not foreign(sent), each
        assert tag in HARMLESS or (tag in recorded.does and actor["identity"] in recorded.may), each


def assert_asked_and_approved(rig: Rig) -> None:
    """Whatever is held was asked for and approved like this, by others than its holder."""
    access = rig.office.desk.access
    for permission in rig.office.cloud.held().values():
        grant = access.grant(permission.grant_id)
        request = access.request(grant.request_id) if grant else None
        assert grant is not None
        assert request is not None
        assert request.status is RequestStatus.APPROVED
        assert (grant.person, grant.policy, permission.policy) == ("maya", request.policy, request.policy)
        assert {approval.person for approval in request.approvals} <= {"ines", "ravi"}
        assert request.ask.reason == REASON


@fuzzed(60)
@given(data=st.data())
def test_a_payload_that_is_nearly_right_is_answered_and_does_what_its_sender_may(rig: Rig, data: st.DataObject) -> None:
    recorded = rig.recorded[data.draw(st.sampled_from(sorted(rig.recorded)))]
    payload = altered(data.draw, recorded.payload)
    rig.news()
    rig.logged()
    sent = rig.send(recorded, payload)
    logged = rig.logged()
    assert "Traceback" not in logged, logged
    assert "slack.failed" not in logged, logged
    assert not rig.leaks(logged + json.dumps(rig.answer)), logged
    assert_legal(rig, recorded, sent, rig.news())
    assert_asked_and_approved(rig)
    rig.still_serves()


@pytest.mark.parametrize("name", [rule.name for rule in RULES if rule.does])
def test_afterwards_a_payload_as_it_should_be_still_does_its_work(rig: Rig, name: str) -> None:
    recorded = rig.recorded[name]
    rig.office.clock.move(timedelta(minutes=31))  # whoever had too many codes that were wrong may try again
    rig.news()
    rig.send(recorded, recorded.payload)
    done = {record["tag"] for record in rig.news() if record["actor"]["via"] == "slack"}
    assert recorded.changes in done


def test_at_the_end_the_audit_log_is_whole_and_no_code_stands_in_it_or_in_a_message(rig: Rig) -> None:
    assert ledger.verify(rig.office.store).ok
    records = json.dumps(rig._records(0))
    shown = [json.dumps(rig.office.visitor(who).messages(None)) for who in (MAYA, RAVI, INES)]
    assert not rig.leaks("\n".join([records, *shown]))
