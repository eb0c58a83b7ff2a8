"""The promises of DESIGN §2, one after the other, as what must be true of what is seen after a crash.

``at_any_instant`` holds with the process just dead, ``at_the_end`` when all has come to rest and time is up. Each check
names what is wrong; an empty list is good.
"""

from collections import Counter
from collections.abc import Iterator
from datetime import timedelta

from bot.core.audit import Tag
from bot.core.model import Grant, GrantStatus, RequestStatus
from bot.providers.iam_policy import ends_at
from bot.slack.messenger import EVENT_TYPE
from tests.crashes.seen import NUMBERS, Seen
from tests.scenarios.company import SLACK_ID
from tests.scenarios.harness import Secrets

Wrong = Iterator[str]
OURS = "prodaccess-"
FRESH = timedelta(minutes=15)
"""How old an approver's proof may be by the scenarios' catalogue."""
WITHOUT_CODES = frozenset({"longer"})
"""Roles that take none; to go on from it takes one all the same."""


def at_any_instant(seen: Seen, secrets: Secrets) -> list[str]:
    """What must be true whenever one looks."""
    return [*i1(seen), *i3(seen), *i4(seen), *i6(seen), *i9(seen), *i10(seen, secrets), *said_once(seen)]


def at_the_end(seen: Seen, secrets: Secrets) -> list[str]:
    """What must be true as well when everything is over."""
    return [*at_any_instant(seen, secrets), *i1_after_the_end(seen), *i2(seen), *i8(seen), *all_is_said(seen)]


def i1(seen: Seen) -> Wrong:
    """No access outlives its end: every statement in the cloud carries the grant's."""
    for (_, name), document in seen.policies.items():
        grant = seen.grant(name.removeprefix(OURS))
        wanted = grant.expires_at.strftime("%Y-%m-%dT%H:%M:%SZ") if grant else "an end"
        ends = {s.get("Condition", {}).get("DateLessThan", {}).get("aws:CurrentTime") for s in document["Statement"]}
        if ends != {wanted} or not ends_at(document):
            yield f"I1: {name} ends at {ends}, not at {wanted}"


def i1_after_the_end(seen: Seen) -> Wrong:
    """With time up there is none."""
    yield from (f"I1: {name} is still there" for name in seen.policies)


def i2(seen: Seen) -> Wrong:
    """Nothing is left half done."""
    for request in seen.requests:
        if request.status is RequestStatus.PENDING:
            yield f"I2: request {request.id} is still pending"
        made = sum(grant.request_id == request.id for grant in seen.grants)
        if request.status is RequestStatus.APPROVED and made != len(request.ask.items):
            yield f"I2: request {request.id} was approved, and there are {made} grants"
    yield from (f"I2: grant {g.id} is still {g.status}" for g in seen.grants if g.status is not GrantStatus.ENDED)
    yield from (f"I2: {e.key} is still to be done, after {e.attempts}: {e.last_error}" for e in seen.effects)


def i3(seen: Seen) -> Wrong:
    """At most one grant per request and target, exactly what was approved, and no gap where it goes on."""
    for key, count in Counter((grant.request_id, grant.item) for grant in seen.grants).items():
        if count > 1:
            yield f"I3: {count} grants of {key}"
    for grant in seen.grants:
        request = seen.request(grant.request_id)
        item, part = request.ask.items[grant.item], request.parts[grant.item]
        asked = (item.role, item.account, part.principal, part.policy, request.digest())
        same = (grant.role, grant.account, grant.principal, grant.policy, grant.digest) == asked
        length = grant.expires_at - grant.starts_at
        if not same or request.status is not RequestStatus.APPROVED or length != request.ask.duration:
            yield f"I3: grant {grant.id} is not what was approved"
        base = seen.grant(request.ask.extends)
        if base is not None and grant.starts_at != max(base.expires_at, request.decided_at or grant.starts_at):
            yield f"I3: grant {grant.id} does not begin where {base.id} ends"
    for key, count in Counter(request.ask.extends for request in seen.requests if request.ask.extends).items():
        if count > 1:
            yield f"I3: grant {key} is made longer {count} times"


