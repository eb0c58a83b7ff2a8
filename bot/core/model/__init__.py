"""The nouns of prodaccess: frozen records that every floor shares.

All times are timezone-aware UTC. Nothing here does I/O or reads a clock.
"""

from bot.core.model.asks import Ask, Favourite, Item
from bot.core.model.catalogue import (
    Account,
    Catalogue,
    ChangeRule,
    Parameter,
    Role,
    Statement,
    StepUpPolicy,
    StepUpRule,
    Summary,
    Work,
)
from bot.core.model.digests import digest_of
from bot.core.model.effects import LANES, Effect, lane_of
from bot.core.model.grants import EndReason, Grant, GrantStatus
from bot.core.model.people import Absence, Person
from bot.core.model.requests import AccessRequest, Approval, Denial, Part, RequestStatus, Review, StepUp, Way

__all__ = [
    "LANES",
    "Absence",
    "AccessRequest",
    "Account",
    "Approval",
    "Ask",
    "Catalogue",
    "ChangeRule",
    "Denial",
    "Effect",
    "EndReason",
    "Favourite",
    "Grant",
    "GrantStatus",
    "Item",
    "Parameter",
    "Part",
    "Person",
    "RequestStatus",
    "Review",
    "Role",
    "Statement",
    "StepUp",
    "StepUpPolicy",
    "StepUpRule",
    "Summary",
    "Way",
    "Work",
    "digest_of",
    "lane_of",
]
