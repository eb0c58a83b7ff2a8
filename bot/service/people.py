"""From a chat account to a person, and the facts about people that the policy looks at."""

from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field

from bot.core import policy
from bot.core.model import Catalogue, Person, Role
from bot.core.policy import Facts
from bot.service.cards import Names
from bot.service.current import Latest
from bot.service.ports import Directory
from bot.service.records import NO_SUCH_ADDRESS, NOT_HERE, ChatUser, DirectoryError, NotInDirectoryError


@dataclass(frozen=True, slots=True)
class Index:
    """What is looked for in a catalogue at every click."""

    by_chat_id: Mapping[str, Person]
    by_mail: Mapping[str, Person]
    """Those without a chat id; addresses in lower case."""
    asking_groups: tuple[str, ...]
    """The chat's groups whose members may ask for something, sorted."""

    @classmethod
    def of(cls, catalogue: Catalogue) -> "Index":
        """Of several people with one identity, which no file may have, the first counts."""
        everybody, roles = tuple(catalogue.people.values())[::-1], catalogue.roles.values()
        return cls(
            by_chat_id={chat_id: person for person in everybody for chat_id in person.slack_ids},
            by_mail={person.email.casefold(): person for person in everybody if person.email and not person.slack_ids},
            asking_groups=tuple(sorted(frozenset[str]().union(*map(policy.slack_groups_of_asking, roles)))),
        )


class Refused(Exception):
    """This chat account may do nothing here; the message says why, for its owner."""


