"""Taking an authenticator away, and stopping all that its owner asked for and holds."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from bot.core.audit import Actor, ActorKind, Event, Tag
from bot.core.decisions import Refusal
from bot.core.model import Catalogue, Effect, Person, digest_of
from bot.service import enrolment_steps as steps
from bot.service.access import Access
from bot.service.effects import Handler, finish
from bot.service.people import People, Refused
from bot.service.ports import Store, Tx
from bot.service.proof import REFUSED, Codes
from bot.service.records import Claim


@dataclass(frozen=True, slots=True)
class Resets:
    """The use case of a lost phone, and of a person who must not go on."""

    store: Store
    catalogue: Callable[[], Catalogue]
    people: People
    codes: Codes

    def reset(self, person_id: str, admin: Person | None, code: str, note: str, actor: Actor) -> Refusal | None:
        """See ``Enrolments.reset``. What follows for requests and grants is on the books in the same transaction."""
        if admin is not None and not self._is_for(admin, person_id):
            return Refusal("policy", "Only another person who is an admin may reset an authenticator.")
        if not self._has_something(person_id):
            return Refusal("unknown", f"{person_id} has no authenticator and is not enrolling.")
        confirms = digest_of({"reset": person_id, "note": note})
        if admin is not None and self.codes.verify(admin.id, code, confirms, actor) is None:
            return Refusal("code", REFUSED)
        with self.store.transaction() as tx:
            self._take_away(tx, person_id, note, actor)
        return None

    def _is_for(self, admin: Person, person_id: str) -> bool:
        return admin.id in self.catalogue().admins and not admin.is_same_human(self._person(person_id))

    def _has_something(self, person_id: str) -> bool:
        with self.store.transaction() as tx:
            latest, now = tx.latest_enrolment(person_id), tx.now()
            enrolling = latest is not None and steps.is_open(latest, now)
            return enrolling or tx.authenticator(person_id) is not None

    def _take_away(self, tx: Tx, person_id: str, note: str, actor: Actor) -> None:
        # The enrolment first: a confirmation that is under way holds its lock, and then has saved what goes here.
        steps.close_open(tx, person_id, actor, "reset")
        removed = tx.remove_authenticator(person_id)
        tx.forget_step_ups(person_id)
        now = tx.now()
        home = Effect("chat.home", person_id, f"home:{person_id}", now)
        tx.enqueue([home, stop(person_id, note, actor, now)])
        about = {"note": note, "was_enrolled": removed}
        tx.append([Event(Tag.MFA_RESET, actor, person=person_id, data=about)])

    def _person(self, person_id: str) -> Person:
        """All that is known of them; for an account that is gone, its id."""
        chat_id = person_id.removeprefix("slack:")
        known = self.catalogue().people.get(person_id)
        if known is not None or chat_id == person_id:
            return known or Person(person_id, person_id)
        try:
            return self.people.identify(chat_id)
        except Refused:
            return Person(person_id, person_id, slack_ids=frozenset({chat_id}))


def stop(person_id: str, note: str, actor: Actor, now: datetime) -> Effect:
    """Cancel and revoke everything that ``person_id`` asked for up to ``now`` (UTC), on behalf of ``actor``."""
    payload = {
        "note": note,
        "asked_until": now.isoformat(),
        "by": actor.id,
        "kind": str(actor.kind),
        "via": actor.via,
        "identity": actor.identity,
    }
    return Effect("person.stop", person_id, f"stop:{person_id}", now, payload)


@dataclass(frozen=True, slots=True)
class Stopping:
    """The handler of ``person.stop`` effects."""

    access: Access

    def handlers(self) -> dict[str, Handler]:
        """By effect kind."""
        return {"person.stop": self.stop}

    def stop(self, claim: Claim) -> None:
        """Each request and grant in its own transaction; run again after a crash, it finds what is left."""
        by = claim.payload
        actor = Actor(ActorKind(by["kind"]), by["by"], by["via"], by["identity"])
        stop_person(self.access, claim.subject, actor, by["note"], datetime.fromisoformat(by["asked_until"]))
        finish(self.access.store, claim)


def stop_person(access: Access, person_id: str, actor: Actor, note: str, asked_until: datetime) -> None:
    """Cancel a person's pending requests and revoke their grants, of what was asked up to ``asked_until`` (UTC).

    What they ask for later, with a new authenticator, is left alone. What ended meanwhile absorbs it.
    """
    with access.store.transaction() as tx:
        pending = tx.pending_requests(person_id)
    for request in pending:
        if request.asked_at <= asked_until:
            access.withdraw(request.id, actor, note)
    # After the requests: one that was approved in between has a grant by now.
    with access.store.transaction() as tx:
        unfinished = [(grant, tx.request(grant.request_id)) for grant in tx.unfinished_grants(person_id)]
    for grant, asked in unfinished:
        if asked is None or asked.asked_at <= asked_until:
            access.revoke(grant.id, None, actor, note)
