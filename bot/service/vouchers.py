"""Who may say that an enrolment is really of the person that it names."""

from collections.abc import Callable
from dataclasses import dataclass

from bot.core import policy
from bot.core.model import Catalogue, Person, Role
from bot.service.people import People, Refused
from bot.service.ports import Store
from bot.service.records import DirectoryError


@dataclass(frozen=True, slots=True)
class Vouchers:
    """Enrolled admins, and enrolled approvers of some role for the person. Asks the directory: not under a lock."""

    store: Store
    catalogue: Callable[[], Catalogue]
    people: People

    def of(self, person_id: str) -> tuple[Person, ...]:
        """Everyone who may vouch for this person now, by id; nobody for a person who cannot be looked up."""
        person = self._known(person_id)
        if person is None:
            return ()
        others = {other.id: other for other in self._candidates(person) if not other.is_same_human(person)}
        with self.store.transaction() as tx:
            return tuple(others[key] for key in sorted(others) if tx.authenticator(key) is not None)

    def include(self, voucher: Person, person_id: str) -> bool:
        """Whether ``voucher`` is one of them. Compares all identities that the voucher came with."""
        person = self._known(person_id)
        if person is None or voucher.is_same_human(person):
            return False
        return any(other.id == voucher.id for other in self.of(person_id))

    def _candidates(self, person: Person) -> list[Person]:
        catalogue = self.catalogue()
        found = [catalogue.people[admin] for admin in catalogue.admins if admin in catalogue.people]
        eligible, now = self.people.eligibility(), self.store.ping()
        for role in catalogue.roles.values():
            if policy.may_use(role, person, eligible, now):
                found += policy.approver_set(catalogue, role, person, self._facts(role, person))
        return found

    def _facts(self, role: Role, person: Person) -> policy.Facts:
        """Where the chat cannot be asked, nobody is known from it: those of the catalogue may vouch all the same."""
        try:
            return self.people.facts(role, person)
        except DirectoryError:
            return policy.Facts()

    def _known(self, person_id: str) -> Person | None:
        """The catalogue's person, or a chat account as the directory knows it."""
        person = self.catalogue().people.get(person_id)
        if person is None and person_id.startswith("slack:"):
            try:
                return self.people.identify(person_id.removeprefix("slack:"))
            except Refused:
                return None
        return person
