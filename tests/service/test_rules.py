"""The rules of a role in the service: what it hands over to the policy, and what it does with the word."""

from dataclasses import replace
from datetime import timedelta

from bot.core.decisions import Decision
from bot.core.rules import AskRule, Caps, Escalation, Hours, Stage
from tests.core.examples import ASK, HOUR, MINUTE, NOW, actor
from tests.service.world import World, at_once, done, refused

LEADS, SECURITY = frozenset({"leads"}), frozenset({"sam"})
TWO_STAGES = (Stage(title="Lead", groups=LEADS), Stage(title="Security", people=SECURITY))


def test_stages_have_their_turn_and_both_are_wanted(world: World) -> None:
    world.change_role("s3-read", stages=TWO_STAGES)
    request = world.asked()
    early = refused(world.approve(request, "sam"))
    assert early.text == "It is the turn of Lead."
    assert done(world.approve(request, "otto")).grants == ()
    assert done(world.approve(request, "sam")).grants != ()
    world.run()
    assert [str(grant.status) for grant in world.grants(request)] == ["active"]


def test_a_stage_that_lost_its_yes_keeps_the_grant_from_starting(world: World) -> None:
    world.change_role("s3-read", stages=TWO_STAGES)
    request = world.asked()
    done(world.approve(request, "otto"))
    done(world.approve(request, "sam"))
    world.catalogue = replace(world.catalogue, groups={**world.catalogue.groups, "leads": frozenset({"mona"})})
    world.run()
    (grant,) = world.grants(request)
    assert not world.is_written(grant)
    assert "Too few of those who approved this may approve it now." in grant.end_note


def test_an_escalation_lets_others_approve_once_it_is_due(world: World) -> None:
    stage = Stage(groups=LEADS, escalate=(Escalation(HOUR, people=SECURITY),))
    world.change_role("s3-read", stages=(stage,))
    request = world.asked()
    assert "may not approve" in refused(world.approve(request, "sam")).text
    world.clock.move(HOUR)
    assert done(world.approve(request, "sam")).grants != ()


def test_whoever_is_in_the_slack_group_is_offered_the_role_and_may_ask(world: World) -> None:
    world.change_role("s3-read", ask=(AskRule(slack_groups=frozenset({"S7"})),))
    alice, bob = world.person("alice"), world.person("bob")
    world.directory.groups["S7"] = frozenset(alice.slack_ids)
    assert "s3-read" in world.access.offer_to(alice).roles
    assert "s3-read" in world.queries.home(alice).roles
    assert "s3-read" not in world.access.offer_to(bob).roles
    assert not world.access.judge(bob, replace(ASK, requester="bob")).allowed
    assert done(world.approve(world.asked())).grants != ()


def test_what_lapses_is_offered_no_more_and_does_not_start_any_more(world: World) -> None:
    rule = AskRule(people=frozenset({"alice"}), until=NOW + 6 * HOUR)
    world.change_role("s3-read", ask=(rule,))
    alice = world.person("alice")
    assert "s3-read" in world.access.offer_to(alice).roles
    later = world.scheduled(start_at=NOW + 8 * HOUR)
    assert world.granted().starts_at < NOW + HOUR
    world.later(8 * HOUR)
    assert "s3-read" not in world.access.offer_to(alice).roles
    assert not world.is_written(later)
    assert "no role 's3-read' that you may ask for" in world.grant(later.id).end_note


def test_a_yes_after_the_hours_is_refused_where_it_would_last_too_long(world: World) -> None:
    office = Hours("office", frozenset(range(5)), NOW.time(), (NOW + HOUR).time(), "UTC")
    world.catalogue = replace(world.catalogue, hours={"office": office})
    world.change_role("s3-read", hours="office", outside=10 * MINUTE)
    request = world.asked()
    world.clock.move(HOUR)
    assert "at most 10 min may begin" in refused(world.approve(request)).text


def test_a_critical_role_takes_a_code_for_the_very_request(world: World) -> None:
    world.change_role("s3-read", critical=True, stages=(Stage(manager=True, groups=LEADS, quorum=2),))
    assert not world.access.judge(world.person("alice"), ASK).allowed
    always = world.catalogue.roles["db-admin"].approve_step_up
    world.change_role("s3-read", approve_step_up=always)
    request = world.asked()
    world.prove("mona")
    assert refused(world.access.deciding.approve(request, world.person("mona"), actor("mona"))).code == "step-up"
    assert done(world.approve(request, "mona")).grants == ()
    assert done(world.approve(request, "otto")).grants != ()


def test_a_limit_counts_what_is_live_and_the_cool_down_starts_at_the_denial(world: World) -> None:
    caps = Caps(per_person=1, cool_down=timedelta(minutes=5))
    world.change_role("s3-read", caps=caps)
    alice, second = world.person("alice"), world.asked()
    world.granted()
    verdict = world.access.judge(alice, ASK)
    assert [reason.text for reason in verdict.refusals] == [
        "You have 1 live of at most 1. Wait until some of it has ended, or release what is not needed."
    ]
    # What was asked before the other was approved is refused at the click.
    assert "You have 1 live of at most 1" in refused(world.approve(second)).text
    (grant,) = world.queries.unfinished("alice")
    done(world.access.release(grant.id, alice, actor("alice")))
    world.run()
    done(world.access.deciding.deny(second, world.person("otto"), "Not now.", actor("otto")))
    assert {reason.rule for reason in world.access.judge(alice, ASK).refusals} == {"cool-down"}
    world.clock.move(timedelta(minutes=5))
    assert world.access.judge(alice, ASK).allowed


def test_two_approvals_at_once_do_not_pass_one_limit(world: World) -> None:
    world.change_role("s3-read", caps=Caps(per_person=1))
    requests = [world.asked() for _ in range(4)]
    world.prove("mona")
    outcomes = at_once(
        [lambda one=one: world.access.deciding.approve(one, world.person("mona"), actor("mona")) for one in requests]
    )
    assert sum(isinstance(outcome, Decision) for outcome in outcomes) == 1
    assert len(world.queries.unfinished("alice")) == 1


def test_one_no_denies_whatever_stage_it_comes_from_and_whoever_said_yes(world: World) -> None:
    world.change_role("s3-read", stages=TWO_STAGES)
    request = world.asked()
    done(world.approve(request, "otto"))
    done(world.access.deciding.deny(request, world.person("otto"), "On second thoughts.", actor("otto")))
    assert str(world.request(request).status) == "denied"
    early = world.asked()
    done(world.access.deciding.deny(early, world.person("sam"), "Not at all.", actor("sam")))
    assert str(world.request(early).status) == "denied"


def test_where_two_noes_are_wanted_the_second_person_denies(world: World) -> None:
    world.change_role("s3-read", stages=(Stage(manager=True, groups=LEADS, refusals=2),))
    request = world.asked()
    done(world.access.deciding.deny(request, world.person("otto"), "Why?", actor("otto")))
    assert str(world.request(request).status) == "pending"
    assert refused(world.access.deciding.deny(request, world.person("otto"), "Why?", actor("otto"))).code == "late"
    done(world.access.deciding.deny(request, world.person("mona"), "No.", actor("mona")))
    assert str(world.request(request).status) == "denied"
