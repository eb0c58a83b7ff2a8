"""What the daily summary says of access that nobody approved: without a word, by breaking glass, reviews owed."""

from collections.abc import Callable, Iterable

from bot.core.duration import format_duration
from bot.core.model import AccessRequest, Catalogue, Way
from bot.service.cards import SummaryLine
from bot.service.summary import Period

Section = tuple[str, tuple[SummaryLine, ...]]


def sections_of_ways(
    catalogue: Catalogue, requests: Iterable[AccessRequest], owed: Iterable[AccessRequest], period: Period
) -> tuple[Section, ...]:
    """Three sections in order, empty ones included. ``owed``: whose review is owed, whenever it was asked for."""
    decided = tuple(request for request in requests if period.has(request.decided_at))

    def of(title: str, way: Way, note: Callable[[AccessRequest], str]) -> Section:
        return title, tuple(_line(catalogue, each, note(each), _reviewer(each)) for each in decided if each.way is way)

    waiting = (_line(catalogue, each, _due(each, period)) for each in owed)
    return (
        of("Without a word", Way.AUTOMATIC, lambda request: request.decision_note),
        of("Broken glass", Way.BREAK_GLASS, _word),
        ("Reviews owed", tuple(waiting)),
    )


def _word(request: AccessRequest) -> str:
    """What the reviewer said; until then, what the requester did."""
    review = request.review
    if review is None or review.is_owed:
        return f"not reviewed yet: {request.ask.reason}"
    return f"objection: {review.note}" if review.objects else "it was right"


def _due(request: AccessRequest, period: Period) -> str:
    due_at = request.review.due_at if request.review else period.now
    return f"{'OVERDUE since' if due_at <= period.now else 'by'} {due_at:%Y-%m-%d %H:%M} UTC"


def _reviewer(request: AccessRequest) -> tuple[str, ...]:
    return (request.review.by,) if request.review and request.review.by else ()


def _line(catalogue: Catalogue, request: AccessRequest, note: str, by: tuple[str, ...] = ()) -> SummaryLine:
    role = catalogue.roles.get(request.ask.role)
    what = f"{role.title if role else request.ask.role} in {request.ask.account}"
    text = f"{what}, {format_duration(request.ask.duration)}" + (f": {note}" if note else "")
    return SummaryLine(request.ask.requester, text, request.id, by)
