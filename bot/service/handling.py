"""Commands in transactions: lock, decide, write the state, the facts and the effects together."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from bot.core import commands
from bot.core.audit import Event, Tag
from bot.core.decisions import Decision, Outcome, Refusal, State
from bot.core.lifecycle import decide
from bot.core.model import AccessRequest, Effect, EndReason, Grant, GrantStatus
from bot.service.ports import Store, Tx
from bot.service.records import Claim, StaleWrite

MakeCommand = Callable[[Tx, State, datetime], commands.Command | Refusal]
"""Makes the command from what is stored, under its lock. Asks nothing of the world outside."""

FENCE = Refusal("fence", "Another worker has this.")
UNKNOWN = Refusal("unknown", "There is no such request or grant.")

OnTimer = tuple[Claim, commands.Command]
"""An effect, and the command that it became; the claim's subject is a grant's id, or a request's."""


def handle(store: Store, request_id: str, make: MakeCommand, claim: Claim | None = None) -> Outcome:
    """Decide and write; under ``claim``, only while its lease holds, and then it is finished too.

    Raises StoreUnavailable.
    """
    try:
        return _decide(store, request_id, make, claim)
    except StaleWrite:
        # Sent twice at the same moment: a row that is not there yet cannot be locked. Now it is there.
        return _decide(store, request_id, make, claim)


def handle_timers(store: Store, work: Sequence[OnTimer]) -> tuple[Outcome, ...]:
    """What effects became, many in one transaction: each is decided as ``handle`` would, in this order.

    What has no request is finished and told so. Raises StoreUnavailable; nothing is written then.
    """
    with store.transaction() as tx:
        where = _requests_of(tx, [claim.subject for claim, _ in work])
        requests = tx.requests(sorted(set(where.values())), lock=True)
        # After the requests' locks, as in ``handle``.
        held = tx.held([claim for claim, _ in work])
        batch = _Batch(dict(requests), dict(tx.grants_of(sorted(requests))), tx.now())
        outcomes = tuple(
            batch.decide(where.get(claim.subject, ""), command) if claim.id in held else FENCE
            for claim, command in work
        )
        done = zip(work, outcomes, strict=True)
        tx.finish_all([claim for (claim, _), outcome in done if claim.id in held and not _is_early(outcome)])
        batch.write(tx)
    return outcomes


@dataclass(slots=True)
class _Batch:
    """Requests and grants as they become, one decision after the other; each is saved once."""

    requests: dict[str, AccessRequest]
    grants: dict[str, tuple[Grant, ...]]
    now: datetime
    changed_requests: dict[str, AccessRequest] = field(default_factory=dict)
    changed_grants: dict[str, Grant] = field(default_factory=dict)
    events: list[Event] = field(default_factory=list)
    effects: dict[str, Effect] = field(default_factory=dict)
    cancels: list[str] = field(default_factory=list)

    def decide(self, request_id: str, command: commands.Command) -> Outcome:
        state = State(self.requests.get(request_id), self.grants.get(request_id, ()))
        if state.request is None:
            return UNKNOWN
        outcome = decide(state, command, self.now)
        if isinstance(outcome, Decision):
            self._take(request_id, outcome)
        return outcome

    def _take(self, request_id: str, decision: Decision) -> None:
        if decision.request is not None:
            self.requests[request_id] = self.changed_requests[request_id] = decision.request
        changed = {grant.id: grant for grant in decision.grants}
        self.changed_grants.update(changed)
        if changed:
            self.grants[request_id] = tuple(changed.get(grant.id, grant) for grant in self.grants[request_id])
        for key in decision.cancels:
            self.effects.pop(key, None)
        self.cancels += decision.cancels
        for effect in decision.effects:
            before = self.effects.get(effect.key)
            due_at = min(effect.due_at, before.due_at) if before else effect.due_at
            self.effects[effect.key] = replace(effect, due_at=due_at)
        self.events += decision.events

    def write(self, tx: Tx) -> None:
        for request in self.changed_requests.values():
            tx.save_request(request)
        tx.save_grants(list(self.changed_grants.values()))
        followed = _followed(tx, self.changed_grants.values())
        _write_rest(tx, self.cancels, (*self.effects.values(), *followed), self.events)


def _requests_of(tx: Tx, subjects: Sequence[str]) -> dict[str, str]:
    """The request of each subject: a grant's, or the subject itself."""
    found = tx.request_ids_of(subjects)
    return {subject: found.get(subject, subject) for subject in subjects}


def _decide(store: Store, request_id: str, make: MakeCommand, claim: Claim | None) -> Outcome:
    with store.transaction() as tx:
        request = tx.request(request_id, lock=True)
        # After the request's lock: who holds a click's lock and wants the effect's must not wait for us.
        if claim is not None and not tx.holds(claim):
            return FENCE
        state, now = State(request, tx.grants(request_id)), tx.now()
        command = make(tx, state, now)
        outcome = command if isinstance(command, Refusal) else decide(state, command, now)
        # What came early stays on the books: whoever runs it gives it back.
        if claim is not None and not _is_early(outcome):
            tx.finish(claim)
        if isinstance(outcome, Decision):
            _write(tx, outcome)
        elif outcome.code == "policy" and not isinstance(command, Refusal):
            tx.append([_refused(state, command, outcome)])
    return outcome


def _is_early(outcome: Outcome) -> bool:
    return isinstance(outcome, Refusal) and outcome.code == "early"


def _write(tx: Tx, decision: Decision) -> None:
    if decision.request is not None:
        tx.save_request(decision.request)
    for grant in decision.grants:
        tx.save_grant(grant)
    followed = _followed(tx, decision.grants)
    _write_rest(tx, decision.cancels, (*decision.effects, *followed), decision.events)


def _followed(tx: Tx, grants: Iterable[Grant]) -> list[Effect]:
    """What was to go on from a grant that is stopped before its end is stopped too."""
    stopped = [
        grant.id
        for grant in grants
        if grant.status is GrantStatus.REVOKING and grant.end_reason is not EndReason.EXPIRED
    ]
    # Whoever asks to go on from it has this too, up to their commit: it is seen here, or they see that it is stopped.
    tx.guard([f"grant:{each}" for each in stopped])
    now = tx.now()
    return [Effect("grant.follow", each, f"follow:{each}", now) for each in stopped if tx.extensions_of(each)]


def _write_rest(tx: Tx, cancels: Sequence[str], effects: Iterable[Effect], events: Sequence[Event]) -> None:
    """The audit head's lock last."""
    tx.cancel(cancels)
    tx.enqueue(sorted(effects, key=lambda effect: effect.key))
    tx.append(events)


def _refused(state: State, command: commands.Command, refusal: Refusal) -> Event:
    request = state.request
    return Event(
        Tag.REQUEST_REFUSED,
        command.actor,
        request.id if request else "",
        getattr(command, "grant_id", ""),
        request.ask.requester if request else "",
        request.ask.account if request else "",
        {"command": type(command).__name__.lower(), "why": refusal.text, **_rules(command)},
    )


def _rules(command: commands.Command) -> dict[str, object]:
    """By which rules it was refused, where rules judged it."""
    verdict = command.verdict if isinstance(command, commands.Approve | commands.Submit) else None
    return {"rules": sorted({reason.rule for reason in verdict.refusals})} if verdict else {}
