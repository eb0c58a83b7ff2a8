"""Cards on their way into the chat: each copy is posted once, and updated where it shows something else by now."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta

import structlog

from bot.core.model import Effect
from bot.service.chat import Card, Chat, fingerprint
from bot.service.effects import LostLease, finished
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
        *,
        held_at: float | None = None,
    ) -> None:
        """Make all of them show their cards, finish the effect, and do what comes ``then`` in that transaction.

        ``posted`` is what was read of its copies, and ``held_at`` as for ``post``. What a call has shown is noted in
        the transaction that looks whether the lease still holds for the next. Where it does not, who has it now may
        have shown something newer, which we then wrote over: it is enqueued once more. What the chat will not take yet
        does not keep the others waiting. Raises as ``show``.
        """
        known = {(each.kind, each.destination): each for each in posted}
        prints, shown, waits = _Prints(), None, list[timedelta]()
        for copy in copies:
            before = known.get(copy.place)
            if before is not None and before.shown == prints.of(copy):
                continue
            is_there = before is not None and bool(before.ref)
            if wait := self.chat.update_waits(copy.card) if is_there else self.chat.post_waits(copy.destination):
                waits.append(wait)
                continue
            if not (is_there and shown is None and _is_fresh(held_at)):
                held_at, before = None, self._held(claim, subject, copy, before, shown)
            try:
                shown = self._call(subject, copy, before, prints.of(copy))
            except ChatError as error:
                # What is refused until later was not shown.
                if error.retry_after is None:
                    self._look_again(claim)
                raise
        self._end(claim, shown, waits, then)

    def _held(
        self, claim: Claim, subject: str, copy: Copy, before: PostedMessage | None, shown: PostedMessage | None
    ) -> PostedMessage | None:
        """Note what was shown before; what is at the place of the next. Raises LostLease."""
        with self.store.transaction() as tx:
            held = tx.holds(claim)
            _note(tx, claim, shown, held=held)
            if held and not (before and before.ref):
                # It may have got its message from whoever tried before, and was slow.
                before = _known(tx, subject, copy)
        if not held:
            raise _lost(claim)
        return before

    def _end(
        self,
        claim: Claim,
        shown: PostedMessage | None,
        waits: Sequence[timedelta],
        then: Callable[[Tx], None],
    ) -> None:
        if shown is not None or not waits:
            with self.store.transaction() as tx:
                held = tx.holds(claim) if waits else finished(tx, claim)
                _note(tx, claim, shown, held=held)
                if held and not waits:
                    then(tx)
            if not held and waits:
                raise _lost(claim)
        if waits:
            raise ChatError(f"{len(waits)} of its copies wait for their turn", passing=True, retry_after=max(waits))

    def post(self, claim: Claim, destination: str, card: Card, *, held_at: float | None = None) -> bool:
        """Say something once; false when the chat will never take it.

        For keys that are enqueued once and never again: nothing is kept of them. ``held_at``: when it was last seen
        (monotonic seconds, taken before) that the lease holds. Raises ChatError that may pass, and LostLease: who has
        it now may have said it already.
        """
        if not _is_fresh(held_at):
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
            _note(tx, claim, None, held=tx.holds(claim))


@dataclass(frozen=True, slots=True)
class _Prints:
    """Fingerprints of what copies show, made once for each kind: all of a kind show one card."""

    made: dict[str, str] = field(default_factory=dict)

    def of(self, copy: Copy) -> str:
        if copy.kind not in self.made:
            self.made[copy.kind] = fingerprint(copy.card)
        return self.made[copy.kind]


def _known(tx: Tx, subject: str, copy: Copy) -> PostedMessage | None:
    """What is, or may be, there."""
    known = next((each for each in tx.messages(subject) if (each.kind, each.destination) == copy.place), None)
    if known is None and copy.wanted:
        # Kept with what it shows, not with the effect: it must outlive that, or nobody would look for the
        # message once the effect was given up, cancelled or put off.
        tx.save_message(PostedMessage(subject, copy.kind, copy.destination))
    return known


def _note(tx: Tx, claim: Claim, shown: PostedMessage | None, *, held: bool) -> None:
    """Note what was shown; where the lease is not ``held`` any more, enqueue it once more."""
    if shown is not None:
        tx.save_message(shown)
    if not held:
        tx.enqueue([Effect(claim.kind, claim.subject, claim.key, tx.now())])


def _is_fresh(held_at: float | None) -> bool:
    return held_at is not None and time.monotonic() - held_at <= FRESH


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
