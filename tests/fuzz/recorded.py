"""What Slack sends on an ordinary day, recorded: each payload can be sent again about something that is there now."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from bot.core.audit import Actor, ActorKind, Tag
from bot.core.model import Ask
from bot.sandbox.slack.config import SlackPerson
from bot.service.records import Draft
from bot.slack import ids
from tests.patience import in_time
from tests.slack.office import INES, MAYA, RAVI, SAM, TOMAS, Office

REASON = "the nightly export is broken"
LOOK = f"/prodaccess look pay 1h {REASON}"
CODED = "coded"
"""A role like ``look``, each approval of which takes a fresh code."""
APPROVERS = frozenset({INES, RAVI})
APPROVAL = frozenset({Tag.REQUEST_APPROVAL_ADDED, Tag.REQUEST_APPROVED, Tag.GRANT_SCHEDULED, Tag.GRANT_STARTED})
STOP = frozenset({Tag.GRANT_REVOKING, Tag.GRANT_ENDED})


@dataclass(frozen=True)
class Recorded:
    """A payload as it came, and what it may lead to."""

    name: str
    kind: str
    payload: dict[str, Any]
    subject: str = ""
    """The id that it is about."""
    code: str = ""
    """What was typed as a code."""
    about: str = ""
    """What ``subject`` is the id of: ``look`` or ``coded`` (a pending request), ``grant``, ``draft`` or nothing."""
    may: frozenset[str] = frozenset()
    """Who may cause ``does``, by chat account."""
    does: frozenset[Tag] = frozenset()

    @property
    def changes(self) -> Tag | None:
        """What it leads to when nothing is wrong with it."""
        order = (Tag.REQUEST_APPROVED, Tag.REQUEST_SUBMITTED, Tag.REQUEST_DENIED, Tag.REQUEST_CANCELLED)
        return next((tag for tag in (*order, Tag.GRANT_REVOKING) if tag in self.does), None)


@dataclass(frozen=True)
class Rule:
    """What a payload that carries ``name`` is about, and what it may do."""

    name: str
    about: str = ""
    may: frozenset[str] = frozenset()
    does: frozenset[Tag] = frozenset()


RULES = (
    Rule(ids.COMMAND, may=frozenset({MAYA})),
    Rule(ids.FORM),
    Rule(ids.CONFIRM, "draft", frozenset({MAYA}), frozenset({Tag.REQUEST_SUBMITTED})),
    Rule(ids.APPROVE, "look", APPROVERS, APPROVAL),
    Rule(ids.APPROVE_CODE, CODED, APPROVERS, APPROVAL),
    Rule(ids.DENY, "look"),
    Rule(ids.DENY_NOTE, "look", APPROVERS, frozenset({Tag.REQUEST_DENIED})),
    Rule(ids.CANCEL, "look", frozenset({MAYA}), frozenset({Tag.REQUEST_CANCELLED})),
    Rule(ids.PERMISSIONS, "look"),
    Rule(ids.RELEASE, "grant", frozenset({MAYA}), STOP),
    Rule(ids.REVOKE, "grant"),
    Rule(ids.REVOKE_NOTE, "grant", APPROVERS | {SAM}, STOP),
    Rule(ids.ROLE),
    Rule("block_suggestion"),
    Rule("app_home_opened"),
    Rule("user_change"),
    Rule("team_join"),
    Rule("subteam_members_changed"),
)


def name_of(kind: str, payload: dict[str, Any]) -> str:
    """The rule's name that goes with a payload as Slack sends it."""
    if kind == "slash_commands":
        return str(payload["command"])
    if kind == "events_api":
        return str(payload["event"]["type"])
    if payload["type"] == "block_actions":
        return str(payload["actions"][0]["action_id"])
    return str(payload["view"]["callback_id"] if payload["type"] == "view_submission" else payload["type"])


def record(office: Office) -> dict[str, Recorded]:
    """Live through an ordinary day; what came of it, by name."""
    typed = _live(office)
    rules, found = {rule.name: rule for rule in RULES}, {}
    for kind, payload in office.slack.sent():
        rule = rules.get(name_of(kind, payload))
        if rule is None:
            continue
        subject = payload["actions"][0].get("value", "") if payload.get("type") == "block_actions" else ""
        subject = subject or payload.get("view", {}).get("private_metadata", "")
        code = next((code for code in typed if f'"{code}"' in json.dumps(payload)), "")
        found[rule.name] = Recorded(rule.name, kind, payload, subject, code, rule.about, rule.may, rule.does)
    assert found.keys() == rules.keys(), rules.keys() - found.keys()
    return found


