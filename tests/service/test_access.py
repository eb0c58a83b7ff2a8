from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import replace
from datetime import timedelta

import pytest

from bot.core.audit import Actor, ActorKind
from bot.core.decisions import Decision, Refusal
from bot.core.model import EndReason, GrantStatus, RequestStatus, StepUpPolicy, StepUpRule
from bot.core.policy import Verdict
from bot.providers.fake import Fault
from tests.core.examples import ASK, HOUR, MINUTE, NOW, actor
from tests.service.world import World, at_once, done, refused

ADMIN = {"role": "db-admin", "params": {}, "ticket": "PAY-1"}
OPERATOR = Actor(ActorKind.OPERATOR, "root", "shell")


# --- the story -------------------------------------------------------------------------------------------


def test_asked_approved_granted_expired_and_seen_gone(world: World) -> None:
    request_id = world.asked()
    world.run()
    assert world.cloud_calls() == []

    (grant,) = done(world.approve(request_id)).grants
    assert not world.is_effective(grant)

    world.run()
    assert world.grant(grant.id).status is GrantStatus.ACTIVE
    assert world.is_effective(grant)

    world.later(HOUR)
    ended = world.grant(grant.id)
    assert (ended.status, ended.end_reason, ended.ended_at) == (
        GrantStatus.ENDED,
        EndReason.EXPIRED,
        world.clock.now(),
    )
    assert not world.is_written(grant)
    assert world.cloud_calls() == ["grant", "revoke", "observe"]
    assert world.tags() == [
        "request.submitted",
        "request.approved",
        "grant.scheduled",
        "grant.started",
        "grant.active",
        "grant.revoking",
        "grant.ended",
    ]


def test_the_log_is_gapless_and_names_who_did_what_by_which_way_in(world: World) -> None:
    grant = world.granted()
    done(world.access.release(grant.id, world.person("alice"), actor("alice")))
    world.run()
    log = world.log()
    assert [record["seq"] for record in log] == list(range(1, len(log) + 1))
    who = {record["tag"]: record["actor"]["id"] for record in log}
    assert who["request.submitted"] == who["grant.revoking"] == "alice"
    assert who["request.approved"] == "mona"
    assert who["grant.active"] == "prodaccess"
    approved = next(record for record in log if record["tag"] == "request.approved")
    assert approved["actor"] == {"kind": "person", "id": "mona", "via": "slack", "identity": "U-mona"}
    assert approved["data"]["digest"] == world.request(grant.request_id).digest()


# --- asking ----------------------------------------------------------------------------------------------


def test_what_may_not_be_asked_for_makes_no_draft_and_is_logged(world: World) -> None:
    verdict = world.access.draft(world.person("alice"), replace(ASK, role="vault"))
    assert isinstance(verdict, Verdict)
    assert world.tags() == ["request.refused"]


def test_a_mistyped_field_is_nobody_s_business(world: World) -> None:
    assert isinstance(world.access.draft(world.person("alice"), replace(ASK, reason="no")), Verdict)
    assert world.tags() == []


def test_a_draft_for_somebody_else_is_refused(world: World) -> None:
    assert isinstance(world.access.draft(world.person("bob"), ASK), Verdict)


def test_a_value_that_the_provider_cannot_use_is_refused_with_its_words(world: World) -> None:
    world.change_role(
        "s3-read", statements=(replace(world.catalogue.roles["s3-read"].statements[0], resources=("{x}",)),)
    )
    verdict = world.access.draft(world.person("alice"), ASK)
    assert isinstance(verdict, Verdict)
    assert "{x}" in verdict.refusals[0].text


def test_without_a_code_nothing_is_submitted(world: World) -> None:
    draft = world.access.draft(world.person("alice"), ASK)
    assert not isinstance(draft, Verdict)
    assert refused(world.access.submit(draft, world.person("alice"), actor("alice"))).code == "step-up"
    assert world.access.request(draft.id) is None


def test_a_code_for_a_twin_does_not_count(world: World) -> None:
    twin, draft = world.drafted(), world.access.draft(world.person("alice"), ASK)
    assert not isinstance(draft, Verdict)
    assert refused(world.access.submit(draft, world.person("alice"), actor("alice"))).code == "step-up"
    done(world.access.submit(twin, world.person("alice"), actor("alice")))


