"""Access that nobody approved: what goes without a word, broken glass, and the review that is owed for it."""

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest

from bot.core.decisions import Decision, Outcome, Refusal
from bot.core.model import Ask, Item, Person, Review, StepUpPolicy, StepUpRule, Way
from bot.core.policy import Verdict
from bot.core.rules import Auto, BreakGlass, Stage
from bot.service.alarms import Alarms
from bot.service.cards import Notice, RequestCard
from bot.service.chat import Card
from bot.service.effects import LEASE, LostLease
from tests.core.examples import ASK, DAY, HOUR, MINUTE, NOW, actor
from tests.databases import someone_waits, until
from tests.service.fakes import FakeChat
from tests.service.world import World, at_once, done, refused

SECURITY, SAM, OTTO, MONA, ALICE = "C-SECURITY", "@U5", "@U4", "@U3", "@U1"
LEADS = frozenset({"leads"})
GLASS = replace(ASK, break_glass=True)


SELF = "Nobody reviews their own access. Somebody else has to look at it."
NOT_YOURS = "Only an admin or one of the role's approvers reviews this access."


@pytest.fixture
def glass(world: World) -> World:
    """Where the manager or a lead is asked, and glass may be broken."""
    world.change_role("s3-read", break_glass=BreakGlass())
    return world


@pytest.fixture(params=["world", "crowded_world"], ids=["sqlite", "postgresql"])
def either(request: pytest.FixtureRequest) -> World:
    """On each database in turn."""
    world: World = request.getfixturevalue(request.param)
    return world


def broken(world: World) -> str:
    """A request's id; the access is there."""
    request_id = world.asked(break_glass=True)
    world.run()
    assert [str(grant.status) for grant in world.grants(request_id)] == ["active"]
    return request_id


def review(world: World, request_id: str, by: str, note: str = "") -> Outcome:
    return world.reviews.review(request_id, world.person(by), actor(by), objects=bool(note), note=note)


def cards(world: World, destination: str) -> list[RequestCard]:
    """What each message of a request's card shows by now."""
    newest = [message.shows[-1] for message in world.chat.to(destination)]
    return [card for card in newest if isinstance(card, RequestCard)]


def kinds(world: World, destination: str) -> list[str]:
    return [card.audience for card in cards(world, destination)]


# --- broken glass ----------------------------------------------------------------------------------------


def test_broken_glass_is_told_at_once_where_security_looks_and_asks_no_approver(glass: World) -> None:
    request_id = broken(glass)
    glass.run("chat")
    assert (kinds(glass, SECURITY), kinds(glass, SAM)) == (["alarm"], ["alarm"])
    assert (kinds(glass, "C-APPROVERS"), kinds(glass, ALICE)) == (["approvers"], ["own"])
    assert (kinds(glass, OTTO), kinds(glass, MONA)) == ([], [])
    assert glass.tags("request.") == ["request.submitted", "request.glass-broken", "request.approved"]
    assert glass.request(request_id).way is Way.BREAK_GLASS


def test_it_takes_a_code_whatever_the_role_says(world: World) -> None:
    never = StepUpPolicy(StepUpRule.NEVER)
    world.change_role("s3-read", break_glass=BreakGlass(), ask_step_up=never)
    draft = world.access.draft(world.person("alice"), GLASS)
    assert not isinstance(draft, Verdict)
    assert refused(world.access.submit(draft, world.person("alice"), actor("alice"))).code == "step-up"
    assert world.tags("request.") == []


def test_an_alarm_is_posted_once_though_the_answers_are_lost(glass: World) -> None:
    broken(glass)
    for destination in (SECURITY, SAM):
        glass.chat.fail(destination, passing=True, after=True, times=2)
    for _ in range(5):
        glass.later(MINUTE, "chat")
    assert (kinds(glass, SECURITY), kinds(glass, SAM)) == (["alarm"], ["alarm"])


def test_an_alarm_whose_worker_died_is_posted_once_by_the_next(glass: World) -> None:
    broken(glass)
    dead = glass.claim("chat.alarm")
    glass.alarms.alarm(replace(dead, lease_until=glass.clock.now()))
    glass.later(LEASE, "chat")
    with pytest.raises(LostLease):
        glass.alarms.alarm(dead)
    assert (kinds(glass, SECURITY), kinds(glass, SAM)) == (["alarm"], ["alarm"])