def i4(seen: Seen) -> Wrong:
    """Every transition is in the log exactly once, and the log is whole."""
    if not seen.verification.ok:
        yield f"I4: record {seen.verification.first_bad}: {seen.verification.why}"
    for request in seen.requests:
        decided = [] if request.status is RequestStatus.PENDING else [str(Tag(f"request.{request.status}"))]
        if (tags := seen.tags(request=request.id)) != (wanted := [str(Tag.REQUEST_SUBMITTED), *decided]):
            yield f"I4: of request {request.id} the log says {tags}, not {wanted}"
    for grant in seen.grants:
        tags, history = seen.tags(grant=grant.id), _transitions(grant.id, seen)
        if [tag for tag in tags if tag != Tag.GRANT_OVERDUE] not in history or tags.count(Tag.GRANT_OVERDUE) > 1:
            yield f"I4: of grant {grant.id} the log says {tags}, not one of {history}"
    enrolled = Counter(record["person"] for record in seen.records if record["tag"] == Tag.MFA_ENROLLED)
    yield from (f"I4: {person} enrolled {count} times" for person, count in enrolled.items() if count > 1)
    known = {request.id for request in seen.requests}
    yield from (f"I4: {r['tag']} of an unknown request" for r in seen.records if r["request_id"] not in known | {""})


def _transitions(grant_id: str, seen: Seen) -> list[list[str]]:
    """How a grant can have come to where it is."""
    grant = seen.grant(grant_id)
    assert grant is not None
    tags = [Tag.GRANT_SCHEDULED]
    if grant.status is not GrantStatus.SCHEDULED:
        tags.append(Tag.GRANT_STARTED)
    if grant.granted_at:
        tags.append(Tag.GRANT_ACTIVE)
    if grant.revoking_since:
        tags.append(Tag.GRANT_REVOKING)
    if grant.status is GrantStatus.ENDED:
        tags.append(Tag.GRANT_ENDED)
    never_started = [Tag.GRANT_SCHEDULED, Tag.GRANT_ENDED]
    found = [[str(tag) for tag in tags]]
    return [*found, [str(tag) for tag in never_started]] if not grant.revoking_since else found


def i5(before: Seen, after: Seen) -> Wrong:
    """What is over absorbs: late clicks and late results change nothing."""
    if before.ledger() != after.ledger():
        yield f"I5: {before.ledger()} became {after.ledger()}"
    if before.policies != after.policies:
        yield f"I5: AWS held {sorted(before.policies)}, and now {sorted(after.policies)}"


def i6(seen: Seen) -> Wrong:
    """Whoever got access proved themselves, and somebody else said yes with a fresh proof."""
    proofs = {(proof.person, proof.confirms) for proof in seen.step_ups}
    moments = {(proof.person, proof.at) for proof in seen.step_ups}
    for request in seen.requests:
        draft = seen.drafts.get(request.id)
        by_code = request.ask.role not in WITHOUT_CODES or request.ask.extends
        if draft is None or (by_code and (request.ask.requester, draft.digest()) not in proofs):
            yield f"I6: request {request.id} was asked without a code"
        for approval in request.approvals:
            at, fits = approval.stepped_up_at, (approval.person, approval.stepped_up_at) in moments
            fresh = at is not None and fits and approval.at - at <= FRESH
            if not (fresh or request.ask.role in WITHOUT_CODES) or approval.person == request.ask.requester:
                yield f"I6: {approval} of request {request.id} does not count"
            if approval.person not in request.approvers_asked:
                yield f"I6: {approval.person} was not asked about {request.id}"
    for grant in seen.grants:
        if len({approval.person for approval in seen.request(grant.request_id).approvals}) < 1:
            yield f"I6: nobody approved grant {grant.id}"


def i8(seen: Seen) -> Wrong:
    """Every removal completed, and was observed."""
    for record in seen.records:
        if record["tag"] == Tag.GRANT_ENDED:
            grant = seen.grant(record["grant_id"])
            if grant is None or record["data"]["observed_absent"] is not (grant.revoking_since is not None):
                yield f"I8: {record['grant_id']} ended unobserved"
    yield from (f"I8: {g.id} has no end" for g in seen.grants if g.status is GrantStatus.ENDED and not g.ended_at)


