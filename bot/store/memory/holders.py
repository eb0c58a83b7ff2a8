"""Who has something to lose."""

from bot.core.model import GrantStatus, RequestStatus
from bot.store.memory.state import MemorySession


class MemoryHolders(MemorySession):
    """The part of a transaction that knows who has something to lose."""

    def holders(self) -> tuple[str, ...]:
        holding = {grant.person for grant in self._state.grants.rows() if grant.status is not GrantStatus.ENDED}
        pending = (each for each in self._state.requests.rows() if each.status is RequestStatus.PENDING)
        return tuple(sorted(holding | {request.ask.requester for request in pending}))
