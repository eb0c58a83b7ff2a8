"""What a workspace is made of: its team, its app, people, channels and user groups, and how it behaves."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field

BOT_SCOPES = frozenset(
    {
        "app_mentions:read",
        "channels:history",
        "channels:join",
        "channels:read",
        "chat:write",
        "commands",
        "groups:history",
        "groups:read",
        "im:history",
        "im:read",
        "im:write",
        "mpim:history",
        "mpim:read",
        "mpim:write",
        "reactions:write",
        "team:read",
        "usergroups:read",
        "users.profile:read",
        "users:read",
        "users:read.email",
    }
)
BOT_EVENTS = frozenset(
    {
        "app_home_opened",
        "app_mention",
        "message.im",
        "user_change",
        "team_join",
        "subteam_members_changed",
        "member_joined_channel",
    }
)


@dataclass(frozen=True, slots=True)
class SlackPerson:
    """A member of the workspace. `manager` is another person's id; `tz` an IANA zone name."""

    id: str
    name: str
    real_name: str
    email: str
    title: str = ""
    manager: str | None = None
    tz: str = "Europe/London"
    is_admin: bool = False
    deleted: bool = False
    is_restricted: bool = False
    is_ultra_restricted: bool = False
    is_stranger: bool = False
    is_app_user: bool = False
    """Whether they authorized the app themselves; says nothing about being one (docs.slack.dev, User object)."""
    is_bot: bool = False
    team_id: str | None = None
    """Another team's id for somebody who is here through a shared channel."""


@dataclass(frozen=True, slots=True)
class SlackChannel:
    """A channel. No `members` means everyone who is not a guest; the bot is in it when `has_bot`."""

    id: str
    name: str
    members: tuple[str, ...] | None = None
    has_bot: bool = True
    is_private: bool = False
    is_archived: bool = False
    topic: str = ""


@dataclass(frozen=True, slots=True)
class SlackUsergroup:
    id: str
    handle: str
    name: str
    users: tuple[str, ...] = ()
    is_disabled: bool = False


@dataclass(frozen=True, slots=True)
class SlackApp:
    """The one app of the workspace, as its manifest would describe it."""

    id: str = "A0PRODACC01"
    name: str = "prodaccess"
    bot_user_id: str = "U0PRODACC01"
    bot_id: str = "B0PRODACC01"
    commands: tuple[str, ...] = ("/prodaccess",)
    scopes: frozenset[str] = BOT_SCOPES
    events: frozenset[str] = BOT_EVENTS
    request_url: str | None = None
    """Where signed HTTP requests go. Without it everything goes over Socket Mode."""
    should_escape: bool = False
    """The manifest's `should_escape`: mentions in a command's text arrive as `<@U…|name>`."""


def _token(prefix: str) -> str:
    return f"{prefix}-{secrets.token_hex(16)}"


@dataclass(frozen=True, slots=True)
class Secrets:
    """The app's credentials; made anew unless given."""

    bot_token: str = field(default_factory=lambda: _token("xoxb"), repr=False)
    app_token: str = field(default_factory=lambda: _token("xapp"), repr=False)
    signing_secret: str = field(default_factory=lambda: secrets.token_hex(16), repr=False)


@dataclass(frozen=True, slots=True)
class Behaviour:
    """Timing, in seconds. The defaults are Slack's own; tests shorten what they would otherwise wait for."""

    ack_seconds: float = 3.0
    trigger_seconds: float = 3.0
    response_url_seconds: float = 1800.0
    response_url_uses: int = 5
    event_retry_delays: tuple[float, ...] = (0.0, 60.0, 300.0)
    kept_envelopes: int = 0
    """How many of the latest payloads to remember, for tests that send them again."""
    rate_limits: bool = False
    """chat.postMessage at about one a second and channel, with a small burst."""


@dataclass(frozen=True, slots=True)
class Workspace:
    """The description that a local workspace starts from."""

    people: tuple[SlackPerson, ...] = ()
    channels: tuple[SlackChannel, ...] = ()
    usergroups: tuple[SlackUsergroup, ...] = ()
    team_id: str = "T0LOCALDEMO"
    team_name: str = "Local workspace"
    team_domain: str = "local-workspace"
    app: SlackApp = field(default_factory=SlackApp)
    secrets: Secrets = field(default_factory=Secrets)
    behaviour: Behaviour = field(default_factory=Behaviour)
    manager_field: str | None = "Xf0MANAGER01"
    """Id of the profile's custom field "Manager"; None for a workspace without one."""

    def __post_init__(self) -> None:
        """Refuse a description that contradicts itself.

        Raises:
            ValueError: an id stands twice, or a channel, group or manager names somebody who is not there.
        """
        ids = [person.id for person in self.people]
        for kind, names in (
            ("person", ids),
            ("channel", [channel.id for channel in self.channels]),
            ("user group", [group.id for group in self.usergroups]),
        ):
            if len(set(names)) != len(names):
                raise ValueError(f"the workspace has two entries with the same {kind} id")
        named = {member for channel in self.channels for member in channel.members or ()}
        named |= {member for group in self.usergroups for member in group.users}
        named |= {person.manager for person in self.people if person.manager}
        if unknown := named - set(ids):
            raise ValueError(f"the workspace names people who are not in it: {', '.join(sorted(unknown))}")