def test_a_role_without_step_up_needs_no_code(world: World) -> None:
    draft = world.access.draft(world.person("alice"), replace(ASK, role="deploy", params={}))
    assert not isinstance(draft, Verdict)
    done(world.access.submit(draft, world.person("alice"), actor("alice")))


def test_what_is_no_longer_allowed_when_the_code_comes_is_not_submitted(world: World) -> None:
    draft = world.drafted()
    world.change_role("s3-read", ask=())
    assert refused(world.access.submit(draft, world.person("alice"), actor("alice"))).code == "policy"
    world.without(roles="s3-read")
    assert refused(world.access.submit(draft, world.person("alice"), actor("alice"))).code == "gone"


def test_a_draft_is_found_by_its_owner_for_half_an_hour(world: World) -> None:
    draft = world.drafted()
    assert world.access.find_draft(draft.id, world.person("alice")) == draft
    assert world.access.find_draft(draft.id, world.person("bob")) is None
    assert world.access.find_draft("r-none", world.person("alice")) is None
    world.clock.move(30 * MINUTE)
    assert world.access.find_draft(draft.id, world.person("alice")) is None


def test_one_draft_sent_twice_is_one_request(world: World) -> None:
    draft = world.drafted()
    alice = world.person("alice")
    done(world.access.submit(draft, alice, actor("alice")))
    assert refused(world.access.submit(draft, alice, actor("alice"))).code == "late"
    assert world.tags() == ["request.submitted"]


def test_one_draft_sent_eight_times_at_once_is_one_request(crowded_world: World) -> None:
    world = crowded_world
    draft, alice = world.drafted(), world.person("alice")
    outcomes = at_once([lambda: world.access.submit(draft, alice, actor("alice"))] * 8)
    assert sum(isinstance(outcome, Decision) for outcome in outcomes) == 1
    assert {outcome.code for outcome in outcomes if isinstance(outcome, Refusal)} == {"late"}
    assert world.tags() == ["request.submitted"]


@pytest.mark.parametrize(
    ("fault", "says"), [(None, ()), (Fault.THROTTLED, ()), (Fault.REFUSED, ("preflight was refused",))]
)
def test_preflight_says_only_what_is_known(world: World, fault: Fault | None, says: tuple[str, ...]) -> None:
    draft = world.drafted()
    if fault is not None:
        world.cloud.fail("preflight", fault)
    assert world.access.preflight(draft, world.person("alice")) == says


def test_preflight_names_a_missing_principal_before_anybody_is_asked(world: World) -> None:
    draft = world.drafted()
    world.cloud.remove_principal("payments", "user/alice")
    assert world.access.preflight(draft, world.person("alice")) == ("There is no user/alice in account Payments.",)


# --- approving -------------------------------------------------------------------------------------------


def test_a_second_click_on_the_same_card_grants_nothing(world: World) -> None:
    grant = world.scheduled()
    assert refused(world.approve(grant.request_id, "mona")).code == "late"
    assert refused(world.approve(grant.request_id, "otto")).code == "late"
    assert world.grants(grant.request_id) == (grant,)


def test_an_approver_without_fresh_proof_is_asked_for_a_code_and_then_clicks_freely(world: World) -> None:
    first, second = world.asked(), world.asked(duration=2 * HOUR)
    assert refused(world.access.deciding.approve(first, world.person("mona"), actor("mona"))).code == "step-up"
    done(world.approve(first))
    done(world.access.deciding.approve(second, world.person("mona"), actor("mona")))
    third = world.asked(reason="Once more, a quarter of an hour later.")
    world.clock.move(16 * MINUTE)
    assert refused(world.access.deciding.approve(third, world.person("mona"), actor("mona"))).code == "step-up"


def test_where_each_approval_needs_its_own_code_one_for_a_twin_does_not_count(world: World) -> None:
    world.change_role("s3-read", approve_step_up=StepUpPolicy(StepUpRule.ALWAYS))
    first, twin = world.asked(), world.asked()
    done(world.approve(first))
    assert refused(world.access.deciding.approve(twin, world.person("mona"), actor("mona"))).code == "step-up"
    done(world.approve(twin))


def test_a_wrong_code_approves_nothing(world: World) -> None:
    request_id = world.asked()
    outcome = refused(
        world.access.deciding.approve_with_code(request_id, world.person("mona"), "000000", actor("mona"))
    )
    assert (outcome.code, outcome.text) == ("code", "")
    assert world.request(request_id).status is RequestStatus.PENDING