def test_the_review_of_several_targets_is_due_when_the_first_of_them_wants_it(glass: World) -> None:
    glass.change_role("deploy", break_glass=BreakGlass(review_within=6 * HOUR))
    request_id = glass.asked(break_glass=True, more=(Item("deploy", "payments"),))
    request = glass.request(request_id)
    assert request.review == Review(request.asked_at + 6 * HOUR)


class Meanwhile(FakeChat):
    """Something else happens while a message is on its way."""

    def __init__(self, first: FakeChat, then: Callable[[], object]) -> None:
        super().__init__(messages=first.messages, _refs=first._refs)
        self.then: Callable[[], object] = then

    def post(self, destination: str, card: Card, key: str, *, maybe_posted: bool) -> tuple[str, str]:
        then, self.then = self.then, lambda: None
        then()
        return super().post(destination, card, key, maybe_posted=maybe_posted)


def test_what_changes_while_the_alarm_is_on_its_way_is_shown_by_it_too(glass: World) -> None:
    request_id = broken(glass)
    claims = {claim.kind: claim for claim in glass.store.claim("chat", 100, LEASE)}
    alarm = claims.pop("chat.alarm")
    assert all(glass.runner.run(claim) for claim in claims.values())

    def reviewed() -> None:
        done(review(glass, request_id, "otto"))
        glass.run("chat")

    chat = Meanwhile(glass.chat, reviewed)
    Alarms(glass.store, glass.queries, chat, glass.reviews).alarm(alarm)
    glass.run("chat")
    assert [_said(card) for card in (*cards(glass, SECURITY), *cards(glass, SAM))] == ["otto", "otto"]


def test_every_copy_shows_what_became_of_it(glass: World) -> None:
    request_id = broken(glass)
    glass.later(HOUR, "access", "chat")
    done(review(glass, request_id, "otto"))
    glass.run("chat")
    everywhere = [card for place in (SECURITY, SAM, OTTO, "C-APPROVERS", ALICE) for card in cards(glass, place)]
    assert [card.audience for card in everywhere] == [
        *("alarm", "alarm", "reminder-1", "reminder-1", "approvers", "own")
    ]
    assert {_said(card) for card in everywhere} == {"otto"}
    assert {str(grant.status) for card in everywhere for grant in card.grants} == {"ended"}


def _said(card: RequestCard) -> str:
    assert card.request.review is not None
    return card.request.review.by


# --- the review ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("who", ["sam", "mona", "otto"], ids=["an admin", "the manager", "a lead"])
def test_an_admin_or_an_approver_reviews_it(glass: World, who: str) -> None:
    request_id = broken(glass)
    assert done(review(glass, request_id, who)).events[0].tag == "request.reviewed"
    found = glass.request(request_id).review
    assert found is not None
    assert (found.by, found.objects) == (who, False)


@pytest.mark.parametrize(("who", "why"), [("alice", SELF), ("alter", SELF), ("bob", NOT_YOURS)])
def test_nobody_else_does_and_least_of_all_who_broke_it(glass: World, who: str, why: str) -> None:
    # Alice's other account, which is an admin's.
    alter = Person("alter", "Alice A", "ALICE@example.com", frozenset({"U77"}))
    glass.catalogue = replace(
        glass.catalogue, people={**glass.catalogue.people, "alter": alter}, admins=frozenset({"sam", "alter", "alice"})
    )
    request_id = broken(glass)
    person = alter if who == "alter" else glass.person(who)
    refusal = refused(glass.reviews.review(request_id, person, actor(who), objects=False))
    assert (refusal.code, refusal.text) == ("policy", why)
    assert glass.tags("request.re") == ["request.refused"]
    assert glass.request(request_id).review == Review(glass.request(request_id).asked_at + DAY)


def test_the_first_word_counts(glass: World) -> None:
    request_id = broken(glass)
    done(review(glass, request_id, "otto"))
    assert refused(review(glass, request_id, "sam", "No.")).code == "late"
    assert glass.tags("request.re") == ["request.reviewed"]


def test_of_two_words_at_once_one_counts(either: World) -> None:
    either.change_role("s3-read", break_glass=BreakGlass())
    request_id = broken(either)
    said = at_once([lambda by=by: review(either, request_id, by) for by in ("otto", "sam", "mona")])
    assert sum(isinstance(each, Decision) for each in said) == 1
    assert either.tags("request.re") == ["request.reviewed"]


