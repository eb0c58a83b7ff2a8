"""After an outage thousands of messages are due: people get one digest each, a channel one message.

What tells of an end (of access, of a request) joins the digest of whom it goes to, as long as there is one to be told,
or when many wait. Cards of requests that are settled are brought up to date later, spaced, behind what is pending.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from bot.core.model import AccessRequest, Effect, Grant, GrantStatus
from bot.service.cards import DigestCard
from bot.service.chat import Chat
from bot.service.copies import unless_lasting
from bot.service.effects import Handler, Retry
from bot.service.ports import Store, Tx
from bot.service.queries import Queries
from bot.service.records import Claim, Digest, DigestLine, Gathered

TELLS_MOST = 3
"""Notices for one person that are told one by one; more of them become a digest."""
CARDS_MOST = 20
"""Requests of one channel whose cards are updated at once; with more of them, the channel gets a message instead."""
GATHER_MOST = 1000
"""Effects that one transaction takes: it must not keep a revocation from writing for longer than a moment."""
LINES_MOST = 15
"""Lines that a digest shows."""
QUIET = timedelta(seconds=5)
"""A digest is told when nothing was added to it for so long …"""
QUIET_MOST = timedelta(minutes=5)
"""… or when its first line has waited for this long."""
_KINDS = {"person": "chat.tell", "channel": "chat.cards"}
"""What digests are made of."""
LATE_FROM = timedelta(minutes=2)
"""Until the first of the cards that were put off is updated."""
LATE_APART = timedelta(seconds=2)
"""Between two updates of cards that were put off: 30 of the 50 a minute that Slack's tier 3 allows."""


@dataclass(frozen=True, slots=True)
class Floods:
    """Decides what is told together; the handler of ``chat.digest``."""

    store: Store
    queries: Queries
    chat: Chat

    def handlers(self) -> dict[str, Handler]:
        """By effect kind."""
        return {"chat.digest": self.digest}

    def takes_notice(self, tx: Tx, claim: Claim) -> bool:
        """Whether a digest tells it, with everything else that waits for the same person.

        That access begins is never held back.
        """
        if not claim.payload.get("outcome"):
            return False
        person = claim.payload["person"]
        who = f"person:{person}"
        if not (tx.is_enqueued(_key(who)) or _soon(tx, who, person) > TELLS_MOST):
            return False
        if tx.holds(claim):
            told = (_own(claim), *tx.gather("chat.tell", who, GATHER_MOST))
            tx.finish(claim)
            _tell_soon(tx, who, told)
        return True

    def puts_off(self, tx: Tx, claim: Claim, request: AccessRequest, copies: int) -> bool:
        """Whether its cards are updated later, and the channel is told of it with all others that came to an end.

        ``copies`` is how many there are of each card. What is pending or in use is never put off.
        """
        if not claim.payload.get("outcome"):
            return False
        who = f"channel:{request.channel}"
        if not (tx.is_enqueued(_key(who)) or tx.waiting("chat.cards", who, CARDS_MOST + 1) > CARDS_MOST):
            return False
        if tx.holds(claim):
            others = tx.gather("chat.cards", who, GATHER_MOST)
            tx.finish(claim)
            # Enqueued again meanwhile: then it is run once more, with what became of it since.
            own = () if tx.is_enqueued(claim.key) else (_own(claim),)
            _put_off(tx, f"late:{request.channel}", (*own, *others), copies * LATE_APART)
            settled = (each for each in (*own, *others) if each.payload["outcome"] != GrantStatus.REVOKING)
            # Whether an earlier try updated some of its cards is no matter: the channel was not told.
            _tell_soon(tx, who, [replace(each, tried=False) for each in settled])
        return True

    def digest(self, claim: Claim) -> None:
        """Tell a person, or a channel, what came to an end."""
        who = claim.subject
        to, _, name = who.partition(":")
        with self.store.transaction() as tx:
            if not tx.holds(claim):
                return
            if tx.lines_between(who) is None:
                tx.finish(claim)
                return
            wait = self._wait(tx, who)
            if not wait:
                message, begun = tx.stamp_lines(who, f"digest:{claim.id}.{claim.fence}")
                found = tx.digest(message, LINES_MOST)
        if wait:
            raise Retry("More is about to be told.", wait)
        destination = name if to == "channel" else self.queries.people.direct(name)
        if destination:
            with unless_lasting(claim.kind, destination):
                found = self._without_told(destination, message, found)
                if found.counts:
                    self.chat.post(destination, self._card(to, found), message, maybe_posted=begun)
        with self.store.transaction() as tx:
            if tx.holds(claim):
                tx.drop_lines(message)
                tx.finish(claim)

    def _wait(self, tx: Tx, who: str) -> timedelta:
        """Zero when nothing more is to be expected soon."""
        between = tx.lines_between(who)
        if between is None or tx.now() - between[0] >= QUIET_MOST:
            return timedelta(0)
        to, _, name = who.partition(":")
        # What another worker has in hand joins as soon as it gets to it.
        if tx.waiting(_KINDS[to], who, 1) or (to == "person" and _ending(tx.unfinished_grants(name), tx.now())):
            return QUIET
        return max(QUIET - (tx.now() - between[1]), timedelta(0))

    def _without_told(self, destination: str, message: str, found: Digest) -> Digest:
        """Without what an earlier try, alone and left without an answer, has told already."""
        told = self.chat.posted(destination, found.tried) if found.tried else frozenset()
        if not told:
            return found
        with self.store.transaction() as tx:
            tx.drop_lines(message, sorted(told))
            return tx.digest(message, LINES_MOST)

    def _card(self, to: str, found: Digest) -> DigestCard:
        notices = (self.queries.notice(line.outcome, line.subject) for line in found.lines)
        return DigestCard(
            audience=to,
            counts=tuple(sorted(found.counts.items(), key=lambda item: (-item[1], item[0]))),
            lines=tuple(notice for notice in notices if notice is not None),
        )


def _key(who: str) -> str:
    return f"digest:{who}"


def _soon(tx: Tx, who: str, person: str) -> int:
    """How many there are to be told, now or as soon as the cloud has done its part."""
    waiting = tx.waiting("chat.tell", who, TELLS_MOST + 1)
    return waiting if waiting > TELLS_MOST else waiting + _ending(tx.unfinished_grants(person), tx.now())


def _ending(grants: Iterable[Grant], now: datetime) -> int:
    """Of how many requests something is about to end: that of one is told as one."""
    return len({g.request_id for g in grants if g.status is GrantStatus.REVOKING or g.expires_at <= now})


def _own(claim: Claim) -> Gathered:
    return Gathered(claim.id, claim.key, claim.subject, claim.payload, tried=claim.fence > 1)


def _tell_soon(tx: Tx, who: str, told: Sequence[Gathered]) -> None:
    """Put it into the digest, which is told soon."""
    now = tx.now()
    tx.add_lines(
        [DigestLine(each.key, who, each.id, each.payload["outcome"], each.subject, now, each.tried) for each in told]
    )
    # Even of nothing yet: as long as it is enqueued, what other workers have in hand joins it.
    tx.enqueue([Effect("chat.digest", who, _key(who), now + QUIET)])


def _put_off(tx: Tx, who: str, cards: Sequence[Gathered], apart: timedelta) -> None:
    """After those that were put off before, ``apart`` from each other."""
    at = max(tx.now() + LATE_FROM, tx.last_due("chat.cards", who) or tx.now())
    tx.enqueue(
        [
            Effect("chat.cards", card.subject, card.key, at + number * apart, {"late": card.payload["outcome"]}, who)
            for number, card in enumerate(cards, start=1)
        ]
    )