def test_a_code_does_not_make_an_approver(world: World) -> None:
    request_id = world.asked()
    for person in ("bob", "sam", "alice"):
        assert refused(world.approve(request_id, person)).code == "policy"
    assert world.request(request_id).status is RequestStatus.PENDING
    assert world.tags().count("request.refused") == 3


def test_an_approver_by_slack_group_only_while_a_member(world: World) -> None:
    request_id = world.asked(role="deploy", params={})
    world.directory.groups["S1"] = frozenset({"U5"})
    for person in ("otto", "sam"):
        assert refused(world.access.deciding.approve(request_id, world.person(person), actor(person))).code == "policy"
    done(world.access.deciding.approve(request_id, world.person("mona"), actor("mona")))


def test_nothing_is_decided_while_the_directory_is_down(world: World) -> None:
    request_id = world.asked(role="deploy", params={})
    alice, otto = world.person("alice"), world.person("otto")
    world.directory.down = True
    assert refused(world.access.deciding.approve(request_id, otto, actor("otto"))).code == "directory"
    assert refused(world.access.deciding.deny(request_id, otto, "no", actor("otto"))).code == "directory"
    verdict = world.access.draft(alice, ASK)
    assert isinstance(verdict, Verdict)
    assert [reason.rule for reason in verdict.refusals] == ["directory"]
    assert world.request(request_id).status is RequestStatus.PENDING


@pytest.mark.parametrize("how", ["refused", "unknown"])
def test_a_requester_whose_chat_account_is_no_more_is_granted_nothing(world: World, how: str) -> None:
    waiting = world.asked()
    made = world.scheduled(start_at=NOW + HOUR)
    if how == "refused":
        world.directory.change("U1", refused="This Slack account is deactivated.")
    else:
        del world.directory.users["U1"]
    assert refused(world.approve(waiting, "otto")).code == "policy"
    world.later(HOUR)
    ended = world.grant(made.id)
    assert (ended.status, ended.end_reason) == (GrantStatus.ENDED, EndReason.FAILED)
    assert world.cloud_calls() == []


@pytest.mark.parametrize("gone", [{"roles": "s3-read"}, {"people": "alice"}])
def test_who_decides_about_what_left_the_catalogue_is_told_so(world: World, gone: dict[str, str]) -> None:
    request_id, otto = world.asked(), world.person("otto")
    world.without(**gone)
    for outcome in (
        world.access.deciding.approve(request_id, otto, actor("otto")),
        world.access.deciding.deny(request_id, otto, "No.", actor("otto")),
    ):
        assert refused(outcome).code == "gone"
        assert "access.yaml" in refused(outcome).text
    assert world.request(request_id).status is RequestStatus.PENDING


@pytest.mark.parametrize("doing", ["asking", "approving"])
def test_a_reset_that_is_under_way_takes_the_proof_with_it(crowded_world: World, doing: str) -> None:
    world = crowded_world
    who = "alice" if doing == "asking" else "mona"
    draft, person = world.drafted(), world.person(who)
    if doing == "approving":
        done(world.access.submit(draft, world.person("alice"), actor("alice")))
        world.prove("mona")
    with ThreadPoolExecutor(1) as pool:
        with world.store.transaction() as tx:
            tx.remove_authenticator(who)
            tx.forget_step_ups(who)
            if doing == "asking":
                outcome = pool.submit(world.access.submit, draft, person, actor(who))
            else:
                outcome = pool.submit(world.access.deciding.approve, draft.id, person, actor(who))
            assert not wait({outcome}, timeout=1).done
        assert refused(outcome.result()).code == "step-up"


def test_the_manager_of_the_chat_s_profile_where_the_catalogue_has_none(world: World) -> None:
    world.directory.change("U2", manager="U9")
    request_id = world.asked(requester="bob", role="deploy", params={})
    assert world.request(request_id).approvers_asked == ("otto", "slack:U9")
    zoe = world.people.identify("U9")
    done(world.access.deciding.approve(request_id, zoe, actor(zoe.id)))


def test_a_quorum_takes_two_persons(world: World) -> None:
    request_id = world.asked(**ADMIN)
    assert done(world.approve(request_id, "mona")).grants == ()
    assert refused(world.approve(request_id, "mona")).code == "policy"
    assert done(world.approve(request_id, "otto")).grants != ()
    assert [approval.person for approval in world.request(request_id).approvals] == ["mona", "otto"]


