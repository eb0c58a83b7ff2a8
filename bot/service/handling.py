"""One command, one transaction: lock, decide, write the state, the facts and the effects together."""

from collections.abc import Callable
from datetime import datetime

from bot.core import commands
from bot.core.audit import Event, Tag
from bot.core.decisions import Decision, Outcome, Refusal, State
from bot.core.lifecycle import decide
from bot.service.ports import Store, Tx
from bot.service.records import Claim, StaleWrite

MakeCommand = Callable[[Tx, State, datetime], commands.Command | Refusal]
"""Makes the command from what is stored, under its lock. Asks nothing of the world outside."""


def handle(store: Store, request_id: str, make: MakeCommand, claim: Claim | None = None) -> Outcome:
    """Decide and write; under ``claim``, only while its lease holds, and then it is finished too.

    Raises StoreUnavailable.
    """
    try:
        return _decide(store, request_id, make, claim)
    except StaleWrite:
        # Sent twice at the same moment: a row that is not there yet cannot be locked. Now it is there.
        return _decide(store, request_id, make, claim)


def _decide(store: Store, request_id: str, make: MakeCommand, claim: Claim | None) -> Outcome:
    with store.transaction() as tx:
        request = tx.request(request_id, lock=True)
        # After the request's lock: who holds a click's lock and wants the effect's must not wait for us.
        if claim is not None and not tx.holds(claim):
            return Refusal("fence", "Another worker has this.")
        state, now = State(request, tx.grants(request_id)), tx.now()
        command = make(tx, state, now)
        outcome = command if isinstance(command, Refusal) else decide(state, command, now)
        # What came early stays on the books: whoever runs it gives it back.
        if claim is not None and not (isinstance(outcome, Refusal) and outcome.code == "early"):
            tx.finish(claim)
        if isinstance(outcome, Decision):
            _write(tx, outcome)
        elif outcome.code == "policy" and not isinstance(command, Refusal):
            tx.append([_refused(state, command, outcome)])
    return outcome


def _write(tx: Tx, decision: Decision) -> None:
    """All of a decision, the audit head's lock last."""
    if decision.request is not None:
        tx.save_request(decision.request)
    if decision.grant is not None:
        tx.save_grant(decision.grant)
    tx.cancel(decision.cancels)
    tx.enqueue(sorted(decision.effects, key=lambda effect: effect.key))
    tx.append(decision.events)


def _refused(state: State, command: commands.Command, refusal: Refusal) -> Event:
    request = state.request
    return Event(
        Tag.REQUEST_REFUSED,
        command.actor,
        request.id if request else "",
        getattr(command, "grant_id", ""),
        request.ask.requester if request else "",
        request.ask.account if request else "",
        {"command": type(command).__name__.lower(), "why": refusal.text},
    )