def i9(seen: Seen) -> Wrong:
    """What is in the cloud is in the ledger, where it may be: its intent was committed first."""
    for number, name in seen.policies:
        grant = seen.grant(name.removeprefix(OURS))
        where = (NUMBERS[grant.account], grant.principal) if grant else ()
        if grant is None or not grant.is_live or where != (number, "user/maya"):
            yield f"I9: {name} is in AWS, and its grant is {grant.status if grant else 'not there'}"


def i10(seen: Seen, secrets: Secrets) -> Wrong:
    """No secret is anywhere."""
    places = {"the log": seen.log, "the audit log": str(seen.records), "messages": str(seen.messages)}
    for place, text in places.items():
        yield from (f"I10: {place} holds {found!r}" for found in secrets.found_in(text))
    yield from ("the bot failed; see its log" for _ in range(seen.log.count("THE BOT FAILED")))


def said_once(seen: Seen) -> Wrong:
    """Nothing is posted twice, though Slack has no key for that."""
    yield from (f"said {count} times: {key}" for key, count in _said(seen).items() if count > 1)


def all_is_said(seen: Seen) -> Wrong:
    """Every card is there, says how it ended, and every notice came."""
    said = {key for _, key in _said(seen)}
    wanted = set()
    for request in seen.requests:
        approvers = {f"{request.id}:approvers:@{SLACK_ID[person]}" for person in request.approvers_asked}
        wanted |= {f"{request.id}:own:@{SLACK_ID['maya']}", f"{request.id}:approvers:{request.channel}", *approvers}
        if request.status is not RequestStatus.APPROVED:
            wanted.add(f"tell:{request.status}:{request.id}")
    wanted |= {key for grant in seen.grants for key in _told_of(grant, seen)}
    overdue = {f"overdue:{record['account']}:" for record in seen.records if record["tag"] == Tag.GRANT_OVERDUE}
    pages = " ".join(key for key in said if key.startswith("overdue:"))
    yield from (f"no page: {account}" for account in sorted(overdue) if account not in pages)
    summaries = [record for record in seen.records if record["tag"] == Tag.SUMMARY_POSTED]
    if len(summaries) != sum(key.startswith("summary:") for key in said):
        yield f"{len(summaries)} summaries are in the log, and these were posted: {sorted(said)}"
    yield from (f"never said: {key}" for key in sorted(wanted - said))
    yield from _stale_cards(seen)


def _told_of(grant: Grant, seen: Seen) -> list[str]:
    """Of several targets it is told together, and of access that goes on, that it does."""
    request = seen.request(grant.request_id)
    about = request.id if request.ask.more else grant.id
    later = bool(request.ask.extends) and request.decided_at is not None and grant.starts_at > request.decided_at
    went_on = any(each.ask.extends == grant.id and each.status is RequestStatus.APPROVED for each in seen.requests)
    begins = f"tell:{'goes-on' if later else 'active'}:{about}"
    return [*([begins] if grant.granted_at else []), *([] if went_on else [f"tell:ended:{about}"])]


def _stale_cards(seen: Seen) -> Wrong:
    for channel, message in seen.messages:
        request_id = _key(message).partition(":")[0]
        for request in (request for request in seen.requests if request.id == request_id):
            ends = [f"ended: {grant.end_reason}" for grant in seen.grants if grant.request_id == request.id]
            if not message["text"].endswith((*ends, str(request.status))):
                yield f"the card in {channel} still says: {message['text']}"


def _said(seen: Seen) -> Counter[tuple[str, str]]:
    return Counter((channel, key) for channel, message in seen.messages if (key := _key(message)))


def _key(message: dict[str, object]) -> str:
    metadata = message.get("metadata")
    if not isinstance(metadata, dict) or metadata.get("event_type") != EVENT_TYPE:
        return ""
    return str(metadata["event_payload"]["key"])
