"""The steps of an enrolment inside one transaction: finding it in the right state, moving it on, saying so.

``requested → vouched → shown → done``, or ``refused``. Locks are taken in this order: enrolment, effects, audit head.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from bot.core.audit import Actor, Event, Tag
from bot.core.decisions import Refusal
from bot.core.model import Effect
from bot.service.ports import Tx
from bot.service.records import Enrolment, EnrolmentStatus, StaleWrite

VOUCH_WITHIN = timedelta(hours=8)
"""From the request: a working day for someone to check who it is."""
SHOW_WITHIN = timedelta(minutes=30)
"""From the vouching: short, because whoever has the chat account then may see the secret."""
CONFIRM_WITHIN = timedelta(minutes=15)
"""From the secret's being shown."""

OPEN = frozenset({EnrolmentStatus.REQUESTED, EnrolmentStatus.VOUCHED, EnrolmentStatus.SHOWN})

UNKNOWN = Refusal("unknown", "There is no such enrolment.")
OVER = Refusal("gone", "This took too long and is over. Ask again.")
ENROLLED = Refusal("late", "There is an authenticator already. For a new one, an admin has to reset it first.")
_NOT_IN = {
    EnrolmentStatus.REQUESTED: Refusal("early", "Nobody has vouched for this yet."),
    EnrolmentStatus.VOUCHED: Refusal("late", "Someone has vouched for this already."),
    EnrolmentStatus.SHOWN: Refusal("late", "The secret was shown already; it is shown only once. Ask again."),
    EnrolmentStatus.DONE: Refusal("late", "This authenticator is enrolled already."),
    EnrolmentStatus.REFUSED: Refusal("late", "This was refused, or replaced by a newer one. Ask again."),
}


def is_open(enrolment: Enrolment, now: datetime) -> bool:
    """Whether anything can still come of it at ``now`` (UTC)."""
    return enrolment.status in OPEN and now < enrolment.expires_at


def find(tx: Tx, enrolment_id: str, *wanted: EnrolmentStatus) -> Enrolment | Refusal:
    """The enrolment, locked, if it is in one of the ``wanted`` states, in time, and still has a point."""
    enrolment = tx.enrolment(enrolment_id, lock=True)
    if enrolment is None:
        return UNKNOWN
    if enrolment.status not in wanted:
        return _NOT_IN[enrolment.status]
    if enrolment.status in OPEN and tx.now() >= enrolment.expires_at:
        return OVER
    return ENROLLED if tx.authenticator(enrolment.person) is not None else enrolment


def begin(tx: Tx, fresh: Enrolment, actor: Actor, tag: Tag, data: Mapping[str, object]) -> Enrolment:
    """Save a new enrolment; one that was open is closed by it: a person has one at most.

    Raises StaleWrite when another transaction began one for the same person meanwhile.
    """
    before = tx.latest_enrolment(fresh.person)
    after = before.id if before else ""
    if not tx.once(f"enrolment:{fresh.person}:{after}", fresh.requested_at + VOUCH_WITHIN):
        raise StaleWrite(f"an enrolment of {fresh.person} was begun at the same time")
    close_open(tx, fresh.person, actor, "asked again")
    return save(tx, fresh, actor, tag, data)


def close_open(tx: Tx, person: str, actor: Actor, why: str) -> bool:
    """Refuse the person's open enrolment, if there is one."""
    latest = tx.latest_enrolment(person)
    current = tx.enrolment(latest.id, lock=True) if latest else None
    if current is None or not is_open(current, tx.now()):
        return False
    save(tx, closed(current), actor, Tag.MFA_REFUSED, {"by": actor.id, "why": why})
    return True


def closed(enrolment: Enrolment) -> Enrolment:
    """As it is when refused: nothing of the secret is left in it."""
    return replace(enrolment, status=EnrolmentStatus.REFUSED, sealed=b"", key_id="", link_hash="")


def save(tx: Tx, enrolment: Enrolment, actor: Actor, tag: Tag, data: Mapping[str, object]) -> Enrolment:
    """Write it, bring its cards and its person's home up to date, log it; returns it as stored."""
    now = tx.now()
    tx.save_enrolment(enrolment)
    tx.enqueue(cards(enrolment, now))
    tx.append([Event(tag, actor, person=enrolment.person, data={"enrolment": enrolment.id, **data})])
    return replace(enrolment, version=enrolment.version + 1)


def cards(enrolment: Enrolment, now: datetime) -> tuple[Effect, ...]:
    """Show it to those who may vouch, and to the person."""
    return (
        Effect("chat.enrolment", enrolment.id, f"enrolment:{enrolment.id}", now),
        Effect("chat.home", enrolment.person, f"home:{enrolment.person}", now),
    )
