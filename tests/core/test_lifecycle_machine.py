"""Commands in any order, twice, early and late, against a model of the lifecycle that is written down a second time."""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from bot.core import commands as c
from bot.core.audit import Actor
from bot.core.decisions import Decision, Refusal, State
from bot.core.lifecycle import decide
from bot.core.model import AccessRequest, Effect, Grant
from bot.core.policy import Verdict
from tests.core.examples import HOUR, MINUTE, NO, NOW, PENDING, YES, actor

DESIGN = {
    *(("nothing", "pending"), ("pending", "approved"), ("pending", "denied"), ("pending", "cancelled")),
    *(("pending", "lapsed"), ("pending", "pending")),
    *(("nothing", "scheduled"), ("scheduled", "granting"), ("granting", "active"), ("granting", "revoking")),
    *(("active", "revoking"), ("scheduled", "ended"), ("revoking", "ended")),
}
"""Every transition of DESIGN §5; a request stays pending while its quorum is not complete."""
GIVING = c.Giving(("g-1",), ("cloud",), 10 * MINUTE)
CLOSED = {"approved", "denied", "cancelled", "lapsed"}

actors = st.sampled_from(["alice", "mona", "otto", "sam"]).map(actor)
verdicts = st.sampled_from([YES, YES, YES, NO])
mostly = st.sampled_from([True, True, True, False])
grant_ids = st.sampled_from(["g-1", "g-1", "g-1", "g-1", "g-2"])
moves = st.sampled_from([timedelta(0), timedelta(microseconds=1), MINUTE, 20 * MINUTE, HOUR, 4 * HOUR])


@dataclass(slots=True)
class Model:
    """Where the one request and its grant stand, in words; what the next command does is ``does``."""

    quorum: int
    start_at: datetime | None
    request: str = "nothing"
    grant: str = "nothing"
    yes: set[str] = field(default_factory=set)
    starts_at: datetime = NOW
    expires_at: datetime = NOW
    lapses_at: datetime = NOW
    reason: str = ""
    logged: list[str] = field(default_factory=list)
    """The tags of all transitions so far."""

    def does(self, command: c.Command, now: datetime) -> bool:
        """Make the transition; False where there is none."""
        if isinstance(command, c.Submit | c.Approve | c.Deny | c.Cancel | c.Lapse):
            return self._to_request(command, now)
        return self.grant != "nothing" and command.grant_id == "g-1" and self._to_grant(command, now)

    def _to_request(self, command: c.Command, now: datetime) -> bool:
        match command:
            case c.Submit() if self.request == "nothing" and command.verdict.allowed and command.proved:
                self.lapses_at = command.request.lapses_at
                return self._request_is("pending", "request.submitted")
            case c.Approve() if self.request == "pending" and now < self.lapses_at and command.verdict.allowed:
                return self._one_more_yes(command.actor, now)
            case c.Deny() if self.request == "pending" and command.allowed:
                return self._request_is("denied", "request.denied")
            case c.Cancel() if self.request == "pending" and command.allowed:
                return self._request_is("cancelled", "request.cancelled")
            case c.Lapse() if self.request == "pending" and now >= self.lapses_at:
                return self._request_is("lapsed", "request.lapsed")
        return False

    def _one_more_yes(self, who: Actor, now: datetime) -> bool:
        self.yes.add(who.id)
        if len(self.yes) < self.quorum:
            return self._request_is("pending", "request.approval-added")
        self.starts_at = now if self.start_at is None or self.start_at < now else self.start_at
        self.expires_at = self.starts_at + PENDING.ask.duration
        return self._request_is("approved", "request.approved") and self._grant_is("scheduled", "grant.scheduled")

    def _to_grant(self, command: c.Command, now: datetime) -> bool:
        match command:
            case c.Start() if self.grant == "scheduled" and now >= self.expires_at:
                return self._stop("expired")
            case c.Start() if self.grant == "scheduled" and now >= self.starts_at:
                return self._stop("failed") if command.refusals else self._grant_is("granting", "grant.started")
            case c.Granted() if self.grant == "granting":
                return self._grant_is("active", "grant.active")
            case c.GrantFailed() if self.grant == "granting":
                return self._stop("failed")
            case c.Expire() if now >= self.expires_at:
                return self._stop("expired")
            case c.Release() if command.allowed:
                return self._stop("released")
            case c.Revoke() if command.allowed:
                return self._stop("revoked")
            case c.Removed() if self.grant == "revoking":
                return self._grant_is("ended", "grant.ended")
        return False

    def _stop(self, reason: str) -> bool:
        if self.grant not in {"scheduled", "granting", "active"}:
            return False
        self.reason = reason
        if self.grant == "scheduled":
            return self._grant_is("ended", "grant.ended")
        return self._grant_is("revoking", "grant.revoking")

    def _request_is(self, status: str, tag: str) -> bool:
        assert (self.request, status) in DESIGN
        self.request = status
        self.logged.append(tag)
        return True

    def _grant_is(self, status: str, tag: str) -> bool:
        assert (self.grant, status) in DESIGN
        self.grant = status
        self.logged.append(tag)
        return True


