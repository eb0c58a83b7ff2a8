"""The daily summary: when it is due, and what it says."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from bot.core.duration import format_duration
from bot.core.model import AccessRequest, Catalogue, Effect, EndReason, Grant, GrantStatus, RequestStatus, Summary
from bot.service.cards import SummaryLine
from bot.service.ports import Store
from bot.service.targets import role_title, titles_of

OVERDUE_AFTER = timedelta(minutes=2)
"""A grant that should be gone for this long and was not observed absent is overdue."""
_UNTIL = "summary.until"


@dataclass(frozen=True, slots=True)
class Period:
    """``[start, end)`` and the time of the look, all UTC."""

    start: datetime
    end: datetime
    now: datetime

    def has(self, moment: datetime | None) -> bool:
        """Whether ``moment`` lies in the period."""
        return moment is not None and self.start <= moment < self.end


def last_due(when: Summary, now: datetime) -> datetime:
    """The newest time at or before ``now`` (UTC) at which a summary was due.

    On a night when the clock jumps over the chosen time it is due that much after the jump (02:30 becomes 03:30); when
    the time comes twice, at its first coming.
    """
    zone = ZoneInfo(when.zone)
    day = now.astimezone(zone).date()
    for back in (0, 1):
        local = datetime(day.year, day.month, day.day, when.hour, when.minute, tzinfo=zone) - timedelta(days=back)
        due = local.astimezone(ZoneInfo("UTC"))
        if due <= now:
            return due
    raise AssertionError("a day has at most 25 hours")


def enqueue_due(store: Store, catalogue: Catalogue) -> bool:
    """Commit the summary that is due, if one is: once, however many replicas ask. True when this call did.

    After days of silence there is one summary for all of them. A new installation starts counting now.
    """
    with store.transaction() as tx:
        due, known = last_due(catalogue.summary, tx.now()), tx.fact(_UNTIL)
        start = datetime.fromisoformat(known) if known else None
        if start is not None and start >= due:
            return False
        if not tx.once(f"summary:{due.isoformat()}", due + timedelta(days=7)):
            return False
        tx.set_fact(_UNTIL, due.isoformat())
        if start is not None:
            window = {"start": start.isoformat(), "end": due.isoformat(), "zone": catalogue.summary.zone}
            tx.enqueue([Effect("chat.summary", due.isoformat(), f"summary:{due.isoformat()}", tx.now(), window)])
    return start is not None


def sections(
    catalogue: Catalogue, requests: Iterable[AccessRequest], grants: Iterable[Grant], period: Period
) -> tuple[tuple[str, tuple[SummaryLine, ...]], ...]:
    """Every section in order, empty ones included. ``requests`` holds those of the grants too."""
    asked, given = tuple(requests), tuple(grants)
    approvers = {request.id: tuple(approval.person for approval in request.approvals) for request in asked}

    def of_grants(title: str, wanted: Callable[[Grant], bool]) -> tuple[str, tuple[SummaryLine, ...]]:
        found = (grant for grant in given if wanted(grant))
        return title, tuple(_grant_line(catalogue, grant, approvers.get(grant.request_id, ())) for grant in found)

    def of_requests(title: str, status: RequestStatus) -> tuple[str, tuple[SummaryLine, ...]]:
        decided = (r for r in asked if r.status is status and period.has(r.decided_at))
        return title, tuple(_request_line(catalogue, request) for request in decided)

    def ended(reason: EndReason) -> Callable[[Grant], bool]:
        return lambda grant: period.has(grant.ended_at) and grant.end_reason is reason

    return (
        of_grants("Granted", lambda grant: period.has(grant.granted_at)),
        of_grants("Still active", lambda grant: grant.status in {GrantStatus.ACTIVE, GrantStatus.GRANTING}),
        of_grants("Expired", ended(EndReason.EXPIRED)),
        of_grants("Released", ended(EndReason.RELEASED)),
        of_grants("Revoked", ended(EndReason.REVOKED)),
        of_grants("Removed outside of prodaccess", ended(EndReason.LOST)),
        of_requests("Denied", RequestStatus.DENIED),
        of_requests("Lapsed", RequestStatus.LAPSED),
        of_requests("Cancelled", RequestStatus.CANCELLED),
        of_grants("Failed", ended(EndReason.FAILED)),
        of_grants("Overdue", lambda grant: is_overdue(grant, period.now)),
    )


def is_overdue(grant: Grant, now: datetime) -> bool:
    """Whether it should be gone by now (UTC) and was not yet observed absent."""
    if grant.status is GrantStatus.ENDED:
        return False
    due = min(grant.expires_at, grant.revoking_since) if grant.revoking_since else grant.expires_at
    return now - due > OVERDUE_AFTER


def _grant_line(catalogue: Catalogue, grant: Grant, approvers: tuple[str, ...]) -> SummaryLine:
    length = format_duration(grant.expires_at - grant.starts_at)
    text = f"{role_title(catalogue, grant.role)} in {grant.account}, {length}"
    if grant.end_note:
        text += f": {grant.end_note}"
    by = (grant.ended_by,) if grant.end_reason is EndReason.REVOKED and grant.ended_by else approvers
    return SummaryLine(grant.person, text, grant.id, by)


def _request_line(catalogue: Catalogue, request: AccessRequest) -> SummaryLine:
    text = f"{titles_of(catalogue, request.ask)[0]} in {', '.join(dict.fromkeys(i.account for i in request.ask.items))}"
    if request.decision_note:
        text += f": {request.decision_note}"
    by = (request.decided_by,) if request.status is RequestStatus.DENIED and request.decided_by else ()
    return SummaryLine(request.ask.requester, text, request.id, by)
