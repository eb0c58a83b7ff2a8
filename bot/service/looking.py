"""Looking at one principal: what the cloud has under our name, beside what the ledger has. Changes nothing."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from bot.core.model import Account, Grant, GrantStatus, Person
from bot.core.reconcile import GRACE, Drift, Found, Recorded, diff, is_quarantine
from bot.core.strays import QUARANTINE, Stray, is_settled_by_itself
from bot.service.access import Access
from bot.service.breaker import Accounts
from bot.service.ports import CloudProvider, Tx
from bot.service.records import CloudError

GONE = "gone"
"""What is said of an open stray that is a stray no more."""


@dataclass(frozen=True, slots=True)
class Place:
    """A principal in an account, by the way in which it is given access."""

    account: Account
    provider: str
    principal: str

    @property
    def key(self) -> str:
        """Its position among the account's places."""
        return f"{self.provider} {self.principal}"


@dataclass(frozen=True, slots=True)
class Sight:
    """What was seen at a place; ``at`` is the database's time of the ledger beside it (UTC)."""

    place: Place
    drifts: tuple[Drift, ...]
    open: tuple[Stray, ...]
    """Strays of this place that are not settled."""
    gone: tuple[Stray, ...]
    """Those among them that wait for a decision and are strays no more."""
    loose: tuple[Stray, ...]
    """Strays whose quarantine is not as it should be: to be put again, or to be lifted again."""
    grants: tuple[Grant, ...]
    at: datetime

    def verdict(self, name: str) -> str:
        """What is wrong with the policy of this name: a kind of drift, ``GONE``, or nothing (empty)."""
        if any(stray.name == name for stray in self.gone):
            return GONE
        return next((str(drift.kind) for drift in self.drifts if drift.name == name), "")

    def stray(self, name: str) -> Stray | None:
        """The open stray of this name."""
        return next((stray for stray in self.open if stray.name == name), None)


@dataclass(frozen=True, slots=True)
class Looking:
    """Reads the cloud first and the ledger after it, so that what changes in between cannot look like drift."""

    access: Access
    accounts: Accounts = field(default_factory=lambda: Accounts(at_once=1))
    """The same as for granting, so that looks do not take more than the account's share of threads."""

    def places(self, account: Account) -> tuple[Place, ...]:
        """Where something of ours may be: access.yaml's principals, and those of live grants and open strays."""
        with self.access.store.transaction() as tx:
            granted, strays = tx.principals_with_grants(account.id), tx.unsettled_strays(account.id)
        people = self.access.catalogue().people.values()
        known = {person.identities[account.id] for person in people if account.id in person.identities}
        principals = known | set(granted) | {stray.principal for stray in strays}
        places = (Place(account, name, principal) for name in self.access.providers for principal in principals)
        return tuple(sorted(places, key=lambda place: place.key))

    def at(self, place: Place) -> Sight:
        """Look. One call, and one for each active grant and each policy that only denies.

        Raises CloudError, and Retry while the account is left alone.
        """
        with self.accounts.place(place.account.id):
            return self._at(place)

    def _at(self, place: Place) -> Sight:
        provider = self.access.providers[place.provider]
        names = sorted({name for _, name in provider.existing(place.account, [place.principal])})
        with self.access.store.transaction() as tx:
            recorded, now = _recorded(tx, place, names), tx.now()
            unsettled = tuple(
                stray
                for stray in tx.unsettled_strays(place.account.id)
                if (stray.provider, stray.principal) == (place.provider, place.principal)
            )
        found = tuple(self._found(provider, place, recorded, names))
        seen = [(each.name, each.as_asked) for each in found]
        return Sight(
            place=place,
            drifts=diff(recorded, found, {place.principal}, now),
            open=unsettled,
            gone=tuple(
                stray
                for stray in unsettled
                if stray.fate is None and is_settled_by_itself(stray, seen, recorded.grants.get(stray.name))
            ),
            loose=tuple(_loose(recorded, found, unsettled, now)),
            grants=tuple(recorded.grants.values()),
            at=now,
        )

    def text(self, place: Place, name: str) -> str:
        """The whole policy of this name as it is now; empty when there is none. Raises as ``at``."""
        with self.accounts.place(place.account.id):
            return self.access.providers[place.provider].read(place.account, place.principal, name) or ""

    def owners(self, account: str, principal: str) -> tuple[Person, ...]:
        """Everyone in access.yaml whose principal it is, by id."""
        people = self.access.catalogue().people.values()
        return tuple(sorted((p for p in people if p.identities.get(account) == principal), key=lambda p: p.id))

    def _found(self, provider: CloudProvider, place: Place, recorded: Recorded, names: list[str]) -> Iterator[Found]:
        for name in names:
            grant, stray = recorded.grants.get(name), recorded.quarantines.get(name)
            if grant is not None and grant.status is GrantStatus.ACTIVE and grant.principal == place.principal:
                permission = self.access.permission(grant)
                if permission is not None and (seen := provider.observe(permission)).present:
                    yield Found(place.principal, name, seen.as_asked)
            elif stray is not None:
                text = provider.read(place.account, place.principal, name)
                if text is not None:
                    yield Found(place.principal, name, text == _denial(provider, stray))
            else:
                yield Found(place.principal, name)


def _recorded(tx: Tx, place: Place, names: list[str]) -> Recorded:
    here = {grant.id: grant for grant in tx.grants_of_principal(place.account.id, place.principal)}
    grants = {name: grant for name, grant in here.items() if grant.provider == place.provider}
    for name in names:
        if name not in grants and (request_id := tx.request_id_of_grant(name)):
            grants.update({grant.id: grant for grant in tx.grants(request_id) if grant.id == name})
    ids = {name: name.removeprefix(QUARANTINE) for name in names if name.startswith(QUARANTINE)}
    strays = {name: tx.stray(stray_id) for name, stray_id in ids.items()}
    return Recorded(place.account.id, grants, {name: stray for name, stray in strays.items() if stray})


def _loose(
    recorded: Recorded, found: tuple[Found, ...], unsettled: tuple[Stray, ...], now: datetime
) -> Iterator[Stray]:
    """What was put or lifted just now may not show yet."""
    there = {each.name: each for each in found if is_quarantine(recorded, each)}
    for stray in unsettled:
        quarantine = there.get(stray.quarantine)
        is_put = quarantine is not None and quarantine.as_asked
        if stray.fate is None and not is_put and _is_over(stray.quarantined_at, now):
            yield stray
    for each in there.values():
        stray = recorded.quarantines[each.name]
        if stray.settled_at is not None and _is_over(stray.settled_at, now):
            yield stray


def _is_over(moment: datetime | None, now: datetime, grace: timedelta = GRACE) -> bool:
    return moment is None or now - moment >= grace


def _denial(provider: CloudProvider, stray: Stray) -> str:
    try:
        return provider.denial(stray.text)
    except CloudError:
        return ""
