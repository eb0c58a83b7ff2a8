"""Who people are in the chat."""

from collections.abc import Collection, Mapping, Sequence
from typing import Protocol

from bot.service.records import ChatUser


class Directory(Protocol):
    """Who the chat's accounts are."""

    def user(self, chat_id: str) -> ChatUser:
        """Raises DirectoryError; for an unknown id NotInDirectoryError."""
        ...

    def accounts(self, chat_ids: Collection[str]) -> Mapping[str, ChatUser]:
        """As ``user`` of many, in few calls: by their ids, without their managers, and without ids that are unknown.

        Raises DirectoryError.
        """
        ...

    def by_email(self, email: str) -> ChatUser | None:
        """The account of an e-mail address; ``None`` when nobody has it. Raises DirectoryError."""
        ...

    def fresh(self, account: str) -> ChatUser:
        """An account by its id or its e-mail address, as it is now; nothing remembered counts.

        One that is not there is refused. The manager may be left out. Raises DirectoryError when it is not known.
        """
        ...

    def page(self, cursor: str = "") -> tuple[Sequence[ChatUser], str]:
        """Some of all accounts, deactivated ones included, as they are now, and the cursor to the others.

        The first page for an empty cursor; the last has an empty one. Managers may be left out. Raises as ``user``,
        NotInDirectoryError for a cursor that leads nowhere any more.
        """
        ...

    def members(self, group_id: str) -> frozenset[str]:
        """Chat user ids in a user group, possibly minutes old. Raises as ``user``."""
        ...

    def remembered(self) -> "Directory":
        """The same, asking nobody: what is not remembered raises DirectoryError."""
        ...