def test_an_objection_says_why_and_is_told_to_the_requester_and_the_channel(glass: World) -> None:
    request_id = broken(glass)
    nothing = glass.reviews.review(request_id, glass.person("otto"), actor("otto"), objects=True, note=" ")
    assert refused(nothing).code == "note"
    done(review(glass, request_id, "otto", "It could have waited."))
    glass.run("chat")
    assert Counter(kinds(glass, SECURITY)) == {"alarm": 1, "objection": 1}
    told = [card for message in glass.chat.to(ALICE) for card in message.shows if isinstance(card, Notice)]
    notes = {notice.request.review.note for notice in told if notice.what == "reviewed" and notice.request.review}
    assert notes == {"It could have waited."}


def test_without_the_directory_an_admin_reviews_and_an_approver_waits(glass: World) -> None:
    request_id, sam, otto = broken(glass), glass.person("sam"), glass.person("otto")
    glass.directory.down = True
    assert refused(glass.reviews.review(request_id, otto, actor("otto"), objects=False)).code == "directory"
    done(glass.reviews.review(request_id, sam, actor("sam"), objects=False))


def test_an_admin_reviews_what_is_in_the_catalogue_no_more(glass: World) -> None:
    request_id = broken(glass)
    glass.without(people="alice", roles="s3-read")
    done(review(glass, request_id, "sam"))


# --- while it is owed ------------------------------------------------------------------------------------


def test_who_owes_a_review_breaks_no_glass_until_it_is_given(glass: World) -> None:
    request_id = broken(glass)
    verdict = glass.access.draft(glass.person("alice"), GLASS)
    assert isinstance(verdict, Verdict)
    (refusal,) = verdict.refusals
    assert refusal.text == f"Your break-glass {request_id} has to be reviewed first. Ask an approver instead."
    glass.later(2 * DAY)
    assert not glass.access.judge(glass.person("alice"), GLASS).allowed
    done(review(glass, request_id, "otto", "It could have waited."))
    assert glass.access.judge(glass.person("alice"), GLASS).allowed


def test_glass_broken_twice_at_once_is_broken_once(either: World) -> None:
    either.change_role("s3-read", break_glass=BreakGlass())
    drafts, alice = [either.drafted(GLASS) for _ in range(3)], either.person("alice")
    outcomes = at_once([lambda one=one: either.access.submit(one, alice, actor("alice")) for one in drafts])
    assert sum(isinstance(each, Decision) for each in outcomes) == 1
    assert {each.code for each in outcomes if isinstance(each, Refusal)} == {"policy"}
    assert either.tags("request.glass") == ["request.glass-broken"]


def test_reviewers_are_reminded_with_growing_gaps_and_then_it_is_overdue(glass: World) -> None:
    broken(glass)
    seen = []
    for hour in range(1, 73):
        glass.later(HOUR, "access", "chat")
        seen += [(hour, kind) for kind in kinds(glass, SAM) if kind not in {"alarm", *(kind for _, kind in seen)}]
    assert seen == [
        *((1, "reminder-1"), (4, "reminder-2"), (12, "reminder-3"), (20, "reminder-4")),
        *((24, "overdue-5"), (48, "overdue-6"), (72, "overdue-7")),
    ]
    assert kinds(glass, MONA) == kinds(glass, OTTO) == [f"reminder-{number}" for number in range(1, 5)]
    assert kinds(glass, SECURITY) == ["alarm", "overdue-5", "overdue-6", "overdue-7"]
    assert glass.tags("review.") == ["review.overdue"]
    assert glass.tags("request.reminded") == ["request.reminded"] * 7


def test_after_days_of_silence_it_is_said_once(glass: World) -> None:
    broken(glass)
    glass.later(3 * DAY, "access", "chat")
    assert (kinds(glass, SAM), glass.tags("review.")) == (["alarm", "overdue-7"], ["review.overdue"])


def test_once_it_is_reviewed_nobody_is_reminded(glass: World) -> None:
    request_id = broken(glass)
    glass.later(HOUR)
    # Said, and not yet told to anybody.
    done(review(glass, request_id, "otto"))
    glass.later(3 * DAY, "access", "chat")
    assert (kinds(glass, SAM), kinds(glass, MONA), glass.tags("review.")) == (["alarm"], [], [])


