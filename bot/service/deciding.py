"""Deciding: yes, no, and "I'm on it". Each is one command in one transaction."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from bot.core import commands, policy
from bot.core.audit import Actor
from bot.core.decisions import Outcome, Refusal, State
from bot.core.model import AccessRequest, Catalogue, Person, RequestStatus, StepUpRule
from bot.service.cases import Case, Cases
from bot.service.handling import UNKNOWN, handle
from bot.service.ports import Ids, Store, Tx
from bot.service.proof import Codes, wait_for_reset
from bot.service.records import DirectoryError

NO_DIRECTORY = Refusal(
    "directory", "Slack could not say just now who may do this. Nothing was changed; try again in a minute."
)
LEFT = Refusal("gone", "The role, or the requester, is in access.yaml no more: this request cannot be decided.")
NO_MORE = "access.yaml, or Slack, says something else than when this was asked, so that it cannot be approved:"
WRONG_CODE = "code"
"""The refusal code of a TOTP code that was not accepted."""


@dataclass(frozen=True, slots=True)
class Deciding:
    """What people say about somebody's request. Safe to share between threads; blocks, and reads the directory."""

    store: Store
    cases: Cases
    codes: Codes
    ids: Ids

    def approve(self, request_id: str, person: Person, actor: Actor) -> Outcome:
        """One person's yes. The refusal code ``step-up`` means: type a code first, then say it again."""
        case = self._case(request_id)
        if isinstance(case, Refusal):
            return case

        def make(tx: Tx, state: State, now: datetime) -> commands.Command | Refusal:
            current = state.request or case.request
            wait_for_reset(tx, person)
            approving = self._approving(tx, case, current, person, now)
            if _is_theirs(approving) and current.status is RequestStatus.PENDING:
                changed = self._changed(tx, case, current, now)
                if changed:
                    return Refusal("policy", f"{NO_MORE} {' '.join(changed)}")
            always = any(policy.approve_step_up(each.role).rule is StepUpRule.ALWAYS for each in approving.each)
            proof = tx.latest_step_up(person.id, current.digest() if always else None)
            proved = replace(approving, step_up=proof)
            verdict = policy.may_approve(proved)
            return commands.Approve(
                actor=actor,
                verdict=verdict,
                stepped_up_at=proof.at if proof else None,
                giving=giving(tx, case.catalogue, self.ids, current),
                completes=verdict.allowed and policy.completes(proved),
                wanted=max(each.role.quorum for each in proved.each),
            )

        return handle(self.store, request_id, make)

    def approve_with_code(self, request_id: str, person: Person, code: str, actor: Actor) -> Outcome:
        """As ``approve``, after a code that is bound to exactly this request."""
        request = self._request(request_id)
        if request is None:
            return UNKNOWN
        if request.status is not RequestStatus.PENDING:
            return Refusal("late", f"This request is already {request.status}.")
        if self.codes.verify(person.id, code, request.digest(), actor) is None:
            return Refusal(WRONG_CODE, "")
        return self.approve(request_id, person, actor)

    def deny(self, request_id: str, person: Person, note: str, actor: Actor) -> Outcome:
        """One person's no; it needs a reason and no code."""

        def make(approving: policy.Approving) -> commands.Command:
            return commands.Deny(actor, note, _is_anothers(approving), policy.is_enough_against(approving))

        return self._decide(request_id, person, make)

    def claim(self, request_id: str, person: Person, actor: Actor) -> Outcome:
        """The others see that this person looks at it."""
        return self._decide(request_id, person, lambda approving: commands.Claim(actor, _is_anothers(approving)))

    # --- pieces ------------------------------------------------------------------------------------------

    def _decide(
        self, request_id: str, person: Person, command: Callable[[policy.Approving], commands.Command]
    ) -> Outcome:
        case = self._case(request_id)
        if isinstance(case, Refusal):
            return case
        return handle(
            self.store,
            request_id,
            lambda tx, state, now: command(self._approving(tx, case, state.request or case.request, person, now)),
        )

    def _approving(self, tx: Tx, case: Case, current: AccessRequest, person: Person, now: datetime) -> policy.Approving:
        first, *more = case.facts
        approving = policy.Approving(case.catalogue, current, case.requester, person, first, None, now, tuple(more))
        return self.cases.approving(tx, approving)

    def _changed(self, tx: Tx, case: Case, current: AccessRequest, now: datetime) -> tuple[str, ...]:
        first, *more = case.facts
        asking = policy.Asking(
            case.catalogue,
            case.requester,
            current.ask,
            now,
            first,
            tuple(more),
            asked_at=current.asked_at,
            approvals=current.approvals,
        )
        counted = self.cases.counted(tx, asking, current.id, hold=True)
        return self.cases.changed(current, counted, policy.may_ask(counted))

    def _case(self, request_id: str) -> Case | Refusal:
        request = self._request(request_id)
        if request is None:
            return UNKNOWN
        try:
            return self.cases.case(request) or LEFT
        except DirectoryError:
            return NO_DIRECTORY

    def _request(self, request_id: str) -> AccessRequest | None:
        with self.store.transaction() as tx:
            return tx.request(request_id)


def giving(tx: Tx, catalogue: Catalogue, ids: Ids, request: AccessRequest) -> commands.Giving:
    """What the request's grants are made with, once it is approved. Raises KeyError without one of its roles."""
    roles, old = catalogue.roles, None
    if request.ask.extends:
        old = tx.grants_by_id([request.ask.extends]).get(request.ask.extends)
    return commands.Giving(
        grant_ids=tuple(ids.new("g") for _ in request.ask.items),
        providers=tuple(roles[item.role].provider for item in request.ask.items),
        remind_before=max(roles[item.role].remind_before for item in request.ask.items),
        begins=old.expires_at if old else None,
    )


def _is_theirs(approving: policy.Approving) -> bool:
    return any(each.is_theirs for each in approving.each)


def _is_anothers(approving: policy.Approving) -> bool:
    """Whether the approver may speak about this: it is one of theirs, and not their own."""
    return _is_theirs(approving) and not approving.approver.is_same_human(approving.requester)
