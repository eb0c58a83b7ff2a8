"""Defects that somebody could write, one by one, and the promise that each breaks."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import pytest

from bot.core import decisions, lifecycle, policy, reconcile, stepup
from bot.core.audit import Event
from bot.core.commands import Giving
from bot.core.decisions import Decision, Outcome
from bot.core.lifecycle import decide
from bot.core.model import AccessRequest, Account, Grant, Way
from bot.core.policy import ways
from bot.core.strays import DriftKind, Stray
from bot.service import granting, handling
from bot.service.access import Access
from bot.service.clock import DatabaseClock
from bot.service.effects import Runner, finish
from bot.service.ports import CloudProvider
from bot.service.reconciling import Reconciling
from bot.service.records import Claim, Observation, Permission, PostedMessage
from bot.service.tending import Tending
from bot.store.memory.effects import MemoryEffects
from bot.store.memory.history import MemoryHistory
from bot.store.memory.notes import MemoryNotes
from tests.core.examples import DAY, HOUR, YES
from tests.simulation.outside import SimChat, SimCloud, SimDirectory

Patch = pytest.MonkeyPatch


@dataclass(frozen=True, slots=True)
class Defect:
    """``apply`` brings it into the running code; ``breaks`` (a pattern) is found in what the simulation then says.

    ``looked_for_from`` is a seed that showed it once: it saves the histories before it. One that no longer does costs
    time and nothing else.
    """

    name: str
    apply: Callable[[Patch], None]
    breaks: str
    looked_for_from: int = 0


def _ignore_fences(patch: Patch) -> None:
    patch.setattr(MemoryEffects, "_held", lambda self, claim: self._state.effects.get(claim.key))


def _grant_without_end(patch: Patch) -> None:
    right = SimCloud.grant
    patch.setattr(
        SimCloud,
        "grant",
        lambda self, permission: right(self, replace(permission, expires_at=permission.expires_at + DAY)),
    )


def _decide_twice(patch: Patch) -> None:
    right = decisions.pending
    patch.setattr(
        "bot.core.lifecycle.requests.pending", lambda request: request if request is not None else right(request)
    )


def _forget_expiry(patch: Patch) -> None:
    def forgetful(state: Any, command: Any, now: datetime) -> Outcome:
        outcome = decide(state, command, now)
        if not isinstance(outcome, Decision):
            return outcome
        return replace(outcome, effects=tuple(effect for effect in outcome.effects if effect.kind != "grant.expire"))

    patch.setattr(handling, "decide", forgetful)


def _post_without_looking(patch: Patch) -> None:
    right = SimChat.post
    patch.setattr(SimChat, "post", lambda self, *what, maybe_posted: right(self, *what, maybe_posted=False))


def _forget_what_may_be_posted(patch: Patch) -> None:
    right = MemoryNotes.save_message

    def save(self: MemoryNotes, message: PostedMessage) -> None:
        if message.ref:
            right(self, message)

    patch.setattr(MemoryNotes, "save_message", save)


def _believe_in_the_removal(patch: Patch) -> None:
    patch.setattr(SimCloud, "observe", lambda self, permission: Observation(present=False))


def _let_anybody_approve(patch: Patch) -> None:
    patch.setattr(policy, "may_approve", lambda approving: YES)


def _take_any_code_for_fresh(patch: Patch) -> None:
    patch.setattr(stepup, "is_fresh", lambda *_: True)


def _ask_the_policy_once(patch: Patch) -> None:
    patch.setattr(Access, "_no_longer_allowed", lambda *_: ())


def _leave_what_was_put_late(patch: Patch) -> None:
    patch.setattr(granting.Granting, "_converge_again", lambda *_: None)


def _lose_a_record(patch: Patch) -> None:
    right = MemoryNotes.append

    def append(self: MemoryNotes, events: Sequence[Event]) -> None:
        right(self, [event for event in events if event.tag != "grant.active"])

    patch.setattr(MemoryNotes, "append", append)


def _grant_before_the_intent(patch: Patch) -> None:
    right = granting.Granting.start

    def start(self: granting.Granting, claim: Claim) -> None:
        grant = self.access.grant(claim.subject)
        permission = self.access.permission(grant) if grant else None
        if permission is not None:
            self.access.providers["cloud"].grant(permission)
        right(self, claim)

    patch.setattr(granting.Granting, "start", start)


def _remove_in_the_lane_of_messages(patch: Patch) -> None:
    patch.setattr(
        "bot.core.model.effects.lane_of", lambda kind: "access" if kind in {"grant.expire", "grant.start"} else "chat"
    )


def _give_up(patch: Patch) -> None:
    right = Runner._give_back

    def drop(self: Runner, claims: Sequence[Claim], *why: Any) -> None:
        if claims[0].kind != "grant.converge":
            right(self, claims, *why)
            return
        for claim in claims:
            finish(self.store, claim)

    patch.setattr(Runner, "_give_back", drop)


def _believe_any_clock(patch: Patch) -> None:
    patch.setattr(DatabaseClock, "is_skewed", False)


def _grant_an_hour_more(patch: Patch) -> None:
    right = decisions.scheduled

    def longer(*known: Any) -> tuple[Grant, ...]:
        return tuple(replace(grant, expires_at=grant.expires_at + HOUR) for grant in right(*known))

    patch.setattr("bot.core.lifecycle.requests.scheduled", longer)


EVERYTHING = '[{"Effect":"Allow","Action":["*"],"Resource":["*"]}]'


def _grant_another_policy(patch: Patch) -> None:
    right = Access.permission

    def wider(self: Access, grant: Grant) -> Permission | None:
        permission = right(self, grant)
        return permission and replace(permission, policy=EVERYTHING)

    patch.setattr(Access, "permission", wider)


def _delete_blindly(patch: Patch) -> None:
    def remove(self: Tending, claim: Claim, stray: Stray, account: Account, provider: CloudProvider) -> None:
        provider.remove(account, stray.principal, stray.name)
        self._note(claim, stray, "")

    patch.setattr(Tending, "_hold", remove)


def _deny_everything(patch: Patch) -> None:
    right = SimCloud.deny
    wide = EVERYTHING.join(('{"Version":"2012-10-17","Statement":', "}"))
    patch.setattr(SimCloud, "deny", lambda self, account, who, name, text: right(self, account, who, name, wide))


def _overlook_an_alteration(patch: Patch) -> None:
    right = SimCloud.observe
    patch.setattr(SimCloud, "observe", lambda self, asked: replace(right(self, asked), as_asked=True))


def _keep_quiet_about_what_is_missing(patch: Patch) -> None:
    patch.setattr(Reconciling, "_lose", lambda self, claim, _: finish(self.looking.access.store, claim))


def _call_what_was_granted_a_stray(patch: Patch) -> None:
    right = reconcile._kind

    def strange(recorded: reconcile.Recorded, found: reconcile.Found, now: datetime) -> DriftKind | None:
        grant = recorded.grants.get(found.name)
        return DriftKind.ALTERED if grant and grant.status == "active" else right(recorded, found, now)

    patch.setattr(reconcile, "_kind", strange)


def _settle_before_it_is_gone(patch: Patch) -> None:
    patch.setattr("bot.service.tending._take_away", lambda *_: None)


def _let_leavers_keep_it(patch: Patch) -> None:
    patch.setattr("bot.service.leaving._end", lambda *_: None)


def _stop_whoever_is_suspected(patch: Patch) -> None:
    right = SimDirectory.fresh
    patch.setattr(SimDirectory, "fresh", lambda self, account: replace(right(self, account), refused="It seems so."))


def _let_go_on_what_was_stopped(patch: Patch) -> None:
    patch.setattr(handling, "_followed", lambda *_: [])


def _make_longer_for_ever(patch: Patch) -> None:
    patch.setattr(policy, "GOES_ON", frozenset())


def _begin_anew_at_the_approval(patch: Patch) -> None:
    right = decisions.scheduled

    def at_once(request: AccessRequest, giving: Giving, now: datetime) -> tuple[Grant, ...]:
        return right(request, replace(giving, begins=None), now)

    patch.setattr("bot.core.lifecycle.requests.scheduled", at_once)


def _go_on_alone_always(patch: Patch) -> None:
    right = ways.way_of
    patch.setattr(policy, "way_of", lambda a: Way.EXTENSION if a.ask.extends else right(a))


def _forget_who_owes_a_review(patch: Patch) -> None:
    patch.setattr(MemoryHistory, "reviews_owed", lambda *_: ())


def _keep_what_could_be_given(patch: Patch) -> None:
    patch.setattr("bot.core.lifecycle.grants._fail", lifecycle.grants._stop)


def _ask_who_is_away(patch: Patch) -> None:
    patch.setattr("bot.service.cases.away_now", lambda _: {})


DEFECTS = (
    Defect("a worker that lost its lease writes all the same", _ignore_fences, "I7|still shows", 76),
    Defect("the cloud is not told the end", _grant_without_end, "I1"),
    Defect("what was decided is decided again", _decide_twice, "is there already|I4/I5"),
    Defect("the expiry is not put on the books", _forget_expiry, "I8"),
    Defect("a message is posted again without a look", _post_without_looking, "twice"),
    Defect("nothing is kept of a card that may be posted", _forget_what_may_be_posted, "twice"),
    Defect("nobody looks whether it is gone", _believe_in_the_removal, "I8|is said to be lost"),
    Defect("anybody approves anything", _let_anybody_approve, "I6"),
    Defect("an old code counts", _take_any_code_for_fresh, "I6"),
    Defect("the policy is not asked again at the grant", _ask_the_policy_once, "I6"),
    Defect("what a late worker put is left there", _leave_what_was_put_late, "I2/I9", 7861),
    Defect("a record is not written", _lose_a_record, "I4"),
    Defect("the cloud is called before the intent is committed", _grant_before_the_intent, "I2"),
    Defect("a removal waits for the chat", _remove_in_the_lane_of_messages, "I8"),
    Defect("a removal that fails is given up", _give_up, "I8"),
    Defect("a clock that is wrong is believed", _believe_any_clock, "clock is off"),
    Defect("a grant lasts longer than was approved", _grant_an_hour_more, "I3"),
    Defect("another policy is granted than was approved", _grant_another_policy, "I3"),
    Defect("a stray is deleted blindly", _delete_blindly, "nobody decided on"),
    Defect("a quarantine denies more than the stray allows", _deny_everything, "denies something else"),
    Defect("an alteration is overlooked", _overlook_an_alteration, "I9", 906),
    Defect("what is missing goes on being called active", _keep_quiet_about_what_is_missing, "and is not there", 549),
    Defect("what was granted is called a stray", _call_what_was_granted_a_stray, "I9"),
    Defect("a stray is settled while it is there", _settle_before_it_is_gone, "I9"),
    Defect("who has left keeps what they have", _let_leavers_keep_it, "has left, and has"),
    Defect("what goes on from something that was stopped stays", _let_go_on_what_was_stopped, "I2: .* goes on"),
    Defect("access is made longer again and again", _make_longer_for_ever, "is made longer by"),
    Defect("what makes longer begins when it is approved", _begin_anew_at_the_approval, "does not begin where"),
    Defect("what makes longer is approved by nobody", _go_on_alone_always, "is approved by nobody", 96),
    Defect("glass is broken again while a review is owed", _forget_who_owes_a_review, "owes a review", 579),
    Defect("of several targets those that can be given are kept", _keep_what_could_be_given, "I3: a target", 4034),
    Defect("who is away approves", _ask_who_is_away, "I6: .* may not (approve|review)", 102),
    Defect("who has not left loses what they have", _stop_whoever_is_suspected, "is said to have left"),
)
