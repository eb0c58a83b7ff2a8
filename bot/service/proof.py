"""Verifying a typed TOTP code.

The attempt is counted as failed in its own committed transaction before anything is compared; a right code then takes
the count back while it claims its time step by compare-and-swap, so that no code counts twice.
"""

import base64
import hmac
from dataclasses import dataclass
from datetime import datetime

import pyotp

from bot.core import stepup
from bot.core.audit import Actor, Event, Tag
from bot.core.model import Person, StepUp
from bot.service.ports import Ids, SecretBox, Store, Tx
from bot.service.records import Authenticator

REFUSED = "That code was not accepted. Wait for a new one and try again; after several failures there is a pause."
"""The one answer to every code that does not count: it tells nothing about why."""


@dataclass(frozen=True, slots=True)
class Codes:
    """Checks codes against people's authenticators. Blocks for two short transactions."""

    store: Store
    box: SecretBox
    ids: Ids

    def is_enrolled(self, person: str) -> bool:
        """Whether this person has an authenticator."""
        with self.store.transaction() as tx:
            return tx.authenticator(person) is not None

    def verify(self, person: str, code: str, confirms: str, actor: Actor) -> StepUp | None:
        """A proof bound to the digest ``confirms``; ``None`` for any code that does not count."""
        if not stepup.is_code(code):
            return None
        counted = self._count(person, actor)
        if counted is None:
            return None
        authenticator, now = counted
        timecode = matching_timecode(self.open(authenticator), code, now)
        proof = None if timecode is None else self._accept(person, timecode, confirms, actor)
        if proof is None:
            with self.store.transaction() as tx:
                tx.append([Event(Tag.STEP_UP_FAILED, actor, person=person)])
        return proof

    def open(self, authenticator: Authenticator) -> bytes:
        """The secret's bytes. Raises ValueError."""
        return self.box.open(authenticator.sealed, authenticator.key_id, authenticator.person)

    def _count(self, person: str, actor: Actor) -> tuple[Authenticator, datetime] | None:
        with self.store.transaction() as tx:
            authenticator, now = tx.authenticator(person, lock=True), tx.now()
            if authenticator is None or authenticator.attempts.is_locked(now):
                return None
            attempts = authenticator.attempts.counted(now)
            tx.set_attempts(person, attempts)
            if attempts.is_locked(now):
                tx.append([Event(Tag.STEP_UP_LOCKED, actor, person=person, data={"failures": attempts.failures})])
        return authenticator, now

    def _accept(self, person: str, timecode: int, confirms: str, actor: Actor) -> StepUp | None:
        with self.store.transaction() as tx:
            if not tx.advance_timecode(person, timecode):
                return None
            authenticator = tx.authenticator(person)
            if authenticator is not None:
                tx.set_attempts(person, authenticator.attempts.passed())
            proof = StepUp(self.ids.new("s"), person, tx.now(), confirms)
            tx.save_step_up(proof)
            tx.append([Event(Tag.STEP_UP_PASSED, actor, person=person, data={"confirms": confirms, "id": proof.id})])
        return proof


def matching_timecode(secret: bytes, code: str, now: datetime) -> int | None:
    """The accepted time step that ``code`` belongs to at ``now`` (UTC), if any. Compares in constant time."""
    generator = pyotp.TOTP(base64.b32encode(secret).decode())
    matches = [
        timecode
        for timecode in stepup.timecodes(now)
        if hmac.compare_digest(generator.generate_otp(timecode).encode(), code.encode())
    ]
    return max(matches, default=None)


def wait_for_reset(tx: Tx, person: Person) -> None:
    """A reset of their authenticator that is under way takes the proof with it; a later one finds what was asked."""
    tx.authenticator(person.id, lock=True)
