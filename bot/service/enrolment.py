"""Enrolling an authenticator: asked for, vouched for, shown once, confirmed by two codes in a row.

A chat account alone is never enough: enrolling takes another person's code or an operator's invite, a reset takes an
admin's code or an operator at a shell.
"""

import hashlib
import secrets
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from bot.core import stepup
from bot.core.audit import Actor, ActorKind, Event, Tag
from bot.core.decisions import Refusal
from bot.core.model import Catalogue, Person, digest_of
from bot.service import enrolment_steps as steps
from bot.service.access import Access
from bot.service.effects import Handler
from bot.service.enrolment_secret import SecretShown, grouped, matching_pair, new_secret, shown
from bot.service.ids import random_text
from bot.service.people import People
from bot.service.ports import Ids, SecretBox, Store, Tx
from bot.service.proof import REFUSED, Codes
from bot.service.records import Authenticator, Enrolment, EnrolmentStatus, Invite, StaleWrite
from bot.service.resetting import Resets, Stopping
from bot.service.vouchers import Vouchers

INVITE_LONGEST = timedelta(days=7)
_INVITE_CHARACTERS = 20
"""100 random bits: nothing to guess, so its plain hash may be kept."""

OPERATOR = Actor(ActorKind.OPERATOR, "operator", "shell")

_NOT_A_VOUCHER = Refusal("policy", "Only an enrolled approver or admin may vouch here, and never for themselves.")
_WRONG_CODE = Refusal("code", REFUSED)
_WRONG_INVITE = Refusal("code", "That code was not accepted. Ask an operator for a new one.")
_LINK_OVER = Refusal("gone", "This link was used before, or its time is over. Ask again.")


