"""Step-up: when a typed code counts, when it locks, how long a proof stays fresh. Pure."""

import re
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from bot.core.model import StepUp, StepUpPolicy, StepUpRule

PERIOD = timedelta(seconds=30)
"""The TOTP time step (RFC 6238)."""
MAX_FAILURES = 5
LOCK_FOR = timedelta(minutes=30)
CLOCK_AHEAD = timedelta(seconds=5)
"""Two replicas' clocks may differ by this much before a proof counts as being from the future."""


@dataclass(frozen=True, slots=True)
class Attempts:
    """How often in a row a person failed, and until when (UTC) they are locked out."""

    failures: int = 0
    locked_until: datetime | None = None

    def is_locked(self, now: datetime) -> bool:
        """Whether no code is accepted at ``now`` (UTC)."""
        return self.locked_until is not None and now < self.locked_until

    def counted(self, now: datetime) -> "Attempts":
        """With one more attempt counted as failed; a lock that is over starts a new count."""
        before = 0 if self.locked_until is not None and now >= self.locked_until else self.failures
        failures = before + 1
        return Attempts(failures, now + LOCK_FOR if failures >= MAX_FAILURES else None)

    def passed(self) -> "Attempts":
        """After a right code."""
        return replace(self, failures=0, locked_until=None)


def is_code(text: str) -> bool:
    """Whether ``text`` is six ASCII digits. Full-width digits are not: pyotp would normalise and accept them."""
    return re.fullmatch(r"[0-9]{6}", text) is not None


def timecodes(now: datetime) -> tuple[int, int]:
    """The time steps whose codes are accepted at ``now`` (UTC): this one and the one before."""
    current = int(now.timestamp()) // int(PERIOD.total_seconds())
    return current, current - 1


def is_fresh(policy: StepUpPolicy, proof: StepUp | None, confirms: str, now: datetime) -> bool:
    """Whether ``proof`` satisfies ``policy`` for what ``confirms`` (a digest) names, at ``now`` (UTC).

    ``always`` wants a proof that was typed for exactly this; ``within`` any proof that is young enough.
    """
    if policy.rule is StepUpRule.NEVER:
        return True
    if proof is None or proof.at > now + CLOCK_AHEAD:
        return False
    if policy.rule is StepUpRule.ALWAYS:
        return proof.confirms == confirms and now - proof.at <= timedelta(minutes=5)
    return now - proof.at <= policy.within
