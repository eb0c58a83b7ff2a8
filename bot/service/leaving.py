"""Who has left the chat, is only a guest there now, or cannot be found there, loses what they asked for and hold.

Whom access.yaml knows by an e-mail address alone cannot be found once that is nobody's: whether it was changed or they
have left, the chat does not say. Access does not stay with somebody who cannot be identified; the log says which it is.

Two ways lead here: the chat says that an account changed, and a look, twice a minute, at everyone who has something to
lose. Both only suspect an account; whether its owner left is asked of the directory anew, and only its answer counts.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.core.audit import SYSTEM, Event, Tag
from bot.core.model import Effect, GrantStatus
from bot.service.effects import Handler, Retry, finish
from bot.service.people import People
from bot.service.ports import Store, Tx
from bot.service.records import NO_SUCH_ADDRESS, ChatUser, Claim, DirectoryError, NotInDirectoryError
from bot.service.resetting import stop

LOOK_EVERY = timedelta(seconds=30)
STALE = timedelta(minutes=3)
"""A look that was not taken for this long is put on the books again. Longer than a page waits for its turn."""
FEW = 20
"""So many accounts are asked about one by one, else the directory is read page by page.

Slack (docs.slack.dev, "Rate limits") answers users.info more than 100 times a minute, users.lookupByEmail 50 times and
users.list 20 times, with up to 1,000 accounts each.
"""
TOLD_ONCE = timedelta(days=365)
_KEY = "leavers"
_LOOKED = "leavers.looked"


def suspect(account: str, now: datetime) -> Effect:
    """Find out whether the owner of ``account``, a chat id or an e-mail address, has left; ``now`` is UTC."""
    return Effect("people.leaver", account, f"leaver:{account}", now)


def note(store: Store, account: str) -> None:
    """The chat said that this account changed, and how: find out at once what that means."""
    with store.transaction() as tx:
        tx.enqueue([suspect(account, tx.now())])


@dataclass(frozen=True, slots=True)
class Leaving:
    """Handlers of ``people.leaver`` and ``people.leavers`` effects."""

    store: Store
    people: People

    def handlers(self) -> dict[str, Handler]:
        """By effect kind."""
        return {"people.leaver": self.leaver, "people.leavers": self.look}

    def keep_looking(self) -> bool:
        """Put the look at everyone on the books where it is not; cheap, and safe on many replicas. True if it was put.

        It needs no leader: the effect's key is the same for all, and each run enqueues the next.
        """
        with self.store.transaction() as tx:
            now, looked = tx.now(), tx.fact(_LOOKED)
            if looked is not None and now - datetime.fromisoformat(looked) < STALE:
                return False
            tx.enqueue([_next_look(now if looked is None else now + LOOK_EVERY)])
        return True

    def leaver(self, claim: Claim) -> None:
        """Has the owner of this account left? Raises DirectoryError when that is not known."""
        account = self.people.directory.fresh(claim.subject)
        if not account.refused:
            finish(self.store, claim)
            return
        person_id = self.people.person_of(account).id
        with self.store.transaction() as tx:
            if tx.holds(claim):
                _end(tx, person_id, account)
                tx.finish(claim)

    def look(self, claim: Claim) -> None:
        """Look at everyone who has something to lose, or at the next page of the directory, if they are many."""
        with self.store.transaction() as tx:
            holders = tx.holders()
        accounts = frozenset(account for person in holders for account in self.people.accounts_of(person))
        cursor = claim.payload.get("cursor", "")
        few, mail = len(accounts) <= FEW, claim.payload.get("mail", "")
        try:
            left, following = self._each(accounts) if few else self._page(accounts, cursor)
            if not few and not following:
                lost, mail = self._addresses(accounts, mail)
                left += lost
        except NotInDirectoryError:
            left, following = [], ""  # the cursor is too old: begin anew
        except DirectoryError as error:
            raise Retry(str(error), LOOK_EVERY) from error
        with self.store.transaction() as tx:
            if tx.holds(claim):
                now = tx.now()
                tx.finish(claim)
                tx.set_fact(_LOOKED, now.isoformat())
                then = _next_look(now if following else now + LOOK_EVERY, following, mail)
                tx.enqueue([*(suspect(account, now) for account in left), then])

    def _each(self, accounts: frozenset[str]) -> tuple[list[str], str]:
        return [account for account in sorted(accounts) if self.people.directory.fresh(account).refused], ""

    def _page(self, accounts: frozenset[str], cursor: str) -> tuple[list[str], str]:
        """Those of a page who are refused. Who is on no page at all is not judged by it: see ``_addresses``."""
        page, following = self.people.directory.page(cursor)
        refused = (user for user in page if user.refused)
        return [user.id for user in refused if {user.id, user.email.casefold()} & accounts], following

    def _addresses(self, accounts: frozenset[str], after: str) -> tuple[list[str], str]:
        """Those of the next few addresses that lead to nobody, and where to go on (empty: from the first)."""
        following = [account for account in sorted(accounts) if "@" in account and account > after]
        few = following[:FEW]
        lost = [account for account in few if self.people.directory.fresh(account).refused]
        return lost, few[-1] if len(following) > FEW else ""


def _next_look(due_at: datetime, cursor: str = "", mail: str = "") -> Effect:
    where = {"cursor": cursor, "mail": mail}
    return Effect("people.leavers", "everyone", _KEY, due_at, {name: text for name, text in where.items() if text})


def _end(tx: Tx, person_id: str, account: ChatUser) -> None:
    """Let everything of theirs be stopped; the log and the security channel hear of each request and grant once."""
    now = tx.now()
    requests = [request.id for request in tx.pending_requests(person_id)]
    grants = [each.id for each in tx.unfinished_grants(person_id) if each.status is not GrantStatus.REVOKING]
    if not requests and not grants:
        return
    lost = account.refused == NO_SUCH_ADDRESS
    why = "They cannot be identified in Slack any more." if lost else "They may not use prodaccess any more."
    tx.enqueue([stop(person_id, f"{why} {account.refused}", SYSTEM, now)])
    new = [each for each in (*requests, *grants) if tx.once(f"left:{each}", now + TOLD_ONCE)]
    if not new:
        return
    what = "unidentified" if lost else "left"
    told = {"account": account.id, "why": account.refused, "ends": ", ".join(new)}
    tx.enqueue([Effect("chat.alert", person_id, f"left:{new[0]}", now, {"what": what, "at": now.isoformat(), **told})])
    about = {**told, "ends": new}
    tx.append([Event(Tag.PERSON_UNIDENTIFIED if lost else Tag.PERSON_LEFT, SYSTEM, person=person_id, data=about)])
