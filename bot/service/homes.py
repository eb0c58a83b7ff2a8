"""Whose own page is kept up to date: that of whoever looked at it lately. Opened, it is made anew anyway."""

from datetime import datetime, timedelta

from bot.service.ports import Store, Tx

KEPT = timedelta(days=30)
"""How long after it was opened a page is still brought up to date by itself."""
NOTED_EVERY = timedelta(days=1)
"""That a page was opened is written down at most this often."""


def note_opened(store: Store, person: str) -> None:
    """This person (id) looks at their page. Call it before what is shown is read: no change falls in between."""
    with store.transaction() as tx:
        note(tx, person)


def note(tx: Tx, person: str) -> None:
    """As ``note_opened``, in a transaction."""
    at, now = _opened_at(tx, person), tx.now()
    if at is None or now - at >= NOTED_EVERY:
        tx.set_fact(_key(person), now.isoformat())


def is_kept(tx: Tx, person: str) -> bool:
    """Whether this person (id) looked at their page lately."""
    at = _opened_at(tx, person)
    return at is not None and tx.now() - at < KEPT


def _opened_at(tx: Tx, person: str) -> datetime | None:
    value = tx.fact(_key(person))
    return datetime.fromisoformat(value) if value else None


def _key(person: str) -> str:
    return f"home.opened:{person}"
