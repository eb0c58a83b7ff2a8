"""Step-up: authenticators, proofs, enrolments, invites."""

from typing import Any

import sqlalchemy as sa

from bot.core.model import StepUp
from bot.core.stepup import Attempts
from bot.service.records import Authenticator, Enrolment, EnrolmentStatus, Invite, StaleWrite
from bot.store.running import Row, Statement
from bot.store.session import Session
from bot.store.tables import authenticators, enrolments, invites, step_ups

_ID = "of_id"
_whose = sa.bindparam("whose", type_=authenticators.c.person.type)
_theirs = authenticators.c.person == _whose
_authenticator = sa.select(authenticators).where(_theirs)
_AUTHENTICATOR = Statement(_authenticator)
_AUTHENTICATOR_LOCKED = Statement(_authenticator.with_for_update())
_SETTING_ATTEMPTS = Statement(sa.update(authenticators).where(_theirs), ("failures", "locked_until"))
_newer = sa.and_(_theirs, authenticators.c.last_timecode < sa.bindparam("new", type_=sa.BigInteger))
_ADVANCING = Statement(
    sa.update(authenticators).where(_newer).values(last_timecode=sa.bindparam("new", type_=sa.BigInteger))
)
_proofs = sa.select(step_ups).where(step_ups.c.person == _whose)
_newest = (step_ups.c.at.desc(), step_ups.c.id.desc())
_LATEST = Statement(_proofs.order_by(*_newest).limit(1))
_what = sa.bindparam("what", type_=step_ups.c.confirms.type)
_LATEST_OF = Statement(_proofs.where(step_ups.c.confirms == _what).order_by(*_newest).limit(1))
_PROVING = Statement(sa.insert(step_ups), ("id", "person", "at", "confirms"))
_one = sa.select(enrolments).where(enrolments.c.id == sa.bindparam(_ID, type_=enrolments.c.id.type))
_ENROLMENT = Statement(_one)
_ENROLMENT_LOCKED = Statement(_one.with_for_update())
_enrolments = sa.select(enrolments).where(enrolments.c.person == _whose)
_LATEST_ENROLMENT = Statement(_enrolments.order_by(enrolments.c.requested_at.desc(), enrolments.c.id.desc()).limit(1))


class People(Session):
    """The part of a transaction that knows who proved what."""

    def authenticator(self, person: str, *, lock: bool = False) -> Authenticator | None:
        row = self._first(_AUTHENTICATOR_LOCKED if lock else _AUTHENTICATOR, {"whose": person})
        return None if row is None else Authenticator(**_with_attempts(row))

    def save_authenticator(self, authenticator: Authenticator) -> None:
        self._put(
            authenticators,
            {
                "person": authenticator.person,
                "sealed": authenticator.sealed,
                "key_id": authenticator.key_id,
                "enrolled_at": authenticator.enrolled_at,
                "vouched_by": authenticator.vouched_by,
                "last_timecode": authenticator.last_timecode,
                **_attempts_row(authenticator.attempts),
            },
        )

    def set_attempts(self, person: str, attempts: Attempts) -> None:
        self._count(_SETTING_ATTEMPTS, {"whose": person, **_attempts_row(attempts)})

    def advance_timecode(self, person: str, timecode: int) -> bool:
        return self._count(_ADVANCING, {"whose": person, "new": timecode}) == 1

    def remove_authenticator(self, person: str) -> bool:
        return self._changed(sa.delete(authenticators).where(authenticators.c.person == person)) == 1

    def save_step_up(self, step_up: StepUp) -> None:
        proof = {"id": step_up.id, "person": step_up.person, "at": step_up.at, "confirms": step_up.confirms}
        self._count(_PROVING, proof)

    def latest_step_up(self, person: str, confirms: str | None = None) -> StepUp | None:
        if confirms is None:
            row = self._first(_LATEST, {"whose": person})
        else:
            row = self._first(_LATEST_OF, {"whose": person, "what": confirms})
        return None if row is None else StepUp(**row._asdict())

    def forget_step_ups(self, person: str) -> None:
        self._run(sa.delete(step_ups).where(step_ups.c.person == person))

    def enrolment(self, enrolment_id: str, *, lock: bool = False) -> Enrolment | None:
        return _enrolment(self._first(_ENROLMENT_LOCKED if lock else _ENROLMENT, {_ID: enrolment_id}))

    def latest_enrolment(self, person: str) -> Enrolment | None:
        return _enrolment(self._first(_LATEST_ENROLMENT, {"whose": person}))

    def enrolment_by_link(self, link_hash: str) -> Enrolment | None:
        """None for the empty hash, which every enrolment without a link has."""
        query = sa.select(enrolments).where(enrolments.c.link_hash == link_hash, enrolments.c.link_hash != "")
        return _enrolment(self._run(query).first())

    def save_enrolment(self, enrolment: Enrolment) -> None:
        changing = {
            "status": enrolment.status,
            "expires_at": enrolment.expires_at,
            "vouched_by": enrolment.vouched_by,
            "sealed": enrolment.sealed,
            "key_id": enrolment.key_id,
            "first_timecode": enrolment.first_timecode,
            **_attempts_row(enrolment.attempts),
            "link_hash": enrolment.link_hash,
            "version": enrolment.version + 1,
        }
        if enrolment.version == 0:
            fixed = {"id": enrolment.id, "person": enrolment.person, "requested_at": enrolment.requested_at}
            if not self._add(enrolments, {**fixed, **changing}):
                raise StaleWrite(f"enrolment {enrolment.id} is there already")
            return
        if not self._rewrite(enrolments, enrolment.id, enrolment.version, changing):
            raise StaleWrite(f"enrolment {enrolment.id} was changed by someone else")

    def save_invite(self, invite: Invite) -> None:
        self._put(
            invites,
            {
                "code_hash": invite.code_hash,
                "person": invite.person,
                "expires_at": invite.expires_at,
                "used_at": invite.used_at,
            },
        )

    def use_invite(self, code_hash: str, person: str) -> bool:
        good = sa.and_(
            invites.c.code_hash == code_hash,
            invites.c.person == person,
            invites.c.used_at.is_(None),
            invites.c.expires_at > self.now(),
        )
        return self._changed(sa.update(invites).where(good).values(used_at=self.now())) == 1


def _enrolment(row: Row | None) -> Enrolment | None:
    if row is None:
        return None
    return Enrolment(**{**_with_attempts(row), "status": EnrolmentStatus(row.status)})


def _attempts_row(attempts: Attempts) -> dict[str, object]:
    return {"failures": attempts.failures, "locked_until": attempts.locked_until}


def _with_attempts(row: Row) -> dict[str, Any]:
    values = row._asdict()
    values["attempts"] = Attempts(values.pop("failures"), values.pop("locked_until"))
    return values
