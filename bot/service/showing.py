"""Effects of the chat lane: bring every copy of a card up to date, tell people, publish their pages."""

import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial

from bot.core.audit import SYSTEM, Event, Tag
from bot.core.model import AccessRequest, Effect, EndReason, GrantStatus, RequestStatus
from bot.core.policy.boards import Board
from bot.service import homes
from bot.service.boards import DIRECT_MOST, asked_by
from bot.service.cards import AlertCard, Notice
from bot.service.chat import Chat
from bot.service.copies import Copies, Copy, unless_lasting
from bot.service.effects import Handler, finish, finished
from bot.service.enrolment import Enrolments
from bot.service.floods import Floods
from bot.service.ports import Store, Tx
from bot.service.queries import Queries, read_told
from bot.service.records import ChatError, Claim, DirectoryError, PostedMessage
from bot.service.request_cards import Reading, read
from bot.service.strays import Strays

DECIDED_KEPT = timedelta(days=30)
"""For how long it is known that approvers' pages were published after a decision; once more does no harm."""
LATE_HOMES = timedelta(minutes=1)
"""In a flood approvers' pages are published once in this time at most."""


@dataclass(frozen=True, slots=True)
class Showing:
    """Handlers of ``chat.*`` effects. Cards are made from state, so running one twice shows the same."""

    store: Store
    queries: Queries
    chat: Chat
    enrolments: Enrolments
    strays: Strays

    @property
    def _copies(self) -> Copies:
        return Copies(self.store, self.chat)

    @property
    def _floods(self) -> Floods:
        return Floods(self.store, self.queries, self.chat)

    def handlers(self) -> dict[str, Handler]:
        """By effect kind."""
        return {
            "chat.cards": self.cards,
            "chat.enrolment": self.enrolment,
            "chat.home": self.home,
            "chat.tell": self.tell,
            "chat.remind": self.remind,
            "chat.summary": self.summary,
            "chat.alert": self.alert,
            **self._floods.handlers(),
            "chat.stray": self.stray,
        }

    def cards(self, claim: Claim) -> None:
        """Every copy of a request's cards."""
        late, began = "late" in claim.payload, time.monotonic()
        with self.store.transaction() as tx:
            request, posted = tx.request(claim.subject), tx.messages(claim.subject)
            if request is None:
                finished(tx, claim)
                return
            if not late and self._floods.puts_off(tx, claim, request, max(1, len(posted))):
                return
            directs = self.queries.people.directs_at_hand((request.ask.requester, *request.approvers_asked))
            self._refuse_busy(posted, () if late else _places(request, directs))
            # Where all who may ever have been asked have their copies, it is no matter whose turn it was.
            there = {copy.destination for copy in posted if copy.kind == "approvers" and copy.ref}
            theirs = len(directs) <= DIRECT_MOST and there.issuperset(directs[1:])
            pending = request.status is RequestStatus.PENDING
            reading = read(tx, request, stands=pending or not (late or theirs))
            held = bool(posted) and tx.holds(claim)
        boards = self.queries.boards_if_known(reading) if late else self._boards(reading)
        everybody = asked_by(request, boards) if reading.standing else request.approvers_asked
        asked = () if late else everybody[:DIRECT_MOST]
        wanted = () if late else tuple(self._audience(request, asked))
        # What is posted is brought up to date even where nobody would be sent it any more.
        places = tuple(dict.fromkeys((*wanted, *((copy.kind, copy.destination) for copy in posted))))
        # One card for all of its copies: whatever changes it meanwhile enqueues them all once more.
        made = self.queries.cards_of(reading, boards, dict(places))
        copies = [Copy(*place, made[place[0]], wanted=place in wanted) for place in places]
        then = partial(self._shown, claim, request, asked)
        self._copies.show_all(claim, request.id, copies, posted, then, held_at=began if held else None)

    def _refuse_busy(self, posted: Sequence[PostedMessage], wanted: Iterable[tuple[str, str]]) -> None:
        """No more is read where nothing would be taken yet at any place that there may be. Raises ChatError."""
        are_there, waits = {(copy.kind, copy.destination): bool(copy.ref) for copy in posted}, list[timedelta]()
        for place in dict.fromkeys((*wanted, *are_there)):
            wait = self.chat.update_waits(None) if are_there.get(place) else self.chat.post_waits(place[1])
            if not wait or not place[1]:
                return
            waits.append(wait)
        if waits:
            raise ChatError(f"{len(waits)} copies wait for their turn", passing=True, retry_after=max(waits))

    def _shown(self, claim: Claim, request: AccessRequest, asked: Iterable[str], tx: Tx) -> None:
        """The cards are up to date; so are then approvers' and reviewers' pages, which show what waits for them."""
        now = tx.now()
        pending = request.status is RequestStatus.PENDING
        reviewed = request.review is not None and not request.review.is_owed
        once = f"{'reviewed' if reviewed else 'decided'}:{request.id}"
        if pending or tx.once(once, now + DECIDED_KEPT):
            at = now + LATE_HOMES if "late" in claim.payload else request.asked_at
            admins = sorted(self.queries.catalogue().admins)[:DIRECT_MOST] if request.review else ()
            people = dict.fromkeys((*asked, *request.approvers_asked[:DIRECT_MOST], *admins))
            tx.enqueue([_home(person, at) for person in people if homes.is_kept(tx, person)])

    def enrolment(self, claim: Claim) -> None:
        """The card of somebody who wants to enrol, for those who may vouch, and for themselves."""
        card = self.queries.enrolment_card(claim.subject)
        if card is not None:
            vouchers = self.enrolments.vouchers(card.enrolment.person)[:DIRECT_MOST]
            for person_id in (*(person.id for person in vouchers), card.enrolment.person):
                kind = "own" if person_id == card.enrolment.person else "approvers"
                if destination := self.queries.people.direct(person_id):
                    self._copies.show(claim, claim.subject, (kind, destination), replace(card, audience=kind))
        finish(self.store, claim)

    def home(self, claim: Claim) -> None:
        """A person's own page, if they look at it."""
        with self.store.transaction() as tx:
            if not homes.is_kept(tx, claim.subject):
                finished(tx, claim)
                return
        chat_id = self.queries.people.chat_id(claim.subject)
        if chat_id:
            with unless_lasting("home", claim.subject):
                self.chat.home(chat_id, self.queries.home(self.queries.person(claim.subject)))
        finish(self.store, claim)

    def tell(self, claim: Claim) -> None:
        """One thing, once, to one person."""
        person, began = claim.payload["person"], time.monotonic()
        # What a digest may tell is looked at first.
        if not claim.payload.get("outcome") and self._is_put_off(claim, self._waits(person)):
            return
        with self.store.transaction() as tx:
            if self._floods.takes_notice(tx, claim):
                return
            told, held = read_told(tx, claim.subject), tx.holds(claim)
        notice = self.queries.notice_of(claim.payload["what"], told) if told else None
        destination = self.queries.people.direct(person)
        if notice is not None and destination and not _is_stale(notice) and not _is_no_end(notice):
            try:
                self._copies.post(claim, destination, notice, held_at=began if held else None)
            except ChatError as error:
                if self._is_put_off(claim, error.retry_after):
                    return
                raise
        finish(self.store, claim)

    def _waits(self, person: str) -> timedelta:
        """For how long nothing can be said to a person."""
        (destination,) = self.queries.people.directs_at_hand([person])
        return self.chat.post_waits(destination) if destination else timedelta(0)

    def _is_put_off(self, claim: Claim, after: timedelta | None) -> bool:
        """What the chat would not take at the first try was not said: it waits as if it had not been tried.

        Else it would be looked for at the next try. Not so what was tried before.
        """
        if not after or claim.fence > 1:
            return False
        person = claim.payload["person"]
        who = f"person:{person}" if claim.payload.get("outcome") else ""
        with self.store.transaction() as tx:
            if finished(tx, claim):
                tx.enqueue([Effect(claim.kind, claim.subject, claim.key, tx.now() + after, claim.payload, who)])
        return True

    def remind(self, claim: Claim) -> None:
        """The end is near; nothing is said when there is nothing to lose any more."""
        notice = self.queries.notice("reminder", claim.subject)
        destination = self.queries.people.direct(notice.request.ask.requester) if notice else ""
        if notice is not None and destination and not _is_stale(notice) and not _is_no_end(notice):
            self._copies.post(claim, destination, notice)
        finish(self.store, claim)

    def summary(self, claim: Claim) -> None:
        """The daily summary, on an empty day too."""
        start, end = (datetime.fromisoformat(claim.payload[name]) for name in ("start", "end"))
        card = self.queries.summary(start, end, claim.payload["zone"])
        posted = self._copies.post(claim, self.queries.catalogue().summary.channel, card)
        counts = {title: len(lines) for title, lines in card.sections}
        with self.store.transaction() as tx:
            if finished(tx, claim):
                about = {"start": start.isoformat(), "end": end.isoformat(), "counts": counts}
                tx.append([Event(Tag.SUMMARY_POSTED, SYSTEM, data=about)] if posted else [])

    def alert(self, claim: Claim) -> None:
        """Something that the security channel must know."""
        title = ALERTS.get(claim.payload["what"], claim.payload["what"])
        about = {name: text for name, text in claim.payload.items() if name not in {"what", "at"}}
        at = datetime.fromisoformat(claim.payload["at"]) if "at" in claim.payload else None
        card = AlertCard(title, (("Subject", claim.subject), *sorted(about.items())), at)
        self._copies.post(claim, self.queries.catalogue().security_channel, card)
        finish(self.store, claim)

    def stray(self, claim: Claim) -> None:
        """The card of a policy that the ledger does not account for."""
        card = self.strays.card(claim.subject)
        if card is not None:
            self._copies.show(claim, claim.subject, ("stray", self.queries.catalogue().security_channel), card)
        finish(self.store, claim)

    def _boards(self, reading: Reading) -> tuple[Board, ...]:
        """Where it stands. Raises DirectoryError while it waits and nobody can say."""
        try:
            return self.queries.boards_of(reading)
        except DirectoryError:
            # What is decided is shown where it stands already; that need not wait.
            if reading.is_pending:
                raise
            return ()

    def _audience(self, request: AccessRequest, asked: Iterable[str]) -> Iterator[tuple[str, str]]:
        if own := self.queries.people.direct(request.ask.requester):
            yield "own", own
        yield "approvers", request.channel
        for person in asked:
            if direct := self.queries.people.direct(person):
                yield "approvers", direct


