"""Cards on their way into the chat: each copy is posted once, and updated where it shows something else by now."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import structlog

from bot.service.chat import Card, Chat, fingerprint
from bot.service.effects import LostLease
from bot.service.ports import Store, Tx
from bot.service.records import ChatError, Claim, PostedMessage

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Copies:
    """Posts and updates what an effect shows."""

    store: Store
    chat: Chat

    def show(self, claim: Claim, subject: str, place: tuple[str, str], card: Card, *, wanted: bool = True) -> None:
        """Make ``subject``'s copy at ``place`` (kind, destination) show ``card``; post it only where it is ``wanted``.

        Raises ChatError that may pass, and LostLease: who has it now may have shown something newer already.
        """
        kind, destination = place
        with self.store.transaction() as tx:
            _refuse_lost(tx, claim)
            copy = next((each for each in tx.messages(subject) if (each.kind, each.destination) == place), None)
            if copy is None and wanted:
                # Kept with what it shows, not with the effect: it must outlive that, or nobody would look for the
                # message once the effect was given up, cancelled or put off.
                tx.save_message(PostedMessage(subject, kind, destination))
        shows = fingerprint(card)
        if copy is not None and copy.shown == shows:
            return
        key = f"{subject}:{kind}:{destination}"
        with unless_lasting(kind, destination):
            if copy is not None and copy.ref:
                self.chat.update(copy.channel, copy.ref, card)
                channel, ref = copy.channel, copy.ref
            elif wanted or self.chat.posted(destination, (key,)):
                channel, ref = self.chat.post(destination, card, key, maybe_posted=copy is not None)
            else:
                return
            with self.store.transaction() as tx:
                tx.save_message(PostedMessage(subject, kind, destination, channel, ref, shows))

    def post(self, claim: Claim, destination: str, card: Card) -> bool:
        """Say something once; false when the chat will never take it.

        For keys that are enqueued once and never again: nothing is kept of them. Raises ChatError that may pass, and
        LostLease: who has it now may have said it already.
        """
        with self.store.transaction() as tx:
            _refuse_lost(tx, claim)
        with unless_lasting(claim.kind, destination):
            self.chat.post(destination, card, claim.key, maybe_posted=claim.fence > 1)
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
