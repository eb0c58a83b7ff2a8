"""Where access is granted, and what can be learnt there."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Protocol, runtime_checkable

from bot.core.lookups import Choice, LookUp
from bot.core.model import Account, Role
from bot.service.records import Observation, Permission


class CloudProvider(Protocol):
    """One way to grant. Every call is idempotent and safe to repeat after a time-out."""

    def render(self, role: Role, account: Account, params: Mapping[str, str]) -> str:
        """The exact statements (a JSON array, no time window) of a role with its parameters filled in.

        Pure. Raises ValueError that names the parameter that cannot be used.
        """
        ...

    def preflight(self, permission: Permission, *besides: Permission) -> Sequence[str]:
        """Why it cannot be granted, together with ``besides`` on the same principal; empty when it can.

        Sentences for the requester.

        Reads only. Raises CloudError when it cannot be known now.
        """
        ...

    def grant(self, permission: Permission) -> None:
        """Make it so. Raises CloudError."""
        ...

    def revoke(self, permission: Permission) -> None:
        """Remove it; that it (or the principal) is not there is success. Raises CloudError."""
        ...

    def observe(self, permission: Permission) -> Observation:
        """Read what is there. Raises CloudError."""
        ...

    def existing(self, account: Account, principals: Sequence[str]) -> Iterator[tuple[str, str]]:
        """(principal, grant id) of everything of ours among these principals. Raises CloudError."""
        ...

    def read(self, account: Account, principal: str, name: str) -> str | None:
        """The whole text (JSON) of one policy of ours; ``name`` is what ``existing`` calls it. ``None`` if not there.

        The same policy always gives the same text. Raises CloudError.
        """
        ...

    def remove(self, account: Account, principal: str, name: str) -> None:
        """Remove one policy of ours; that it (or the principal) is not there is success. Raises CloudError."""
        ...

    def deny(self, account: Account, principal: str, name: str, text: str) -> None:
        """Put ``name``: a policy that denies exactly what the policy ``text`` allows, and nothing else.

        ``read`` then gives ``denial(text)``. Raises CloudError; a lasting one where there is no room for it.
        """
        ...

    def denial(self, text: str) -> str:
        """What ``deny`` puts. Pure. Raises CloudError when ``text`` allows nothing."""
        ...

    def statements(self, text: str) -> tuple[str, datetime | None]:
        """The statements of a whole policy, as ``render`` gives them, and the end (UTC) that it carries, if any.

        Pure. Raises ValueError that says why they cannot be granted, as the end of a sentence.
        """
        ...

    def how_to_use(self, permission: Permission) -> Sequence[tuple[str, str]]:
        """(label, text) pairs that tell the holder how to use it: profile, command line, console link."""
        ...


@runtime_checkable
class LooksUp(Protocol):
    """What a CloudProvider may do beside: list what can be chosen."""

    def look_up(self, account: Account, lookup: LookUp) -> tuple[Choice, ...]:
        """What there is now, in the order of its values; of very much only the first. Reads only. Raises CloudError."""
        ...


@runtime_checkable
class KnowsOwners(Protocol):
    """What a CloudProvider may know beside: whose a resource is."""

    def owner(self, account: Account, role: Role, params: Mapping[str, str], parameter: str, tag: str) -> str:
        """The value of ``tag`` of what ``parameter`` names in the role's resources; empty where there is none.

        Empty too where several resources say different things. Reads only. Raises CloudError.
        """
        ...
