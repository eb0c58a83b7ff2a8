"""What the rules look at."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from bot.core.model import AccessRequest, Approval, Ask, Catalogue, Item, Person, Role, StepUp, StepUpPolicy
from bot.core.policy.approvers import (
    AT_ONCE,
    EVER,
    Sets,
    Standing,
    approver_set,
    stage_sets,
    standing,
    with_stand_ins,
)
from bot.core.policy.facts import NOTHING, Facts
from bot.core.policy.verdict import Reason


@dataclass(frozen=True, slots=True)
class Asking:
    """An ask as the rules of asking see it; ``now`` is UTC. ``at`` is which of its items is looked at."""

    catalogue: Catalogue
    requester: Person
    ask: Ask
    now: datetime
    facts: Facts = NOTHING
    """Gathered for the first item."""
    more_facts: tuple[Facts, ...] = ()
    """Gathered for each of ``ask.more``; where there are none, nothing is known."""
    at: int = 0
    asked_at: datetime | None = None
    """When it was asked for (UTC), where that was before ``now``: a start was near enough, and hours were on, then."""

    approvals: tuple[Approval, ...] = ()
    """Of a request that was asked already: who has said yes to it."""

    @property
    def asked_when(self) -> datetime:
        """When it was asked for (UTC); now, where it is being asked."""
        return self.asked_at or self.now

    @property
    def item(self) -> Item:
        """The target that is looked at."""
        return self.ask.items[self.at]

    @property
    def known(self) -> Facts:
        """The facts about this target."""
        facts = (self.facts, *self.more_facts)
        return facts[self.at] if self.at < len(facts) else NOTHING

    @property
    def role(self) -> Role:
        """The role asked for. Raises KeyError when there is none, which refuses."""
        return self.catalogue.roles[self.item.role]

    @property
    def begins(self) -> datetime:
        """When the access would begin if it were approved when asked for (UTC)."""
        return max(self.asked_when, starts_at(self.ask, self.known) or self.asked_when)

    def asked(self) -> tuple[Person, ...]:
        """Who may come to approve, escalations included. Raises KeyError when there is no such role."""
        return approver_set(self.catalogue, self.role, self.requester, self.known, waited=EVER, now=self.now)

    def sets(self, waited: timedelta = AT_ONCE) -> Sets:
        """Stage by stage, who may approve once it has waited for so long. Raises KeyError without a role."""
        return stage_sets(self.catalogue, self.role, self.requester, self.known, waited=waited, now=self.now)

    def sets_with_said(self, waited: timedelta = AT_ONCE) -> Sets:
        """As ``sets``, with those whose yes counted when they said it: who is away, or back, since then is no matter.

        Raises KeyError without a role.
        """

        def then(approval: Approval) -> Sets:
            known = replace(self.known, away=self.known.away_then.get(approval.person, {}))
            return stage_sets(self.catalogue, self.role, self.requester, known, waited=waited, now=approval.at)

        return with_stand_ins(self.sets(waited), self.approvals, then)


@dataclass(frozen=True, slots=True)
class Approving:
    """Somebody's yes as the rules of approving see it. ``facts`` are as of ``now`` (UTC)."""

    catalogue: Catalogue
    request: AccessRequest
    requester: Person
    approver: Person
    facts: Facts
    """Gathered for the first item."""
    step_up: StepUp | None
    now: datetime
    more_facts: tuple[Facts, ...] = ()
    """Gathered for each of the further items; where there are none, nothing is known."""
    at: int = 0
    """Which of the request's items is looked at."""

    @property
    def item(self) -> Item:
        """The target that is looked at."""
        return self.request.ask.items[self.at]

    @property
    def known(self) -> Facts:
        """The facts about this target."""
        facts = (self.facts, *self.more_facts)
        return facts[self.at] if self.at < len(facts) else NOTHING

    @property
    def role(self) -> Role:
        """The role as it is now. Raises KeyError when it is gone, which refuses."""
        return self.catalogue.roles[self.item.role]

    @property
    def each(self) -> tuple["Approving", ...]:
        """The same for each of the request's items."""
        return tuple(replace(self, at=at) for at, _ in enumerate(self.request.ask.items))

    @property
    def sets(self) -> Sets:
        """Stage by stage, who may approve now, or did in somebody's place. Raises KeyError when the role is gone."""
        asking = Asking(
            catalogue=self.catalogue,
            requester=self.requester,
            ask=self.request.ask,
            now=self.now,
            facts=self.facts,
            more_facts=self.more_facts,
            at=self.at,
            approvals=self.request.approvals,
        )
        return asking.sets_with_said(self.now - self.request.asked_at)

    @property
    def standing(self) -> Standing:
        """Where this target stands before this word. Raises KeyError when the role is gone."""
        return standing(self.role.stages, self.sets, self.said)

    @property
    def said(self) -> tuple[str, ...]:
        """Who has said yes, in that order."""
        return tuple(approval.person for approval in self.request.approvals)

    @property
    def is_theirs(self) -> bool:
        """Whether the approver is one of somebody now, in any stage of this target. Raises KeyError."""
        return any(person.id == self.approver.id for each in self.sets for person in each)


def starts_at(ask: Ask, facts: Facts) -> datetime | None:
    """When it begins at the earliest (UTC): as chosen, or where the grant ends that it goes on from."""
    return facts.extending.expires_at if ask.extends and facts.extending else ask.start_at


AskingRule = Callable[[Asking], Iterable[Reason]]
Rule = AskingRule
ApprovingRule = Callable[[Approving], Iterable[Reason]]


def ask_step_up(role: Role, ask: Ask) -> StepUpPolicy:
    """How fresh the requester's proof has to be: the role's, always one for this where nobody stands between."""
    return StepUpPolicy() if role.critical or ask.break_glass or ask.extends else role.ask_step_up


def approve_step_up(role: Role) -> StepUpPolicy:
    """How fresh an approver's proof has to be."""
    return StepUpPolicy() if role.critical else role.approve_step_up
