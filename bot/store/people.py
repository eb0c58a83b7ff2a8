"""Step-up: authenticators, proofs, enrolments, invites."""

from typing import Any

import sqlalchemy as sa

from bot.core.model import StepUp
from bot.core.stepup import Attempts
from bot.service.records import Authenticator, Enrolment, EnrolmentStatus, Invite, StaleWrite
from bot.store.session import Session
from bot.store.tables import authenticators, enrolments, invites, step_ups

_AUTHENTICATOR = sa.select(authenticators).where(authenticators.c.person == sa.bindparam("whose"))
_AUTHENTICATOR_LOCKED = _AUTHENTICATOR.with_for_update()
_proofs = sa.select(step_ups).where(step_ups.c.person == sa.bindparam("whose"))
_newest = (step_ups.c.at.desc(), step_ups.c.id.desc())
_LATEST = _proofs.order_by(*_newest).limit(1)
_LATEST_OF = _proofs.where(step_ups.c.confirms == sa.bindparam("what")).order_by(*_newest).limit(1)


class People(Session):
    """The part of a transaction that knows who proved what."""

    def authenticator(self, person: str, *, lock: bool = False) -> Authenticator | None:
        row = self._run(_AUTHENTICATOR_LOCKED if lock else _AUTHENTICATOR, {"whose": person}).first()
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
        self._run(sa.update(authenticators).where(authenticators.c.person == person).values(**_attempts_row(attempts)))

    def advance_timecode(self, person: str, timecode: int) -> bool:
        newer = sa.and_(authenticators.c.person == person, authenticators.c.last_timecode < timecode)
        return self._changed(sa.update(authenticators).where(newer).values(last_timecode=timecode)) == 1

    def remove_authenticator(self, person: str) -> bool:
        return self._changed(sa.delete(authenticators).where(authenticators.c.person == person)) == 1

    def save_step_up(self, step_up: StepUp) -> None:
        self._run(
            sa.insert(step_ups).values(id=step_up.id, person=step_up.person, at=step_up.at, confirms=step_up.confirms)
        )

    def latest_step_up(self, person: str, confirms: str | None = None) -> StepUp | None:
        if confirms is None:
            row = self._run(_LATEST, {"whose": person}).first()
        else:
            row = self._run(_LATEST_OF, {"whose": person, "what": confirms}).first()
        return None if row is None else StepUp(**row._mapping)

    def forget_step_ups(self, person: str) -> None:
        self._run(sa.delete(step_ups).where(step_ups.c.person == person))

    def enrolment(self, enrolment_id: str, *, lock: bool = False) -> Enrolment | None:
        query = sa.select(enrolments).where(enrolments.c.id == enrolment_id)
        return self._enrolment(query.with_for_update() if lock else query)

    def latest_enrolment(self, person: str) -> Enrolment | None:
        newest = (enrolments.c.requested_at.desc(), enrolments.c.id.desc())
        return self._enrolment(sa.select(enrolments).where(enrolments.c.person == person).order_by(*newest).limit(1))

    def enrolment_by_link(self, link_hash: str) -> Enrolment | None:
        """None for the empty hash, which every enrolment without a link has."""
        return self._enrolment(
            sa.select(enrolments).where(enrolments.c.link_hash == link_hash, enrolments.c.link_hash != "")
        )

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

    def _enrolment(self, query: sa.Select[Any]) -> Enrolment | None:
        row = self._run(query).first()
        if row is None:
            return None
        return Enrolment(**{**_with_attempts(row), "status": EnrolmentStatus(row.status)})


def _attempts_row(attempts: Attempts) -> dict[str, object]:
    return {"failures": attempts.failures, "locked_until": attempts.locked_until}


def _with_attempts(row: sa.Row[Any]) -> dict[str, Any]:
    values = row._asdict()
    values["attempts"] = Attempts(values.pop("failures"), values.pop("locked_until"))
    return values
