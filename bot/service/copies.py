"""Cards on their way into the chat: each copy is posted once, and updated where it shows something else by now."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

import structlog

from bot.core.model import Effect
from bot.service.chat import Card, Chat, fingerprint
from bot.service.effects import LostLease
from bot.service.ports import Store, Tx
from bot.service.records import ChatError, Claim, PostedMessage

log = structlog.get_logger(__name__)


FRESH = 1.0
"""Seconds (monotonic) for which what was just read of a lease counts, where only quick things came in between."""


@dataclass(frozen=True, slots=True)
class Copy:
    """What one place is to show. ``wanted``: post it where it is not there; else only one that is there is updated."""

    kind: str
    destination: str
    card: Card
    wanted: bool = True

    @property
    def place(self) -> tuple[str, str]:
        """Where."""
        return self.kind, self.destination


@dataclass(frozen=True, slots=True)
class Copies:
    """Posts and updates what an effect shows."""

    store: Store
    chat: Chat

    def show(self, claim: Claim, subject: str, place: tuple[str, str], card: Card, *, wanted: bool = True) -> None:
        """Make ``subject``'s copy at ``place`` (kind, destination) show ``card``; post it only where it is ``wanted``.

        Raises ChatError that may pass, and LostLease: who has it now may have shown something newer already.
        """
        copy, shows = Copy(*place, card, wanted), fingerprint(card)
        with self.store.transaction() as tx:
            _refuse_lost(tx, claim)
            known = _known(tx, subject, copy)
        if known is not None and known.shown == shows:
            return
        if shown := self._call(subject, copy, known, shows):
            with self.store.transaction() as tx:
                tx.save_message(shown)

    def show_all(
        self,
        claim: Claim,
        subject: str,
        copies: Sequence[Copy],
        posted: Sequence[PostedMessage],
        then: Callable[[Tx], None],
    ) -> None:
        """Make all of them show their cards, finish the effect, and do what comes ``then`` in that transaction.

        ``posted`` is what was read of its copies. What a call has shown is noted in the transaction that looks whether
        the lease still holds for the next. Where it does not, who has it now may have shown something newer, which we
        then wrote over: it is enqueued once more. Raises as ``show``.
        """
        known = {(each.kind, each.destination): each for each in posted}
        prints = {kind: fingerprint(card) for kind, card in {copy.kind: copy.card for copy in copies}.items()}
        shown: PostedMessage | None = None
        for copy in copies:
            before, shows = known.get(copy.place), prints[copy.kind]
            if before is not None and before.shown == shows:
                continue
            with self.store.transaction() as tx:
                if held := _noted(tx, claim, shown):
                    # One that has no message yet may have got it from whoever tried it before, who was slow.
                    before = before if before is not None and before.ref else _known(tx, subject, copy)
            if not held:
                raise _lost(claim)
            try:
                shown = self._call(subject, copy, before, shows)
            except ChatError as error:
                # What is refused until later was not shown.
                if error.retry_after is None:
                    self._look_again(claim)
                raise
        with self.store.transaction() as tx:
            if _noted(tx, claim, shown):
                tx.finish(claim)
                then(tx)

    def post(self, claim: Claim, destination: str, card: Card, *, held_at: float | None = None) -> bool:
        """Say something once; false when the chat will never take it.

        For keys that are enqueued once and never again: nothing is kept of them. ``held_at``: when it was last seen
        (monotonic seconds, taken before) that the lease holds. Raises ChatError that may pass, and LostLease: who has
        it now may have said it already.
        """
        if held_at is None or time.monotonic() - held_at > FRESH:
            with self.store.transaction() as tx:
                _refuse_lost(tx, claim)
        with unless_lasting(claim.kind, destination):
            self.chat.post(destination, card, claim.key, maybe_posted=claim.fence > 1)
            return True
        return False

    def _call(self, subject: str, copy: Copy, known: PostedMessage | None, shows: str) -> PostedMessage | None:
        """What is there then; ``None`` where nothing is, and where the chat will never take it."""
        key = f"{subject}:{copy.kind}:{copy.destination}"
        with unless_lasting(copy.kind, copy.destination):
            if known is not None and known.ref:
                self.chat.update(known.channel, known.ref, copy.card)
                return replace(known, shown=shows)
            if copy.wanted or self.chat.posted(copy.destination, (key,)):
                channel, ref = self.chat.post(copy.destination, copy.card, key, maybe_posted=known is not None)
                return PostedMessage(subject, copy.kind, copy.destination, channel, ref, shows)
        return None

    def _look_again(self, claim: Claim) -> None:
        """After a call of which nobody knows whether it was done: by then the lease may have been somebody else's."""
        with self.store.transaction() as tx:
            _noted(tx, claim, None)


def _known(tx: Tx, subject: str, copy: Copy) -> PostedMessage | None:
    """What is, or may be, there."""
    known = next((each for each in tx.messages(subject) if (each.kind, each.destination) == copy.place), None)
    if known is None and copy.wanted:
        # Kept with what it shows, not with the effect: it must outlive that, or nobody would look for the
        # message once the effect was given up, cancelled or put off.
        tx.save_message(PostedMessage(subject, copy.kind, copy.destination))
    return known


def _noted(tx: Tx, claim: Claim, shown: PostedMessage | None) -> bool:
    """Note what was shown; whether the lease holds. Where it does not, it is enqueued once more."""
    held = tx.holds(claim)
    if shown is not None:
        tx.save_message(shown)
    if not held:
        tx.enqueue([Effect(claim.kind, claim.subject, claim.key, tx.now())])
    return held


def _refuse_lost(tx: Tx, claim: Claim) -> None:
    if not tx.holds(claim):
        raise _lost(claim)


def _lost(claim: Claim) -> LostLease:
    return LostLease(f"{claim.key} is somebody else's by now.")


@contextmanager
def unless_lasting(what: str, destination: str) -> Iterator[None]:
    """A message that the chat will never take must not keep the others waiting: it is logged and left."""
    try:
        yield
    except ChatError as error:
        if error.passing:
            raise
        log.warning("chat.undeliverable", what=what, destination=destination, why=str(error))