class Lifecycle(RuleBasedStateMachine):
    """``decide`` beside the model. ``books`` are the effects that wait, as the database would keep them."""

    def __init__(self) -> None:
        super().__init__()
        self.now = NOW
        self.state = State(None)
        self.asked = PENDING
        self.model = Model(PENDING.quorum, None)
        self.sent: list[c.Command] = []
        self.logged: list[str] = []
        self.books: dict[str, Effect] = {}

    # --- what can happen ---------------------------------------------------------------------------------

    @initialize(
        quorum=st.integers(1, 3),
        start_in=st.sampled_from([None, -MINUTE, 20 * MINUTE, 5 * HOUR]),
        so_far=st.sampled_from([0, 1, 1, 2, 3, 3, 4, 5, 6, 7]),
    )
    def it_has_come_so_far(self, quorum: int, start_in: timedelta | None, so_far: int) -> None:
        """Most of what can go wrong goes wrong later than at the start."""
        start_at = None if start_in is None else NOW + start_in
        self.asked = replace(PENDING, quorum=quorum, ask=replace(PENDING.ask, start_at=start_at))
        self.model = Model(quorum, start_at)
        asked = [c.Submit(actor("alice"), self.asked, YES, proved=True)]
        said_yes = [c.Approve(actor(who), YES, NOW, GIVING, completes=True) for who in ("mona", "otto", "sam")]
        for command in (*asked, *said_yes[:quorum])[:so_far]:
            self._send(command)
        for _ in range(so_far - 1 - quorum):
            if self.model.grant != "ended":
                self.what_waits_longest_comes_true(still_allowed=True)

    @rule(by=moves)
    def time_passes(self, by: timedelta) -> None:
        self.now += by

    @rule(which=st.sampled_from(["lapses_at", "starts_at", "expires_at"]), early=st.booleans())
    def a_boundary_comes(self, which: str, early: bool) -> None:
        """To the very instant, or to the last one before it."""
        moment: datetime = getattr(self.model, which)
        self.now = max(self.now, moment - timedelta(microseconds=1) if early else moment)

    @rule(verdict=verdicts, proved=mostly)
    def submit(self, verdict: Verdict, proved: bool) -> None:
        self._send(c.Submit(actor("alice"), self.asked, verdict, proved))

    @rule(who=actors, verdict=verdicts)
    def approve(self, who: Actor, verdict: Verdict) -> None:
        self._send(c.Approve(who, verdict, self.now, GIVING, completes=True))

    @rule(who=actors, early=st.booleans())
    def approve_as_it_lapses(self, who: Actor, early: bool) -> None:
        self.a_boundary_comes("lapses_at", early)
        self.approve(who, YES)

    @rule(who=actors, allowed=mostly)
    def deny(self, who: Actor, allowed: bool) -> None:
        self._send(c.Deny(who, "Not now.", allowed))

    @rule(allowed=mostly)
    def cancel(self, allowed: bool) -> None:
        self._send(c.Cancel(actor("alice"), allowed))

    @rule()
    def lapse(self) -> None:
        self._send(c.Lapse())

    @rule(grant_id=grant_ids, refusals=st.sampled_from([(), (), ("No longer an engineer.",)]))
    def start(self, grant_id: str, refusals: tuple[str, ...]) -> None:
        self._send(c.Start(grant_id, refusals))

    @rule(grant_id=grant_ids)
    def granted(self, grant_id: str) -> None:
        self._send(c.Granted(grant_id))

    @rule(grant_id=grant_ids)
    def grant_failed(self, grant_id: str) -> None:
        self._send(c.GrantFailed(grant_id, "There is no user alice."))

    @rule(grant_id=grant_ids)
    def expire(self, grant_id: str) -> None:
        self._send(c.Expire(grant_id))

    @rule(grant_id=grant_ids, allowed=mostly)
    def release(self, grant_id: str, allowed: bool) -> None:
        self._send(c.Release(grant_id, actor("alice"), allowed))

    @rule(grant_id=grant_ids, allowed=mostly)
    def revoke(self, grant_id: str, allowed: bool) -> None:
        self._send(c.Revoke(grant_id, actor("sam"), "Odd traffic.", allowed))

    @rule(grant_id=grant_ids)
    def removed(self, grant_id: str) -> None:
        self._send(c.Removed(grant_id))

    @precondition(lambda self: self.sent)
    @rule(data=st.data())
    def an_old_command_comes_again(self, data: st.DataObject) -> None:
        self._send(data.draw(st.sampled_from(self.sent)))

    @precondition(lambda self: self.books)
    @rule(still_allowed=mostly)
    def what_waits_longest_comes_true(self, still_allowed: bool) -> None:
        """The service does what is on the books, in time."""
        effect = min(self.books.values(), key=lambda effect: (effect.due_at, effect.key))
        self.now = max(self.now, effect.due_at)
        done = c.Granted("g-1") if self.model.grant == "granting" else c.Removed("g-1")
        self._send(
            {
                "request.lapse": c.Lapse(),
                "grant.start": c.Start("g-1", () if still_allowed else ("No longer an engineer.",)),
                "grant.expire": c.Expire("g-1"),
                "grant.converge": done,
            }[effect.kind]
        )

    # --- what must be so ---------------------------------------------------------------------------------

    @invariant()
    def the_records_are_what_the_model_says(self) -> None:
        request, grant = self._request(), self._grant()
        assert (str(request.status) if request else "nothing") == self.model.request
        assert (str(grant.status) if grant else "nothing") == self.model.grant
        assert grant is None or grant.end_reason is None or str(grant.end_reason) == self.model.reason

    @invariant()
    def each_transition_is_logged_once(self) -> None:
        assert self.logged == self.model.logged

    @invariant()
    def there_is_one_grant_at_most_and_it_is_what_was_approved(self) -> None:
        request, grant = self._request(), self._grant()
        assert len(self.state.grants) == (self.model.request == "approved")
        if request is None or grant is None:
            return
        assert grant.digest == request.digest() == self.asked.digest()
        assert (grant.starts_at, grant.expires_at) == (self.model.starts_at, self.model.expires_at)
        assert (grant.principal, grant.policy, grant.person) == (request.principal, request.policy, "alice")

    @invariant()
    def approved_means_that_enough_persons_said_yes(self) -> None:
        request = self._request()
        if request is not None and self.model.request == "approved":
            assert len({approval.person for approval in request.approvals}) >= request.quorum

    @invariant()
    def what_has_an_end_has_it_on_the_books(self) -> None:
        assert ("lapse:r-1" in self.books) == (self.model.request == "pending")
        due = {key: effect.due_at for key, effect in self.books.items()}
        if self.model.grant in {"scheduled", "granting", "active"}:
            assert due["expire:g-1"] == self.model.expires_at
        if self.model.grant == "scheduled":
            assert due["start:g-1"] == self.model.starts_at
        if self.model.grant == "ended":
            assert not self.books

    @invariant()
    def the_cloud_is_told_of_each_change_of_what_it_should_be(self) -> None:
        assert ("converge:g-1" in self.books) == (self.model.grant in {"granting", "revoking"})

    # --- pieces ------------------------------------------------------------------------------------------

    def _send(self, command: c.Command) -> None:
        self.sent.append(command)
        outcome = decide(self.state, command, self.now)
        assert outcome == decide(self.state, command, self.now), "the same question has one answer"
        was = (self.model.request, self.model.grant)
        if not self.model.does(command, self.now):
            assert isinstance(outcome, Refusal), f"{was}: {outcome}"
            return
        assert was[0] not in CLOSED or was[1] not in {"nothing", "ended"}, "what is terminal absorbs"
        assert isinstance(outcome, Decision), f"{was}: {outcome}"
        self._take(command, outcome)

    def _take(self, command: c.Command, decision: Decision) -> None:
        """As the service writes it: an effect that was served is gone, then cancels, then what is new."""
        self.logged += [str(event.tag) for event in decision.events]
        grants = {grant.id: grant for grant in self.state.grants}
        grants.update({grant.id: grant for grant in decision.grants})
        self.state = State(decision.request or self.state.request, tuple(grants.values()))
        served = {c.Start: "start:g-1", c.Granted: "converge:g-1", c.GrantFailed: "converge:g-1"}
        served |= {c.Removed: "converge:g-1", c.Expire: "expire:g-1", c.Lapse: "lapse:r-1"}
        for key in (served.get(type(command)), *decision.cancels):
            self.books.pop(key, None)
        told = ("chat.", "people.")
        self.books |= {effect.key: effect for effect in decision.effects if not effect.kind.startswith(told)}

    def _request(self) -> AccessRequest | None:
        return self.state.request

    def _grant(self) -> Grant | None:
        return self.state.grant("g-1")


TestNoOrderOfCommandsBreaksTheLifecycle = Lifecycle.TestCase
TestNoOrderOfCommandsBreaksTheLifecycle.settings = settings(
    max_examples=1500, stateful_step_count=25, deadline=None, derandomize=True, print_blob=True
)
