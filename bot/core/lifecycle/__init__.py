"""Every transition of a request and its grants.

    request: pending → approved | denied | cancelled | lapsed
    grant:   scheduled → granting → active → revoking → ended

``decide`` is pure: the time is a parameter, ids come with the commands. What is terminal absorbs: a late click, timer
or result gets a ``Refusal`` and changes nothing.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from bot.core import commands as c
from bot.core.decisions import Decision, Outcome, State
from bot.core.lifecycle import grants, requests, waiting
from bot.core.lifecycle.together import told_as_one

__all__ = ["decide"]


def decide(state: State, command: c.Command, now: datetime) -> Outcome:
    """What becomes of ``state`` by ``command`` at ``now`` (UTC)."""
    outcome = _TRANSITIONS[type(command)](state, command, now)
    return told_as_one(state, outcome, now) if isinstance(outcome, Decision) else outcome


_TRANSITIONS: Mapping[type, Callable[[State, Any, datetime], Outcome]] = {
    c.Submit: requests.submit,
    c.Approve: requests.approve,
    c.Deny: requests.deny,
    c.Claim: requests.claim,
    c.Cancel: requests.cancel,
    c.Lapse: requests.lapse,
    c.Remind: waiting.remind,
    c.Escalate: waiting.escalate,
    c.Review: requests.review,
    c.Adopt: requests.adopt,
    c.Start: grants.start,
    c.Granted: grants.granted,
    c.GrantFailed: grants.grant_failed,
    c.Expire: grants.expire,
    c.Release: grants.release,
    c.Revoke: grants.revoke,
    c.Removed: grants.removed,
    c.Lost: grants.lost,
}
