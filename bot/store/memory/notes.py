"""The audit log and the small things: used keys, drafts, posted messages, facts."""

from collections.abc import Sequence
from datetime import datetime

from bot.core.audit import Event
from bot.service.records import AuditRecord, Draft, PostedMessage
from bot.store.memory.state import MemorySession, check
from bot.store.notes import DRAFTS_KEPT
from bot.store.recording import recorded


class MemoryNotes(MemorySession):
    """The part of a transaction that knows the small things."""

    def once(self, key: str, until: datetime) -> bool:
        check(key, "key")
        check(until, "until")
        if self._state.once_keys.get(key) is not None:
            return False
        self._state.once_keys.put(key, until)
        return True

    def save_draft(self, draft: Draft) -> None:
        check(draft, "draft")
        for old in self._state.drafts.rows():
            if old.made_at < self.now() - DRAFTS_KEPT:
                self._state.drafts.remove(old.id)
        self._state.drafts.put(draft.id, draft)

    def draft(self, draft_id: str) -> Draft | None:
        return self._state.drafts.get(draft_id)

    def messages(self, subject: str) -> tuple[PostedMessage, ...]:
        found = (message for message in self._state.messages.rows() if message.subject == subject)
        return tuple(sorted(found, key=lambda message: (message.kind, message.destination)))

    def save_message(self, message: PostedMessage) -> None:
        check(message, "message")
        self._state.messages.put((message.subject, message.kind, message.destination), message)

    def fact(self, key: str) -> str | None:
        return self._state.facts.get(key)

    def set_fact(self, key: str, value: str) -> None:
        check(key, "key")
        check(value, "value")
        self._state.facts.put(key, value)

    def append(self, events: Sequence[Event]) -> None:
        records = recorded(events, self.now(), *self._state.head)
        log, before = self._state.log, len(self._state.log)
        self._state.undo.append(lambda: log.__delitem__(slice(before, None)))
        log.extend(records)

    def audit(self, after: int = 0, limit: int = 1000) -> tuple[AuditRecord, ...]:
        return tuple(self._state.log[max(after, 0) : max(after, 0) + limit])

    def audit_head(self) -> tuple[int, bytes]:
        return self._state.head