@dataclass(frozen=True, slots=True)
class Enrolments:
    """The use cases of enrolling. Safe to share between threads; every method blocks."""

    store: Store
    catalogue: Callable[[], Catalogue]
    people: People
    codes: Codes
    box: SecretBox
    ids: Ids
    issuer: str
    """What the authenticator app shows above the account."""
    public_url: str = ""
    """Where the one-time page is reached from outside, such as ``https://access.example.com``; empty: no page."""

    # --- beginning ---------------------------------------------------------------------------------------

    def request(self, person: Person, actor: Actor) -> Enrolment | Refusal:
        """Ask to be vouched for; asked again while that is open, it is the same enrolment."""
        if not self.vouchers(person.id):
            admin = person.id in self.catalogue().admins
            way = "Ask an operator for an invite." if admin else "An admin has to enrol first."
            return Refusal("policy", f"Nobody who may vouch for you has an authenticator yet. {way}")
        return _twice(lambda: self._request(person, actor))

    def _request(self, person: Person, actor: Actor) -> Enrolment | Refusal:
        with self.store.transaction() as tx:
            if tx.authenticator(person.id) is not None:
                return steps.ENROLLED
            now, latest = tx.now(), tx.latest_enrolment(person.id)
            if latest is not None and steps.is_open(latest, now) and latest.status is not EnrolmentStatus.SHOWN:
                tx.enqueue(steps.cards(latest, now))
                return latest
            fresh = Enrolment(self.ids.new("e"), person.id, EnrolmentStatus.REQUESTED, now, now + steps.VOUCH_WITHIN)
            return steps.begin(tx, fresh, actor, Tag.MFA_REQUESTED, {})

    def invite(self, person_id: str, lifetime: timedelta, actor: Actor = OPERATOR) -> str:
        """A one-time code by which an admin enrols without a voucher. Raises ValueError, naming the argument."""
        if person_id not in self.catalogue().admins:
            raise ValueError(f"person: {person_id!r} is not among the catalogue's admins; only admins are invited")
        if not timedelta(0) < lifetime <= INVITE_LONGEST:
            raise ValueError(f"lifetime: must be more than nothing and at most {INVITE_LONGEST.days} days")
        code = random_text(_INVITE_CHARACTERS)
        with self.store.transaction() as tx:
            if tx.authenticator(person_id) is not None:
                raise ValueError(f"person: {person_id!r} is enrolled already; reset that authenticator first")
            expires_at = tx.now() + lifetime
            tx.save_invite(Invite(_hash(code), person_id, expires_at))
            about = {"expires_at": expires_at.isoformat()}
            tx.append([Event(Tag.MFA_INVITED, actor, person=person_id, data=about)])
        return grouped(code, "-")

    def redeem_invite(self, person: Person, code: str, actor: Actor) -> Enrolment | Refusal:
        """Begin by an invite, which stands in for the voucher."""
        return _twice(lambda: self._redeem(person, _hash(_as_invite(code)), actor))

    def _redeem(self, person: Person, code_hash: str, actor: Actor) -> Enrolment | Refusal:
        with self.store.transaction() as tx:
            if tx.authenticator(person.id) is not None:
                return steps.ENROLLED
            if person.id not in self.catalogue().admins or not tx.use_invite(code_hash, person.id):
                return _WRONG_INVITE
            now = tx.now()
            fresh = Enrolment(
                id=self.ids.new("e"),
                person=person.id,
                status=EnrolmentStatus.VOUCHED,
                requested_at=now,
                expires_at=now + steps.SHOW_WITHIN,
                vouched_by="invite",
            )
            return steps.begin(tx, fresh, actor, Tag.MFA_VOUCHED, {"by": "invite"})

    # --- vouching ----------------------------------------------------------------------------------------

    def vouchers(self, person_id: str) -> tuple[Person, ...]:
        """Everyone who may vouch for this person now: enrolled admins and approvers of a role for them."""
        return self._vouchers.of(person_id)

    def may_vouch(self, voucher: Person, person_id: str) -> bool:
        """Whether ``voucher`` is one of them; never for an identity of their own."""
        return self._vouchers.include(voucher, person_id)

    def vouch(self, enrolment_id: str, voucher: Person, code: str, actor: Actor) -> Enrolment | Refusal:
        """Say that it is really them, with the voucher's own code."""
        with self.store.transaction() as tx:
            seen = steps.find(tx, enrolment_id, EnrolmentStatus.REQUESTED)
        if isinstance(seen, Refusal):
            return seen
        if not self.may_vouch(voucher, seen.person):
            return _NOT_A_VOUCHER
        confirms = digest_of({"vouch": seen.id, "person": seen.person})
        if self.codes.verify(voucher.id, code, confirms, actor) is None:
            return _WRONG_CODE
        with self.store.transaction() as tx:
            found = steps.find(tx, enrolment_id, EnrolmentStatus.REQUESTED)
            if isinstance(found, Refusal):
                return found
            until = tx.now() + steps.SHOW_WITHIN
            vouched = replace(found, status=EnrolmentStatus.VOUCHED, vouched_by=voucher.id, expires_at=until)
            return steps.save(tx, vouched, actor, Tag.MFA_VOUCHED, {"by": voucher.id})

    def refuse(self, enrolment_id: str, voucher: Person, actor: Actor) -> Enrolment | Refusal:
        """Say that it is not them; stops it as long as it is not done. Needs no code."""
        with self.store.transaction() as tx:
            seen = steps.find(tx, enrolment_id, *steps.OPEN)
        if isinstance(seen, Refusal):
            return seen
        if not self.may_vouch(voucher, seen.person):
            return _NOT_A_VOUCHER
        with self.store.transaction() as tx:
            found = steps.find(tx, enrolment_id, *steps.OPEN)
            if isinstance(found, Refusal):
                return found
            return steps.save(tx, steps.closed(found), actor, Tag.MFA_REFUSED, {"by": voucher.id, "why": "not them"})

    # --- showing -----------------------------------------------------------------------------------------

    def show(self, enrolment_id: str, person: Person, actor: Actor) -> SecretShown | Refusal:
        """Make the secret and show it, this once."""
        secret, token = new_secret(), secrets.token_urlsafe(32) if self.public_url else ""
        with self.store.transaction() as tx:
            found = _own(tx, enrolment_id, person, EnrolmentStatus.VOUCHED)
            if isinstance(found, Refusal):
                return found
            now_shown = replace(
                found,
                status=EnrolmentStatus.SHOWN,
                expires_at=tx.now() + steps.CONFIRM_WITHIN,
                sealed=self.box.seal(secret, person.id),
                key_id=self.box.key_id,
                link_hash=_hash(token) if token else "",
            )
            steps.save(tx, now_shown, actor, Tag.MFA_SHOWN, {})
        page = f"{self.public_url.rstrip('/')}/enrol/{token}" if token else ""
        return self._shown(person.id, secret, page)

    def open_link(self, token: str) -> SecretShown | Refusal:
        """What the one-time page shows, this once; its link opens nothing afterwards."""
        with self.store.transaction() as tx:
            seen = tx.enrolment_by_link(_hash(token))
            found = steps.find(tx, seen.id, EnrolmentStatus.SHOWN) if seen else steps.UNKNOWN
            if isinstance(found, Refusal) or found.link_hash != _hash(token):
                return _LINK_OVER
            secret = self.box.open(found.sealed, found.key_id, found.person)
            tx.save_enrolment(replace(found, link_hash=""))
        return self._shown(found.person, secret, "")

    def is_link(self, token: str) -> bool:
        """Whether ``open_link`` would show something. Uses nothing up."""
        with self.store.transaction() as tx:
            seen = tx.enrolment_by_link(_hash(token))
            return seen is not None and seen.status is EnrolmentStatus.SHOWN and steps.is_open(seen, tx.now())

    # --- confirming --------------------------------------------------------------------------------------

    def confirm(self, enrolment_id: str, person: Person, first: str, second: str, actor: Actor) -> Enrolment | Refusal:
        """Finish with two codes in a row, the second being the one shown now or just before."""
        if not (stepup.is_code(first) and stepup.is_code(second)):
            return _WRONG_CODE
        counted = self._count(enrolment_id, person, actor)
        if isinstance(counted, Refusal):
            return counted
        enrolment, now = counted
        secret = self.box.open(enrolment.sealed, enrolment.key_id, person.id)
        timecode = matching_pair(secret, first, second, now)
        with self.store.transaction() as tx:
            if timecode is None:
                tx.append([Event(Tag.STEP_UP_FAILED, actor, person=person.id, data={"enrolment": enrolment_id})])
                return _WRONG_CODE
            found = _own(tx, enrolment_id, person, EnrolmentStatus.SHOWN)
            return found if isinstance(found, Refusal) else _enrol(tx, found, timecode, actor)

    def _count(self, enrolment_id: str, person: Person, actor: Actor) -> tuple[Enrolment, datetime] | Refusal:
        """Count a failure before anything is compared; a right pair ends the enrolment and its count with it."""
        with self.store.transaction() as tx:
            found, now = _own(tx, enrolment_id, person, EnrolmentStatus.SHOWN), tx.now()
            if isinstance(found, Refusal):
                return found
            if found.attempts.is_locked(now):
                return _WRONG_CODE
            attempts = found.attempts.counted(now)
            tx.save_enrolment(replace(found, attempts=attempts))
            if attempts.is_locked(now):
                about = {"failures": attempts.failures, "enrolment": found.id}
                tx.append([Event(Tag.STEP_UP_LOCKED, actor, person=person.id, data=about)])
        return found, now

    # --- resetting and reading ---------------------------------------------------------------------------

    def reset(self, person_id: str, admin: Person | None, code: str, note: str, actor: Actor) -> Refusal | None:
        """Take the authenticator away, cancel the person's pending requests, revoke their grants.

        ``admin`` types their own code for exactly this; ``None`` is an operator at a shell, who needs none.
        """
        return Resets(self.store, self.catalogue, self.people, self.codes).reset(person_id, admin, code, note, actor)

    def handlers(self, access: Access) -> dict[str, Handler]:
        """What a worker runs after a reset, by effect kind."""
        return Stopping(access).handlers()

    def latest(self, person: Person) -> Enrolment | None:
        """The person's newest enrolment."""
        with self.store.transaction() as tx:
            return tx.latest_enrolment(person.id)

    def is_enrolled(self, person_id: str) -> bool:
        """Whether this person has an authenticator."""
        return self.codes.is_enrolled(person_id)

    @property
    def _vouchers(self) -> Vouchers:
        return Vouchers(self.store, self.catalogue, self.people)

    def _shown(self, person_id: str, secret: bytes, page_url: str) -> SecretShown:
        person = self.catalogue().people.get(person_id)
        account = person.email if person and person.email else person_id
        return shown(secret, account, self.issuer, page_url)


