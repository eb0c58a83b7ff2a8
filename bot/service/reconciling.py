"""Effects of the drift lane: look at every account in turn, look twice, and then act on what differs.

Missing access ends as lost. What should not be there becomes a stray: see ``bot.service.tending``.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import structlog

from bot.core import commands
from bot.core.audit import SYSTEM, Tag
from bot.core.model import Account, Effect
from bot.core.strays import DriftKind, Fate, Stray, look_again, show_stray, stray_event, tend
from bot.service.effects import Handler, Retry, finish, finished
from bot.service.handling import handle
from bot.service.looking import GONE, Looking, Place, Sight
from bot.service.ports import Clock, Ids, Tx
from bot.service.records import Claim, CloudError, StaleWrite

log = structlog.get_logger(__name__)

PERIOD = timedelta(minutes=5)
"""From the end of one look at an account to the next."""
SECOND_LOOK = timedelta(seconds=15)
"""How long after the first look the second one is taken: longer than IAM was seen to be inconsistent."""
SLICE = timedelta(seconds=8)
"""How long one claim looks: as many as a worker takes at once fit into one lease."""
ACCOUNT_AWAY = timedelta(minutes=1)
"""When to go on after several places in a row gave no answer."""
AWAY_AFTER = 3
"""So many places in a row without an answer mean that the account gives none."""
PACE = timedelta(milliseconds=50)
"""Between two places, so that looking never takes what granting and revoking need of the cloud's quota."""
FORGOTTEN_AFTER = 3 * PERIOD
"""An account that nobody looked at for this long has lost its effect."""