def test_an_approval_after_the_lapse_is_late_though_the_timer_did_not_run(world: World) -> None:
    request_id = world.asked()
    world.clock.move(5 * HOUR)
    assert refused(world.approve(request_id)).code == "late"
    world.run()
    assert world.request(request_id).status is RequestStatus.LAPSED
    told = refused(world.approve(request_id))
    assert (told.code, told.text) == ("late", "This request is already lapsed.")


def test_eight_approvals_at_once_make_one_grant(crowded_world: World) -> None:
    world = crowded_world
    request_id = world.asked()
    for person in ("mona", "otto"):
        world.prove(person)
    mona, otto = world.person("mona"), world.person("otto")
    outcomes = at_once(
        [
            lambda: world.access.deciding.approve(request_id, mona, actor("mona")),
            lambda: world.access.deciding.approve(request_id, otto, actor("otto")),
        ]
        * 4
    )
    assert sum(isinstance(outcome, Decision) for outcome in outcomes) == 1
    assert len(world.grants(request_id)) == 1
    assert world.tags("request.approv") == ["request.approved"]


def test_one_person_s_clicks_at_once_are_one_of_two_voices(crowded_world: World) -> None:
    world = crowded_world
    request_id = world.asked(**ADMIN)
    mona = world.person("mona")
    world.prove("mona", world.request(request_id).digest())
    at_once([lambda: world.access.deciding.approve(request_id, mona, actor("mona"))] * 6)
    assert [approval.person for approval in world.request(request_id).approvals] == ["mona"]
    assert world.grants(request_id) == ()


@pytest.mark.parametrize("_round", range(3))
def test_of_yes_no_and_never_mind_at_once_one_counts(crowded_world: World, _round: int) -> None:
    world = crowded_world
    request_id = world.asked()
    world.prove("mona")
    alice, mona, otto = (world.person(name) for name in ("alice", "mona", "otto"))
    outcomes = at_once(
        [
            lambda: world.access.deciding.approve(request_id, mona, actor("mona")),
            lambda: world.access.deciding.deny(request_id, otto, "Not now, please.", actor("otto")),
            lambda: world.access.cancel(request_id, alice, actor("alice")),
        ]
    )
    assert sum(isinstance(outcome, Decision) for outcome in outcomes) == 1
    request = world.request(request_id)
    assert bool(world.grants(request_id)) == (request.status is RequestStatus.APPROVED)
    assert len([tag for tag in world.tags("request.") if tag != "request.submitted"]) == 1


# --- denying, cancelling, lapsing ------------------------------------------------------------------------


def test_an_approver_denies_with_a_reason_and_without_a_code(world: World) -> None:
    request_id = world.asked()
    done(world.access.deciding.deny(request_id, world.person("otto"), "Use the replica.", actor("otto")))
    request = world.request(request_id)
    assert (request.status, request.decided_by, request.decision_note) == (
        RequestStatus.DENIED,
        "otto",
        "Use the replica.",
    )
    assert refused(world.approve(request_id)).code == "late"


@pytest.mark.parametrize("person", ["alice", "bob", "sam"])
def test_who_may_not_approve_may_not_deny(world: World, person: str) -> None:
    request_id = world.asked()
    assert refused(world.access.deciding.deny(request_id, world.person(person), "No.", actor(person))).code == "policy"


def test_the_requester_takes_it_back_and_nobody_else(world: World) -> None:
    request_id = world.asked()
    assert refused(world.access.cancel(request_id, world.person("mona"), actor("mona"))).code == "policy"
    done(world.access.cancel(request_id, world.person("alice"), actor("alice")))
    assert world.request(request_id).status is RequestStatus.CANCELLED
    assert refused(world.approve(request_id)).code == "late"


def test_a_request_lapses_and_then_absorbs_everything(world: World) -> None:
    request_id = world.asked()
    world.later(4 * HOUR - MINUTE)
    assert world.request(request_id).status is RequestStatus.PENDING
    world.later(MINUTE)
    assert world.request(request_id).status is RequestStatus.LAPSED
    assert refused(world.access.deciding.deny(request_id, world.person("otto"), "No.", actor("otto"))).code == "late"
    assert refused(world.access.cancel(request_id, world.person("alice"), actor("alice"))).code == "late"
    assert [tag for tag in world.tags() if tag != "request.reminded"] == ["request.submitted", "request.lapsed"]


