"""The people and user groups, who may change while the workspace runs."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import Any

from bot.sandbox.slack.clock import Clock
from bot.sandbox.slack.config import SlackPerson, SlackUsergroup, Workspace
from bot.sandbox.slack.delivery import AppEvents
from bot.sandbox.slack.errors import SlackError
from bot.sandbox.slack.jsontypes import Json
from bot.sandbox.slack.live import Live
from bot.sandbox.slack.model import Wire


class Members:
    def __init__(self, workspace: Workspace, wire: Wire, live: Live, events: AppEvents, clock: Clock) -> None:
        app = workspace.app
        self._bot = SlackPerson(app.bot_user_id, app.name, app.name, "", is_bot=True)
        self._wire = wire
        self._live = live
        self._events = events
        self._clock = clock
        self._people = {person.id: person for person in workspace.people}
        self._groups = {group.id: group for group in workspace.usergroups}

    def everyone(self) -> list[SlackPerson]:
        """The people, without the bot."""
        return list(self._people.values())

    def find(self, user: str) -> SlackPerson | None:
        return self._bot if user == self._bot.id else self._people.get(user)

    def get(self, user: str) -> SlackPerson:
        """Somebody by id, the bot included.

        Raises:
            SlackError: `user_not_found`.
        """
        person = self.find(user)
        if person is None:
            raise SlackError("user_not_found")
        return person

    def by_email(self, email: str) -> SlackPerson:
        """Somebody by e-mail, as users.lookupByEmail does it: nobody who is deactivated.

        Raises:
            SlackError: `users_not_found`.
        """
        for person in self._people.values():
            if person.email.lower() == email.lower() and not person.deleted:
                return person
        raise SlackError("users_not_found")

    def change(self, user: str, *, announced: bool = True, **changes: Any) -> None:
        """Change somebody's profile or standing (e.g. `deleted=True`); the app hears of it by user_change.

        Not `announced`: as when Slack gave up on delivering the event.
        """
        self._people[user] = replace(self._people[user], **changes)
        if announced:
            self._announce("user_change", user)

    def add(self, person: SlackPerson) -> None:
        self._people[person.id] = person
        self._announce("team_join", person.id)

    def _announce(self, event: str, user: str) -> None:
        self._events.emit(event, {"type": event, "user": self._wire.person(self._people[user])}, self._clock.now())
        self._live.touch()

    def groups(self, *, with_disabled: bool = False) -> list[SlackUsergroup]:
        return [group for group in self._groups.values() if with_disabled or not group.is_disabled]

    def group(self, group: str) -> SlackUsergroup:
        """A user group by id.

        Raises:
            SlackError: `no_such_subteam`.
        """
        if group not in self._groups:
            raise SlackError("no_such_subteam")
        return self._groups[group]

    def change_group(self, group: str, users: tuple[str, ...]) -> None:
        before = self._groups[group]
        self._groups[group] = replace(before, users=users)
        event = {
            "type": "subteam_members_changed",
            "subteam_id": group,
            "added_users": sorted(set(users) - set(before.users)),
            "removed_users": sorted(set(before.users) - set(users)),
        }
        self._events.emit("subteam_members_changed", event, self._clock.now())

    def snapshot(self) -> Json:
        return {
            "people": [asdict(person) for person in self._people.values()],
            "usergroups": [asdict(group) for group in self._groups.values()],
        }

    def restore(self, saved: Json) -> None:
        self._people = {entry["id"]: SlackPerson(**entry) for entry in saved["people"]}
        self._groups = {
            entry["id"]: SlackUsergroup(**{**entry, "users": tuple(entry["users"])}) for entry in saved["usergroups"]
        }
