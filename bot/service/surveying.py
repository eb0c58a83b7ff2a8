"""Looking at everything at once, as an operator does at a shell, with Slack down and the bot stopped if need be."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

from bot.core.strays import PREFIX, DriftKind, Fate, Stray
from bot.service.effects import BATCH, LEASE, Runner
from bot.service.looking import Looking, Sight
from bot.service.reconciling import SECOND_LOOK, Reconciling
from bot.service.records import CloudError

HEAD = ("ACCOUNT", "PRINCIPAL", "POLICY", "WHAT", "SINCE (UTC)")
QUIET = timedelta(seconds=2)
"""So long without anything due after the second look, and all is done that can be done now."""
_WHAT = {
    DriftKind.MISSING: "missing: the grant is active, the account has no policy",
    DriftKind.ALTERED: "altered: the grant is active, its policy is not what was approved",
    DriftKind.UNKNOWN: "unknown: no live grant has this policy",
}
_DOING = {
    Fate.REMOVED: "being removed",
    Fate.ADOPTED: "being adopted",
    Fate.RESTORED: "being restored",
    Fate.VANISHED: "gone",
}


@dataclass(frozen=True, slots=True)
class Survey:
    """What one look at every account found."""

    sights: tuple[Sight, ...]
    unanswered: tuple[tuple[str, str], ...]
    """(account id, why) of what could not be looked at."""

    @property
    def rows(self) -> tuple[tuple[str, ...], ...]:
        """The differences, for a table under ``HEAD``."""
        return tuple(row for sight in self.sights for row in _rows(sight))


def survey(looking: Looking) -> Survey:
    """Look at every place of every account. Changes nothing; blocks for as long as it takes."""
    sights: list[Sight] = []
    unanswered: list[tuple[str, str]] = []
    for account in looking.access.catalogue().accounts.values():
        for place in looking.places(account):
            try:
                sights.append(looking.at(place))
            except CloudError as error:
                unanswered.append((account.id, str(error)))
                if error.passing:
                    break  # the account does not answer: the others of it would not either
    return Survey(tuple(sights), tuple(unanswered))


def act_on(found: Survey, reconciling: Reconciling, runner: Runner, *, patience: timedelta) -> bool:
    """Have what differs looked at again and acted on, as the service would, and see it through.

    False when something was still being done after ``patience``. Safe beside running replicas: whoever claims an
    effect first does it.
    """
    for sight in found.sights:
        reconciling.suspect(sight)
    started = time.monotonic()
    quiet_since = started + SECOND_LOOK.total_seconds()
    while time.monotonic() - started < patience.total_seconds():
        claims = [each for lane in ("drift", "access", "cloud") for each in runner.store.claim(lane, BATCH, LEASE)]
        for claim in claims:
            runner.run(claim)
        if claims:
            quiet_since = max(quiet_since, time.monotonic())
        elif time.monotonic() - quiet_since > QUIET.total_seconds():
            return True
        else:
            time.sleep(0.1)
    return False


def _rows(sight: Sight) -> Iterator[tuple[str, ...]]:
    for drift in sight.drifts:
        stray = sight.stray(drift.name)
        yield (
            drift.account,
            drift.principal,
            f"{PREFIX}{drift.name}",
            f"{_WHAT[drift.kind]}{f' ({standing(stray)})' if stray else ''}",
            f"{stray.found_at:%Y-%m-%d %H:%M:%S}" if stray else "just now",
        )


def standing(stray: Stray) -> str:
    """Where a stray that is not settled stands, in few words."""
    if stray.fate is not None:
        return f"{stray.id}: {_DOING[stray.fate]}"
    return f"{stray.id}: {'blocked' if stray.quarantined_at else 'NOT blocked'}, waits for an admin"
