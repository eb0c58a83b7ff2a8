"""What Slack sends, changed as Slack never would: always acknowledged, never a traceback, never a change of state."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from bot.core.model import Grant
from bot.sandbox.slack.server import LocalSlack
from bot.slack import ids
from bot.store.tables import approvals, authenticators, enrolments, grants, invites, requests
from tests.fuzz.mutations import fuzzed, mutated
from tests.slack.doing import LINE, approve, ask
from tests.slack.office import INES, MAYA, SAM, Office, workspace

Json = dict[str, Any]
STATE: tuple[sa.Select[Any], ...] = (
    sa.select(requests).order_by(requests.c.id),
    sa.select(approvals).order_by(approvals.c.request_id, approvals.c.position),
    sa.select(grants).order_by(grants.c.id),
    sa.select(enrolments).order_by(enrolments.c.id),
    sa.select(invites).order_by(invites.c.code_hash),
    sa.select(authenticators.c.person, authenticators.c.sealed).order_by(authenticators.c.person),
)
"""What no malformed payload may change. That a code was tried, or a form filled in, is counted all the same."""


@dataclass
class Recorded:
    """What Slack sent in a story. ``spent`` maps ids that are over to ids that are not, and so arms a payload."""

    office: Office
    kinds: list[str] = field(default_factory=list)
    bodies: list[Json] = field(default_factory=list)
    spent: dict[str, str] = field(default_factory=dict)

    def armed(self) -> tuple[Json, ...]:
        """The payloads as they would be about what can still be changed."""
        text = json.dumps(self.bodies)
        for over, live in self.spent.items():
            text = text.replace(over, live)
        return tuple(json.loads(text))

    def disarmed(self, body: Json) -> Json:
        """The same about what is over."""
        text = json.dumps(body)
        for over, live in self.spent.items():
            text = text.replace(live, over)
        found: Json = json.loads(text)
        return found

    def send(self, number: int, body: Json) -> Json:
        """To the app, over the wire; its answer. Raises DispatchError when it does not acknowledge."""
        if self.kinds[number] == "events_api" and isinstance(body.get("event_id"), str):
            body["event_id"] = f"Ev{self.office.slack.calls('auth.test')}{id(body)}"  # each is a new one
        return self.office.slack.deliver(self.kinds[number], body)

    def state(self) -> list[list[tuple[Any, ...]]]:
        """Everything that counts in the database."""
        with self.office.store.transaction() as tx:
            return [[tuple(row) for row in tx._run(query)] for query in STATE]


def get(body: Any, *path: Any) -> Any:
    for key in path:
        try:
            body = body[key]
        except (KeyError, IndexError, TypeError):
            return None
    return body


def essence(body: Json) -> tuple[Any, ...]:
    """Who does what in whose name: where this is as it was, the payload says the same as before."""
    who = get(body, "user", "id") or get(body, "user_id") or get(body, "event", "user")
    teams = {
        json.dumps(team)
        for path in (("team_id",), ("team", "id"), ("user", "team_id"))
        if (team := get(body, *path)) not in (None, "")
    }
    what = ("type",), ("command",), ("text",), ("actions", 0, "action_id"), ("actions", 0, "value")
    where = ("view", "callback_id"), ("view", "private_metadata"), ("event", "type")
    return who, teams, *(get(body, *path) for path in (*what, *where))


def approve_again(office: Office) -> Grant:
    """Within the minutes for which one code counts; the grant, once it is active."""
    ines = office.visitor(INES)
    ines.click(ines.wait_for_message("Waiting for approval", "approvals"), ids.APPROVE)

    def active() -> Grant | None:
        return next((grant for grant in office.grants("maya") if str(grant.status) == "active"), None)

    grant = ines.wait_for(active, what="access")
    assert grant is not None
    return grant


def record(office: Office) -> Recorded:
    """What people do: typed, clicked, chosen and sent. At the end a request waits and an access is held."""
    office.enrol("maya", "ines", "sam")
    maya, ines, sam = office.visitor(MAYA), office.visitor(INES), office.visitor(SAM)
    maya.command("/prodaccess")
    maya.wait_for_modal("Request access")
    maya.fill(role="s3-read")
    maya.wait_for_modal("Bucket")
    maya.close()

    ended = ask(office)
    approve(office, INES, "ines")
    told = maya.wait_for_message("You have access")
    maya.click(told, ids.RELEASE)
    maya.wait_for_message("Your access has ended")
    revoked = ask(office, LINE.replace("broken", "wrong"))
    second = approve_again(office)
    sam.command(f"/prodaccess revoke {second.id}")
    sam.wait_for_modal("Reason")
    sam.fill(note="The fuzzing is over")
    sam.submit()
    maya.wait_for(lambda: not office.grants("maya"), what="the access to end")

    cancelled = ask(office, LINE.replace("broken", "odd"))
    own = maya.wait_for_message("Waiting for approval")
    maya.click(own, ids.CANCEL)
    maya.wait_for(lambda: not office.desk.queries.pending("maya"), what="the request to be cancelled")
    denied = ask(office, LINE.replace("broken", "late"))
    card = ines.wait_for_message("Waiting for approval", "approvals")
    ines.click(card, ids.PERMISSIONS)
    ines.wait_for_modal("s3:GetObject")
    ines.close()
    ines.click(card, ids.DENY)
    ines.wait_for_modal("Deny")
    ines.fill(note="Not like this")
    ines.submit()
    maya.wait_for_message("Your request was denied")

    for command in ("status", "history", "enrol", "release", "help", "reset @nobody"):
        maya.command(f"/prodaccess {command}")
    maya.open_home()
    office.slack.change_person(MAYA, title="On call")
    kept = ask(office, LINE.replace("broken", "away"))
    live = approve_again(office)
    waiting = ask(office, LINE.replace("broken", "here"))
    with office.store.transaction() as tx:
        first = tx.grants(ended)[0].id
    recorded = Recorded(office)
    for kind, body in office.slack.sent():
        recorded.kinds.append(kind)
        recorded.bodies.append(body)
    recorded.spent = {
        **dict.fromkeys((cancelled, denied), waiting),
        **dict.fromkeys((first, second.id), live.id),
        **dict.fromkeys((ended, revoked), kept),
    }
    return recorded


@pytest.fixture(scope="module", params=["socket", "http"])
def recorded(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Recorded]:
    with LocalSlack(workspace(kept_envelopes=1_000)) as slack:
        office = Office(slack, tmp_path_factory.mktemp("office"), (), over_http=request.param == "http")
        yield record(office)
        office.close()


def test_the_story_has_every_kind_of_payload(recorded: Recorded) -> None:
    types = {body.get("type", "command") for body in recorded.bodies}
    assert types >= {"command", "block_actions", "block_suggestion", "view_submission", "event_callback"}, types


@fuzzed(150)
@given(data=st.data())
def test_whatever_comes_is_acknowledged_and_what_is_malformed_changes_nothing(
    recorded: Recorded, data: st.DataObject
) -> None:
    originals = recorded.armed()
    number, body = data.draw(mutated(originals))
    if essence(body) == essence(originals[number]):
        body = recorded.disarmed(body)
    before = recorded.state()
    answer = recorded.send(number, body)
    assert recorded.state() == before
    assert "Traceback" not in json.dumps(answer)