def test_a_reminder_whose_worker_died_is_said_once_by_the_next(glass: World) -> None:
    broken(glass)
    glass.clock.move(HOUR)
    dead = glass.claim("request.review")
    glass.later(LEASE, "access", "chat")
    glass.reviews.remind(dead)
    glass.run("chat")
    assert (kinds(glass, MONA), glass.tags("request.reminded")) == (["reminder-1"], ["request.reminded"])


def test_who_broke_the_glass_is_reminded_of_nothing_though_an_admin(glass: World) -> None:
    glass.catalogue = replace(glass.catalogue, admins=frozenset({"sam", "alice"}))
    broken(glass)
    glass.later(HOUR, "access", "chat")
    assert [kind for kind in kinds(glass, ALICE) if kind.startswith("reminder")] == []
    assert "reminder-1" in kinds(glass, SAM)


def test_the_summary_tells_what_went_without_an_approver_and_what_is_owed(glass: World) -> None:
    first = broken(glass)
    glass.later(DAY)
    sections = dict(glass.queries.summary(NOW, glass.clock.now(), "UTC").sections)
    (line,) = sections["Broken glass"]
    assert (line.person, line.id, "not reviewed yet: The nightly" in line.text) == ("alice", first, True)
    assert [(each.id, "OVERDUE since 2026-11-24 10:" in each.text) for each in sections["Reviews owed"]] == [
        (first, True)
    ]
    assert [request.id for request in glass.reviews.overdue()] == [first]
    done(review(glass, first, "otto", "It could have waited."))
    sections = dict(glass.queries.summary(NOW, glass.clock.now(), "UTC").sections)
    assert [(each.by, "objection: It could" in each.text) for each in sections["Broken glass"]] == [(("otto",), True)]
    assert (sections["Reviews owed"], glass.reviews.overdue()) == ((), ())


# --- without a word --------------------------------------------------------------------------------------


def test_the_budget_is_used_up_and_then_the_approvers_are_asked(world: World) -> None:
    world.change_role("s3-read", auto=Auto(2, DAY))
    ways = [world.request(world.asked()).way for _ in range(3)]
    assert ways == [Way.AUTOMATIC, Way.AUTOMATIC, Way.APPROVERS]
    world.later(DAY)
    assert world.request(world.asked()).way is Way.AUTOMATIC


def test_it_says_on_what_grounds_and_asks_nobody(world: World) -> None:
    world.change_role("s3-read", auto=Auto(1, DAY))
    request_id = world.asked()
    world.run()
    world.run("chat")
    assert [str(grant.status) for grant in world.grants(request_id)] == ["active"]
    assert (kinds(world, "C-APPROVERS"), kinds(world, ALICE)) == (["approvers"], ["own"])
    assert (kinds(world, OTTO), kinds(world, MONA), kinds(world, SECURITY)) == ([], [], [])
    (record,) = [each for each in world.log() if each["tag"] == "request.approved"]
    assert (record["data"]["way"], record["data"]["why"]) == (
        "automatic",
        ["Had without a word 0 of at most 1 times in 1 d."],
    )
    assert cards(world, ALICE)[0].request.decision_note == "Had without a word 0 of at most 1 times in 1 d."
    (line,) = dict(world.queries.summary(NOW, world.clock.now() + MINUTE, "UTC").sections)["Without a word"]
    assert (line.id, "0 of at most 1 times" in line.text) == (request_id, True)


def test_two_at_once_do_not_pass_one_budget(either: World) -> None:
    either.change_role("s3-read", auto=Auto(1, DAY))
    drafts, alice = [either.drafted() for _ in range(4)], either.person("alice")
    for outcome in at_once([lambda one=one: either.access.submit(one, alice, actor("alice")) for one in drafts]):
        done(outcome)
    ways = Counter(either.request(draft.id).way for draft in drafts)
    assert ways == {Way.AUTOMATIC: 1, Way.APPROVERS: 3}


