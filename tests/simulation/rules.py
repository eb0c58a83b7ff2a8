"""Who may ask, and who may approve, written down a second time for the example company: short, slow and plain."""

from collections.abc import Iterator
from dataclasses import dataclass

from bot.core.model import AccessRequest, Catalogue, Person, Role
from bot.service.records import ChatUser


@dataclass(frozen=True, slots=True)
class Setup:
    """What access.yaml and the chat's directory said for a while."""

    catalogue: Catalogue
    users: dict[str, ChatUser]
    groups: dict[str, frozenset[str]]

    def is_welcome(self, person: Person) -> bool:
        """Whether no chat account of theirs is refused."""
        return not any(self.users[chat_id].refused for chat_id in person.slack_ids)

    def approvers(self, role: Role, requester: Person) -> set[str]:
        """Person ids of who may approve."""
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
        return found - {requester.id}


def mixed(setups: list[Setup]) -> Iterator[Setup]:
    """What a task may have seen that read one thing before a change and another one after it."""
    for one in setups:
        for other in setups:
            yield Setup(one.catalogue, other.users, other.groups)


def may_approve(setup: Setup, request: AccessRequest, approver: str) -> bool:
    """Whether this person's yes counts, codes aside."""
    requester = setup.catalogue.people.get(request.ask.requester)
    role = setup.catalogue.roles.get(request.ask.role)
    if requester is None or role is None or not setup.is_welcome(requester):
        return False
    return approver in setup.approvers(role, requester) and approver in request.approvers_asked


def some_count_no_more(setup: Setup, request: AccessRequest) -> bool:
    """Whether one of those who approved it could not do so now."""
    return not all(may_approve(setup, request, approval.person) for approval in request.approvals)


def may_start(setup: Setup, request: AccessRequest) -> bool:
    """Whether what was approved may be granted."""
    catalogue, ask = setup.catalogue, request.ask
    requester, role = catalogue.people.get(ask.requester), catalogue.roles.get(ask.role)
    if requester is None or role is None or not setup.is_welcome(requester):
        return False
    offered = any(requester.groups & rule.groups or requester.id in rule.people for rule in role.ask)
    at_home = ask.account in catalogue.accounts and ask.account in role.accounts
    same = requester.identities.get(ask.account) == request.principal
    yes = {approval.person for approval in request.approvals} & setup.approvers(role, requester)
    return offered and at_home and same and len(yes) >= max(request.quorum, role.stages[0].quorum)
