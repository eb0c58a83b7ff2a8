"""The promises of DESIGN §2, checked on the database, the cloud and the chat of a history.

Each check raises Broken with the promise's number. ``at_*`` and ``after_*`` run at the very instant, ``after_step``
after each step, ``at_the_end`` when all faults are over and all work is done. What an audit record means is read from
the log's own bytes (``tests/simulation/book.py``), never from what the code believes.
"""

import json
from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from bot.core.audit import GENESIS, leaf, link
from bot.core.decisions import AHEAD
from bot.core.model import (
    LANES,
    AccessRequest,
    Catalogue,
    EndReason,
    Grant,
    GrantStatus,
    RequestStatus,
    StepUpPolicy,
    StepUpRule,
)
from bot.core.strays import ADOPTED
from bot.providers.fake import Call
from bot.service.cards import RequestCard
from bot.service.ports import Tx
from bot.service.records import AuditRecord, Claim, Permission
from tests.core.examples import DAY, MINUTE, NOW
from tests.simulation.book import Book, Entry
from tests.simulation.drift import Drift
from tests.simulation.following import Following
from tests.simulation.rules import Away, Then, is_enough, may_approve, may_start, mixed
from tests.simulation.tasks import Broken, Task

if TYPE_CHECKING:
    from tests.simulation.company import Company

STOPS = frozenset({"request.cancelled", "grant.revoking", "grant.ended"})
EVER = (NOW - 365 * DAY, NOW + 365 * DAY)


