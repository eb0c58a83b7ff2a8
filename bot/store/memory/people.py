"""Step-up: authenticators, proofs, enrolments, invites."""

from dataclasses import replace

from bot.core.model import StepUp
from bot.core.stepup import Attempts
from bot.service.records import Authenticator, Enrolment, Invite, StaleWrite
from bot.store.memory.state import MemorySession, check


class MemoryPeople(MemorySession):
    """The part of a transaction that knows who proved what."""

    def authenticator(self, person: str, *, lock: bool = False) -> Authenticator | None:
        return self._state.authenticators.get(person)

    def save_authenticator(self, authenticator: Authenticator) -> None:
        check(authenticator, "authenticator")
        self._state.authenticators.put(authenticator.person, authenticator)

    def set_attempts(self, person: str, attempts: Attempts) -> None:
        check(attempts, "attempts")
        stored = self._state.authenticators.get(person)
        if stored is not None:
            self._state.authenticators.put(person, replace(stored, attempts=attempts))

    def advance_timecode(self, person: str, timecode: int) -> bool:
        stored = self._state.authenticators.get(person)
        if stored is None or stored.last_timecode >= timecode:
            return False
        self._state.authenticators.put(person, replace(stored, last_timecode=timecode))
        return True

    def remove_authenticator(self, person: str) -> bool:
        return self._state.authenticators.remove(person)

    def save_step_up(self, step_up: StepUp) -> None:
        check(step_up, "step_up")
        if self._state.step_ups.get(step_up.id) is not None:
            raise ValueError("the database refused the row: it breaks step_ups_pk")
        self._state.step_ups.put(step_up.id, step_up)

    def latest_step_up(self, person: str, confirms: str | None = None) -> StepUp | None:
        found = (
            proof
            for proof in self._state.step_ups.rows()
            if proof.person == person and confirms in {None, proof.confirms}
        )
        return max(found, key=lambda proof: (proof.at, proof.id), default=None)

    def forget_step_ups(self, person: str) -> None:
        for proof in self._state.step_ups.rows():
            if proof.person == person:
                self._state.step_ups.remove(proof.id)

    def enrolment(self, enrolment_id: str, *, lock: bool = False) -> Enrolment | None:
        return self._state.enrolments.get(enrolment_id)

    def latest_enrolment(self, person: str) -> Enrolment | None:
        found = (one for one in self._state.enrolments.rows() if one.person == person)
        return max(found, key=lambda one: (one.requested_at, one.id), default=None)

    def enrolment_by_link(self, link_hash: str) -> Enrolment | None:
        """None for the empty hash, which every enrolment without a link has."""
        found = (one for one in self._state.enrolments.rows() if link_hash and one.link_hash == link_hash)
        return next(found, None)

    def save_enrolment(self, enrolment: Enrolment) -> None:
        check(enrolment, "enrolment")
        stored = self._state.enrolments.get(enrolment.id)
        if enrolment.version != (0 if stored is None else stored.version):
            raise StaleWrite(f"enrolment {enrolment.id} was changed by someone else")
        other = self.enrolment_by_link(enrolment.link_hash)
        if other is not None and other.id != enrolment.id:
            raise ValueError("the database refused the row: it breaks enrolments_link_hash")
        if stored is not None:
            enrolment = replace(enrolment, person=stored.person, requested_at=stored.requested_at)
        self._state.enrolments.put(enrolment.id, replace(enrolment, version=enrolment.version + 1))

    def save_invite(self, invite: Invite) -> None:
        check(invite, "invite")
        self._state.invites.put(invite.code_hash, invite)

    def use_invite(self, code_hash: str, person: str) -> bool:
        invite = self._state.invites.get(code_hash)
        if invite is None or invite.person != person or invite.used_at is not None or invite.expires_at <= self.now():
            return False
        self._state.invites.put(code_hash, replace(invite, used_at=self.now()))
        return True
