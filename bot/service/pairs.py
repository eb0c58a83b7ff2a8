"""What the daily summary says of people who approve for each other often, where a role limits that."""

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.core.audit import Tag
from bot.core.duration import format_duration
from bot.core.model import AccessRequest, Catalogue
from bot.service.cards import SummaryLine
from bot.service.ports import Tx
from bot.service.summary import Period

PAGE = 1000
"""Records of the log that are read at once."""


@dataclass(frozen=True, slots=True)
class Refused:
    """Somebody's yes that was refused because the two approve for each other too often (person ids)."""

    request_id: str
    requester: str
    approver: str


def longest(catalogue: Catalogue) -> timedelta | None:
    """How far back it is counted; ``None`` where no role limits it."""
    return max((per for _, per in _limits(catalogue)), default=None)


def section_of_pairs(
    catalogue: Catalogue, requests: Iterable[AccessRequest], refused: Iterable[Refused], period: Period
) -> tuple[tuple[str, tuple[SummaryLine, ...]], ...]:
    """One section where a role limits it, an empty one too: pairs that reached the limit, or were refused by it.

    ``requests`` are those of ``longest`` before the period too.
    """
    limits = _limits(catalogue)
    if not limits:
        return ()
    told = defaultdict[tuple[str, ...], list[tuple[datetime, str]]](list)
    for request in requests:
        for yes in request.approvals:
            told[tuple(sorted((request.ask.requester, yes.person)))].append((yes.at, request.id))
    reached = (line for pair in sorted(told) for line in _reached(pair, sorted(told[pair]), limits, period))
    no = (
        SummaryLine(each.requester, "refused: too often for each other", each.request_id, (each.approver,))
        for each in refused
    )
    return (("Approved for each other", (*reached, *dict.fromkeys(no))),)


def refused_by_it(tx: Tx, since: datetime) -> tuple[Refused, ...]:
    """From the log, what was refused ``since`` (UTC); it is read from its end, as far as that."""
    found, last = list[Refused](), tx.audit_head()[0]
    while last > 0:
        records = tx.audit(max(0, last - PAGE), min(PAGE, last))
        found[:0] = [each for record in records if record.at >= since for each in _refusal(record.body)]
        if not records or records[0].at < since:
            break
        last = records[0].seq - 1
    return tuple(found)


def _refusal(body: bytes) -> Iterator[Refused]:
    if Tag.REQUEST_REFUSED.encode() not in body:
        return
    record = json.loads(body)
    if record["tag"] == Tag.REQUEST_REFUSED and "pair" in record["data"].get("rules", []):
        yield Refused(record["request_id"], record["person"], record["actor"]["id"])


def _limits(catalogue: Catalogue) -> list[tuple[int, timedelta]]:
    rules = (role.separation for role in catalogue.roles.values())
    return sorted({(rule.pair_most, rule.pair_per) for rule in rules if rule.pair_most is not None})


def _reached(
    pair: tuple[str, ...], told: list[tuple[datetime, str]], limits: list[tuple[int, timedelta]], period: Period
) -> Iterator[SummaryLine]:
    """A line for the strictest limit that a yes of the period reached."""
    for most, per in limits:
        for at, request_id in reversed(told):
            count = sum(at - per < other <= at for other, _ in told)
            if period.has(at) and count >= most:
                text = f"{count} times in {format_duration(per)}, of at most {most}"
                yield SummaryLine(pair[0], text, request_id, pair[1:])
                return