def _places(request: AccessRequest, directs: Sequence[str]) -> tuple[tuple[str, str], ...]:
    """Where its cards may ever be; ``directs`` are its requester's destination, then those of all who may be asked."""
    return ("own", directs[0]), ("approvers", request.channel), *(("approvers", each) for each in directs[1:])


ALERTS = {
    "overdue": "Access that should be gone is not",
    "left": "Someone who may not use prodaccess any more had access, or had asked for it",
    "unidentified": "Someone who had access, or had asked for it, cannot be found in Slack any more",
}


def _is_stale(notice: Notice) -> bool:
    """Whether it speaks of access that is no longer there, as after hours without the chat."""
    grants = [each for each in (notice.grant, *(target.grant for target in notice.targets)) if each is not None]
    if notice.what == "escalated":
        return notice.request.status is not RequestStatus.PENDING
    if notice.what == "goes-on":
        return all(grant.status in {GrantStatus.REVOKING, GrantStatus.ENDED} for grant in grants)
    alive = any(grant.status is GrantStatus.ACTIVE for grant in grants)
    return notice.what in {"active", "reminder"} and not alive


def _is_no_end(notice: Notice) -> bool:
    """Whether it speaks of an end after which the access goes on, of which its holder was told."""
    by_time = notice.grant is not None and notice.grant.end_reason is EndReason.EXPIRED
    goes_on = notice.going_on is not None and notice.going_on.until is not None
    return goes_on and (notice.what == "reminder" or (notice.what == "ended" and by_time))


def _home(person: str, now: datetime) -> Effect:
    return Effect("chat.home", person, f"home:{person}", now)