@pytest.mark.parametrize(
    ("rules", "ask"),
    [({"break_glass": BreakGlass()}, GLASS), ({"auto": Auto(1, DAY)}, ASK)],
    ids=["reviews owed", "a budget"],
)
def test_what_is_counted_for_a_person_waits_for_their_other_requests(
    crowded_world: World, postgres_url: str, rules: dict[str, Any], ask: Ask
) -> None:
    world = crowded_world
    world.change_role("s3-read", **rules)
    draft, alice = world.drafted(ask), world.person("alice")
    with ThreadPoolExecutor(1) as threads:
        with world.store.transaction() as tx:
            tx.guard(["person:alice"])
            sent = threads.submit(lambda: world.access.submit(draft, alice, actor("alice")))
            until(lambda: sent.done() or someone_waits(postgres_url))
            assert not sent.done()
        done(sent.result())


@pytest.mark.parametrize(
    "changes",
    [{"auto": None}, {"sensitive": True}, {"auto": Auto(3, DAY, severities=frozenset({"sev1"}))}],
    ids=["asked for by all", "sensitive", "in an incident"],
)
def test_what_would_not_go_without_a_word_any_more_does_not_start(world: World, changes: dict[str, Any]) -> None:
    world.change_role("s3-read", auto=Auto(3, DAY))
    request_id = world.asked(start_at=NOW + HOUR)
    world.change_role("s3-read", **changes)
    world.later(HOUR)
    (grant,) = world.grants(request_id)
    assert not world.is_written(grant)
    assert grant.end_note == "It would not be approved without a word any more. Ask again."


def test_a_sensitive_role_is_never_given_without_a_word(world: World) -> None:
    world.change_role("s3-read", auto=Auto(5, DAY), sensitive=True)
    request_id = world.asked()
    assert (world.request(request_id).way, world.grants(request_id)) == (Way.APPROVERS, ())


def test_of_a_critical_role_no_glass_is_broken(world: World) -> None:
    stage = Stage(manager=True, groups=LEADS, quorum=2)
    world.change_role("s3-read", stages=(stage,), critical=True, break_glass=BreakGlass())
    assert not world.access.judge(world.person("alice"), GLASS).allowed


# --- on people's pages -----------------------------------------------------------------------------------


def to_review(world: World, person: str) -> list[str]:
    return [request.id for request in world.queries.home(world.person(person)).to_review]


def test_a_page_says_whose_review_is_owed_and_to_whom_it_falls(glass: World) -> None:
    request_id = broken(glass)
    assert [each.id for each in glass.queries.home(glass.person("alice")).owes_review] == [request_id]
    assert all(not glass.queries.home(glass.person(who)).owes_review for who in ("bob", "otto", "sam"))
    assert {who: to_review(glass, who) for who in ("alice", "bob", "mona", "otto", "sam")} == {
        "alice": [],
        "bob": [],
        "mona": [request_id],
        "otto": [request_id],
        "sam": [request_id],
    }
    done(review(glass, request_id, "otto"))
    assert to_review(glass, "sam") == to_review(glass, "otto") == []
    assert glass.queries.home(glass.person("alice")).owes_review == ()


def test_what_is_to_be_reviewed_first_stands_first(glass: World) -> None:
    glass.change_role("deploy", break_glass=BreakGlass(review_within=HOUR))
    late = broken(glass)
    soon = glass.asked(requester="bob", role="deploy", params={}, break_glass=True)
    assert to_review(glass, "sam") == [soon, late]


def test_whoever_may_not_approve_it_any_more_has_nothing_to_review(glass: World) -> None:
    request_id = broken(glass)
    glass.change_role("s3-read", stages=(Stage(groups=LEADS),), break_glass=BreakGlass())
    assert (to_review(glass, "mona"), to_review(glass, "otto")) == ([], [request_id])
    glass.directory.down = True
    sam, otto = glass.catalogue.people["sam"], glass.catalogue.people["otto"]
    assert [[each.id for each in glass.queries.home(who).to_review] for who in (sam, otto)] == [[request_id], []]


def test_reviewers_pages_are_brought_up_to_date_when_it_is_owed_and_when_it_is_given(glass: World) -> None:
    for person in ("sam", "otto", "bob"):
        glass.opens_home(person)
    request_id = broken(glass)
    glass.run("chat")
    assert {chat_id for chat_id, _ in glass.chat.homes} == {SAM.removeprefix("@"), OTTO.removeprefix("@")}
    assert all([each.id for each in home.to_review] == [request_id] for _, home in glass.chat.homes)
    glass.chat.homes.clear()
    done(review(glass, request_id, "mona"))
    glass.run("chat")
    assert {chat_id: home.to_review for chat_id, home in glass.chat.homes} == {"U4": (), "U5": ()}
