"""Whose word counts afterwards, on access that went without one."""

from collections.abc import Iterable

from bot.core.model import Catalogue, Person


def reviewers(catalogue: Catalogue, approvers: Iterable[Person], requester: Person) -> tuple[Person, ...]:
    """The admins, then whoever could approve it now; nobody who is the requester, under whatever identity."""
    admins = (catalogue.people[each] for each in sorted(catalogue.admins) if each in catalogue.people)
    found = {person.id: person for person in (*admins, *approvers)}
    return tuple(person for person in found.values() if not person.is_same_human(requester))


def may_not_review(catalogue: Catalogue, approvers: Iterable[Person], requester: Person, person: Person) -> str:
    """Why this person's word does not count; empty when it does."""
    if person.is_same_human(requester):
        return "Nobody reviews their own access. Somebody else has to look at it."
    if all(person.id != each.id for each in reviewers(catalogue, approvers, requester)):
        return "Only an admin or one of the role's approvers reviews this access."
    return ""