def _live(office: Office) -> list[str]:
    """One of each; the codes that were typed."""
    maya, ravi, codes = office.visitor(MAYA), office.visitor(RAVI), Subjects(office)
    maya.command("/prodaccess")
    maya.wait_for_modal("Request access")
    maya.fill(role="s3-read")
    maya.wait_for_modal("Bucket")
    maya.fill(account="pay", Bucket="pay-logs", work="bug-fix", duration="1h", reason=REASON)
    maya.wait_for_modal("for Bug fix")
    maya.submit()
    in_time(lambda: (maya.fill(code=codes.code("maya")), maya.submit())[1])
    maya.wait_for_modal("Sent.")
    maya.close(cleared=True)
    for what, role in ((ids.PERMISSIONS, "look"), (ids.DENY, "look"), (ids.APPROVE, "look"), (ids.APPROVE, CODED)):
        _click(office, RAVI, what, codes.pending(role))
        if what == ids.PERMISSIONS:
            ravi.wait_for_modal()
            ravi.close()
        elif what == ids.DENY:
            ravi.wait_for_modal()
            ravi.fill(note="not tonight")
            ravi.submit()
        elif role == CODED:
            ravi.wait_for_modal("You approve")
            in_time(lambda: (ravi.fill(code=codes.code("ravi")), ravi.submit())[1])
    _click(office, MAYA, ids.CANCEL, codes.pending("look"), None)
    _click(office, MAYA, ids.RELEASE, codes.grant(), None)
    _click(office, RAVI, ids.REVOKE, codes.grant())
    ravi.wait_for_modal()
    ravi.fill(note="it is over")
    ravi.submit()
    maya.open_home()
    office.slack.change_person(TOMAS, title="Senior engineer")
    office.slack.change_usergroup("S0LEADS", (INES,))
    office.slack.add_person(SlackPerson("U0NEW", "new", "New Colleague", "new@example.com"))
    maya.command(LOOK)
    return codes.typed


def _click(office: Office, user: str, action: str, subject: str, channel: str | None = "approvals") -> None:
    """Press a card's button as soon as the card is there; the clock goes on, for those that Slack's limits put off."""
    visitor = office.visitor(user)

    def look() -> dict[str, Any] | None:
        office.clock.move(timedelta(seconds=1))
        cards = [message for message in visitor.messages(channel) if (action, subject) in _buttons(message)]
        return cards[-1] if cards else None

    card = visitor.wait_for(look, what=f"{action} on {subject}")
    assert card is not None
    visitor.click(card, action, value=subject)


def _buttons(message: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for block in message["blocks"]:
        for element in [*block.get("elements", ()), block.get("accessory") or {}]:
            yield element.get("action_id", ""), element.get("value", "")


class Subjects:
    """Things to decide on, made without Slack and kept until they are used up."""

    def __init__(self, office: Office) -> None:
        self._office = office
        self._kept: dict[str, str] = {}
        self.typed: list[str] = []

    def of(self, recorded: Recorded) -> str:
        """The id of something of its kind on which nothing was decided yet."""
        fresh: dict[str, Callable[[], str]] = {
            "look": lambda: self.pending("look"),
            CODED: lambda: self.pending(CODED),
            "grant": self.grant,
            "draft": lambda: self._draft("s3-read").id,
        }
        if recorded.about not in fresh:
            return recorded.subject
        kept = self._kept.get(recorded.about, "")
        if not self._is_open(recorded.about, kept):
            kept = self._kept[recorded.about] = fresh[recorded.about]()
        return kept

    def code(self, person: str) -> str:
        """Their next code."""
        self.typed.append(self._office.code(person))
        return self.typed[-1]

    def pending(self, role: str) -> str:
        """A new request of Maya's."""
        draft, access = self._draft(role), self._office.desk.access
        access.submit(draft, self._maya, _actor("maya"))
        return draft.id

    def grant(self) -> str:
        """A new grant of Maya's."""
        request, access = self.pending("look"), self._office.desk.access
        access.deciding.approve(request, access.catalogue().people["ravi"], _actor("ravi"))
        return self._office.visitor(MAYA).wait_for(
            lambda: next((g.id for g in self._office.grants("maya") if g.request_id == request and g.granted_at), ""),
            what="access that was approved",
        )

    @property
    def _maya(self) -> Any:
        return self._office.desk.access.catalogue().people["maya"]

    def _draft(self, role: str) -> Draft:
        params = {"bucket": "pay-logs", "prefix": "app/"} if role == "s3-read" else {}
        ask = Ask("maya", role, "pay", params, "bug-fix", timedelta(hours=1), REASON)
        draft = self._office.desk.access.draft(self._maya, ask)
        assert isinstance(draft, Draft), draft
        return draft

    def _is_open(self, about: str, subject: str) -> bool:
        access = self._office.desk.access
        if about == "grant":
            held, now = self._office.grants("maya"), self._office.clock.now()
            return any(each.id == subject and str(each.status) == "active" and each.expires_at > now for each in held)
        if about == "draft":
            return access.find_draft(subject, self._maya) is not None and access.request(subject) is None
        request = access.request(subject)
        return request is not None and str(request.status) == "pending"


def _actor(person: str) -> Actor:
    return Actor(ActorKind.PERSON, person, "test", "")