@dataclass(frozen=True, slots=True)
class People:
    """Looks people up. Calls the directory, so never under a database lock."""

    catalogue: Callable[[], Catalogue]
    directory: Directory
    _index: Latest[Index] = field(default_factory=lambda: Latest(Index.of), init=False, repr=False, compare=False)

    def identify(self, chat_id: str, team: str = "") -> Person:
        """The person behind a chat account. Raises Refused, for failed look-ups too."""
        try:
            user = self.directory.user(chat_id)
        except DirectoryError as error:
            raise Refused("Your Slack account could not be looked up just now. Try again in a minute.") from error
        if user.refused:
            raise Refused(user.refused)
        if team and user.team != team:
            raise Refused("Only members of this workspace may use prodaccess.")
        return self.person_of(user)

    def person_of(self, user: ChatUser) -> Person:
        """The catalogue's person with this chat id, else with this e-mail, else one known from the chat only."""
        index = self._index.of(self.catalogue())
        known = index.by_chat_id.get(user.id) or index.by_mail.get(user.email.casefold())
        if known is None:
            return Person(f"slack:{user.id}", user.name, user.email or None, frozenset({user.id}))
        if user.id in known.slack_ids:
            return known
        return Person(
            known.id, known.name, known.email, frozenset({user.id}), known.manager, known.groups, known.identities
        )

    def facts(self, role: Role, requester: Person) -> Facts:
        """What the rules need from the directory. Raises DirectoryError when it cannot be asked."""
        accounts = self._accounts(requester)
        wanted = policy.slack_groups_of_approving(role) | policy.slack_groups_of_asking(role)
        groups = {group: self._members(group) for group in sorted(wanted)}
        by_manager = any(stage.manager for stage in role.stages)
        manager = self._manager(accounts) if by_manager and not requester.manager else None
        refused = next((account.refused for account in accounts if account.refused), "")
        return Facts(manager=manager, slack_groups=groups, requester_refused=refused)

    def facts_at_hand(self, role: Role, requester: Person) -> Facts:
        """What is remembered of ``facts``: nobody is asked, and what is not remembered is absent.

        People whom only the chat knows go by their chat ids.
        """
        known, groups, manager = self.directory.remembered(), dict[str, tuple[Person, ...]](), None
        for group in sorted(policy.slack_groups_of_approving(role)):
            with suppress(DirectoryError):
                groups[group] = tuple(map(self._named, sorted(known.members(group))))
        if any(stage.manager for stage in role.stages) and not requester.manager:
            with suppress(DirectoryError):
                accounts = People(self.catalogue, known)._accounts(requester)
                manager = next((self._named(each.manager) for each in accounts if each.manager), None)
        return Facts(manager=manager, slack_groups=groups)

    def eligibility(self, person: Person | None = None) -> Facts:
        """What says which roles are offered to whom; without the groups that the chat cannot be asked about.

        Of a ``person`` it is enough to know which groups they are in: nobody else is looked up.
        """
        groups = dict[str, tuple[Person, ...]]()
        for group in self._index.of(self.catalogue()).asking_groups:
            with suppress(DirectoryError):
                groups[group] = self._members(group) if person is None else self._if_in(group, person)
        return Facts(slack_groups=groups)

    def facts_if_any(self, role: Role, requester: Person) -> Facts:
        """As ``facts``; nothing is known of the chat when it cannot be asked. For what must not wait, like revoking."""
        try:
            return self.facts(role, requester)
        except DirectoryError:
            return Facts()

    def names(self, *ids: str | None) -> Names:
        """How to write these person ids; unknown ones as they are."""
        people = self.catalogue().people
        shown: dict[str, str] = {}
        mention: dict[str, str] = {}
        for person_id in filter(None, ids):
            person = people.get(person_id)
            if person:
                shown[person_id] = person.name
            with suppress(DirectoryError):
                if chat_id := self.chat_id(person_id):
                    mention[person_id] = chat_id
        return Names(shown, mention)

    def chat_id(self, person_id: str) -> str:
        """The chat user id to reach a person by; empty when there is none. Raises DirectoryError."""
        if person_id.startswith("slack:"):
            return person_id.removeprefix("slack:")
        person = self.catalogue().people.get(person_id)
        if person is None or person.slack_ids or not person.email:
            return min(person.slack_ids, default="") if person else ""
        account = self.directory.by_email(person.email)
        return account.id if account else ""

    def accounts_of(self, person_id: str) -> tuple[str, ...]:
        """What the directory knows a person by: chat ids, else an e-mail address; empty when there is neither.

        An address is in lower case.
        """
        if person_id.startswith("slack:"):
            return (person_id.removeprefix("slack:"),)
        person = self.catalogue().people.get(person_id)
        if person is None:
            return ()
        return tuple(sorted(person.slack_ids)) or tuple(filter(None, [(person.email or "").casefold()]))

    def direct(self, person_id: str) -> str:
        """The destination of direct messages to a person; empty when there is none. Raises DirectoryError."""
        chat_id = self.chat_id(person_id)
        return f"@{chat_id}" if chat_id else ""

    def directs_at_hand(self, ids: Iterable[str]) -> tuple[str, ...]:
        """As ``direct`` of each, by what is remembered: nobody is asked. Empty where that does not say."""
        known = People(self.catalogue, self.directory.remembered())

        def direct(person_id: str) -> str:
            with suppress(DirectoryError):
                return known.direct(person_id)
            return ""

        return tuple(map(direct, ids))

    def _named(self, chat_id: str) -> Person:
        known = self._index.of(self.catalogue()).by_chat_id.get(chat_id)
        return known or Person(f"slack:{chat_id}", chat_id, slack_ids=frozenset({chat_id}))

    def _accounts(self, person: Person) -> tuple[ChatUser, ...]:
        if person.slack_ids or not person.email:
            return tuple(self._account(chat_id) for chat_id in sorted(person.slack_ids))
        account = self.directory.by_email(person.email)
        # A look-up by address does not find a deactivated account.
        return (account or ChatUser("", "", person.name, person.email, refused=NO_SUCH_ADDRESS),)

    def _account(self, chat_id: str) -> ChatUser:
        try:
            return self.directory.user(chat_id)
        except NotInDirectoryError:
            return ChatUser(chat_id, "", chat_id, refused=NOT_HERE)

    def _if_in(self, group: str, person: Person) -> tuple[Person, ...]:
        """This person, where one of their accounts is in the group. Raises DirectoryError."""
        try:
            members = self.directory.members(group)
        except NotInDirectoryError:
            return ()
        mine = person.slack_ids or {self.chat_id(person.id)}
        return () if members.isdisjoint(mine) else (person,)

    def _members(self, group: str) -> tuple[Person, ...]:
        try:
            members = self.directory.members(group)
        except NotInDirectoryError:
            return ()
        # All at once: somebody waits for this, and a group may be large.
        accounts = sorted(self.directory.accounts(members).items())
        return tuple(self.person_of(account) for _, account in accounts if not account.refused)

    def _manager(self, accounts: tuple[ChatUser, ...]) -> Person | None:
        for account in accounts:
            manager = self._account(account.manager) if account.manager else None
            if manager is not None and not manager.refused:
                return self.person_of(manager)
        return None
