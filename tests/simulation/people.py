"""What people do: each takes a moment's facts and returns the click, which any replica can take, once or more often."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from bot.core.audit import Actor, ActorKind
from bot.core.decisions import Decision, Outcome
from bot.core.model import Ask, Item, StepUpRule
from bot.core.policy import Verdict
from bot.core.stepup import PERIOD
from bot.core.strays import Stray
from bot.service.people import Refused
from bot.service.records import Draft, StoreUnavailable
from tests.core.examples import ADMIN, ASK, DEPLOY, HOUR, MINUTE, READ, VAULT, actor
from tests.service.fakes import code_at
from tests.simulation.company import secret_of

if TYPE_CHECKING:
    from tests.simulation.history import History
    from tests.simulation.replica import Replica

Act = Callable[["Replica"], object]
Click = tuple[str, Act]
"""What a person does, in words, and doing it at a replica: what comes of it is an outcome, a stray or words."""

FURTHER = (
    Item("deploy", "search", {}),
    Item("deploy", "payments", {}),
    Item("s3-read", "search", {"bucket": "payments-logs"}),
    Item("db-admin", "payments", {}),
)
"""Second targets."""
OPERATOR = Actor(ActorKind.OPERATOR, "root", "cli")


def ask(history: "History") -> Click:
    """Fill in the form, type the code, send it."""
    rng, company = history.rng, history.company
    person = rng.choice(("alice", "alice", "alice", "bob"))
    (role,) = rng.choices((READ, DEPLOY, ADMIN, VAULT), (12, 8, 6, 1))
    start = company.time.now() + rng.choice((-1, 1, 20, 90)) * MINUTE if rng.random() < 0.2 else None
    wanted = Ask(
        requester=person,
        role=role.id,
        account="search" if person == "alice" and role is not ADMIN and rng.random() < 0.2 else "payments",
        params={"bucket": "payments-logs"} if role is READ else {},
        work=rng.choice(("bug-fix", "incident")),
        duration=rng.choice((MINUTE, 2 * MINUTE, 15 * MINUTE, HOUR)),
        reason=ASK.reason,
        ticket="PAY-1" if role is ADMIN else "",
        start_at=start,
    )
    wanted = _varied(history, wanted)
    needs_code = role.ask_step_up.rule is not StepUpRule.NEVER or wanted.break_glass or wanted.more
    code = code_of(history, person) if needs_code else ""

    def act(replica: "Replica") -> Outcome | str:
        draft = replica.access.draft(replica.person(person), wanted)
        if isinstance(draft, Verdict):
            return "may not: " + draft.refusals[0].text
        history.drafts.append(draft)
        if problems := replica.access.preflight(draft, replica.person(person)):
            return "cannot: " + problems[0]
        return send(replica, draft, code)

    more = "".join(f" and {item.role} in {item.account}" for item in wanted.more)
    how = " and breaks glass" if wanted.break_glass else ""
    return f"{person} asks for {role.id} in {wanted.account}{more} for {wanted.duration}{how}", act


def _varied(history: "History", ask: Ask) -> Ask:
    """Sometimes with a second target, or by breaking glass; who broke it tries that again."""
    drawn, owes = history.rng.random(), history.company.invariants.book.owed(ask.requester)
    if drawn < 0.12:
        return replace(ask, more=(history.rng.choice(FURTHER),), ticket="PAY-1")
    return replace(ask, break_glass=True, start_at=None) if drawn < (0.5 if owes else 0.2) else ask


def send_again(history: "History") -> Click | None:
    """Confirm a draft, perhaps once more."""
    if not history.drafts:
        return None
    draft = history.rng.choice(history.drafts[-3:])
    code = code_of(history, draft.person)
    return f"{draft.person} sends {draft.id}", lambda replica: send(replica, draft, code)


def send(replica: "Replica", draft: Draft, code: str) -> Outcome | str:
    """Type the code for what was drafted, and send it."""
    person, by = replica.person(draft.person), actor(draft.person)
    if code and replica.codes.verify(person.id, code, draft.digest(), by) is None:
        return "the code does not count"
    return replica.access.submit(draft, person, by)


def approve(history: "History") -> Click | None:
    """Click Approve, then type a code if one is wanted."""
    request_id = history.pick_request()
    if request_id is None:
        return None
    person = history.pick_approver(request_id)
    code = code_of(history, person)

    def act(replica: "Replica") -> Outcome:
        outcome = replica.access.deciding.approve(request_id, replica.person(person), actor(person))
        if not isinstance(outcome, Decision) and outcome.code == "step-up":
            return replica.access.deciding.approve_with_code(request_id, replica.person(person), code, actor(person))
        return outcome

    return f"{person} approves {request_id}", act


def approve_with_wrong_code(history: "History") -> Click | None:
    """A mistyped code, one for something else, or one that was used."""
    request_id = history.pick_request()
    if request_id is None:
        return None
    person = history.pick_approver(request_id)
    now = history.company.time.now()
    code = code_at(secret_of(person), history.used.get(person, now) if history.rng.random() < 0.5 else now - HOUR)

    def act(replica: "Replica") -> Outcome:
        return replica.access.deciding.approve_with_code(request_id, replica.person(person), code, actor(person))

    return f"{person} types a code that is wrong or used for {request_id}", act


def deny(history: "History") -> Click | None:
    request_id = history.pick_request()
    if request_id is None:
        return None
    person = history.pick_approver(request_id)

    def act(replica: "Replica") -> Outcome:
        return replica.access.deciding.deny(request_id, replica.person(person), "Not now.", actor(person))

    return f"{person} denies {request_id}", act


def cancel(history: "History") -> Click | None:
    request_id = history.pick_request()
    if request_id is None:
        return None
    person = history.rng.choice(("alice", "alice", "bob"))

    def act(replica: "Replica") -> Outcome:
        return replica.access.cancel(request_id, replica.person(person), actor(person))

    return f"{person} cancels {request_id}", act


def release(history: "History") -> Click | None:
    grant_id = history.pick_grant()
    if grant_id is None:
        return None
    person = history.rng.choice(("alice", "alice", "bob"))

    def act(replica: "Replica") -> Outcome:
        return replica.access.release(grant_id, replica.person(person), actor(person))

    return f"{person} releases {grant_id}", act


def revoke(history: "History") -> Click | None:
    """An admin, an approver, somebody who may not, or an operator at a shell."""
    grant_id = history.pick_grant()
    if grant_id is None:
        return None
    person = history.rng.choice(("sam", "otto", "bob", ""))

    def act(replica: "Replica") -> Outcome:
        who = replica.person(person) if person else None
        return replica.access.revoke(grant_id, who, actor(person) if person else OPERATOR, "Odd traffic.")

    return f"{person or 'an operator'} revokes {grant_id}", act


def outcome_of(act: Act, replica: "Replica") -> str:
    """What the person is told, in few words."""
    try:
        outcome = act(replica)
    except Refused as refused:
        return f"refused: {refused}"
    except StoreUnavailable as error:
        return f"an apology: {error}"
    if isinstance(outcome, str):
        return outcome
    if isinstance(outcome, Stray):
        return f"{outcome.id} is {outcome.fate}"
    if not isinstance(outcome, Decision):
        return f"refused ({outcome.code})"  # type: ignore[attr-defined]
    records = [record for record in (outcome.request, *outcome.grants) if record is not None]
    return ", ".join(f"{record.id} is {record.status}" for record in records)


def code_of(history: "History", person: str) -> str:
    """A person's next code: who has typed this one already waits for another."""
    time, last = history.company.time, history.used.get(person)
    period = PERIOD.total_seconds()
    if last is not None and time.now().timestamp() // period <= last.timestamp() // period:
        time.move(timedelta(seconds=period - time.now().timestamp() % period))
    history.used[person] = time.now()
    return code_at(secret_of(person), time.now())
