"""How a grant is made longer: what is known of it beside the grant itself."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from bot.core import policy
from bot.core.model import AccessRequest, Catalogue, Grant, GrantStatus
from bot.service.ports import Tx


@dataclass(frozen=True, slots=True)
class GoingOn:
    """How a grant is made longer: by which request, and by which grant once that is approved."""

    request: AccessRequest
    grant: Grant | None

    @property
    def until(self) -> datetime | None:
        """When what goes on ends (UTC); ``None`` while nobody approved it, and when it was stopped."""
        grant = self.grant
        gone = grant is None or grant.status in {GrantStatus.REVOKING, GrantStatus.ENDED}
        return None if grant is None or gone else grant.expires_at


def may_go_on(catalogue: Catalogue, request: AccessRequest, grant: Grant, asked: Iterable[AccessRequest]) -> bool:
    """Whether it makes sense to offer that this grant of ``request`` be made longer; the policy has the last word.

    ``asked`` are the requests to go on from it so far.
    """
    role = catalogue.roles.get(grant.role)
    allowed = role is not None and role.extend is not None and not request.ask.extends
    return allowed and grant.status is GrantStatus.ACTIVE and going_on(asked) is None


def going_on(asked: Iterable[AccessRequest]) -> AccessRequest | None:
    """The request that makes a grant longer, or waits for a yes to."""
    return next((request for request in asked if request.status in policy.GOES_ON), None)


def how_it_goes_on(tx: Tx, asked: Iterable[AccessRequest]) -> GoingOn | None:
    """The same with its grant; ``None`` when there is no such request."""
    request = going_on(asked)
    return GoingOn(request, next(iter(tx.grants(request.id)), None)) if request else None