def _own(tx: Tx, enrolment_id: str, person: Person, wanted: EnrolmentStatus) -> Enrolment | Refusal:
    seen = tx.enrolment(enrolment_id)
    return steps.find(tx, enrolment_id, wanted) if seen and seen.person == person.id else steps.UNKNOWN


def _enrol(tx: Tx, found: Enrolment, timecode: int, actor: Actor) -> Enrolment:
    tx.save_authenticator(
        Authenticator(
            person=found.person,
            sealed=found.sealed,
            key_id=found.key_id,
            enrolled_at=tx.now(),
            vouched_by=found.vouched_by,
            last_timecode=timecode,  # so that neither code proves anything else
        )
    )
    done = replace(steps.closed(found), status=EnrolmentStatus.DONE, first_timecode=timecode - 1)
    return steps.save(tx, done, actor, Tag.MFA_ENROLLED, {"vouched_by": found.vouched_by})


def _twice(begin: Callable[[], Enrolment | Refusal]) -> Enrolment | Refusal:
    """Begin; when the same person began at the same moment, look at what that made and begin again."""
    try:
        return begin()
    except StaleWrite:
        return begin()


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def _as_invite(text: str) -> str:
    """As it was made: without the hyphens, and with what people confuse put right (Crockford's base32)."""
    return text.lower().translate(str.maketrans("oil", "011", "- \t\n"))
