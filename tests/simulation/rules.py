"""Who may ask, and who may approve, written down a second time for the example company: short, slow and plain."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from bot.core.model import AccessRequest, Catalogue, Item, Person, Role
from bot.service.records import ChatUser

Away = Mapping[str, str]
"""Who is away, and who stands in (person ids; empty: nobody)."""
Then = Mapping[str, Away]
"""By the person who said yes: who was away at that time."""


@dataclass(frozen=True, slots=True)
class Setup:
    """What access.yaml and the chat's directory said for a while."""

    catalogue: Catalogue
    users: dict[str, ChatUser]
    groups: dict[str, frozenset[str]]

    def is_welcome(self, person: Person) -> bool:
        """Whether no chat account of theirs is refused."""
        return not any(self.users[chat_id].refused for chat_id in person.slack_ids)

    def approvers(self, role: Role, requester: Person, away: Away) -> set[str]:
        """Person ids of who may approve, with who stands in for whoever is away."""
        people, rule = self.catalogue.people, role.stages[0]
        found = set(rule.people)
        for group in rule.groups:
            found |= self.catalogue.groups.get(group, frozenset())
        if rule.manager and requester.manager:
            found.add(requester.manager)
        for group in rule.slack_groups:
            members = [chat_id for chat_id in self.groups.get(group, ()) if not self.users[chat_id].refused]
            found |= {person.id for person in people.values() if person.slack_ids & set(members)}
            found |= {f"slack:{chat_id}" for chat_id in members}
        return {stand_in(person, away) for person in found} - {requester.id, ""}


def stand_in(person: str, away: Away) -> str:
    """Who approves for this person: they, or whoever stands in; nobody where all of them are away."""
    passed = list[str]()
    while person in away and person not in passed:
        passed.append(person)
        person = away[person]
    return "" if person in passed else person


def mixed(setups: list[Setup]) -> Iterator[Setup]:
    """What a task may have seen that read one thing before a change and another one after it."""
    for one in setups:
        for other in setups:
            yield Setup(one.catalogue, other.users, other.groups)


def may_approve(setup: Setup, request: AccessRequest, approver: str, away: Away) -> bool:
    """Whether this person's yes counts for one target at least, codes aside."""
    catalogue = setup.catalogue
    requester = catalogue.people.get(request.ask.requester)
    roles = [catalogue.roles.get(item.role) for item in request.ask.items]
    if requester is None or None in roles or not setup.is_welcome(requester):
        return False
    was_asked = approver in {each for asked in request.approvers_asked for each in (asked, stand_in(asked, away))}
    return was_asked and any(approver in setup.approvers(role, requester, away) for role in roles if role)


def is_enough(setup: Setup, request: AccessRequest, away: Away, then: Then) -> bool:
    """Whether those who said yes would do now, for each target: of who is away now, or was when they said it."""
    requester = setup.catalogue.people[request.ask.requester]
    counted = set[str]()
    for item in request.ask.items:
        role = setup.catalogue.roles.get(item.role)
        if role is None:
            return False
        here = {
            approval.person
            for approval in request.approvals
            if approval.person in setup.approvers(role, requester, away)
            or approval.person in setup.approvers(role, requester, then[approval.person])
        }
        if len(here) < role.stages[0].quorum:
            return False
        counted |= here
    return len(counted) >= request.quorum


def may_start(setup: Setup, request: AccessRequest, away: Away, then: Then) -> bool:
    """Whether what was approved, or had to be by nobody, may be granted."""
    requester = setup.catalogue.people.get(request.ask.requester)
    if requester is None or not setup.is_welcome(requester):
        return False
    parts = zip(request.ask.items, request.parts, strict=True)
    if not all(_is_offered(setup.catalogue, requester, item, part.principal) for item, part in parts):
        return False
    if may_go_without(setup, request):
        return True
    return not request.ask.break_glass and is_enough(setup, request, away, then)


def may_go_without(setup: Setup, request: AccessRequest) -> bool:
    """Whether nobody has to say yes to it: glass is broken, or it goes on by a code alone."""
    roles = [setup.catalogue.roles.get(item.role) for item in request.ask.items]
    if request.ask.break_glass:
        return all(role is not None and role.break_glass is not None for role in roles)
    longer = [role.extend for role in roles if role is not None]
    return bool(request.ask.extends) and all(rule is not None and not rule.approval for rule in longer)


def _is_offered(catalogue: Catalogue, requester: Person, item: Item, principal: str) -> bool:
    role = catalogue.roles.get(item.role)
    if role is None:
        return False
    offered = any(requester.groups & rule.groups or requester.id in rule.people for rule in role.ask)
    at_home = item.account in catalogue.accounts and item.account in role.accounts
    return offered and at_home and requester.identities.get(item.account) == principal