def test_what_is_not_there_is_unknown_and_leaves_no_trace(world: World) -> None:
    alice, who = world.person("alice"), actor("alice")
    outcomes = [
        world.access.deciding.approve("r-0", alice, who),
        world.access.deciding.approve_with_code("r-0", alice, "123456", who),
        world.access.deciding.deny("r-0", alice, "No.", who),
        world.access.cancel("r-0", alice, who),
        world.access.release("g-0", alice, who),
        world.access.revoke("g-0", alice, who, "Stop."),
        world.access.revoke("g-0", None, OPERATOR, "Stop."),
    ]
    assert [refused(outcome).code for outcome in outcomes] == ["unknown"] * 7
    assert world.tags() == []


# --- stopping --------------------------------------------------------------------------------------------


def test_the_holder_releases_and_it_is_gone(world: World) -> None:
    grant = world.granted()
    done(world.access.release(grant.id, world.person("alice"), actor("alice")))
    world.run()
    ended = world.grant(grant.id)
    assert (ended.status, ended.end_reason, ended.ended_by) == (GrantStatus.ENDED, EndReason.RELEASED, "alice")
    assert not world.is_written(grant)


@pytest.mark.parametrize("person", ["bob", "mona", "sam"])
def test_nobody_releases_for_another(world: World, person: str) -> None:
    grant = world.granted()
    assert refused(world.access.release(grant.id, world.person(person), actor(person))).code == "policy"
    assert world.is_effective(grant)


@pytest.mark.parametrize("person", ["sam", "mona", "otto"])
def test_an_admin_or_an_approver_revokes_at_once_without_a_code(world: World, person: str) -> None:
    grant = world.granted()
    assert world.access.may_revoke(grant.id, world.person(person))
    done(world.access.revoke(grant.id, world.person(person), actor(person), "Odd traffic."))
    world.run()
    ended = world.grant(grant.id)
    assert (ended.end_reason, ended.ended_by, ended.end_note) == (EndReason.REVOKED, person, "Odd traffic.")
    assert not world.is_written(grant)


@pytest.mark.parametrize("person", ["alice", "bob"])
def test_others_may_not_revoke(world: World, person: str) -> None:
    grant = world.granted()
    assert not world.access.may_revoke(grant.id, world.person(person))
    assert refused(world.access.revoke(grant.id, world.person(person), actor(person), "Mine!")).code == "policy"
    assert world.is_effective(grant)


def test_an_operator_revokes_with_slack_down_and_the_role_gone(world: World) -> None:
    grant = world.granted()
    world.directory.down = True
    world.without(roles="s3-read")
    done(world.access.revoke(grant.id, None, OPERATOR, "Incident."))
    world.run()
    assert world.grant(grant.id).status is GrantStatus.ENDED
    assert not world.is_written(grant)


def test_an_admin_revokes_what_the_catalogue_no_longer_knows(world: World) -> None:
    grant = world.granted()
    world.without(roles="s3-read", people="alice")
    done(world.access.revoke(grant.id, world.person("sam"), actor("sam"), "She left."))
    world.run()
    assert not world.is_written(grant)


def test_a_second_revocation_is_told_that_it_is_under_way_and_then_over(world: World) -> None:
    grant = world.granted()
    done(world.access.revoke(grant.id, None, OPERATOR, "Stop."))
    assert (
        refused(world.access.revoke(grant.id, None, OPERATOR, "Stop.")).text == "This access is already being removed."
    )
    world.run()
    assert refused(world.access.revoke(grant.id, None, OPERATOR, "Stop.")).text == "This access has ended."
    assert world.grant(grant.id).end_reason is EndReason.REVOKED


def test_release_revoke_and_expiry_at_once_end_it_once(crowded_world: World) -> None:
    world = crowded_world
    grant = world.granted()
    alice, sam = world.person("alice"), world.person("sam")
    world.clock.move(grant.expires_at - world.clock.now() + timedelta(seconds=1))
    calls: list[Callable[[], object]] = [
        lambda: world.access.release(grant.id, alice, actor("alice")),
        lambda: world.access.revoke(grant.id, sam, actor("sam"), "Stop."),
        world.run,
        world.run,
    ]
    at_once(calls)
    world.run()
    assert world.grant(grant.id).status is GrantStatus.ENDED
    assert not world.is_written(grant)
    assert world.tags("grant.")[-2:] == ["grant.revoking", "grant.ended"]
    assert world.tags("grant.").count("grant.revoking") == 1