class Invariants:
    """Watches one company."""

    def __init__(self, company: "Company") -> None:
        self._company = company
        self.book = Book()
        self._chain = (0, GENESIS)
        self._fences: dict[int, int] = {}
        self._given_back: set[tuple[int, int]] = set()
        self._settled: dict[str, AccessRequest | Grant] = {}
        self._posts: Counter[tuple[str, str]] = Counter()
        self.late_posts: set[tuple[str, str]] = set()
        """Posts of a worker that had lost its lease while the chat was being asked: nothing can call those back."""
        self.shown_late: set[tuple[str, str]] = set()
        """(channel, ref) of messages that such a worker wrote over, before it died or the chat failed it."""
        self.orphans: set[tuple[str, str, str]] = set()
        """Policies that such a worker wrote and then died, or could not say so: reconcile finds them."""
        self.drift = Drift(company)
        self.following = Following(company, self.book)

    @property
    def chain(self) -> str:
        """The audit log's chain value (hex) after the last record seen."""
        return self._chain[1].hex()

    # --- at the instant ----------------------------------------------------------------------------------

    def at_claim(self, claims: Sequence[Claim]) -> None:
        """I7: a row is leased to one worker at a time, and its fence only rises."""
        for claim in claims:
            if claim.fence <= self._fences.get(claim.id, 0):
                raise Broken(f"I7: {claim.key} was claimed with the fence {claim.fence} for a second time")
            self._fences[claim.id] = claim.fence

    def at_release(self, claims: Sequence[Claim]) -> None:
        """Notes what a worker has given back: it holds that no more."""
        self._given_back.update((claim.id, claim.fence) for claim in claims)

    def at_commit(self, tx: Tx, task: Task | None) -> None:
        """I4, I5: what is logged now is chained and may happen. I3, I6, I7: and it may happen now, by this task."""
        if tx.audit_head() == self._chain:
            return
        self.book.next_commit()
        for record in tx.audit(self._chain[0]):
            self._is_chained(record)
            fact = json.loads(record.body)
            self.book.read(fact, record.at)
            self._is_held(fact, task)
            since = task.since if task is not None else 0
            self.drift.at_record(tx, fact, record.at, since)
            self.following.at_record(tx, fact, record.at, since)
            self._may_happen(tx, fact, record.at, since)

    def _may_happen(self, tx: Tx, fact: dict[str, Any], at: datetime, since: int) -> None:
        match fact["tag"]:
            case "request.approved" if fact["data"].get("adopted"):
                self.drift.may_adopt(fact)
            case "request.approved" if "way" in fact["data"]:
                self.following.may_go_without(tx, _request(tx, fact), at, since)
            case "request.reviewed":
                self._settled.pop(fact["request_id"], None)
            case "request.approved" | "request.approval-added":
                self._is_approved_by_who_may(tx, fact, at, since)
            case "request.lapsed":
                self._has_come(at, _request(tx, fact).lapses_at, "lapsed")
            case "grant.scheduled":
                self._is_what_was_approved(tx, fact)
            case "grant.started":
                self._may_start(tx, fact, at, since)
            case "grant.revoking" if fact["data"]["reason"] == "expired":
                self._has_come(at, _grant(tx, fact).expires_at, "expired")
            case "grant.ended":
                self._was_seen_absent(fact)

    def at_cloud_call(self, call: Call) -> None:
        """I2: the intent of every change of the cloud is committed before it."""
        wanted = {"grant": "grant.started", "revoke": "grant.revoking"}.get(call.operation)
        entry = self.book.grants.get(call.grant_id)
        task = self._company.tasks.current
        if call.operation == "revoke" and task is not None and all(each.kind == "person.stop" for each in task.claims):
            wanted = "grant.started"  # somebody, or their leaving, stops it while nothing can be written: I11
            self.drift.stopped.add(call.grant_id)
        if wanted and (entry is None or wanted not in entry.at):
            raise Broken(f"I2: the cloud is asked to {call.operation} {call.grant_id}, which nothing in the log wants")
        if call.operation == "grant" and task is not None and not (task.could_grant or task.replica.may_grant):
            raise Broken(f"{task.replica.name} grants {call.grant_id}, and its clock is off by {task.replica.measured}")

    def after_cloud_write(self, call: Call) -> None:
        """Notes a policy that is put although its removal is under way or done."""
        task = self._company.tasks.current
        if call.operation != "grant" or task is None:
            return
        entry = self.book.grants[call.grant_id]
        if entry.status == "ended" or (entry.status == "revoking" and not self._holds(task, call.grant_id)):
            task.late_puts += [key for key in self._company.cloud.held() if key[2] == call.grant_id]

    def after_post(self, destination: str, key: str) -> None:
        """Nobody gets the same message twice from workers that hold their leases."""
        self._posts[destination, key] += 1
        if self._posts[destination, key] > 1:
            task = self._company.tasks.current
            if task is None or self._holds(task, key):
                raise Broken(f"{key} was posted to {destination} twice")
            self.late_posts.add((destination, key))

    def after_update(self, channel: str, ref: str, subject: str) -> None:
        """Notes a card that a worker without a lease wrote over."""
        task = self._company.tasks.current
        if task is not None and not self._holds(task, subject):
            task.late_updates.append((channel, ref))

    def after_task(self, task: Task, *, in_order: bool) -> None:
        """Notes what it left behind if it died, or was cut off, before it could tell."""
        if not in_order or task.was_cut_off or task.replica.clock.skew != task.replica.measured:
            self.orphans.update(task.late_puts)
        if not in_order or task.was_cut_off:
            self.shown_late.update(task.late_updates)

    # --- after each step ---------------------------------------------------------------------------------

    def after_step(self) -> None:
        """I1, I3, I9: what the cloud holds. I4, I5: what the records say is what the log tells."""
        with self._company.store.transaction() as tx:
            grants: dict[str, Grant] = {}
            for request in tx.requests_between(*EVER):
                self._is_as_logged(request, self.book.requests.get(request.id))
                made = tx.grants(request.id)
                if len(made) != len(request.ask.items) * (request.status is RequestStatus.APPROVED):
                    raise Broken(f"I3: {request.id} is {request.status} and has {len(made)} grants")
                for grant in made:
                    self._is_as_logged(grant, self.book.grants.get(grant.id))
                    grants[grant.id] = grant
            for tag, count in (("requests", len(self.book.requests)), ("grants", len(self.book.grants))):
                found = len(grants) if tag == "grants" else len(tx.requests_between(*EVER))
                if found != count:
                    raise Broken(f"I4: the log tells of {count} {tag}, there are {found}")
            self.drift.records_are_as_logged(tx)
            self.following.after_step(tx)
        self._cloud_holds_what_was_approved(grants)

    def _cloud_holds_what_was_approved(self, grants: dict[str, Grant]) -> None:
        cloud, now = self._company.cloud, self._company.time.now()
        ours = {key: held for key, held in cloud.held().items() if held not in cloud.tampered.get(key, ())}
        for key, held in ours.items():
            grant = grants.get(held.grant_id)
            if grant is None or grant.status is GrantStatus.SCHEDULED:
                raise Broken(f"I9: {key} is in the cloud, which nobody was granted")
            if not _is_same(held, grant):
                raise Broken(f"I1/I3: {key} is in the cloud with another window or policy than was approved")
        for key in cloud.effective(now) & ours.keys():
            grant = grants[key[2]]
            if not grant.starts_at <= now < grant.expires_at:
                raise Broken(f"I1: {key} works at {now}, outside of {grant.starts_at} to {grant.expires_at}")

    def _is_as_logged(self, stored: AccessRequest | Grant, entry: Entry | None) -> None:
        if entry is None:
            raise Broken(f"I4: {stored.id} is stored, and the log does not know it")
        if (stored.status, stored.version) != (entry.status, entry.writes):
            raise Broken(
                f"I4: {stored.id} is {stored.status} after {stored.version} writes; "
                f"the log tells of {entry.writes} and that it is {entry.status}"
            )
        if not entry.is_open and self._settled.setdefault(stored.id, stored) != stored:
            raise Broken(f"I5: {stored.id} was {entry.status} and has changed")

    # --- when all is over --------------------------------------------------------------------------------

    def all_is_decided(self) -> None:
        """I8, I11: every request is decided and every grant has ended, whatever the chat does."""
        for key, entry in (*self.book.requests.items(), *self.book.grants.items()):
            if entry.is_open:
                raise Broken(f"I8: {key} is still {entry.status}")

    def nobody_needs_to_clean_up(self) -> None:
        """I2, I9: nothing is left but what was put by hand or by a worker that died: an admin is asked."""
        cloud = self._company.cloud
        mine = {key for key, text in cloud.written().items() if text in cloud.granted.get(key, ())}
        if left := sorted(mine - self.orphans - {(k.account, k.principal, k.name) for k in self.drift.strays.values()}):
            raise Broken(f"I2/I9: {left} is left in the cloud")

    def at_the_end(self) -> None:
        """I2, I8, I9: nothing is left to do, and nothing in the cloud. People were told, once."""
        self.all_is_decided()
        company = self._company
        for lane in LANES:
            if (due := company.store.next_due(lane)) is not None:
                raise Broken(f"I8: something is left in the lane {lane}, due at {due}")
        self.drift.at_the_end()
        self._everybody_was_told()
        self._cards_show_how_it_ended()

    def _everybody_was_told(self) -> None:
        with self._company.store.transaction() as tx:
            for request in tx.requests_between(*EVER):
                person = request.ask.requester
                if request.status is not RequestStatus.APPROVED:
                    self._was_told(f"tell:{request.status}:{request.id}", person)
                # Of several targets it is told that all have ended; of access that went on, nothing.
                if request.ask.more and request.status is RequestStatus.APPROVED:
                    self._was_told(f"tell:ended:{request.id}", person)
                elif not request.ask.more:
                    for grant in tx.grants(request.id):
                        if not self._went_on(grant):
                            self._was_told(f"tell:ended:{grant.id}", person)

    def _went_on(self, grant: Grant) -> bool:
        found = (self.book.requests[key] for key in self.book.extensions(grant.id))
        return grant.end_reason is EndReason.EXPIRED and any(each.status == "approved" for each in found)

    def _was_told(self, key: str, person: str) -> None:
        (chat_id,) = self._company.catalogue.people[person].slack_ids
        post = (f"@{chat_id}", key)
        times = self._posts[post]
        if times == 0 and post not in self._company.chat.refused_for_good:
            raise Broken(f"{person} was never told: {key}")

    def _cards_show_how_it_ended(self) -> None:
        with self._company.store.transaction() as tx:
            for message in self._company.chat.inner.messages:
                card, place = message.shows[-1], (message.channel, message.ref)
                if not isinstance(card, RequestCard) or place in self.shown_late | self._company.chat.left_as_it_was:
                    continue
                post = (message.destination, message.key)
                if post in self.late_posts | self._company.chat.refused_for_good:
                    continue
                now = (tx.request(card.request.id), tx.grants(card.request.id))
                if (card.request, card.grants) != now:
                    raise Broken(f"the card {message.key} still shows {card.request.status}, {card.grants}")

    # --- pieces ------------------------------------------------------------------------------------------

    def _is_chained(self, record: AuditRecord) -> None:
        seq, chain = self._chain[0] + 1, link(self._chain[1], leaf(record.body))
        if (record.seq, record.leaf, record.chain) != (seq, leaf(record.body), chain):
            raise Broken(f"I4: record {record.seq} does not follow from record {self._chain[0]}")
        self._chain = (seq, chain)

    def _is_held(self, fact: dict[str, Any], task: Task | None) -> None:
        """I7: a worker's task writes only about what it has a lease on."""
        if task is None or not task.claims or fact["tag"] == "grant.overdue":
            return
        data = fact["data"]
        if "stray" in data:
            about = [data["stray"], data["policy"]]
        else:
            about = [fact["grant_id"], fact["request_id"], data.get("account")]
            if fact["tag"] == "absence.ended":
                about.append(fact["person"])
            if data.get("reason") == "failed":  # all of its targets, or none
                about += self.book.grants_of(fact["request_id"])
            if any(self._is_for(claim, fact) for claim in task.claims):
                return
        if not any(self._holds(task, each) for each in about if each):
            raise Broken(
                f"I7: {task.name} wrote {fact['tag']} of {fact['grant_id'] or fact['request_id']} without a lease"
            )

    def _is_for(self, claim: Claim, fact: dict[str, Any]) -> bool:
        """Whether it is what somebody decided, which may be done late, or once more."""
        if claim.kind == "person.stop":
            return fact["tag"] in STOPS and fact["person"] == claim.subject
        if claim.kind == "grant.follow":
            return fact["tag"] in STOPS and self.following.is_for(claim.subject, fact)
        known = self.drift.strays.get(claim.subject) if claim.kind == "drift.tend" else None
        return known is not None and fact["tag"] in STOPS | {"grant.started"} and fact["grant_id"] == known.grant_id

    def _holds(self, task: Task, about: str) -> bool:
        """Whether the task has a lease on an effect about this: a subject, an effect's key or a message's."""
        now = self._company.time.now()
        for claim in task.claims:
            subjects = {claim.subject, claim.key, claim.payload.get("name")}
            meant = about in subjects or about.startswith(f"{claim.subject}:")
            newest = self._fences[claim.id] == claim.fence and (claim.id, claim.fence) not in self._given_back
            if meant and newest and now < claim.lease_until:
                return True
        return False

    def _has_come(self, now: datetime, due: datetime, what: str) -> None:
        if now < due:
            raise Broken(f"I4: something {what} at {now}, which was due at {due}")

    def _is_approved_by_who_may(self, tx: Tx, fact: dict[str, Any], at: datetime, since: int) -> None:
        """I6: an approver when asked and when clicking, someone else than the requester, freshly proved."""
        request, approver = _request(tx, fact), fact["actor"]["id"]  # type: ignore[index]
        if approver == request.ask.requester:
            raise Broken(f"I6: {approver} approved their own {request.id}")
        if at >= request.lapses_at:
            raise Broken(f"I6: {request.id} was approved at {at}, after it lapsed")
        setups = list(mixed(self._company.setups[since:]))
        away, then = self._away(request, at)
        if not any(may_approve(setup, request, approver, away) for setup in setups):
            raise Broken(f"I6: {approver} may not approve {request.id}")
        if not any(self._is_proved(setup.catalogue, request, approver, at) for setup in setups):
            raise Broken(f"I6: {approver} approved {request.id} without a fresh code")
        persons = [approval.person for approval in request.approvals]
        if len(set(persons)) != len(persons):
            raise Broken(f"I6: one person counts twice in {request.id}: {persons}")
        found = [is_enough(setup, request, away, then) for setup in setups]
        approved = fact["tag"] == "request.approved"
        # Of each person only their last absence is known, so that a yes in somebody's place may count no more.
        if (approved and not any(found)) or (all(found) and not approved and not self.book.absences):
            raise Broken(f"I6: {request.id} has {len(persons)} of {request.quorum} and got {fact['tag']}")

    def _away(self, request: AccessRequest, at: datetime) -> tuple[Away, Then]:
        """Who is away at that time, and who was when each yes was said."""
        return self.book.away(at), {each.person: self.book.away(each.at) for each in request.approvals}

    def _is_proved(self, catalogue: Catalogue, request: AccessRequest, approver: str, at: datetime) -> bool:
        roles = [catalogue.roles.get(item.role) for item in request.ask.items]
        return all(role and self._is_fresh(role.approve_step_up, request, approver, at) for role in roles)

    def _is_fresh(self, policy: StepUpPolicy, request: AccessRequest, approver: str, at: datetime) -> bool:
        if policy.rule is StepUpRule.NEVER:
            return True
        always = policy.rule is StepUpRule.ALWAYS
        age = 5 * MINUTE if always else policy.within
        return any(
            person == approver and at - when <= age and (confirms == request.digest() or not always)
            for person, when, confirms in self.book.proofs
        )

    def _is_what_was_approved(self, tx: Tx, fact: dict[str, Any]) -> None:
        """I3: the grant is what the request asks for, and what the approval's record names by its digest."""
        request, grant = _request(tx, fact), _grant(tx, fact)
        approved = self.book.requests[request.id].data["digest"]
        if not request.digest() == grant.digest == approved:
            raise Broken(f"I3: {grant.id} is not what was approved")
        ask, item, part = request.ask, request.ask.items[grant.item], request.parts[grant.item]
        asked = (ask.requester, item.role, item.account, part.principal, part.policy)
        if asked != (grant.person, grant.role, grant.account, grant.principal, grant.policy):
            raise Broken(f"I3: {grant.id} is not what {request.id} asks for")
        if grant.expires_at - grant.starts_at != ask.duration:
            raise Broken(f"I3: {grant.id} lasts {grant.expires_at - grant.starts_at}, not {ask.duration}")
        if ask.extends and grant.starts_at != max(request.decided_at or NOW, _base(tx, ask.extends).expires_at):
            raise Broken(f"I3: {grant.id} does not begin where {ask.extends} ends")

    def _may_start(self, tx: Tx, fact: dict[str, Any], at: datetime, since: int) -> None:
        """I6: the policy allows it once more, at the grant."""
        request, grant = _request(tx, fact), _grant(tx, fact)
        ahead = AHEAD if request.ask.extends else timedelta(0)
        if not grant.starts_at - ahead <= at < grant.expires_at:
            raise Broken(f"I1: {grant.id} was started at {at}, outside of its window")
        if request.ask.role == ADOPTED:
            self.drift.may_start(tx, grant)
        elif not any(
            may_start(setup, request, *self._away(request, at)) for setup in mixed(self._company.setups[since:])
        ):
            raise Broken(f"I6: {grant.id} was started, which the policy does not allow any more")

    def _was_seen_absent(self, fact: dict[str, Any]) -> None:
        """I8: ended after the cloud was seen without it, unless it never began."""
        grant_id = fact["grant_id"]
        entry = self.book.grants[grant_id]
        revoking = entry.at.get("grant.revoking")
        if revoking is None:
            return
        seen = self._company.cloud.seen_absent.get(grant_id)
        if seen is None or seen < revoking or not entry.data["observed_absent"]:
            raise Broken(f"I8: {grant_id} has ended, and nobody saw that it is gone")


def _request(tx: Tx, fact: dict[str, Any]) -> AccessRequest:
    request = tx.request(fact["request_id"])
    if request is None:
        raise Broken(f"I4: {fact['tag']} is logged for {fact['request_id']}, which is not there")
    return request


def _grant(tx: Tx, fact: dict[str, Any]) -> Grant:
    for grant in tx.grants(fact["request_id"]):
        if grant.id == fact["grant_id"]:
            return grant
    raise Broken(f"I4: {fact['tag']} is logged for {fact['grant_id']}, which is not there")


def _base(tx: Tx, grant_id: str) -> Grant:
    return tx.grants_by_id([grant_id])[grant_id]


def _is_same(held: Permission, grant: Grant) -> bool:
    return (held.account.id, held.principal, held.policy, held.starts_at, held.expires_at, held.person) == (
        grant.account,
        grant.principal,
        grant.policy,
        grant.starts_at,
        grant.expires_at,
        grant.person,
    )