@dataclass(frozen=True, slots=True)
class Reconciling:
    """Handlers of ``drift.look`` and ``drift.confirm``. ``pause`` sleeps for that many seconds."""

    looking: Looking
    clock: Clock
    ids: Ids
    pause: Callable[[float], None] = time.sleep

    def handlers(self) -> dict[str, Handler]:
        """By effect kind."""
        return {"drift.look": self.look, "drift.confirm": self.confirm}

    # --- keeping at it -----------------------------------------------------------------------------------

    def begin(self) -> None:
        """Look at every account now, as at the start of the service."""
        store = self.looking.access.store
        with store.transaction() as tx:
            tx.enqueue([_look(account, tx.now()) for account in self.looking.access.catalogue().accounts])

    def keep_at_it(self) -> int:
        """Look at accounts again that nobody has looked at for long, as after a new one; how many there were.

        Cheap, so that it can be asked often; of replicas that ask at once, one finds any.
        """
        access = self.looking.access
        with access.store.transaction() as tx:
            now = tx.now()
            forgotten = [account for account in access.catalogue().accounts if _is_forgotten(tx, account, now)]
            if forgotten:
                # Writing comes first: replicas that ask at the same moment wait here, and read again.
                tx.set_fact(_TURN, now.isoformat())
                forgotten = [account for account in forgotten if _is_forgotten(tx, account, now)]
            for account in forgotten:
                tx.set_fact(_looked_at(account), now.isoformat())
            tx.enqueue([_look(account, now) for account in forgotten])
        return len(forgotten)

    # --- looking -----------------------------------------------------------------------------------------

    def look(self, claim: Claim) -> None:
        """A slice of an account's places, from where the last one ended; then whatever comes next is enqueued."""
        account = self.looking.access.catalogue().accounts.get(claim.subject)
        if account is None:
            finish(self.looking.access.store, claim)  # it left access.yaml, and with it the way in
            return
        position, after = self._slice(account, claim.payload.get("after", ""))
        with self.looking.access.store.transaction() as tx:
            if finished(tx, claim):
                tx.set_fact(_looked_at(account.id), tx.now().isoformat())
                tx.enqueue([_look(account.id, tx.now() + after, {"after": position} if position else {})])

    def _slice(self, account: Account, after: str) -> tuple[str, timedelta]:
        """Look at the places after that position; where to go on (empty: from the start), and after how long."""
        started, away = self.clock.now(), 0
        for place in self.looking.places(account):
            if place.key <= after:
                continue
            if away == AWAY_AFTER:
                return after, ACCOUNT_AWAY
            if self.clock.now() - started >= SLICE:
                return after, timedelta(0)
            try:
                self.suspect(self.looking.at(place))
                away = 0
            except Retry as busy:
                return after, busy.after
            except CloudError as error:
                # The others must not wait for this one; its turn comes with the next look.
                log.warning("drift.no-answer", account=account.id, principal=place.principal, why=str(error))
                away += error.passing
                if error.retry_after is not None:
                    return after, error.retry_after
            after = place.key
            self.pause(PACE.total_seconds())
        return "", PERIOD

    def suspect(self, sight: Sight) -> int:
        """Have what differs looked at again in a while, and quarantines put right; how many differ."""
        names = [drift.name for drift in sight.drifts if self._is_news(sight, drift.name)]
        names += [stray.name for stray in sight.gone]
        later = sight.at + SECOND_LOOK
        effects = [_confirm(sight.place, name, sight.verdict(name), later) for name in names]
        effects += [tend(stray, sight.at) for stray in sight.loose]
        if effects:
            with self.looking.access.store.transaction() as tx:
                tx.enqueue(effects)
        return len(names)

    def _is_news(self, sight: Sight, name: str) -> bool:
        """Whether a difference is more than what its stray's record says already."""
        stray = sight.stray(name)
        if stray is None:
            return True
        if stray.fate is not None:
            return False  # whatever was decided is being done
        return sight.verdict(name) != stray.kind or self.looking.text(sight.place, name) != stray.text

    # --- the second look ---------------------------------------------------------------------------------

    def confirm(self, claim: Claim) -> None:
        """Look once more at one policy; what is seen twice, some time apart, is acted on."""
        account = self.looking.access.catalogue().accounts.get(claim.subject)
        if account is None:
            finish(self.looking.access.store, claim)
            return
        name = claim.payload["name"]
        sight = self.looking.at(Place(account, claim.payload["provider"], claim.payload["principal"]))
        verdict = sight.verdict(name)
        if verdict != claim.payload["verdict"]:
            again = (_confirm(sight.place, name, verdict, sight.at + SECOND_LOOK),) if verdict else ()
            finish(self.looking.access.store, claim, again)
        elif verdict == DriftKind.MISSING:
            self._lose(claim, name)
        elif verdict == GONE:
            self._vanish(claim, sight, name)
        elif verdict:
            self._record(claim, sight, name)
        else:
            finish(self.looking.access.store, claim)

    def _lose(self, claim: Claim, grant_id: str) -> None:
        store = self.looking.access.store
        with store.transaction() as tx:
            request_id = tx.request_id_of_grant(grant_id)
        if request_id is None:
            finish(store, claim)
        else:
            handle(store, request_id, lambda *_: commands.Lost(grant_id), claim)

    def _vanish(self, claim: Claim, sight: Sight, name: str) -> None:
        known = sight.stray(name)
        with self.looking.access.store.transaction() as tx:
            stray = tx.stray(known.id, lock=True) if known else None
            if not finished(tx, claim):
                return
            if stray is None or stray.fate is not None:
                return
            # The grant of what was altered may be missing now: that is seen for the first time.
            missing = (drift for drift in sight.drifts if drift.name == name)
            tx.enqueue([_confirm(sight.place, name, drift.kind, sight.at + SECOND_LOOK) for drift in missing])
            gone = replace(stray, fate=Fate.VANISHED, decided_at=tx.now(), settled_by=SYSTEM.id)
            tx.save_stray(gone)
            tx.enqueue([tend(gone, tx.now()), show_stray(gone, tx.now())])
            tx.append([stray_event(Tag.STRAY_DECIDED, SYSTEM, gone, fate=str(Fate.VANISHED))])

    def _record(self, claim: Claim, sight: Sight, name: str) -> None:
        text = self.looking.text(sight.place, name)
        if not text:
            finish(self.looking.access.store, claim)
            return
        found = self._stray(sight, name, text)
        try:
            self._save(claim, found)
        except StaleWrite:
            # Another replica recorded it between our look and our write: now it is there to be compared.
            self._save(claim, found)

    def _save(self, claim: Claim, found: Stray) -> None:
        with self.looking.access.store.transaction() as tx:
            known = tx.open_stray(found.account, found.principal, found.name)
            stray = tx.stray(known.id, lock=True) if known else None
            if not finished(tx, claim):
                return
            if stray is not None and (stray.fate is not None or (stray.kind, stray.text) == (found.kind, found.text)):
                return
            newest = found
            if stray is not None:
                newest = replace(
                    stray,
                    kind=found.kind,
                    text=found.text,
                    grant_id=found.grant_id,
                    quarantined_at=None,
                    problem="",
                )
            tx.save_stray(newest)
            tx.enqueue([tend(newest, tx.now()), show_stray(newest, tx.now())])
            tx.append([stray_event(Tag.STRAY_FOUND, SYSTEM, newest, text=newest.text, again=stray is not None)])

    def _stray(self, sight: Sight, name: str, text: str) -> Stray:
        place = sight.place
        owners = self.looking.owners(place.account.id, place.principal)
        grant = next((grant for grant in sight.grants if grant.id == name), None)
        return Stray(
            id=self.ids.new("q"),
            account=place.account.id,
            provider=place.provider,
            principal=place.principal,
            name=name,
            kind=DriftKind(sight.verdict(name)),
            text=text,
            person=owners[0].id if owners else "",
            found_at=sight.at,
            grant_id=grant.id if grant else "",
        )


_TURN = "drift.turn"


def _looked_at(account: str) -> str:
    return f"drift.looked-at:{account}"


def _is_forgotten(tx: Tx, account: str, now: datetime) -> bool:
    looked_at = tx.fact(_looked_at(account))
    return looked_at is None or now - datetime.fromisoformat(looked_at) >= FORGOTTEN_AFTER


def _look(account: str, due_at: datetime, payload: Mapping[str, str] | None = None) -> Effect:
    return Effect("drift.look", account, f"drift:{account}", due_at, payload or {})


def _confirm(place: Place, name: str, verdict: str, due_at: datetime) -> Effect:
    return look_again((place.account.id, place.provider, place.principal, name), verdict, due_at)
