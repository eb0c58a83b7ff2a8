"""What is in the cloud under our name and not of our doing: the promises about it. See ``invariants.py``.

Strays are read from the audit log alone, as requests and grants are.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from bot.core.model import Grant, GrantStatus
from bot.core.reconcile import GRACE
from bot.core.strays import QUARANTINE
from bot.service.ports import Tx
from tests.core.examples import MINUTE
from tests.simulation.tasks import Broken

if TYPE_CHECKING:
    from tests.simulation.company import Company

NEED_CODE = {"adopted", "restored"}


@dataclass(slots=True)
class Known:
    """A stray, as far as the log tells."""

    account: str
    principal: str
    name: str
    text: str
    grant_id: str = ""
    transitions: int = 0
    fate: str = ""
    settled: bool = False


class Drift:
    """Watches one company."""

    def __init__(self, company: "Company") -> None:
        self._company = company
        self.strays: dict[str, Known] = {}
        self.stopped: set[str] = set()
        """Grants that were taken away while that could not be recorded: a look may miss them first."""

    def undecided(self) -> list[str]:
        """Ids of strays that wait for an admin."""
        return [stray_id for stray_id, known in self.strays.items() if not known.fate]

    # --- what is logged ----------------------------------------------------------------------------------

    def at_record(self, tx: Tx, fact: dict[str, Any], at: datetime, since: int) -> None:
        """I4, I5: strays go from found to settled. I6, I9: what is said of the cloud is so, and admins decide."""
        match fact["tag"]:
            case "stray.found":
                self._is_strange(tx, fact)
                self._found(fact)
            case "stray.quarantined":
                self._open(fact).transitions += 1
            case "stray.decided":
                self._is_decided_by_who_may(fact, at, since)
                known = self._open(fact)
                known.fate, known.grant_id = fact["data"]["fate"], fact["grant_id"]
                known.transitions += 1
            case "stray.settled":
                known = self.strays[fact["data"]["stray"]]
                if not known.fate or known.settled:
                    raise Broken(f"I5: {fact['data']['stray']} is settled, and nobody decided, or it was before")
                known.settled, known.transitions = True, known.transitions + 1
            case "grant.lost":
                self._is_missing(fact)
            case "person.left":
                self._has_left(fact, since)

    def may_adopt(self, fact: dict[str, Any]) -> None:
        """I6: what nobody asked for is approved by an admin, in the transaction that decides so."""
        if fact["actor"]["id"] not in self._company.catalogue.admins:
            raise Broken(f"I6: {fact['actor']['id']} adopted {fact['request_id']}")

    def may_start(self, tx: Tx, grant: Grant) -> None:
        """I6, I9: what was adopted starts after the policy that it replaces was taken away."""
        for stray_id, known in self.strays.items():
            stray = tx.stray(stray_id)
            if known.fate == "adopted" and stray is not None and stray.grant_id == grant.id:
                return
        raise Broken(f"I6: {grant.id} was started, which nobody adopted")

    def _found(self, fact: dict[str, Any]) -> None:
        data = fact["data"]
        known = self.strays.get(data["stray"])
        if (known is not None) != data["again"] or (known is not None and known.fate):
            raise Broken(f"I4/I5: {data['stray']} is found, and was so before or is decided")
        if known is None:
            known = self.strays[data["stray"]] = Known(fact["account"], data["principal"], data["policy"], "")
        known.text, known.grant_id, known.transitions = data["text"], fact["grant_id"], known.transitions + 1

    def _open(self, fact: dict[str, Any]) -> Known:
        known = self.strays.get(fact["data"]["stray"])
        if known is None or known.fate:
            raise Broken(f"I5: {fact['tag']} of {fact['data']['stray']}, which is not open")
        return known

    def _is_strange(self, tx: Tx, fact: dict[str, Any]) -> None:
        """I9: no stray is what was granted and has not ended."""
        data, cloud = fact["data"], self._company.cloud
        key = (fact["account"], data["principal"], data["policy"])
        grant = tx.grants_by_id([data["policy"]]).get(data["policy"])
        if data["text"] in cloud.by_hand.get(key, ()):
            return
        if data["text"] not in cloud.granted.get(key, ()):
            raise Broken(f"I9: {key} is called a stray, and nobody ever wrote it")
        if grant is not None and grant.status is not GrantStatus.ENDED:
            raise Broken(f"I9: {key} is called a stray, and was granted")

    def _is_missing(self, fact: dict[str, Any]) -> None:
        restored = {known.name for known in self.strays.values() if known.fate == "restored"}
        taken = {name for _, _, name in self._company.cloud.taken}
        if fact["grant_id"] not in restored | taken | self.stopped:
            raise Broken(f"I9: {fact['grant_id']} is said to be lost, and nobody took it away")

    def _is_decided_by_who_may(self, fact: dict[str, Any], at: datetime, since: int) -> None:
        who, fate, known = fact["actor"], fact["data"]["fate"], self._open(fact)
        if who["kind"] == "system" and fate == "vanished":
            return
        if who["id"] not in self._company.catalogue.admins:
            raise Broken(f"I6: {who['id']} decided {fact['data']['stray']}")
        if fate not in NEED_CODE:
            return
        proofs = self._company.invariants.book.proofs
        if not any(
            person == who["id"] and at - when <= 5 * MINUTE and confirms == fact["data"]["digest"]
            for person, when, confirms in proofs
        ):
            raise Broken(f"I6: {who['id']} decided {fact['data']['stray']}: {fate}, without a code for it")
        setups = self._company.setups[since:]
        people = (setup.catalogue.people[who["id"]] for setup in setups)
        if all(person.identities.get(known.account) == known.principal for person in people):
            raise Broken(f"I6: {who['id']} let their own access be {fate}")

    def _has_left(self, fact: dict[str, Any], since: int) -> None:
        setups = self._company.setups[since:]
        if all(setup.is_welcome(setup.catalogue.people[fact["person"]]) for setup in setups):
            raise Broken(f"{fact['person']} is said to have left, and has not")

    # --- at the instant ----------------------------------------------------------------------------------

    def at_deny(self, account: str, principal: str, name: str, text: str) -> None:
        """I2, I9: a quarantine denies what its stray allows, where it allows it, and is on record."""
        known = self.strays.get(name.removeprefix(QUARANTINE))
        if not name.startswith(QUARANTINE) or known is None:
            raise Broken(f"I9: {name} is put over {principal}, which is no stray's quarantine")
        if (known.account, known.principal, known.text) != (account, principal, text):
            raise Broken(f"I9: {name} denies something else than {known.name} allows")

    def at_remove(self, account: str, principal: str, name: str) -> None:
        """I2, I9: nothing is removed that no admin decided on, but our own denials of what is decided."""
        for stray_id, known in self.strays.items():
            if not known.fate or (known.account, known.principal) != (account, principal):
                continue
            if name == f"{QUARANTINE}{stray_id}" or (name == known.name and known.fate != "vanished"):
                return
        raise Broken(f"I9: {name} of {principal} is removed, which nobody decided on")

    # --- after a step, and in the end --------------------------------------------------------------------

    def records_are_as_logged(self, tx: Tx) -> None:
        """I4: strays were written as often as the log tells."""
        for stray_id, known in self.strays.items():
            stray = tx.stray(stray_id)
            if stray is None or (stray.version, str(stray.fate or "")) != (known.transitions, known.fate):
                raise Broken(f"I4: {stray_id} is {stray}; the log tells of {known}")
        if len(tx.unsettled_strays()) != sum(not known.settled for known in self.strays.values()):
            raise Broken("I4: there are strays that the log does not know, or the other way round")

    def all_is_seen(self, looked_at: datetime) -> None:
        """I8: what is over is not active. I9: what works is granted, what differs is asked about, what is missing is
        not called active.
        """
        company = self._company
        now, written = company.time.now(), company.cloud.written()
        with company.store.transaction() as tx:
            grants = {grant.id: grant for grant in tx.unfinished_grants()} | dict(
                tx.grants_by_id([name for _, _, name in written])
            )
            strays = {(s.account, s.principal, s.name) for s in tx.unsettled_strays()}
            denials = {(s.account, s.principal, s.quarantine) for s in tx.unsettled_strays()}
        for grant in grants.values():
            if grant.status is GrantStatus.ACTIVE and grant.expires_at <= looked_at:
                raise Broken(f"I8: {grant.id} is active after its end, with nothing left to do")
        for key in written.keys() - denials - strays:
            grant = grants.get(key[2])
            if grant is None or not _is_accounted_for(key, written[key], grant, company, looked_at):
                raise Broken(f"I9: {key} is in the cloud, and nobody is asked about it")
        for key in company.cloud.effective(now) & strays:
            if written[key] in company.cloud.granted.get(key, ()) and key[2] in grants:
                continue  # what was approved has replaced it meanwhile
            raise Broken(f"I9: {key} still works, although it was found")
        for grant in grants.values():
            settled = grant.granted_at is not None and looked_at - grant.granted_at >= GRACE
            key = (grant.account, grant.principal, grant.id)
            if grant.status is GrantStatus.ACTIVE and settled and now < grant.expires_at and key not in written:
                raise Broken(f"I9: {grant.id} is called active, and is not there")

    def leavers_have_nothing(self) -> None:
        """Who may not use it any more has nothing pending, and nothing that is not being removed."""
        company = self._company
        with company.store.transaction() as tx:
            for person in company.catalogue.people.values():
                if company.setups[-1].is_welcome(person):
                    continue
                grants = [g.id for g in tx.unfinished_grants(person.id) if g.status is not GrantStatus.REVOKING]
                requests = [request.id for request in tx.pending_requests(person.id)]
                if grants or requests:
                    raise Broken(f"{person.id} has left, and has {grants}, {requests}")

    def at_the_end(self) -> None:
        """I8, I9: every stray is settled, and nothing under our name is left."""
        if left := sorted(self._company.cloud.written()):
            raise Broken(f"I2/I9: {left} is left in the cloud")
        if any(not known.settled for known in self.strays.values()):
            raise Broken("I8: a stray is not settled")


def _is_accounted_for(
    key: tuple[str, str, str], text: str, grant: Grant, company: "Company", looked_at: datetime
) -> bool:
    """Whether it is what a grant has there, or is on its way, or ended so lately that it may still be seen."""
    if (grant.account, grant.principal) != key[:2]:
        return False
    match grant.status:
        case GrantStatus.ACTIVE:
            return text in company.cloud.granted.get(key, ())
        case GrantStatus.ENDED:
            return grant.ended_at is not None and looked_at - grant.ended_at < GRACE
    return True
