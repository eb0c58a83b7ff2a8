"""Cards on their way into the chat: each copy is posted once, and updated where it shows something else by now."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import structlog

from bot.service.cards import Card, Chat, fingerprint
from bot.service.effects import LostLease
from bot.service.ports import Store, Tx
from bot.service.records import ChatError, Claim, PostedMessage

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Copies:
    """Posts and updates what an effect shows."""

    store: Store
    chat: Chat

    def show(self, claim: Claim, subject: str, place: tuple[str, str], card: Card) -> None:
        """Make ``subject``'s copy at ``place`` (kind, destination) show ``card``.

        Raises ChatError that may pass, and LostLease: who has it now may have shown something newer already.
        """
        kind, destination = place
        with self.store.transaction() as tx:
            _refuse_lost(tx, claim)
            copies = {(copy.kind, copy.destination): copy for copy in tx.messages(subject)}
        copy = copies.get(place)
        shows = fingerprint(card)
        if copy is not None and copy.shown == shows:
            return
        with unless_lasting(kind, destination):
            if copy is not None:
                self.chat.update(copy.channel, copy.ref, card)
                channel, ref = copy.channel, copy.ref
            else:
                key = f"{subject}:{kind}:{destination}"
                channel, ref = self.chat.post(destination, card, key, maybe_posted=claimed_before(claim))
            with self.store.transaction() as tx:
                tx.save_message(PostedMessage(subject, kind, destination, channel, ref, shows))

    def post(self, claim: Claim, destination: str, card: Card) -> bool:
        """Say something once; false when the chat will never take it.

        Raises ChatError that may pass, and LostLease: who has it now may have said it already.
        """
        with self.store.transaction() as tx:
            _refuse_lost(tx, claim)
        with unless_lasting(claim.kind, destination):
            self.chat.post(destination, card, claim.key, maybe_posted=claimed_before(claim))
            return True
        return False


def _refuse_lost(tx: Tx, claim: Claim) -> None:
    if not tx.holds(claim):
        raise LostLease(f"{claim.key} is somebody else's by now.")


@contextmanager
def unless_lasting(what: str, destination: str) -> Iterator[None]:
    """A message that the chat will never take must not keep the others waiting: it is logged and left."""
    try:
        yield
    except ChatError as error:
        if error.passing:
            raise
        log.warning("chat.undeliverable", what=what, destination=destination, why=str(error))


def claimed_before(claim: Claim) -> bool:
    """Whether a try may have gone through. ``attempts`` cannot tell: it starts anew when the key is enqueued again."""
    return claim.fence > 1
