"""Asking, deciding and stopping: every use case is one command handled in one transaction.

What the directory or the cloud must say is asked before the transaction, never under its locks.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from bot.core import commands, policy, stepup
from bot.core.audit import Actor, ActorKind, Event, Tag
from bot.core.decisions import Outcome, Refusal, State
from bot.core.model import AccessRequest, Account, Ask, Catalogue, Grant, Person, RequestStatus, Role, StepUpRule
from bot.service.handling import UNKNOWN, handle
from bot.service.people import People
from bot.service.ports import CloudProvider, Ids, Store, Tx
from bot.service.proof import Codes
from bot.service.records import Claim, CloudError, DirectoryError, Draft, Permission
from bot.service.unrecorded import Owed, Stops

DRAFT_LIVES = timedelta(minutes=30)
"""How long after its form a draft can still be confirmed with a code."""

NO_DIRECTORY = Refusal(
    "directory", "Slack could not say just now who may do this. Nothing was changed; try again in a minute."
)
NO_ROLE = Refusal("gone", "This role or account is no longer offered. Ask again.")
ONE_TARGET = "Only one target at a time can be asked for, anew, and by approval."
LEFT = Refusal("gone", "The role, or the requester, is in access.yaml no more: this request cannot be decided.")
NO_MORE = "access.yaml, or Slack, says something else than when this was asked, so that it cannot be approved:"
WRONG_CODE = "code"
"""The refusal code of a TOTP code that was not accepted."""


@dataclass(frozen=True, slots=True)
class Access:
    """The lifecycle's use cases. Safe to share between threads."""

    store: Store
    catalogue: Callable[[], Catalogue]
    people: People
    providers: Mapping[str, CloudProvider]
    codes: Codes
    ids: Ids
    owed: Owed = field(default_factory=Owed)

    @property
    def stops(self) -> Stops:
        """How grants are stopped, with the audit log or, for a while, without it."""
        return Stops(self.store, self.providers, self.permission, self.owed)

    # --- asking ------------------------------------------------------------------------------------------

    def offer_to(self, person: Person) -> Catalogue:
        """The catalogue as this person may see it now. Reads the directory where it has to."""
        catalogue = self.catalogue()
        if not policy.offers_depend(catalogue):
            return catalogue
        return policy.as_offered_to(catalogue, person, self.people.eligibility(person), self.store.ping())

    def judge(self, person: Person, ask: Ask, now: datetime) -> policy.Verdict:
        """Whether ``person`` may ask for this. Reads the directory, writes nothing."""
        asking = self._asking(person, ask, now)
        return asking if isinstance(asking, policy.Verdict) else policy.may_ask(asking)

    def draft(self, person: Person, ask: Ask) -> Draft | policy.Verdict:
        """Keep an ask until its code is typed; the verdict instead when it may not be asked for."""
        asking = self._asking(person, ask, self.store.ping())
        verdict = asking if isinstance(asking, policy.Verdict) else policy.may_ask(asking)
        rendered = self._rendered(person, ask) if verdict.allowed else verdict
        if isinstance(rendered, policy.Verdict):
            self._note_refusal(person, ask, rendered)
            return rendered
        with self.store.transaction() as tx:
            draft = Draft(self.ids.new("r"), person.id, ask, tx.now())
            tx.save_draft(draft)
        return draft

    def preflight(self, draft: Draft, person: Person) -> tuple[str, ...]:
        """Why the cloud would not take this, as sentences; empty when it would or it cannot be known now."""
        role, account = self._offer(draft.ask)
        if role is None or account is None:
            return (NO_ROLE.text,)
        provider, now = self.providers[role.provider], self.store.ping()
        permission = Permission(
            grant_id=draft.id,
            account=account,
            principal=person.identities.get(account.id, ""),
            policy=provider.render(role, account, draft.ask.params),
            starts_at=draft.ask.start_at or now,
            expires_at=(draft.ask.start_at or now) + draft.ask.duration,
            person=person.id,
        )
        try:
            return tuple(provider.preflight(permission))
        except CloudError as error:
            return () if error.passing else (str(error),)

    def find_draft(self, draft_id: str, person: Person) -> Draft | None:
        """The person's own draft, while it can still be confirmed."""
        with self.store.transaction() as tx:
            draft = tx.draft(draft_id)
            young = draft is not None and tx.now() - draft.made_at <= DRAFT_LIVES
        return draft if draft is not None and young and draft.person == person.id else None

    def submit(self, draft: Draft, person: Person, actor: Actor) -> Outcome:
        """Turn a confirmed draft into a pending request; its id is the draft's, so twice is once.

        The step-up must have been made with ``draft.digest()`` before.
        """

        if draft.ask.role not in self.catalogue().roles:
            return NO_ROLE
        asked = self._asking(person, draft.ask, self.store.ping())
        if isinstance(asked, policy.Verdict):
            return NO_DIRECTORY

        def make(tx: Tx, _: State, now: datetime) -> commands.Command | Refusal:
            asking = replace(asked, now=now)
            verdict = policy.may_ask(asking)
            if not verdict.allowed:
                return Refusal("policy", " ".join(reason.text for reason in verdict.refusals))
            _wait_for_reset(tx, person)
            proof = tx.latest_step_up(person.id, draft.digest()) or tx.latest_step_up(person.id)
            proved = stepup.is_fresh(policy.ask_step_up(asking.role, draft.ask), proof, draft.digest(), now)
            return commands.Submit(actor, self._request(draft, asking), verdict, proved)

        return handle(self.store, draft.id, make)

    # --- deciding ----------------------------------------------------------------------------------------

    def approve(self, request_id: str, person: Person, actor: Actor) -> Outcome:
        """One person's yes. The refusal code ``step-up`` means: type a code first, then say it again."""
        found = self._look(request_id)
        if found is None:
            return LEFT if self.request(request_id) else UNKNOWN
        request, requester, role = found
        try:
            facts = self.people.facts(role, requester)
        except DirectoryError:
            return NO_DIRECTORY

        def make(tx: Tx, state: State, now: datetime) -> commands.Command | Refusal:
            current = state.request or request
            is_theirs = any(each.id == person.id for each in self._approvers(found, facts, now))
            if is_theirs and current.status is RequestStatus.PENDING:
                asking = policy.Asking(self.catalogue(), requester, current.ask, now, facts, asked_at=current.asked_at)
                changed = self._changed(current, asking, policy.may_ask(asking))
                if changed:
                    return Refusal("policy", f"{NO_MORE} {' '.join(changed)}")
            _wait_for_reset(tx, person)
            always = policy.approve_step_up(role).rule is StepUpRule.ALWAYS
            proof = tx.latest_step_up(person.id, current.digest() if always else None)
            approving = policy.Approving(self.catalogue(), current, requester, person, facts, proof, now)
            return commands.Approve(
                actor=actor,
                verdict=policy.may_approve(approving),
                stepped_up_at=proof.at if proof else None,
                grant_id=self.ids.new("g"),
                provider=role.provider,
                remind_before=role.remind_before,
            )

        return handle(self.store, request_id, make)

    def approve_with_code(self, request_id: str, person: Person, code: str, actor: Actor) -> Outcome:
        """As ``approve``, after a code that is bound to exactly this request."""
        request = self.request(request_id)
        if request is None:
            return UNKNOWN
        if request.status is not RequestStatus.PENDING:
            return Refusal("late", f"This request is already {request.status}.")
        if self.codes.verify(person.id, code, request.digest(), actor) is None:
            return Refusal(WRONG_CODE, "")
        return self.approve(request_id, person, actor)

    def deny(self, request_id: str, person: Person, note: str, actor: Actor) -> Outcome:
        """One person's no; it needs a reason and no code."""
        found = self._look(request_id)
        if found is None:
            return LEFT if self.request(request_id) else UNKNOWN
        _, requester, role = found
        try:
            facts = self.people.facts(role, requester)
        except DirectoryError:
            return NO_DIRECTORY

        def make(_: Tx, __: State, now: datetime) -> commands.Command:
            stays = any(approver.id == person.id for approver in self._approvers(found, facts, now))
            return commands.Deny(actor, note, stays and not person.is_same_human(requester))

        return handle(self.store, request_id, make)

    def cancel(self, request_id: str, person: Person, actor: Actor, note: str = "") -> Outcome:
        """The requester takes it back."""

        def make(_: Tx, state: State, __: datetime) -> commands.Command:
            owner = state.request is not None and state.request.ask.requester == person.id
            return commands.Cancel(actor, owner, note)

        return handle(self.store, request_id, make)

    def withdraw(self, request_id: str, actor: Actor, note: str) -> Outcome:
        """Cancel for the requester, who lost the means to ask; ``note`` says why."""
        return handle(self.store, request_id, lambda *_: commands.Cancel(actor, allowed=True, note=note))

    # --- stopping ----------------------------------------------------------------------------------------

    def release(self, grant_id: str, person: Person, actor: Actor) -> Outcome:
        """The holder is done."""

        def make(_: Tx, state: State, __: datetime) -> commands.Command:
            grant = state.grant(grant_id)
            return commands.Release(grant_id, actor, grant is not None and grant.person == person.id)

        return self.stops.stop(grant_id, make)

    def revoke(self, grant_id: str, person: Person | None, actor: Actor, note: str) -> Outcome:
        """Someone else stops it; ``person`` ``None`` is an operator at a shell, who may stop everything."""
        allowed = person is None or self.may_revoke(grant_id, person)
        return self.stops.stop(grant_id, lambda *_: commands.Revoke(grant_id, actor, note, allowed))

    def may_revoke(self, grant_id: str, person: Person) -> bool:
        """Whether this person is an admin or one of the role's approvers for this grant's holder."""
        grant = self.grant(grant_id)
        found = self._look(grant.request_id) if grant else None
        if found is None:
            return person.id in self.catalogue().admins
        _, requester, role = found
        facts = self.people.facts_if_any(role, requester)
        approvers = policy.approver_set(self.catalogue(), role, requester, facts, waited=policy.EVER)
        return policy.may_revoke(self.catalogue(), approvers, person)

    # --- timers ------------------------------------------------------------------------------------------

    def start(self, claim: Claim) -> Outcome:
        """A grant's time has come: the policy is asked once more, then the cloud call's intent is committed.

        Raises DirectoryError when the chat cannot say who may what: then it is not known yet.
        """
        with self.store.transaction() as tx:
            grant = tx.grants_by_id([claim.subject]).get(claim.subject)
            request, now = tx.request(grant.request_id) if grant else None, tx.now()
        found = self._offered(request) if request else None
        refusals = self._no_longer_allowed(found[0], found[1], now) if found else (NO_ROLE.text,)
        request_id = request.id if request else ""
        return handle(self.store, request_id, lambda *_: commands.Start(claim.subject, refusals), claim)

    # --- reading -----------------------------------------------------------------------------------------

    def request(self, request_id: str) -> AccessRequest | None:
        """A request as stored."""
        with self.store.transaction() as tx:
            return tx.request(request_id)

    def grant(self, grant_id: str) -> Grant | None:
        """A grant as stored."""
        with self.store.transaction() as tx:
            return tx.grants_by_id([grant_id]).get(grant_id)

    def permission(self, grant: Grant) -> Permission | None:
        """What the cloud is asked for; ``None`` when the catalogue no longer knows the account."""
        account = self.catalogue().accounts.get(grant.account)
        if account is None:
            return None
        return Permission(
            grant.id, account, grant.principal, grant.policy, grant.starts_at, grant.expires_at, grant.person
        )

    # --- pieces ------------------------------------------------------------------------------------------

    def _asking(self, person: Person, ask: Ask, now: datetime) -> policy.Asking | policy.Verdict:
        """What the rules look at; a refusing verdict when the chat cannot be asked."""
        if ask.more or ask.break_glass or ask.extends:
            return policy.Verdict((policy.Reason("way", False, ONE_TARGET, "role"),))
        try:
            return self._asking_now(person, ask, now)
        except DirectoryError:
            return policy.Verdict((policy.Reason("directory", False, NO_DIRECTORY.text, "role"),))

    def _asking_now(self, person: Person, ask: Ask, now: datetime) -> policy.Asking:
        catalogue, role = self.catalogue(), self.catalogue().roles.get(ask.role)
        # The chat is not asked about roles that are nothing to this person.
        if role is None or not (policy.may_use(role, person, now=now) or policy.slack_groups_of_asking(role)):
            return policy.Asking(catalogue, person, ask, now)
        return policy.Asking(catalogue, person, ask, now, self.people.facts(role, person))

    def _rendered(self, person: Person, ask: Ask) -> str | policy.Verdict:
        role, account = self._offer(ask)
        if role is None or account is None or account.id not in person.identities:
            return policy.Verdict((policy.Reason("role", False, NO_ROLE.text, "role"),))
        try:
            return self.providers[role.provider].render(role, account, ask.params)
        except ValueError as error:
            return policy.Verdict((policy.Reason("parameter", False, str(error), "params"),))

    def _request(self, draft: Draft, asking: policy.Asking) -> AccessRequest:
        role, ask = asking.role, draft.ask
        account = asking.catalogue.accounts[ask.account]
        return AccessRequest(
            id=draft.id,
            ask=ask,
            status=RequestStatus.PENDING,
            asked_at=asking.now,
            lapses_at=asking.now + role.lapses_after,
            principal=asking.requester.identities[ask.account],
            policy=self.providers[role.provider].render(role, account, ask.params),
            catalogue_digest=asking.catalogue.digest,
            approvers_asked=tuple(person.id for person in asking.asked()),
            channel=role.channel or asking.catalogue.channel,
            quorum=role.quorum,
        )

    def _no_longer_allowed(self, request: AccessRequest, requester: Person, now: datetime) -> tuple[str, ...]:
        # A start was near enough when asked; how far off it is now says nothing.
        asking = replace(self._asking_now(requester, request.ask, now), asked_at=request.asked_at)
        verdict = policy.may_ask(asking)
        reasons = self._changed(request, asking, verdict)
        if verdict.allowed and not self._is_approved_still(request, asking):
            return (*reasons, "Too few of those who approved this may approve it now.")
        return reasons

    def _changed(self, request: AccessRequest, asking: policy.Asking, verdict: policy.Verdict) -> tuple[str, ...]:
        """Why what was asked could not be asked now, by the catalogue in use, or would be something else."""
        requester, reasons = asking.requester, [reason.text for reason in verdict.refusals]
        if requester.identities.get(request.ask.account) != request.principal:
            reasons.append("The requester's identity in this account has changed.")
        if verdict.allowed and self._rendered(requester, request.ask) != request.policy:
            reasons.append("The role's permissions have changed since this was asked. Ask again.")
        return tuple(reasons)

    @staticmethod
    def _is_approved_still(request: AccessRequest, asking: policy.Asking) -> bool:
        said = [approval.person for approval in request.approvals]
        standing = policy.standing(asking.role.stages, asking.sets(policy.EVER), said)
        still = {person.id for person in asking.asked()} & set(said)
        return standing.complete and len(still) >= request.quorum

    def _approvers(
        self, of: tuple[AccessRequest, Person, Role], facts: policy.Facts, now: datetime
    ) -> tuple[Person, ...]:
        """Who may approve at ``now``."""
        request, requester, role = of
        waited = now - request.asked_at
        return policy.approver_set(self.catalogue(), role, requester, facts, waited=waited, now=now)

    def _look(self, request_id: str) -> tuple[AccessRequest, Person, Role] | None:
        request = self.request(request_id)
        return self._offered(request) if request else None

    def _offered(self, request: AccessRequest) -> tuple[AccessRequest, Person, Role] | None:
        requester = self.catalogue().people.get(request.ask.requester)
        role, _ = self._offer(request.ask)
        return (request, requester, role) if requester and role else None

    def _offer(self, ask: Ask) -> tuple[Role | None, Account | None]:
        return self.catalogue().roles.get(ask.role), self.catalogue().accounts.get(ask.account)

    def _note_refusal(self, person: Person, ask: Ask, verdict: policy.Verdict) -> None:
        """Log what was refused by policy; a mistyped field is nobody's business."""
        if not any(reason.rule in {"role", "account", "approvers"} for reason in verdict.refusals):
            return
        actor = Actor(ActorKind.PERSON, person.id)
        about = {"role": ask.role, "why": [reason.text for reason in verdict.refusals]}
        with self.store.transaction() as tx:
            tx.append([Event(Tag.REQUEST_REFUSED, actor, person=person.id, account=ask.account, data=about)])


def _wait_for_reset(tx: Tx, person: Person) -> None:
    """A reset of their authenticator that is under way takes the proof with it; a later one finds what was asked."""
    tx.authenticator(person.id, lock=True)
