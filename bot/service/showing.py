"""Effects of the chat lane: bring every copy of a card up to date, tell people, publish their pages."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime

import structlog

from bot.core.audit import SYSTEM, Event, Tag
from bot.core.model import AccessRequest, Effect, GrantStatus
from bot.service.cards import AlertCard, Card, Chat, Notice, fingerprint
from bot.service.effects import Handler, finish
from bot.service.enrolment import Enrolments
from bot.service.ports import Store
from bot.service.queries import Queries
from bot.service.records import ChatError, Claim, PostedMessage
from bot.service.strays import Strays

log = structlog.get_logger(__name__)

DIRECT_MOST = 20
"""Approvers who get a card of their own; the channel's card is there for all."""


@dataclass(frozen=True, slots=True)
class Showing:
    """Handlers of ``chat.*`` effects. Cards are made from state, so running one twice shows the same."""

    store: Store
    queries: Queries
    chat: Chat
    enrolments: Enrolments
    strays: Strays

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
            "chat.stray": self.stray,
        }

    def cards(self, claim: Claim) -> None:
        """Every copy of a request's cards."""
        with self.store.transaction() as tx:
            request, posted = tx.request(claim.subject), tx.messages(claim.subject)
        if request is None:
            finish(self.store, claim)
            return
        # What is posted is brought up to date even where nobody would be sent it any more.
        for kind, destination in dict.fromkeys((*self._audience(request), *((c.kind, c.destination) for c in posted))):
            card = self.queries.request_card(request.id, kind)
            if card is not None:
                self._show(claim, kind, destination, card)
        then = tuple(_home(person, request.asked_at) for person in request.approvers_asked[:DIRECT_MOST])
        if not finish(self.store, claim, then):
            # Who has the lease now may have shown something newer, which we then wrote over.
            with self.store.transaction() as tx:
                tx.enqueue([Effect(claim.kind, claim.subject, claim.key, tx.now())])

    def enrolment(self, claim: Claim) -> None:
        """The card of somebody who wants to enrol, for those who may vouch, and for themselves."""
        card = self.queries.enrolment_card(claim.subject)
        if card is not None:
            vouchers = self.enrolments.vouchers(card.enrolment.person)[:DIRECT_MOST]
            for person_id in (*(person.id for person in vouchers), card.enrolment.person):
                kind = "own" if person_id == card.enrolment.person else "approvers"
                if destination := self._direct(person_id):
                    self._show(claim, kind, destination, replace(card, audience=kind))
        finish(self.store, claim)

    def home(self, claim: Claim) -> None:
        """A person's own page."""
        chat_id = self.queries.people.chat_id(claim.subject)
        if chat_id:
            with _unless_lasting("home", claim.subject):
                self.chat.home(chat_id, self.queries.home(self.queries.person(claim.subject)))
        finish(self.store, claim)

    def tell(self, claim: Claim) -> None:
        """One thing, once, to one person."""
        notice = self.queries.notice(claim.payload["what"], claim.subject)
        destination = self._direct(claim.payload["person"])
        if notice is not None and destination and not _is_stale(notice):
            self._post(claim, destination, notice)
        finish(self.store, claim)

    def remind(self, claim: Claim) -> None:
        """The end is near; nothing is said when there is nothing to lose any more."""
        notice = self.queries.notice("reminder", claim.subject)
        grant = notice.grant if notice else None
        destination = self._direct(grant.person) if grant else ""
        if notice is not None and destination and not _is_stale(notice):
            self._post(claim, destination, notice)
        finish(self.store, claim)

    def summary(self, claim: Claim) -> None:
        """The daily summary, on an empty day too."""
        start, end = (datetime.fromisoformat(claim.payload[name]) for name in ("start", "end"))
        card = self.queries.summary(start, end, claim.payload["zone"])
        posted = self._post(claim, self.queries.catalogue().summary.channel, card)
        counts = {title: len(lines) for title, lines in card.sections}
        with self.store.transaction() as tx:
            if tx.holds(claim):
                tx.finish(claim)
                about = {"start": start.isoformat(), "end": end.isoformat(), "counts": counts}
                tx.append([Event(Tag.SUMMARY_POSTED, SYSTEM, data=about)] if posted else [])

    def alert(self, claim: Claim) -> None:
        """Something that the security channel must know."""
        title = ALERTS.get(claim.payload["what"], claim.payload["what"])
        facts = (("Subject", claim.subject), *((k, v) for k, v in sorted(claim.payload.items()) if k != "what"))
        self._post(claim, self.queries.catalogue().security_channel, AlertCard(title, facts))
        finish(self.store, claim)

    def stray(self, claim: Claim) -> None:
        """The card of a policy that the ledger does not account for."""
        card = self.strays.card(claim.subject)
        if card is not None:
            self._show(claim, "stray", self.queries.catalogue().security_channel, card)
        finish(self.store, claim)

    def _audience(self, request: AccessRequest) -> Iterator[tuple[str, str]]:
        if own := self._direct(request.ask.requester):
            yield "own", own
        yield "approvers", request.channel
        for person in request.approvers_asked[:DIRECT_MOST]:
            if direct := self._direct(person):
                yield "approvers", direct

    def _direct(self, person_id: str) -> str:
        chat_id = self.queries.people.chat_id(person_id)
        return f"@{chat_id}" if chat_id else ""

    def _show(self, claim: Claim, kind: str, destination: str, card: Card) -> None:
        with self.store.transaction() as tx:
            copies = {(copy.kind, copy.destination): copy for copy in tx.messages(claim.subject)}
        copy = copies.get((kind, destination))
        shows = fingerprint(card)
        if copy is not None and copy.shown == shows:
            return
        with _unless_lasting(kind, destination):
            if copy is not None:
                self.chat.update(copy.channel, copy.ref, card)
                channel, ref = copy.channel, copy.ref
            else:
                key = f"{claim.subject}:{kind}:{destination}"
                channel, ref = self.chat.post(destination, card, key, maybe_posted=_again(claim))
            with self.store.transaction() as tx:
                tx.save_message(PostedMessage(claim.subject, kind, destination, channel, ref, shows))

    def _post(self, claim: Claim, destination: str, card: Card) -> bool:
        """False when the chat will never take it."""
        with _unless_lasting(claim.kind, destination):
            self.chat.post(destination, card, claim.key, maybe_posted=_again(claim))
            return True
        return False


ALERTS = {"overdue": "Access that should be gone is not"}


@contextmanager
def _unless_lasting(what: str, destination: str) -> Iterator[None]:
    """A message that the chat will never take must not keep the others waiting: it is logged and left."""
    try:
        yield
    except ChatError as error:
        if error.passing:
            raise
        log.warning("chat.undeliverable", what=what, destination=destination, why=str(error))


def _is_stale(notice: Notice) -> bool:
    """Whether it speaks of access that is no longer there, as after hours without the chat."""
    alive = notice.grant is not None and notice.grant.status is GrantStatus.ACTIVE
    return notice.what in {"active", "reminder"} and not alive


def _again(claim: Claim) -> bool:
    """Whether it was claimed before. ``attempts`` cannot tell: it starts anew when the key is enqueued again."""
    return claim.fence > 1


def _home(person: str, now: datetime) -> Effect:
    return Effect("chat.home", person, f"home:{person}", now)
