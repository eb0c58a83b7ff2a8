"""Asking, starting and stopping: every use case is one command handled in one transaction.

What the directory or the cloud must say is asked before the transaction, never under its locks.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from bot.core import commands, nudges, policy
from bot.core.audit import Actor, ActorKind, Event, Tag
from bot.core.decisions import Outcome, Refusal, State
from bot.core.model import AccessRequest, Ask, Catalogue, Grant, Person, Way
from bot.service import cases
from bot.service.cases import NO_LONGER, Cases, is_approved_still, requester_in
from bot.service.deciding import NO_DIRECTORY, Deciding, giving
from bot.service.facts import PATIENT, Gathering, Sources
from bot.service.handling import handle
from bot.service.people import People
from bot.service.ports import CloudProvider, Ids, Store, Tx
from bot.service.preflight import preflight
from bot.service.proof import Codes, wait_for_reset
from bot.service.records import Claim, DirectoryError, Draft, Permission
from bot.service.sources import SourceError
from bot.service.stopping import Stopping
from bot.service.submitting import grounds, is_proved, request_of
from bot.service.unrecorded import Owed, Stops
from bot.service.watching import watch

DRAFT_LIVES = timedelta(minutes=30)
"""How long after its form a draft can still be confirmed with a code."""

NO_ROLE = Refusal("gone", cases.NO_ROLE)


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
    sources: Sources = field(default_factory=Sources)

    @property
    def stops(self) -> Stops:
        """How grants are stopped, with the audit log or, for a while, without it."""
        return Stops(self.store, self.providers, self.permission, self.owed)

    @property
    def gathering(self) -> Gathering:
        """Gathers what the rules look at. Never under a database lock."""
        return Gathering(self.people, self.providers, self.sources, self.store.ping)

    @property
    def cases(self) -> Cases:
        """What the rules look at."""
        return Cases(self.catalogue, self.gathering, self.providers)

    @property
    def deciding(self) -> Deciding:
        """What people say about somebody's request."""
        return Deciding(self.store, self.cases, self.codes, self.ids)

    # --- asking ------------------------------------------------------------------------------------------

    def offer_to(self, person: Person) -> Catalogue:
        """The catalogue as this person may see it now. Reads the directory where it has to."""
        catalogue = self.catalogue()
        if not policy.offers_depend(catalogue):
            return catalogue
        return policy.as_offered_to(catalogue, person, self.people.eligibility(person), self.store.ping())

    def judge(self, person: Person, ask: Ask) -> policy.Verdict:
        """Whether ``person`` may ask for this. Reads the directory, writes nothing."""
        try:
            asking = self.cases.asking(person, ask, self.store.ping())
        except DirectoryError:
            return policy.Verdict((policy.Reason("directory", False, NO_DIRECTORY.text, "role"),))
        with self.store.transaction() as tx:
            return policy.may_ask(self.cases.counted(tx, asking))

    def draft(self, person: Person, ask: Ask) -> Draft | policy.Verdict:
        """Keep an ask until its code is typed; the verdict instead when it may not be asked for."""
        verdict = self.judge(person, ask)
        rendered = self.cases.rendered(self.catalogue(), person, ask) if verdict.allowed else verdict
        if isinstance(rendered, policy.Verdict):
            self._note_refusal(person, ask, rendered)
            return rendered
        with self.store.transaction() as tx:
            draft = Draft(self.ids.new("r"), person.id, ask, tx.now())
            tx.save_draft(draft)
        return draft

    def preflight(self, draft: Draft, person: Person) -> tuple[str, ...]:
        """Why the cloud would not take this, as sentences; empty when it would or it cannot be known now."""
        return preflight(self.cases, draft, person, self.store.ping())

    def find_draft(self, draft_id: str, person: Person) -> Draft | None:
        """The person's own draft, while it can still be confirmed."""
        with self.store.transaction() as tx:
            draft = tx.draft(draft_id)
            young = draft is not None and tx.now() - draft.made_at <= DRAFT_LIVES
        return draft if draft is not None and young and draft.person == person.id else None

    def submit(self, draft: Draft, person: Person, actor: Actor) -> Outcome:
        """Turn a confirmed draft into a request; its id is the draft's, so twice is once.

        It is pending, or approved at once where nobody has to be asked. The step-up must have been made with
        ``draft.digest()`` before.
        """
        if any(item.role not in self.catalogue().roles for item in draft.ask.items):
            return NO_ROLE
        try:
            asked = self.cases.asking(person, draft.ask, self.store.ping())
        except DirectoryError:
            return NO_DIRECTORY

        def make(tx: Tx, _: State, now: datetime) -> commands.Command | Refusal:
            wait_for_reset(tx, person)
            asking = self.cases.counted(tx, replace(asked, now=now), hold=True)
            verdict = policy.may_ask(asking)
            if not verdict.allowed:
                return Refusal("policy", " ".join(reason.text for reason in verdict.refusals))
            request = request_of(self.cases, draft, asking)
            return commands.Submit(
                actor=actor,
                request=request,
                verdict=verdict,
                proved=is_proved(tx, draft, asking),
                giving=None if request.way is Way.APPROVERS else giving(tx, asking.catalogue, self.ids, request),
                why=grounds(asking, request.way),
                escalations=nudges.escalations(asking.catalogue.roles[item.role] for item in draft.ask.items),
            )

        return handle(self.store, draft.id, make)

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

    @property
    def stopping(self) -> Stopping:
        """Stopping one grant, or all of a request."""
        return Stopping(self.stops, self._is_stopper)

    def release(self, subject: str, person: Person, actor: Actor) -> Outcome:
        """The holder is done with a grant, or with everything of a request."""
        return self.stopping.release(subject, person, actor)

    def revoke(self, subject: str, person: Person | None, actor: Actor, note: str) -> Outcome:
        """Someone else stops a grant, or what they may of a request; ``person`` ``None`` is an operator at a shell."""
        return self.stopping.revoke(subject, person, actor, note)

    def may_revoke(self, subject: str, person: Person) -> bool:
        """Whether this person may revoke that grant, or any grant of that request."""
        return bool(self.stopping.revocable(subject, person))

    def _is_stopper(self, grant: Grant, person: Person) -> bool:
        """Whether this person is an admin or one of the role's approvers for this grant's holder."""
        catalogue = self.catalogue()
        if person.id in catalogue.admins:
            return True
        request = self.request(grant.request_id)
        requester = requester_in(catalogue, request) if request else None
        if request is None or requester is None:
            return False
        role = catalogue.roles[grant.role]
        facts = self.gathering.facts_if_any(requester, request.ask, grant.item)
        approvers = policy.approver_set(catalogue, role, requester, facts, waited=policy.EVER)
        return policy.may_revoke(catalogue, approvers, person)

    # --- timers ------------------------------------------------------------------------------------------

    def start(self, claim: Claim) -> Outcome:
        """A grant's time has come: the policy is asked once more, then the cloud call's intent is committed.

        Raises DirectoryError when the chat cannot say who may what, SourceError when a source cannot that it hangs on:
        then it is not known yet.
        """
        with self.store.transaction() as tx:
            grant = tx.grants_by_id([claim.subject]).get(claim.subject)
            request, now = tx.request(grant.request_id) if grant else None, tx.now()
        requester = requester_in(self.catalogue(), request) if request else None
        asked = self._asked_then(request, requester, now) if request and requester else None

        def make(tx: Tx, state: State, now: datetime) -> commands.Command:
            if state.request is None or asked is None:
                return commands.Start(claim.subject, (NO_ROLE.text,))
            refusals = self._no_longer_allowed(tx, state.request, asked, now)
            if grant is not None and not refusals:
                tx.enqueue(watch(asked.catalogue, state.request, grant, now))
            return commands.Start(claim.subject, refusals)

        return handle(self.store, request.id if request else "", make, claim)

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

    def _asked_then(self, request: AccessRequest, requester: Person, now: datetime) -> policy.Asking:
        # Whoever was on call when they said yes need not be any more.
        moments = tuple(dict.fromkeys(approval.at for approval in request.approvals))
        return self.cases.asking(requester, request.ask, now, moments=moments, within=PATIENT)

    def _no_longer_allowed(
        self, tx: Tx, request: AccessRequest, asked: policy.Asking, now: datetime
    ) -> tuple[str, ...]:
        # A start was near enough when asked; how far off it is now says nothing.
        asking = self.cases.counted(
            tx, replace(asked, now=now, asked_at=request.asked_at, approvals=request.approvals), request.id
        )
        verdict = policy.may_ask(asking)
        reasons = self.cases.changed(request, asking, verdict)
        if verdict.allowed and not is_approved_still(request, asking):
            reasons = (*reasons, NO_LONGER[request.way])
        unknown = [each for at, _ in enumerate(request.ask.items) for each in replace(asking, at=at).known.unknown]
        if reasons and unknown:
            raise SourceError(" ".join(unknown), passing=True)
        return reasons

    def _note_refusal(self, person: Person, ask: Ask, verdict: policy.Verdict) -> None:
        """Log what was refused by policy; a mistyped field is nobody's business."""
        if not any(reason.rule in _NOTED for reason in verdict.refusals):
            return
        actor = Actor(ActorKind.PERSON, person.id)
        about = {"role": ask.role, "why": [reason.text for reason in verdict.refusals]}
        with self.store.transaction() as tx:
            tx.append([Event(Tag.REQUEST_REFUSED, actor, person=person.id, account=ask.account, data=about)])


_NOTED = frozenset({"role", "account", "approvers", "limit", "cool-down", "break-glass", "review", "extend"})
